//! Mackey-Glass: a delay differential equation, mildly chaotic.

use super::{Steps, check};
use crate::{Dataset, TaskError};
use ndarray::Array2;
use ran_seed::RngStream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The Mackey-Glass series dx/dt = 0.2·x(t−τ) / (1 + x(t−τ)¹⁰) − 0.1·x, sampled at every unit of time; x is due `horizon`
/// units later.
///
/// Integrated by the fourth-order Runge-Kutta method in steps of 0.1, with the delayed value between two steps from the
/// cubic through their values and slopes. The history before t = 0 is constant, 1.2 ± 0.1 as the seed draws it, and
/// the first 1,000 units are thrown away.
///
/// ```toml
/// [task]
/// name = "mackey-glass"
/// tau = 17
/// horizon = 84
/// ```
///
/// Source: Mackey and Glass, "Oscillation and chaos in physiological control systems", Science 197 (1977); as a
/// benchmark: Jaeger, GMD report 148 (2001).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MackeyGlassConfig {
    /// The delay τ (default 17, mildly chaotic; 30 is wilder).
    pub tau: usize,
    /// How many units of time later x is due (default 1).
    pub horizon: usize,
    /// How many steps in front are not scored (default 100).
    pub warm_up: usize,
    /// How many training steps are scored (default 2,000).
    pub train: usize,
    /// How many validation steps are scored (default 500).
    pub valid: usize,
    /// How many test steps are scored (default 1,000).
    pub test: usize,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
}

impl Default for MackeyGlassConfig {
    fn default() -> Self {
        Self {
            tau: 17,
            horizon: 1,
            warm_up: 100,
            train: 2_000,
            valid: 500,
            test: 1_000,
            standardise: true,
        }
    }
}

/// Steps of the integration per unit of time.
const PER_UNIT: usize = 10;
const THROWN_AWAY: usize = 1_000;

impl MackeyGlassConfig {
    pub(crate) const NAME: &'static str = "mackey-glass";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let steps = Steps::of(Self::NAME, self.warm_up, self.train, self.valid, self.test)?;
        check(Self::NAME, "tau", self.tau, 1..=1_000)?;
        check(Self::NAME, "horizon", self.horizon, 1..=100_000)?;
        let history = 1.2 + RngStream::TrainData.rng(seed).random_range(-0.1..0.1);
        let count = steps.sum() + self.horizon;
        let values = integrate(self.tau, history, THROWN_AWAY + count);
        let values = Array2::from_shape_fn((count, 1), |(step, _)| values[THROWN_AWAY + step]);
        Ok(steps.forecast(Self::NAME, &values, self.horizon, self.standardise))
    }
}

/// x at t = 0, 1, …, `count` − 1, from a constant history.
fn integrate(tau: usize, history: f64, count: usize) -> Vec<f64> {
    let delay = tau * PER_UNIT;
    let h = 1.0 / PER_UNIT as f64;
    let slope = |x: f64, delayed: f64| 0.2 * delayed / (1.0 + delayed.powi(10)) - 0.1 * x;
    let (mut xs, mut slopes) = (vec![history; delay + 1], vec![0.0; delay]);
    for _ in 0..(count - 1) * PER_UNIT {
        let now = xs.len() - 1;
        let x = xs[now];
        let (old, older) = (xs[now - delay + 1], xs[now - delay]);
        slopes.push(slope(x, older));
        // Half-way, the cubic through both values and slopes; at t = 0 the series has a kink, so the history's last
        // stretch must not see the slope that begins there.
        let bend = h / 8.0 * (slopes[now - delay] - slopes[now - delay + 1]);
        let middle = (older + old) / 2.0 + if now < 2 * delay { 0.0 } else { bend };
        let k1 = slope(x, older);
        let k2 = slope(x + h / 2.0 * k1, middle);
        let k3 = slope(x + h / 2.0 * k2, middle);
        let k4 = slope(x + h * k3, old);
        xs.push(x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4));
    }
    xs[delay..].iter().copied().step_by(PER_UNIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_constant_at_the_fixed_point_stays_there() {
        // 0.2 x / (1 + x^10) = 0.1 x at x = 1.
        let values = integrate(17, 1.0, 50);
        assert!(values.iter().all(|x| (x - 1.0).abs() < 1e-12));
    }

    #[test]
    fn before_the_first_delay_the_exact_solution_is_known() {
        // While the delayed value is the constant c, x(t) = (c − a) e^(−t/10) + a with a = 2c / (1 + c^10).
        let (c, values) = (1.2_f64, integrate(17, 1.2, 18));
        let a = 2.0 * c / (1.0 + c.powi(10));
        for (t, value) in values.iter().enumerate() {
            assert_relative_eq!(
                *value,
                (c - a) * (-0.1 * t as f64).exp() + a,
                epsilon = 1e-9
            );
        }
    }

    #[test]
    fn the_series_moves_in_its_known_range() {
        for (tau, low, high) in [(17, 0.2, 1.4), (30, 0.1, 1.5)] {
            let values = integrate(tau, 1.2, 3_000);
            let tail = &values[1_000..];
            assert!(tail.iter().all(|x| (low..high).contains(x)), "{tau}");
            let mean = tail.iter().sum::<f64>() / tail.len() as f64;
            assert!((0.8..1.0).contains(&mean), "{mean}");
        }
    }

    #[test]
    fn the_target_is_the_input_of_h_steps_later() {
        let config = MackeyGlassConfig {
            horizon: 6,
            standardise: false,
            ..Default::default()
        };
        let train = &config.load(0).unwrap().train[0];
        assert_eq!(train.targets[[0, 0]], train.inputs[[106, 0]]);
    }
}

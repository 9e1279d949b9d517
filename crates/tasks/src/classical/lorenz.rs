//! Lorenz: three equations, chaotic.

use super::{Steps, check};
use crate::{Dataset, TaskError};
use ndarray::Array2;
use ran_seed::RngStream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The Lorenz system ẋ = 10(y − x), ẏ = x(28 − z) − y, ż = xy − 8z/3; all three are due `horizon` steps later.
///
/// Integrated by the fourth-order Runge-Kutta method, one step of `step` per row, from (1, 1, 1) ± 0.5 as the seed draws
/// it; the first 1,000 steps are thrown away. The [valid steps](crate::scores::valid_steps) of a free-running forecast, times `step`
/// and [`LorenzConfig::EXPONENT`], are its valid prediction time.
///
/// ```toml
/// [task]
/// name = "lorenz"
/// horizon = 1
/// ```
///
/// Source: Lorenz, "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20 (1963).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LorenzConfig {
    /// The time between rows (default 0.02; at most 0.05).
    pub step: f64,
    /// How many steps later the state is due (default 1).
    pub horizon: usize,
    /// How many steps in front are not scored (default 100).
    pub warm_up: usize,
    /// How many training steps are scored (default 4,000).
    pub train: usize,
    /// How many validation steps are scored (default 500).
    pub valid: usize,
    /// How many test steps are scored (default 1,000).
    pub test: usize,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
}

impl Default for LorenzConfig {
    fn default() -> Self {
        Self {
            step: 0.02,
            horizon: 1,
            warm_up: 100,
            train: 4_000,
            valid: 500,
            test: 1_000,
            standardise: true,
        }
    }
}

const THROWN_AWAY: usize = 1_000;

impl LorenzConfig {
    /// The largest Lyapunov exponent, in the inverse unit of time.
    pub const EXPONENT: f64 = 0.9056;

    pub(crate) const NAME: &'static str = "lorenz";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let steps = Steps::of(Self::NAME, self.warm_up, self.train, self.valid, self.test)?;
        check(Self::NAME, "horizon", self.horizon, 1..=100_000)?;
        if !(self.step > 0.0 && self.step <= 0.05) {
            let problem = format!(
                "{} is not allowed; more than 0 and at most 0.05 is",
                self.step
            );
            return Err(TaskError::key(Self::NAME, "step", problem));
        }
        let mut rng = RngStream::TrainData.rng(seed);
        let mut state = [0; 3].map(|_| 1.0 + rng.random_range(-0.5..0.5));
        for _ in 0..THROWN_AWAY {
            state = advance(state, self.step);
        }
        let mut values = Array2::zeros((steps.sum() + self.horizon, 3));
        for mut row in values.rows_mut() {
            row.iter_mut().zip(state).for_each(|(value, x)| *value = x);
            state = advance(state, self.step);
        }
        Ok(steps.forecast(Self::NAME, &values, self.horizon, self.standardise))
    }
}

/// One Runge-Kutta step of length `h`.
fn advance(state: [f64; 3], h: f64) -> [f64; 3] {
    let slope = |[x, y, z]: [f64; 3]| [10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z];
    let moved = |slope: [f64; 3], h: f64| [0, 1, 2].map(|i| state[i] + h * slope[i]);
    let k1 = slope(state);
    let k2 = slope(moved(k1, h / 2.0));
    let k3 = slope(moved(k2, h / 2.0));
    let k4 = slope(moved(k3, h));
    [0, 1, 2].map(|i| state[i] + h / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_fixed_point_stays_and_halving_the_step_changes_little() {
        let x = (8.0_f64 / 3.0 * 27.0).sqrt();
        let moved = advance([x, x, 27.0], 0.02);
        assert_relative_eq!(moved.as_slice(), [x, x, 27.0].as_slice(), epsilon = 1e-12);
        let once = advance([1.0, 2.0, 20.0], 0.02);
        let twice = advance(advance([1.0, 2.0, 20.0], 0.01), 0.01);
        assert_relative_eq!(once.as_slice(), twice.as_slice(), epsilon = 1e-5);
    }

    #[test]
    fn two_near_states_part_at_the_lyapunov_exponent() {
        // Averaged over many short stretches, the logarithm of the distance grows by 0.9056 per unit of time.
        let distance = |a: [f64; 3], b: [f64; 3]| {
            a.iter()
                .zip(b)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let mut a = [1.0, 1.0, 20.0];
        for _ in 0..1_000 {
            a = advance(a, 0.01);
        }
        let (mut b, mut growth, stretches) = ([a[0] + 1e-8, a[1], a[2]], 0.0, 2_000);
        for stretch in 0..stretches + 10 {
            for _ in 0..10 {
                (a, b) = (advance(a, 0.01), advance(b, 0.01));
            }
            let apart = distance(a, b);
            // The first stretches only turn the difference into the direction that grows.
            growth += if stretch < 10 {
                0.0
            } else {
                (apart / 1e-8).ln()
            };
            b = [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) / apart * 1e-8);
        }
        let exponent = growth / (f64::from(stretches) * 0.1);
        assert!(
            (exponent - LorenzConfig::EXPONENT).abs() < 0.05,
            "{exponent}"
        );
    }
}

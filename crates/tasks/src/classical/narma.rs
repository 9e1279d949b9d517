//! NARMA: imitate a nonlinear system that averages over its past.

use super::Steps;
use crate::{Dataset, TaskError};
use ndarray::Array2;
use ran_seed::RngStream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The nonlinear autoregressive moving average of order n: input u(t), uniform in [0, 0.5], target y(t+1) with
/// y(t+1) = α·y(t) + β·y(t)·Σᵢ y(t−i) + 1.5·u(t−n+1)·u(t) + γ, the sum over i = 0 to n − 1.
///
/// Order 10 has α 0.3, β 0.05, γ 0.1; order 30 has 0.2, 0.04, 0.001. The system starts at zero and 100 steps in front
/// are thrown away. Order 10 runs away now and then; a draw in which y passes 1 is drawn anew.
///
/// ```toml
/// [task]
/// name = "narma"
/// order = 10
/// ```
///
/// Source: Atiya and Parlos, "New results on recurrent network training", IEEE Transactions on Neural Networks 11 (2000);
/// order 30: Schrauwen et al., Neurocomputing 71 (2008).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NarmaConfig {
    /// The order n, 10 (default) or 30.
    pub order: usize,
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

impl Default for NarmaConfig {
    fn default() -> Self {
        Self {
            order: 10,
            warm_up: 100,
            train: 2_000,
            valid: 500,
            test: 1_000,
            standardise: true,
        }
    }
}

const THROWN_AWAY: usize = 100;
const ATTEMPTS: usize = 100;

impl NarmaConfig {
    pub(crate) const NAME: &'static str = "narma";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let steps = Steps::of(Self::NAME, self.warm_up, self.train, self.valid, self.test)?;
        let order = self.order;
        let coefficients = match order {
            10 => [0.3, 0.05, 0.1],
            30 => [0.2, 0.04, 0.001],
            other => {
                let problem = format!("{other} is not allowed; 10 and 30 are");
                return Err(TaskError::key(Self::NAME, "order", problem));
            }
        };
        let count = steps.sum();
        let mut rng = RngStream::TrainData.rng(seed);
        for _ in 0..ATTEMPTS {
            let inputs: Vec<f64> = (0..THROWN_AWAY + count)
                .map(|_| rng.random_range(0.0..0.5))
                .collect();
            let Some(outputs) = respond(&inputs, order, coefficients) else {
                continue;
            };
            let column = |values: &[f64], from: usize| {
                Array2::from_shape_fn((count, 1), |(step, _)| values[from + step])
            };
            let inputs = column(&inputs, THROWN_AWAY);
            // Row t holds y(t+1), which u(t) completes.
            let targets = column(&outputs, THROWN_AWAY + 1);
            return Ok(steps.split(Self::NAME, &inputs, &targets, self.standardise));
        }
        let problem = format!(
            "with {count} steps in all the system ran away in each of {ATTEMPTS} draws; a shorter series is needed"
        );
        Err(TaskError::key(Self::NAME, "train", problem))
    }
}

/// y at t = 0 to the number of inputs, or none if it runs away.
fn respond(inputs: &[f64], order: usize, [alpha, beta, gamma]: [f64; 3]) -> Option<Vec<f64>> {
    let mut outputs = vec![0.0_f64];
    for t in 0..inputs.len() {
        let sum: f64 = outputs[(t + 1).saturating_sub(order)..=t].iter().sum();
        let delayed = (t + 1).checked_sub(order).map_or(0.0, |t| inputs[t]);
        let y = outputs[t];
        let next = alpha * y + beta * y * sum + 1.5 * delayed * inputs[t] + gamma;
        if next.is_nan() || next > 1.0 {
            return None;
        }
        outputs.push(next);
    }
    Some(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn the_first_steps_are_as_by_hand() {
        // With no input: y(1) = 0.1, y(2) = 0.03 + 0.05·0.1·0.1 + 0.1.
        let outputs = respond(&[0.0; 2], 10, [0.3, 0.05, 0.1]).unwrap();
        assert_relative_eq!(outputs[1], 0.1);
        assert_relative_eq!(outputs[2], 0.1305);
        // The product of inputs reaches back n − 1 steps: u(0) and u(1) for n = 2.
        let outputs = respond(&[0.4, 0.5], 2, [0.0, 0.0, 0.0]).unwrap();
        assert_relative_eq!(outputs[2], 1.5 * 0.4 * 0.5);
        assert_eq!(outputs[1], 0.0);
    }

    #[test]
    fn a_system_that_runs_away_is_told() {
        assert_eq!(respond(&[0.5; 500], 10, [0.3, 0.05, 0.5]), None);
    }

    #[test]
    fn targets_follow_the_recurrence_from_the_inputs_shown() {
        let config = NarmaConfig {
            standardise: false,
            ..Default::default()
        };
        let train = &config.load(0).unwrap().train[0];
        let u = |t: usize| f64::from(train.inputs[[t, 0]]);
        // Row i holds y(t+1) for t = 100 + i.
        let y = |t: usize| f64::from(train.targets[[t - 101, 0]]);
        let t = 500;
        let sum: f64 = (0..10).map(|i| y(t - i)).sum();
        let next = 0.3 * y(t) + 0.05 * y(t) * sum + 1.5 * u(t - 9) * u(t) + 0.1;
        assert_relative_eq!(y(t + 1), next, epsilon = 1e-6);
    }

    #[test]
    fn order_30_stays_bounded() {
        let dataset = NarmaConfig {
            order: 30,
            ..Default::default()
        }
        .load(0)
        .unwrap();
        assert!(
            dataset.train[0]
                .targets
                .iter()
                .all(|y| (0.0..1.0).contains(y))
        );
    }
}

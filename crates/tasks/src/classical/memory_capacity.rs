//! Memory capacity: say the input of 1 to K steps ago, all at once.

use super::{Steps, check};
use crate::{Dataset, Metric, TaskError};
use ndarray::Array2;
use ran_seed::RngStream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Memory capacity: input u(t), uniform in ±1; target k, of 1 to `delays`, is u(t − k).
///
/// The score is [`memory_capacity`](crate::scores::memory_capacity), the sum over delays of the squared correlation, which
/// for a linear readout of N state variables is at most N. What is due before the first input
/// is drawn like the others but was never shown, so keep the warm-up at `delays` or more.
///
/// ```toml
/// [task]
/// name = "memory-capacity"
/// delays = 100
/// ```
///
/// Source: Jaeger, "Short term memory in echo state networks", GMD report 152 (2001).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryCapacityConfig {
    /// The largest delay (default 100).
    pub delays: usize,
    /// How many steps in front are not scored (default 100).
    pub warm_up: usize,
    /// How many training steps are scored (default 2,000).
    pub train: usize,
    /// How many validation steps are scored (default 500).
    pub valid: usize,
    /// How many test steps are scored (default 1,000).
    pub test: usize,
    /// Whether inputs are standardised with the training set's statistics (default false).
    pub standardise: bool,
}

impl Default for MemoryCapacityConfig {
    fn default() -> Self {
        Self {
            delays: 100,
            warm_up: 100,
            train: 2_000,
            valid: 500,
            test: 1_000,
            standardise: false,
        }
    }
}

impl MemoryCapacityConfig {
    pub(crate) const NAME: &'static str = "memory-capacity";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let delays = self.delays;
        check(Self::NAME, "delays", delays, 1..=10_000)?;
        let steps = Steps::of(Self::NAME, self.warm_up, self.train, self.valid, self.test)?;
        let mut rng = RngStream::TrainData.rng(seed);
        let drawn: Vec<f64> = (0..delays + steps.sum())
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        let inputs = Array2::from_shape_fn((steps.sum(), 1), |(t, _)| drawn[delays + t]);
        let targets =
            Array2::from_shape_fn((steps.sum(), delays), |(t, k)| drawn[delays + t - (k + 1)]);
        let mut dataset = steps.split(Self::NAME, &inputs, &targets, self.standardise);
        dataset.metric = Metric::MemoryCapacity;
        Ok(dataset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_k_is_the_input_of_k_steps_ago() {
        let dataset = MemoryCapacityConfig {
            delays: 7,
            ..Default::default()
        }
        .load(0)
        .unwrap();
        let train = &dataset.train[0];
        assert_eq!(dataset.d_output, 7);
        for (row, &step) in train.scored.iter().enumerate() {
            for k in 1..=7 {
                assert_eq!(train.targets[[row, k - 1]], train.inputs[[step - k, 0]]);
            }
        }
    }
}

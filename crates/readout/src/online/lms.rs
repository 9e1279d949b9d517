//! Least mean squares: stochastic gradient descent, optionally normalised.

use super::{OnlineReadout, Rule, check};
use crate::ReadoutError;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

/// Least mean squares: W ← W + μ·x·(y − Wᵀx)ᵀ, where x ends in a 1 for the intercept
/// (Widrow & Hoff 1960, "Adaptive switching circuits").
///
/// Normalised, μ becomes μ/(ε + ‖x‖²) with ε = 10⁻⁸, so that the step does not depend on the scale of the features
/// (Haykin 2002, "Adaptive filter theory", 4th edition, chapter 6). Each row costs d_features·d_output multiply-adds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LmsConfig {
    /// μ > 0. Normalised, it is stable below 2; otherwise below 2 over the largest eigenvalue of E\[xxᵀ\].
    #[serde(alias = "step-size")]
    pub step_size: f64,
    /// Whether the step is divided by ‖x‖².
    pub normalised: bool,
}

impl Default for LmsConfig {
    fn default() -> Self {
        LmsConfig {
            step_size: 0.5,
            normalised: true,
        }
    }
}

impl LmsConfig {
    /// Makes a readout with zero weights.
    ///
    /// # Errors
    ///
    /// If the step size is not a finite number above 0, or is 2 or more although it is normalised.
    pub fn init(&self, d_features: usize, d_output: usize) -> Result<OnlineReadout, ReadoutError> {
        let (allowed, limit) = if self.normalised {
            ("above 0 and below 2", 2.0)
        } else {
            ("a finite number above 0", f64::INFINITY)
        };
        let inside = self.step_size > 0.0 && self.step_size < limit;
        check("the step size", self.step_size, allowed, inside)?;
        Ok(OnlineReadout::new(Rule::Lms(*self), d_features, d_output))
    }

    /// By what an error changes the weights of a row's features.
    pub(super) fn gain(&self, features: Array1<f64>) -> Array1<f64> {
        let step = match self.normalised {
            true => self.step_size / (1e-8 + features.dot(&features)),
            false => self.step_size,
        };
        features * step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn config(step_size: f64, normalised: bool) -> LmsConfig {
        LmsConfig {
            step_size,
            normalised,
        }
    }

    #[test]
    fn one_update_equals_values_worked_by_hand() {
        // x = (2, 1), y = 5: W = μ·5·x, with μ = 0.1, or 0.5/5 once normalised.
        for config in [config(0.1, false), config(0.5, true)] {
            let mut lms = config.init(1, 1).unwrap();
            let error = lms.update(array![2.0].view(), array![5.0].view()).unwrap();
            assert_eq!(error, array![5.0]);
            assert_abs_diff_eq!(lms.weights(), array![[1.0]], epsilon = 1e-8);
            assert_abs_diff_eq!(lms.bias(), array![0.5], epsilon = 1e-8);
        }
    }

    #[test]
    fn it_converges_to_a_linear_target() {
        for config in [config(0.2, false), config(0.5, true)] {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut lms = config.init(2, 1).unwrap();
            for _ in 0..2000 {
                let x: Array1<f32> = (0..2).map(|_| rng.random_range(-1.0..1.0)).collect();
                let y = array![3.0 * x[0] - 2.0 * x[1] + 0.5];
                lms.update(x.view(), y.view()).unwrap();
            }
            assert_abs_diff_eq!(lms.weights(), array![[3.0], [-2.0]], epsilon = 1e-5);
            assert_abs_diff_eq!(lms.bias(), array![0.5], epsilon = 1e-5);
        }
    }

    #[test]
    fn normalised_steps_stay_stable_where_plain_ones_diverge() {
        let run = |normalised| {
            let mut lms = config(0.5, normalised).init(1, 1).unwrap();
            let mut error = f64::NAN;
            for t in 0..200 {
                let x = array![1e4 * (1.0 + (t % 7) as f32)];
                error = lms.update(x.view(), (&x * 3.0).view())?[0];
            }
            Ok(error)
        };
        assert!(run(true).unwrap().abs() < 1e-3);
        assert!(matches!(run(false), Err(ReadoutError::Diverged { .. })));
    }

    #[test]
    fn divergence_is_an_error() {
        let mut lms = config(10.0, false).init(1, 1).unwrap();
        let x = array![100.0_f32];
        let outcome = (0..200).try_for_each(|_| lms.update(x.view(), x.view()).map(drop));
        assert!(matches!(outcome, Err(ReadoutError::Diverged { .. })));
    }

    #[test]
    fn the_step_size_is_read_as_other_keys_are_written_and_as_records_hold_it() {
        for key in ["step_size", "step-size"] {
            let read: LmsConfig = toml::from_str(&format!("{key} = 0.25")).unwrap();
            assert_eq!(read, config(0.25, true), "{key}");
        }
    }

    #[test]
    fn a_step_size_outside_its_range_gets_a_sentence() {
        for (config, sentence) in [
            (
                config(2.0, true),
                "the step size is 2, but it must be above 0 and below 2",
            ),
            (
                config(0.0, false),
                "the step size is 0, but it must be a finite number above 0",
            ),
        ] {
            assert_eq!(config.init(1, 1).unwrap_err().to_string(), sentence);
        }
    }
}

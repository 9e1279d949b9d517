//! Recursive least squares with a forgetting factor.

use super::{OnlineReadout, Rule, check};
use crate::ReadoutError;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

/// Recursive least squares: after n rows it holds the minimum of
///
/// Σₖ λⁿ⁻ᵏ ‖yₖ − Wᵀxₖ‖² + λⁿ·δ·‖W‖²,
///
/// where x ends in a 1 for the intercept (so unlike in [`fit_ridge`](crate::fit_ridge), δ weighs on the
/// intercept too). Each row costs (d_features + 1)² multiply-adds:
///
/// k = P·x/(λ + xᵀPx), W ← W + k·(y − Wᵀx)ᵀ, P ← (P − k·xᵀP)/λ
///
/// (Haykin 2002, "Adaptive filter theory", 4th edition, chapter 9; for reservoirs, Jaeger & Haas 2004, "Harnessing
/// nonlinearity"). P is updated so that it stays symmetric to the last bit. With λ < 1 and inputs that
/// do not excite every direction, P grows without bound; that ends in an error, not in NaN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RlsConfig {
    /// λ in (0, 1]: a row that is k updates old counts λᵏ. 1 forgets nothing.
    pub forgetting: f64,
    /// δ > 0: the penalty on ‖W‖² and ‖b‖² that the first P = I/δ stands for; it is forgotten as rows are.
    pub delta: f64,
}

impl Default for RlsConfig {
    fn default() -> Self {
        RlsConfig {
            forgetting: 1.0,
            delta: 1e-2,
        }
    }
}

/// What recursive least squares remembers of the rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rls {
    /// `[d_features + 1, d_features + 1]`
    inverse: Array2<f64>,
    forgetting: f64,
}

impl RlsConfig {
    /// Makes a readout with zero weights.
    ///
    /// # Errors
    ///
    /// If a parameter lies outside its range.
    pub fn init(&self, d_features: usize, d_output: usize) -> Result<OnlineReadout, ReadoutError> {
        let RlsConfig { forgetting, delta } = *self;
        check(
            "the forgetting factor",
            forgetting,
            "above 0 and at most 1",
            forgetting > 0.0 && forgetting <= 1.0,
        )?;
        check("delta", delta, "a finite number above 0", delta > 0.0)?;
        let rls = Rls {
            inverse: Array2::from_diag_elem(d_features + 1, 1.0 / delta),
            forgetting,
        };
        Ok(OnlineReadout::new(Rule::Rls(rls), d_features, d_output))
    }
}

impl Rls {
    /// Takes a row in; returns by what an error changes the weights of its features, and whether all is finite still.
    pub(super) fn gain(&mut self, features: &Array1<f64>) -> (Array1<f64>, bool) {
        let image = self.inverse.dot(features);
        let scale = 1.0 / (self.forgetting + features.dot(&image));
        let mut finite = scale.is_finite() && scale > 0.0;
        for (mut row, &left) in self.inverse.rows_mut().into_iter().zip(&image) {
            for (p, &right) in row.iter_mut().zip(&image) {
                // The product of the two images comes first: it is the same above and below the diagonal.
                *p = (*p - left * right * scale) / self.forgetting;
                finite &= p.is_finite();
            }
        }
        (image * scale, finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InMemory, Ridge, fit_ridge};
    use approx::{assert_abs_diff_eq, assert_relative_eq};
    use ndarray::{array, s};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn draw(rows: usize, width: usize, seed: u64) -> Array2<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, width), || rng.random_range(-1.0..1.0))
    }

    fn inverse(readout: &OnlineReadout) -> &Array2<f64> {
        match &readout.rule {
            Rule::Rls(rls) => &rls.inverse,
            Rule::Lms(_) => unreachable!("it learns by recursive least squares"),
        }
    }

    fn feed(rls: &mut OnlineReadout, features: &Array2<f32>, targets: &Array2<f32>) {
        for (x, y) in features.rows().into_iter().zip(targets.rows()) {
            rls.update(x, y).unwrap();
        }
    }

    #[test]
    fn one_update_equals_values_worked_by_hand() {
        // x = (2, 1), P = I/2: Px = (1, ½), xᵀPx = 2.5, k = (1, ½)/3; y = 6.
        let config = RlsConfig {
            forgetting: 0.5,
            delta: 2.0,
        };
        let mut rls = config.init(1, 1).unwrap();
        let error = rls.update(array![2.0].view(), array![6.0].view()).unwrap();
        assert_eq!(error, array![6.0]);
        assert_abs_diff_eq!(rls.weights(), array![[2.0]], epsilon = 1e-12);
        assert_abs_diff_eq!(rls.bias(), array![1.0], epsilon = 1e-12);
        // P = (I/2 − (1, ½)(1, ½)ᵀ/3)/0.5.
        let expected = array![[1.0 / 3.0, -1.0 / 3.0], [-1.0 / 3.0, 5.0 / 6.0]];
        assert_abs_diff_eq!(inverse(&rls), &expected, epsilon = 1e-12);
        assert_abs_diff_eq!(rls.predict(array![2.0].view()), array![5.0], epsilon = 1e-6);
    }

    #[test]
    fn without_forgetting_it_equals_ridge_regression() {
        let features = draw(60, 5, 1);
        let targets = features.dot(&draw(5, 2, 2)) + draw(60, 2, 3) * 0.3 + 1.0;
        // So small a δ weighs on the intercept as little as no penalty does.
        let delta = 1e-8;
        let config = RlsConfig {
            forgetting: 1.0,
            delta,
        };
        let mut rls = config.init(5, 2).unwrap();
        feed(&mut rls, &features, &targets);
        let rows = InMemory::new(features, targets).unwrap();
        let ridge = fit_ridge(&rows, Ridge::Value(delta)).unwrap();
        assert_relative_eq!(rls.weights(), ridge.weights, max_relative = 1e-5);
        assert_relative_eq!(rls.bias(), ridge.bias, max_relative = 1e-5);
    }

    #[test]
    fn a_large_delta_equals_ridge_regression_on_rows_without_a_mean() {
        // Each row comes with its negative, so the intercept stays zero whether it is penalised or not.
        let half = draw(20, 4, 4);
        let answers = half.dot(&draw(4, 1, 5)) + draw(20, 1, 6) * 0.3;
        let features = ndarray::concatenate![ndarray::Axis(0), half, -&half];
        let targets = ndarray::concatenate![ndarray::Axis(0), answers, -&answers];
        let config = RlsConfig {
            forgetting: 1.0,
            delta: 3.0,
        };
        let mut rls = config.init(4, 1).unwrap();
        feed(&mut rls, &features, &targets);
        let rows = InMemory::new(features, targets).unwrap();
        let ridge = fit_ridge(&rows, Ridge::Value(3.0)).unwrap();
        assert_relative_eq!(rls.weights(), ridge.weights, max_relative = 1e-9);
        assert_abs_diff_eq!(rls.bias(), ridge.bias, epsilon = 1e-9);
    }

    #[test]
    fn forgetting_tracks_a_change_that_remembering_does_not() {
        let features = draw(400, 3, 7);
        let (before, after) = (draw(3, 1, 8), draw(3, 1, 9));
        let mut targets = features.dot(&before);
        targets
            .slice_mut(s![200.., ..])
            .assign(&features.slice(s![200.., ..]).dot(&after));
        let distance = |forgetting| {
            let config = RlsConfig {
                forgetting,
                delta: 1e-3,
            };
            let mut rls = config.init(3, 1).unwrap();
            feed(&mut rls, &features, &targets);
            (rls.weights() - after.mapv(f64::from)).mapv(f64::abs).sum()
        };
        assert!(distance(0.9) < 1e-5);
        assert!(distance(1.0) > 0.1);
    }

    #[test]
    fn the_inverse_stays_symmetric_to_the_last_bit() {
        let features = draw(300, 6, 10);
        let config = RlsConfig {
            forgetting: 0.97,
            delta: 0.1,
        };
        let mut rls = config.init(6, 1).unwrap();
        feed(&mut rls, &features, &draw(300, 1, 11));
        assert_eq!(inverse(&rls), inverse(&rls).t());
    }

    #[test]
    fn wind_up_and_values_that_are_not_finite_are_errors() {
        let config = RlsConfig {
            forgetting: 0.01,
            delta: 1e-2,
        };
        let mut rls = config.init(1, 1).unwrap();
        let zero = array![0.0_f32];
        let outcome = (0..400).try_for_each(|_| rls.update(zero.view(), zero.view()).map(drop));
        assert!(matches!(outcome, Err(ReadoutError::Diverged { .. })));

        let mut rls = config.init(1, 1).unwrap();
        let before = rls.clone();
        let error = rls
            .update(array![f32::NAN].view(), zero.view())
            .unwrap_err();
        assert!(matches!(
            error,
            ReadoutError::NotFinite {
                what: "features",
                ..
            }
        ));
        assert_eq!(rls, before);
    }

    #[test]
    fn parameters_outside_their_range_get_a_sentence() {
        for (forgetting, delta, sentence) in [
            (
                0.0,
                1.0,
                "the forgetting factor is 0, but it must be above 0 and at most 1",
            ),
            (
                1.5,
                1.0,
                "the forgetting factor is 1.5, but it must be above 0 and at most 1",
            ),
            (
                1.0,
                0.0,
                "delta is 0, but it must be a finite number above 0",
            ),
            (
                1.0,
                f64::NAN,
                "delta is NaN, but it must be a finite number above 0",
            ),
        ] {
            let error = RlsConfig { forgetting, delta }.init(1, 1).unwrap_err();
            assert_eq!(error.to_string(), sentence);
        }
    }
}

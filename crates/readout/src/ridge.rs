//! Ridge regression: a linear readout in closed form, its penalty chosen by leave-one-out.

mod dual;
mod leave_one_out;
mod penalty;
mod primal;
mod spectrum;

pub use penalty::Ridge;
pub(crate) use penalty::check as check_penalty;

use crate::dense::product;
use crate::{ReadoutError, Samples};
use faer::Mat;
use ndarray::{Array1, Array2, ArrayView2};

/// Which of the two equal forms of the normal equations was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// (XᵀX + λI)·W = XᵀY, a system of `d_features`: used where there are more rows than features.
    Primal,
    /// W = Xᵀ·(XXᵀ + λI)⁻¹·Y, a system of the rows: used where there are no more rows than features.
    Dual,
}

/// A linear readout fitted by ridge regression: output = features·W + b.
#[derive(Clone, Debug, PartialEq)]
pub struct RidgeFit {
    /// W, `[d_features, d_output]`.
    pub weights: Array2<f64>,
    /// b, `[d_output]`.
    pub bias: Array1<f64>,
    /// The penalty λ that was used.
    pub lambda: f64,
    /// The form that was solved.
    pub form: Form,
    /// Each candidate λ, ascending, with the mean over rows and outputs of its squared leave-one-out error; empty
    /// when λ was given, or when the features do not vary and so nothing is penalised.
    pub curve: Vec<(f64, f64)>,
    /// Whether the chosen λ is the smallest or the largest candidate, so that the best may lie beyond.
    pub at_edge: bool,
}

/// Fits a linear readout by ridge regression with an intercept that is not penalised:
///
/// minimise Σᵢ ‖yᵢ − Wᵀxᵢ − b‖² + λ‖W‖² over W and b
///
/// (Hoerl & Kennard 1970, "Ridge regression: biased estimation for nonorthogonal problems"). λ is relative
/// to the *sum* over rows, not to their mean. Features are centred but not scaled; [`Standardised`](crate::Standardised) scales them.
///
/// Everything is solved in f64. With more rows than features, the Gram matrix is accumulated in blocks of rows, so
/// that memory holds a few `d_features²` matrices and never all rows. Otherwise the kernel matrix of the rows is
/// used (Saunders, Gammerman & Vovk 1998, "Ridge regression learning algorithm in dual variables"), and the features
/// are kept once in f32. λ = 0 gives the least-squares solution of least norm: directions whose
/// eigenvalue is lost in rounding are left out.
///
/// [`Ridge::Auto`] takes, of 27 candidates from 10⁻¹⁰ to 10³ times the mean nonzero eigenvalue, two per decade, the
/// λ with the least squared leave-one-out error (Allen's PRESS: Allen 1974, "The relationship between variable
/// selection and data augmentation and a method for prediction"), which one eigendecomposition gives exactly for all
/// candidates: the error at row i without row i is eᵢ/(1 − hᵢᵢ), with eᵢ the residual of the full fit and H = 11ᵀ/n +
/// X(XᵀX + λI)⁻¹Xᵀ its hat matrix, X centred. (Generalised cross-validation, Golub, Heath & Wahba 1979, would replace
/// hᵢᵢ by its mean; the exact value costs a second pass.) Rows that belong together, such as the steps of one
/// sequence, make leave-one-out optimistic: it then chooses a λ that is too small.
///
/// # Errors
///
/// If there are no rows, a value is not finite, the samples break a promise about their number or widths, λ is
/// negative or not finite, or the eigenvalue iteration fails.
pub fn fit_ridge(samples: &dyn Samples, ridge: Ridge) -> Result<RidgeFit, ReadoutError> {
    if let Ridge::Value(value) = ridge {
        penalty::check(value)?;
    }
    if samples.count() == 0 {
        return Err(ReadoutError::NoRows);
    }
    if samples.count() <= samples.d_features() {
        dual::fit(samples, ridge)
    } else {
        primal::fit(samples, ridge)
    }
}

impl RidgeFit {
    /// The outputs for rows of features, computed in f64.
    ///
    /// # Shapes
    ///
    /// - features: `[rows, d_features]`
    /// - output: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// If the features are not `d_features` wide.
    pub fn predict(&self, features: ArrayView2<'_, f32>) -> Array2<f32> {
        let (d_features, d_output) = self.weights.dim();
        assert_eq!(
            features.ncols(),
            d_features,
            "expected features of width {d_features}, got {}",
            features.ncols()
        );
        let weights = Mat::from_fn(d_features, d_output, |i, o| self.weights[[i, o]]);
        let mut outputs = Array2::zeros((features.nrows(), d_output));
        const ROWS: usize = 1024;
        for start in (0..features.nrows()).step_by(ROWS) {
            let rows = ROWS.min(features.nrows() - start);
            let block = Mat::from_fn(rows, d_features, |r, i| f64::from(features[[start + r, i]]));
            let product = product(block.as_ref(), weights.as_ref());
            for r in 0..rows {
                for o in 0..d_output {
                    outputs[[start + r, o]] = (product[(r, o)] + self.bias[o]) as f32;
                }
            }
        }
        outputs
    }

    /// Completes a fit on centred rows: b = mean(y) − Wᵀ·mean(x).
    fn from_centred(
        weights: Mat<f64>,
        means: (&[f64], &[f64]),
        form: Form,
        chosen: leave_one_out::Chosen,
    ) -> Self {
        let (feature_means, target_means) = means;
        let weights =
            Array2::from_shape_fn((weights.nrows(), weights.ncols()), |(i, o)| weights[(i, o)]);
        let shift = Array1::from_vec(feature_means.to_vec()).dot(&weights);
        RidgeFit {
            bias: Array1::from_vec(target_means.to_vec()) - shift,
            weights,
            lambda: chosen.lambda,
            form,
            curve: chosen.curve,
            at_edge: chosen.at_edge,
        }
    }
}

#[cfg(test)]
mod tests;

//! The dual form: a kernel matrix of the rows, for no more rows than features.

use super::leave_one_out::{Chosen, LeaveOneOut, Rows};
use super::spectrum::{Spectrum, solve_directly};
use super::{Form, Ridge, RidgeFit};
use crate::dense::{product, trace};
use crate::held::Held;
use crate::samples::subtract;
use crate::{ReadoutError, Samples};
use faer::{Mat, MatRef};

pub(super) fn fit(samples: &dyn Samples, ridge: Ridge) -> Result<RidgeFit, ReadoutError> {
    let mut rows = Held::of(samples)?;
    subtract(rows.targets.as_mut(), &rows.target_means);
    let means = (rows.feature_means.as_slice(), rows.target_means.as_slice());
    let done = |duals: Mat<f64>, chosen| {
        let weights = rows.weights(duals.as_ref());
        Ok(RidgeFit::from_centred(weights, means, Form::Dual, chosen))
    };

    let kernel = rows.kernel();
    let trace = trace(kernel.as_ref());
    if trace <= 0.0 {
        let lambda = ridge.given().unwrap_or(0.0);
        return done(&rows.targets * 0.0, Chosen::given(lambda));
    }
    let kernel = match ridge {
        Ridge::Auto => kernel,
        Ridge::Value(lambda) => match solve_directly(kernel, lambda, rows.targets.as_ref()) {
            Ok(duals) => return done(duals, Chosen::given(lambda)),
            Err(kernel) => kernel,
        },
    };
    // Centred rows sum to zero, so the direction of the intercept is always in the null space of the kernel; it is
    // split off exactly, for it must not be penalised.
    let reflection = Reflection::new(kernel.nrows());
    let spectrum = Spectrum::new(reflection.deflate(kernel).as_ref())?;
    let reflected = reflection.apply(&rows.targets);
    let targets = reflected.get(1.., ..);
    let coefficients = product(spectrum.vectors.transpose(), targets);
    let chosen = match ridge {
        Ridge::Value(lambda) => Chosen::given(lambda),
        Ridge::Auto => {
            let rank = spectrum.values.len().min(samples.d_features());
            let candidates = LeaveOneOut::new(trace / rank as f64);
            let vectors = reflection.restore(spectrum.vectors.as_ref());
            judge(candidates, &spectrum, &vectors, &coefficients)
        }
    };
    let duals = spectrum.solve(chosen.lambda, &coefficients);
    done(reflection.restore(duals.as_ref()), chosen)
}

/// I − H = Σ λ/(e + λ)·uuᵀ over the eigenvectors u that are orthogonal to the intercept: no digit cancels, however
/// small λ is.
fn judge(
    mut candidates: LeaveOneOut,
    spectrum: &Spectrum,
    vectors: &Mat<f64>,
    coefficients: &Mat<f64>,
) -> Chosen {
    let filters = candidates.filters(|lambda| {
        let inverse = spectrum.inverse(lambda).into_iter();
        inverse.map(|inverse| lambda * inverse).collect()
    });
    const ROWS: usize = 1024;
    for start in (0..vectors.nrows()).step_by(ROWS) {
        let end = vectors.nrows().min(start + ROWS);
        let rows = Rows {
            scores: vectors.get(start..end, ..),
            coefficients: coefficients.as_ref(),
            filters: filters.as_ref(),
        };
        candidates.add(
            &rows,
            |_, _, projected| projected,
            |leverage| Some(leverage).filter(|&kept| kept > 0.0),
        );
    }
    candidates.choose()
}

/// The Householder reflection R = I − β·vvᵀ that turns the direction of the intercept, 1/√n, into the first axis.
struct Reflection {
    axis: Vec<f64>,
    beta: f64,
}

impl Reflection {
    fn new(size: usize) -> Self {
        let mut axis = vec![1.0 / (size as f64).sqrt(); size];
        // Adding, not subtracting, the axis cancels nothing; the sign of the image does not matter.
        axis[0] += 1.0;
        let beta = 2.0 / axis.iter().map(|v| v * v).sum::<f64>();
        Reflection { axis, beta }
    }

    /// R·M.
    fn apply(&self, matrix: &Mat<f64>) -> Mat<f64> {
        let along: Vec<f64> = matrix
            .col_iter()
            .map(|column| column.iter().zip(&self.axis).map(|(m, v)| m * v).sum())
            .collect();
        Mat::from_fn(matrix.nrows(), matrix.ncols(), |i, j| {
            matrix[(i, j)] - self.beta * self.axis[i] * along[j]
        })
    }

    /// R·[0; M]: back from the reflected rows 1.. to all rows.
    fn restore(&self, reflected: MatRef<'_, f64>) -> Mat<f64> {
        let mut padded = Mat::zeros(reflected.nrows() + 1, reflected.ncols());
        padded.get_mut(1.., ..).copy_from(reflected);
        self.apply(&padded)
    }

    /// Rows and columns 1.. of R·K·R (the first ones are zero), lower triangle to lower triangle.
    fn deflate(&self, kernel: Mat<f64>) -> Mat<f64> {
        let size = kernel.nrows();
        let mut image = vec![0.0; size];
        for j in 0..size {
            image[j] += kernel[(j, j)] * self.axis[j];
            for i in j + 1..size {
                image[i] += kernel[(i, j)] * self.axis[j];
                image[j] += kernel[(i, j)] * self.axis[i];
            }
        }
        let along: f64 = image.iter().zip(&self.axis).map(|(w, v)| w * v).sum();
        // R·K·R = K − v·wᵀ − w·vᵀ with w = β·(K·v − β/2·(vᵀKv)·v).
        let w: Vec<f64> = image
            .iter()
            .zip(&self.axis)
            .map(|(image, v)| self.beta * (image - 0.5 * self.beta * along * v))
            .collect();
        let v = &self.axis;
        Mat::from_fn(size - 1, size - 1, |i, j| {
            if i < j {
                return 0.0;
            }
            let (i, j) = (i + 1, j + 1);
            kernel[(i, j)] - v[i] * w[j] - w[i] * v[j]
        })
    }
}

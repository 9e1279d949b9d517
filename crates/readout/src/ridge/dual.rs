//! The dual form: a kernel matrix of the rows, for no more rows than features.

use super::leave_one_out::{Chosen, LeaveOneOut, Rows};
use super::spectrum::{Spectrum, solve_directly};
use super::{Form, Ridge, RidgeFit};
use crate::dense::{TASKS, product};
use crate::samples::{Block, add_columns, pass_in_blocks, subtract};
use crate::{ReadoutError, Samples};
use faer::linalg::matmul::{matmul, triangular};
use faer::{Accum, Mat, MatRef};

pub(super) fn fit(samples: &dyn Samples, ridge: Ridge) -> Result<RidgeFit, ReadoutError> {
    let rows = Held::of(samples)?;
    let means = (rows.feature_means.as_slice(), rows.target_means.as_slice());
    let done = |duals: Mat<f64>, chosen| {
        let weights = rows.weights(duals.as_ref());
        Ok(RidgeFit::from_centred(weights, means, Form::Dual, chosen))
    };

    let kernel = rows.kernel();
    let trace: f64 = (0..kernel.nrows()).map(|i| kernel[(i, i)]).sum();
    if trace <= 0.0 {
        let lambda = match ridge {
            Ridge::Auto => 0.0,
            Ridge::Value(lambda) => lambda,
        };
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
    let kept = spectrum.inverse(chosen.lambda);
    let filtered = Mat::from_fn(coefficients.nrows(), coefficients.ncols(), |j, o| {
        kept[j] * coefficients[(j, o)]
    });
    let duals = product(spectrum.vectors.as_ref(), filtered.as_ref());
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

/// All rows: features in f32 as they came, targets centred in f64.
struct Held {
    /// `[rows, d_features]`, row by row.
    features: Vec<f32>,
    /// `[rows, d_output]`
    targets: Mat<f64>,
    feature_means: Vec<f64>,
    target_means: Vec<f64>,
}

impl Held {
    fn of(samples: &dyn Samples) -> Result<Self, ReadoutError> {
        let count = samples.count();
        let mut features = Vec::with_capacity(count * samples.d_features());
        let mut targets = Mat::zeros(count, samples.d_output());
        let mut feature_means = vec![0.0; samples.d_features()];
        let mut target_means = vec![0.0; samples.d_output()];
        let mut row = 0;
        pass_in_blocks(samples, &mut |block: Block<'_>| {
            // A pass over too many rows is reported when it ends.
            let rows = block.features.nrows().min(count - row);
            for r in 0..rows {
                // The values were f32 before, so nothing is lost.
                features.extend(block.features.as_ref().row(r).iter().map(|&x| x as f32));
            }
            add_columns(block.features.as_ref(), &mut feature_means);
            add_columns(block.targets.as_ref(), &mut target_means);
            targets
                .get_mut(row..row + rows, ..)
                .copy_from(block.targets.as_ref().get(..rows, ..));
            row += rows;
        })?;
        for mean in feature_means.iter_mut().chain(&mut target_means) {
            *mean /= count as f64;
        }
        subtract(targets.as_mut(), &target_means);
        Ok(Held {
            features,
            targets,
            feature_means,
            target_means,
        })
    }

    /// The centred features in blocks of columns, `[rows, columns]`, with the first column of each.
    fn blocks(&self, visit: &mut dyn FnMut(usize, MatRef<'_, f64>)) {
        let (rows, d_features) = (self.targets.nrows(), self.feature_means.len());
        let width = ((4 << 20) / rows).clamp(64, 4096).min(d_features.max(1));
        let mut block = vec![0.0; rows * width];
        for start in (0..d_features).step_by(width) {
            let width = width.min(d_features - start);
            let block = &mut block[..rows * width];
            for (into, from) in block
                .chunks_exact_mut(width)
                .zip(self.features.chunks_exact(d_features))
            {
                let from = from[start..].iter().zip(&self.feature_means[start..]);
                for (into, (&x, mean)) in into.iter_mut().zip(from) {
                    *into = f64::from(x) - mean;
                }
            }
            visit(start, MatRef::from_row_major_slice(block, rows, width));
        }
    }

    /// XXᵀ of the centred features, `[rows, rows]`, only its lower triangle.
    fn kernel(&self) -> Mat<f64> {
        let mut kernel = Mat::zeros(self.targets.nrows(), self.targets.nrows());
        self.blocks(&mut |_, block| {
            triangular::matmul(
                &mut kernel,
                triangular::BlockStructure::TriangularLower,
                Accum::Add,
                block,
                triangular::BlockStructure::Rectangular,
                block.transpose(),
                triangular::BlockStructure::Rectangular,
                1.0,
                TASKS,
            );
        });
        kernel
    }

    /// W = Xᵀ·duals, `[d_features, d_output]`.
    fn weights(&self, duals: MatRef<'_, f64>) -> Mat<f64> {
        let mut weights = Mat::zeros(self.feature_means.len(), duals.ncols());
        self.blocks(&mut |start, block| {
            matmul(
                weights.get_mut(start..start + block.ncols(), ..),
                Accum::Replace,
                block.transpose(),
                duals,
                1.0,
                TASKS,
            );
        });
        weights
    }
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

//! Few rows: a fit on a square root of their kernel matrix.

use faer::Mat;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;
use ndarray::{Array1, Array2};

use super::{CrossEntropyFit, primal};
use crate::dense::{TASKS, cholesky, product};
use crate::samples::{Block, column_means, pass_in_blocks, subtract};
use crate::{InMemory, Link, ReadoutError, Ridge, Samples};

/// What is added to the kernel's diagonal, relative to its mean: centred rows do not determine a factor.
const SHIFT: f64 = 1e-10;

/// Fits on R with R·Rᵀ = X·Xᵀ, X centred: W = Xᵀ·R⁻ᵀ·V has X·W = R·V and the length of V.
pub(super) fn fit(
    samples: &dyn Samples,
    link: Link,
    ridge: Ridge,
) -> Result<CrossEntropyFit, ReadoutError> {
    let (mut features, targets) = gather(samples)?;
    let means = column_means(features.as_ref());
    subtract(features.as_mut(), &means);
    let mut kernel = product(features.as_ref(), features.transpose());
    let count = kernel.nrows();
    let trace: f64 = (0..count).map(|at| kernel[(at, at)]).sum();
    let shift = SHIFT
        * if trace > 0.0 {
            trace / count as f64
        } else {
            1.0
        };
    for at in 0..count {
        kernel[(at, at)] += shift;
    }
    let root = cholesky(kernel.as_ref());
    let root =
        root.ok_or_else(|| ReadoutError::Search("the rows' kernel matrix has no root".into()))?;
    let rows = Array2::from_shape_fn((count, count), |(i, j)| match i < j {
        true => 0.0,
        false => root[(i, j)] as f32,
    });
    let found = primal(&InMemory::new(rows, targets)?, link, ridge)?;
    let d_output = found.bias.len();
    let mut duals = Mat::from_fn(count, d_output, |i, o| found.weights[[i, o]]);
    solve_upper_triangular_in_place(root.transpose(), duals.as_mut(), TASKS);
    let weights = product(features.transpose(), duals.as_ref());
    let weights = Array2::from_shape_fn((means.len(), d_output), |(i, o)| weights[(i, o)]);
    let shift = Array1::from_vec(means).dot(&weights);
    Ok(CrossEntropyFit {
        bias: found.bias - shift,
        weights,
        ..found
    })
}

/// All rows.
fn gather(samples: &dyn Samples) -> Result<(Mat<f64>, Array2<f32>), ReadoutError> {
    let (count, d_output) = (samples.count(), samples.d_output());
    let mut features = Mat::zeros(count, samples.d_features());
    let mut targets = Array2::zeros((count, d_output));
    let mut row = 0;
    pass_in_blocks(samples, &mut |Block {
                                      features: own,
                                      targets: asked,
                                  }| {
        // Rows beyond those that were announced are an error after the pass.
        let rows = own.nrows().min(count - row);
        let own = own.as_ref().get(..rows, ..);
        features.get_mut(row..row + rows, ..).copy_from(own);
        for at in 0..rows {
            for o in 0..d_output {
                targets[[row + at, o]] = asked[(at, o)] as f32;
            }
        }
        row += rows;
    })?;
    Ok((features, targets))
}

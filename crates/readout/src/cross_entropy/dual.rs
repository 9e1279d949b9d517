//! Few rows: a fit on a square root of their kernel matrix.

use faer::Mat;
use faer::linalg::triangular_solve::solve_upper_triangular_in_place;
use ndarray::{Array1, Array2};

use super::{CrossEntropyFit, primal};
use crate::dense::{TASKS, cholesky, trace};
use crate::held::Held;
use crate::{InMemory, Link, ReadoutError, Ridge, Samples};

/// What is added to the kernel's diagonal, relative to its mean: centred rows do not determine a factor.
const SHIFT: f64 = 1e-10;

/// Fits on R with R·Rᵀ = X·Xᵀ, X centred: W = Xᵀ·R⁻ᵀ·V has X·W = R·V and the length of V.
pub(super) fn fit(
    samples: &dyn Samples,
    link: Link,
    ridge: Ridge,
) -> Result<CrossEntropyFit, ReadoutError> {
    let held = Held::of(samples)?;
    let mut kernel = held.kernel();
    let (count, trace) = (kernel.nrows(), trace(kernel.as_ref()));
    let mean = if trace > 0.0 {
        trace / count as f64
    } else {
        1.0
    };
    for at in 0..count {
        kernel[(at, at)] += SHIFT * mean;
    }
    let root = cholesky(kernel.as_ref());
    let root =
        root.ok_or_else(|| ReadoutError::Search("the rows' kernel matrix has no root".into()))?;
    let rows = Array2::from_shape_fn((count, count), |(i, j)| match i < j {
        true => 0.0,
        false => root[(i, j)] as f32,
    });
    let d_output = samples.d_output();
    let targets = Array2::from_shape_fn((count, d_output), |(i, o)| held.targets[(i, o)] as f32);
    let found = primal(&InMemory::new(rows, targets)?, link, ridge)?;
    let mut duals = Mat::from_fn(count, d_output, |i, o| found.weights[[i, o]]);
    solve_upper_triangular_in_place(root.transpose(), duals.as_mut(), TASKS);
    let weights = held.weights(duals.as_ref());
    let weights = Array2::from_shape_fn((weights.nrows(), d_output), |(i, o)| weights[(i, o)]);
    let shift = Array1::from_vec(held.feature_means).dot(&weights);
    Ok(CrossEntropyFit {
        bias: found.bias - shift,
        weights,
        ..found
    })
}

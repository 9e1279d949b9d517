//! The eigenvalues and eigenvectors of a positive semidefinite matrix, and what λ makes of them.

use crate::ReadoutError;
use crate::dense::{eigen, product, solve_positive, trace};
use faer::{Mat, MatRef};

/// A = V·diag(e)·Vᵀ; the inverse of A + λI has 1/(e + λ) in place of e.
pub(super) struct Spectrum {
    /// e, ascending; rounding below zero is cut off.
    pub(super) values: Vec<f64>,
    /// V, one column per eigenvalue.
    pub(super) vectors: Mat<f64>,
    /// Eigenvalues up to here cannot be told from zero.
    lost: f64,
}

impl Spectrum {
    /// Decomposes the matrix whose lower triangle is given.
    pub(super) fn new(lower: MatRef<'_, f64>) -> Result<Self, ReadoutError> {
        let size = lower.nrows();
        let (values, vectors) = eigen(lower).map_err(|_| ReadoutError::Eigenvalues { size })?;
        let values: Vec<f64> = values.into_iter().map(|e| e.max(0.0)).collect();
        let largest = values.last().copied().unwrap_or(0.0);
        Ok(Spectrum {
            values,
            vectors,
            lost: size as f64 * f64::EPSILON * largest,
        })
    }

    /// 1/(e + λ) for every eigenvalue, or 0 where neither e nor λ stands out from rounding: that gives the solution
    /// of least norm.
    pub(super) fn inverse(&self, lambda: f64) -> Vec<f64> {
        let invert = |&e: &f64| {
            if e.max(lambda) <= self.lost {
                0.0
            } else {
                1.0 / (e + lambda)
            }
        };
        self.values.iter().map(invert).collect()
    }

    /// The solution of (A + λI)·X = V·C for the coefficients C.
    pub(super) fn solve(&self, lambda: f64, coefficients: &Mat<f64>) -> Mat<f64> {
        let kept = self.inverse(lambda);
        let filtered = Mat::from_fn(coefficients.nrows(), coefficients.ncols(), |j, o| {
            kept[j] * coefficients[(j, o)]
        });
        product(self.vectors.as_ref(), filtered.as_ref())
    }
}

/// Solves (A + λI)·X = B by Cholesky where λ is large enough to make that safe, A given by its lower triangle.
pub(super) fn solve_directly(
    mut lower: Mat<f64>,
    lambda: f64,
    right: MatRef<'_, f64>,
) -> Result<Mat<f64>, Mat<f64>> {
    let size = lower.nrows();
    // The trace bounds the largest eigenvalue; a condition of 1e12 leaves four digits at the very least.
    if lambda < 1e-12 * trace(lower.as_ref()) {
        return Err(lower);
    }
    for i in 0..size {
        lower[(i, i)] += lambda;
    }
    solve_positive(lower.as_ref(), right).ok_or_else(|| {
        for i in 0..size {
            lower[(i, i)] -= lambda;
        }
        lower
    })
}

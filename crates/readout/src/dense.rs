//! Dense linear algebra by faer, whose numbers do not depend on how many threads there are.

use std::num::NonZeroUsize;

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::linalg::evd::{
    ComputeEigenvectors, EvdError, self_adjoint_evd, self_adjoint_evd_scratch,
};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};

/// How many tasks faer makes of one piece of work.
///
/// faer sums per task, so that their number decides how results are rounded. With a number of its own, not that of the
/// threads, they are the same on any machine's number of threads; rayon shares the tasks out among its threads.
pub(crate) const TASKS: Par = Par::Rayon(NonZeroUsize::new(8).expect("8 is not 0"));

/// left·right.
pub(crate) fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(left.nrows(), right.ncols());
    matmul(&mut out, Accum::Replace, left, right, 1.0, TASKS);
    out
}

/// The sum of a square matrix's diagonal.
pub(crate) fn trace(square: MatRef<'_, f64>) -> f64 {
    (0..square.nrows()).map(|i| square[(i, i)]).sum()
}

/// The eigenvalues, ascending, and the eigenvectors, one a column, of a positive semidefinite matrix that is given by its lower
/// triangle.
///
/// # Errors
///
/// If the iteration does not converge.
pub(crate) fn eigen(lower: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), EvdError> {
    decompose(lower).or_else(|_| {
        // Where nearly all eigenvalues are zero but for rounding, the iteration waits for off-diagonals to become small beside
        // diagonals that are rounding themselves. A + s·I has the same eigenvectors and no such diagonals; the eigenvalues lose
        // ε times the trace, little more than what is lost anyway.
        let shift = trace(lower);
        let mut shifted = lower.to_owned();
        for i in 0..shifted.nrows() {
            shifted[(i, i)] += shift;
        }
        let (mut values, vectors) = decompose(shifted.as_ref())?;
        values.iter_mut().for_each(|value| *value -= shift);
        Ok((values, vectors))
    })
}

fn decompose(lower: MatRef<'_, f64>) -> Result<(Vec<f64>, Mat<f64>), EvdError> {
    let size = lower.nrows();
    let mut vectors = Mat::zeros(size, size);
    let mut values = Diag::zeros(size);
    let params = Default::default();
    let needed = self_adjoint_evd_scratch::<f64>(size, ComputeEigenvectors::Yes, TASKS, params);
    self_adjoint_evd(
        lower,
        values.as_mut(),
        Some(vectors.as_mut()),
        TASKS,
        MemStack::new(&mut MemBuffer::new(needed)),
        params,
    )?;
    Ok((values.column_vector().iter().copied().collect(), vectors))
}

/// The factor L of A = L·Lᵀ in the lower triangle, A given by its own; none where A is not positive definite.
pub(crate) fn cholesky(lower: MatRef<'_, f64>) -> Option<Mat<f64>> {
    let size = lower.nrows();
    let mut factor = lower.to_owned();
    let params = Default::default();
    let needed = llt::factor::cholesky_in_place_scratch::<f64>(size, TASKS, params);
    llt::factor::cholesky_in_place(
        factor.as_mut(),
        Default::default(),
        TASKS,
        MemStack::new(&mut MemBuffer::new(needed)),
        params,
    )
    .ok()?;
    Some(factor)
}

/// Solves A·X = B by Cholesky, A given by its lower triangle; none where A is not positive definite.
pub(crate) fn solve_positive(lower: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Option<Mat<f64>> {
    let size = lower.nrows();
    let factor = cholesky(lower)?;
    let mut solution = right.to_owned();
    let needed = llt::solve::solve_in_place_scratch::<f64>(size, right.ncols(), TASKS);
    llt::solve::solve_in_place(
        factor.as_ref(),
        solution.as_mut(),
        TASKS,
        MemStack::new(&mut MemBuffer::new(needed)),
    );
    Some(solution)
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rayon::ThreadPoolBuilder;

    use crate::{InMemory, Ridge, fit_ridge};

    #[test]
    fn a_ridge_fit_is_the_same_to_the_last_bit_on_any_number_of_threads() {
        // More rows than features, then fewer; sizes at which faer shares its work, for one output and for several.
        for (rows, d_features, d_output) in [(700, 300, 1), (700, 300, 9), (300, 500, 9)] {
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let mut random =
                |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0_f32));
            let features = random((rows, d_features));
            let targets = random((rows, d_output));
            let samples = InMemory::new(features.clone(), targets).unwrap();
            for ridge in [Ridge::Auto, Ridge::Value(3.0), Ridge::Value(1e-12)] {
                let found = [1, 2, 4].map(|threads| {
                    let pool = ThreadPoolBuilder::new()
                        .num_threads(threads)
                        .build()
                        .unwrap();
                    let fit = pool.install(|| fit_ridge(&samples, ridge)).unwrap();
                    let predicted = pool.install(|| fit.predict(features.view()));
                    (fit, predicted)
                });
                let same = found.iter().all(|other| *other == found[0]);
                assert!(same, "{rows} rows, {d_features} features, {ridge:?}");
            }
        }
    }
}

//! The spectral radius of a square matrix.

use std::num::NonZeroUsize;

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, evd_real, evd_scratch};
use faer::{Mat, Par};

/// The largest modulus of the eigenvalues of a matrix of `size` rows and columns, given as row, column and value of each entry
/// that is not zero; `None` where they cannot be found. Takes time `size`³.
///
/// ```
/// // Eigenvalues ±3i.
/// let turn = [([0, 1], -3.0), ([1, 0], 3.0)];
/// assert!((ran_topology::spectral_radius(2, turn).unwrap() - 3.0_f64).abs() < 1e-12);
/// ```
///
/// # Panics
///
/// If an entry lies outside the matrix.
pub fn spectral_radius(
    size: usize,
    entries: impl IntoIterator<Item = ([usize; 2], f64)>,
) -> Option<f64> {
    let mut matrix = Mat::<f64>::zeros(size, size);
    for ([row, column], value) in entries {
        matrix[(row, column)] = value;
    }
    // faer sums per task: with a number of its own, not that of the threads, a seed gives the same radius on any machine.
    let tasks = Par::Rayon(const { NonZeroUsize::new(8).expect("8 is not 0") });
    let none = ComputeEigenvectors::No;
    let needed = evd_scratch::<f64>(size, none, none, tasks, Default::default());
    let (mut real, mut imaginary) = (Diag::zeros(size), Diag::zeros(size));
    evd_real(
        matrix.as_ref(),
        real.as_mut(),
        imaginary.as_mut(),
        None,
        None,
        tasks,
        MemStack::new(&mut MemBuffer::new(needed)),
        Default::default(),
    )
    .ok()?;
    let parts = real.column_vector().iter();
    let parts = parts.zip(imaginary.column_vector().iter());
    Some(
        parts
            .map(|(real, imaginary)| real.hypot(*imaginary))
            .fold(0.0, f64::max),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_matrices_with_known_eigenvalues() {
        // A turn by an angle times 0.7 beside 0.3: eigenvalues of modulus 0.7, 0.7 and 0.3.
        let (sin, cos) = (0.4_f64.sin() * 0.7, 0.4_f64.cos() * 0.7);
        let turn = [cos, -sin, 0.0, sin, cos, 5.0, 0.0, 0.0, 0.3];
        let none = [0.0, 3.0, 0.0, 0.0];
        let twice = [2.0, 1.0, 0.0, 2.0]; // one eigenvalue with one eigenvector
        for (matrix, size, expected) in [(&turn[..], 3, 0.7), (&none, 2, 0.0), (&twice, 2, 2.0)] {
            let entries = matrix.iter().enumerate();
            let entries = entries.map(|(at, &value)| ([at / size, at % size], value));
            let found = spectral_radius(size, entries).unwrap();
            assert!((found - expected).abs() < 1e-7, "{found} is not {expected}");
        }
    }
}

//! Leave-one-out: the squared error of every candidate λ, from one eigendecomposition.

use super::product;
use faer::{Mat, MatRef};

/// The λ of a fit, and how it was found.
pub(super) struct Chosen {
    pub(super) lambda: f64,
    pub(super) curve: Vec<(f64, f64)>,
    pub(super) at_edge: bool,
}

impl Chosen {
    /// A λ that needed no choice.
    pub(super) fn given(lambda: f64) -> Self {
        Chosen {
            lambda,
            curve: Vec::new(),
            at_edge: false,
        }
    }
}

/// Sums squared leave-one-out errors over blocks of rows, for every candidate λ.
pub(super) struct LeaveOneOut {
    /// The candidates, ascending.
    lambdas: Vec<f64>,
    /// The sum of squared errors under each.
    errors: Vec<f64>,
    /// How many errors were summed: rows times outputs.
    values: usize,
}

/// Rows as the eigenvectors see them.
///
/// Under each λ, with filter f, a row of scores s gives the leverage Σⱼ fⱼ·sⱼ² and, with coefficients c, the projected
/// targets Σⱼ fⱼ·sⱼ·cⱼ.
pub(super) struct Rows<'a> {
    /// Scores of the rows in the eigenvectors, `[rows, eigenvectors]`.
    pub(super) scores: MatRef<'a, f64>,
    /// Coefficients of the targets in the eigenvectors, `[eigenvectors, d_output]`.
    pub(super) coefficients: MatRef<'a, f64>,
    /// What λ keeps of each eigenvector, `[eigenvectors, lambdas]`.
    pub(super) filters: MatRef<'a, f64>,
}

impl LeaveOneOut {
    /// Two candidates per decade from 10⁻¹⁰ to 10³ times the mean eigenvalue.
    pub(super) fn new(mean_eigenvalue: f64) -> Self {
        let lambdas: Vec<f64> = (-20..=6)
            .map(|half_decade| mean_eigenvalue * 10_f64.powf(f64::from(half_decade) / 2.0))
            .collect();
        LeaveOneOut {
            errors: vec![0.0; lambdas.len()],
            lambdas,
            values: 0,
        }
    }

    /// One column per candidate.
    pub(super) fn filters(&self, filter: impl Fn(f64) -> Vec<f64>) -> Mat<f64> {
        let columns: Vec<Vec<f64>> = self.lambdas.iter().map(|&lambda| filter(lambda)).collect();
        Mat::from_fn(columns[0].len(), columns.len(), |j, l| columns[l][j])
    }

    /// Adds rows. `residual(row, output, projected)` gives eᵢ, the residual of the full fit, and `kept(leverage)` gives
    /// 1 − hᵢᵢ, or nothing where that cannot be told from 0: then the candidate counts as infinitely bad.
    pub(super) fn add(
        &mut self,
        rows: &Rows<'_>,
        residual: impl Fn(usize, usize, f64) -> f64,
        kept: impl Fn(f64) -> Option<f64>,
    ) {
        let Rows {
            scores,
            coefficients,
            filters,
        } = *rows;
        let d_output = coefficients.ncols();
        let squares = Mat::from_fn(scores.nrows(), scores.ncols(), |i, j| {
            scores[(i, j)] * scores[(i, j)]
        });
        let leverages = product(squares.as_ref(), filters);
        drop(squares);
        self.values += scores.nrows() * d_output;
        // Several λ share one matrix product, so that few outputs do not make it narrow.
        let together = (256 / d_output.max(1)).max(1);
        for start in (0..self.lambdas.len()).step_by(together) {
            let group = together.min(self.lambdas.len() - start);
            let filtered = Mat::from_fn(coefficients.nrows(), group * d_output, |j, column| {
                filters[(j, start + column / d_output)] * coefficients[(j, column % d_output)]
            });
            let projected = product(scores, filtered.as_ref());
            for l in 0..group {
                self.errors[start + l] += (0..scores.nrows())
                    .map(|row| match kept(leverages[(row, start + l)]) {
                        Some(kept) => (0..d_output)
                            .map(|o| {
                                let error = residual(row, o, projected[(row, l * d_output + o)]);
                                (error / kept).powi(2)
                            })
                            .sum(),
                        None => f64::INFINITY,
                    })
                    .sum::<f64>();
            }
        }
    }

    /// The candidate of least error; of equals, the largest.
    pub(super) fn choose(self) -> Chosen {
        let values = self.values.max(1) as f64;
        let curve: Vec<(f64, f64)> = self
            .lambdas
            .iter()
            .zip(&self.errors)
            .map(|(&lambda, &error)| (lambda, error / values))
            .collect();
        let mut best = 0;
        for (at, &(_, error)) in curve.iter().enumerate() {
            if error <= curve[best].1 {
                best = at;
            }
        }
        Chosen {
            lambda: curve[best].0,
            at_edge: best == 0 || best + 1 == curve.len(),
            curve,
        }
    }
}

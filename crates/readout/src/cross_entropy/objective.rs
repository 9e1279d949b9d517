//! The penalised cross-entropy and its gradient, in coordinates in which no curvature exceeds 1.

use std::cell::RefCell;

use faer::linalg::matmul::{matmul, triangular};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{Accum, Mat, MatMut, MatRef};
use ndarray::{Array1, Array2};

use crate::dense::{TASKS, cholesky, product, trace};
use crate::losses::{binary_cross_entropy, softmax_cross_entropy};
use crate::moments::Moments;
use crate::samples::{Block, add_columns, pass_in_blocks, subtract};
use crate::{Link, ReadoutError, Samples};

/// Which rows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// All.
    All,
    /// All but a fifth.
    Kept,
}

/// One row of this many is held out.
const HELD_OUT: u64 = 5;
/// A row's place is multiplied with this number, and the upper half of the product's bits decides: which step of a sequence a row is says
/// nothing (Knuth's multiplicative hash, by the golden ratio).
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rows {
    fn count(self, row: usize) -> bool {
        let scattered = (row as u64 + 1).wrapping_mul(SCATTER) >> 32;
        self == Self::All || !scattered.is_multiple_of(HELD_OUT)
    }
}

/// c, with which c·XᵀX is at least the Hessian of the sum of losses.
fn bound(link: Link) -> f64 {
    match link {
        Link::Softmax => 0.5,
        Link::Logistic => 0.25,
        other => panic!("expected the link of a cross-entropy, got {other:?}"),
    }
}

/// The mean nonzero eigenvalue of c·XᵀX; 1 where features do not vary.
pub(super) fn mean_curvature(moments: &Moments, link: Link, rows: usize) -> f64 {
    let (size, trace) = (moments.gram.nrows(), trace(moments.gram.as_ref()));
    let rank = size.min(rows.saturating_sub(1)).max(1);
    match trace > 0.0 {
        true => bound(link) * trace / rank as f64,
        false => 1.0,
    }
}

/// A point, with the mean loss and its gradient there.
type Seen = (Vec<f64>, f64, Vec<f64>);

/// Is shown a block of rows: the place of its first row, its centred features, the slopes of its losses by its logits, `[rows, d_output]`, and
/// its losses.
type Visit<'a> = dyn FnMut(usize, MatRef<'_, f64>, MatMut<'_, f64>, &[f64]) + 'a;

/// The mean over rows of the penalised cross-entropy.
///
/// A point is W, column by column, and then b, of centred features. The search sees V and d: W = L⁻ᵀ·V with L·Lᵀ = (c·XᵀX + λI)/n, and b = d/√c.
pub(super) struct Objective<'a> {
    samples: &'a dyn Samples,
    link: Link,
    feature_means: &'a [f64],
    lambda: f64,
    rows: Rows,
    /// L; none where features do not vary and nothing is penalised.
    factor: Option<Mat<f64>>,
    /// What the line search asked for last: it wants the loss and the gradient of one point one after the other.
    last: RefCell<Option<Seen>>,
    /// Why a pass failed.
    failure: RefCell<Option<ReadoutError>>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        samples: &'a dyn Samples,
        link: Link,
        moments: &'a Moments,
        lambda: f64,
        rows: Rows,
    ) -> Self {
        let (bound, count) = (bound(link), samples.count() as f64);
        let (size, trace) = (moments.gram.nrows(), trace(moments.gram.as_ref()));
        // A factor of what rounding has left of an eigenvalue would not exist.
        let shift = lambda.max(1e-12 * bound * trace);
        let curvature = Mat::from_fn(size, size, |i, j| {
            let own = if i == j { shift } else { 0.0 };
            (bound * moments.gram[(i, j)] + own) / count
        });
        Self {
            samples,
            link,
            feature_means: &moments.feature_means,
            lambda,
            rows,
            factor: cholesky(curvature.as_ref()),
            last: RefCell::new(None),
            failure: RefCell::new(None),
        }
    }

    /// Widths of features and of outputs.
    fn widths(&self) -> (usize, usize) {
        (self.samples.d_features(), self.samples.d_output())
    }

    /// A point's coordinates in the search.
    pub(super) fn search_of(&self, point: &[f64]) -> Vec<f64> {
        let mut at = point.to_vec();
        let (d_features, d_output) = self.widths();
        let (weights, bias) = at.split_at_mut(d_features * d_output);
        if let Some(factor) = &self.factor {
            let mut own = MatMut::from_column_major_slice_mut(weights, d_features, d_output);
            let given = own.to_owned();
            triangular::matmul(
                own.as_mut(),
                triangular::BlockStructure::Rectangular,
                Accum::Replace,
                factor.transpose(),
                triangular::BlockStructure::TriangularUpper,
                given.as_ref(),
                triangular::BlockStructure::Rectangular,
                1.0,
                TASKS,
            );
        }
        let scale = bound(self.link).sqrt();
        bias.iter_mut().for_each(|b| *b *= scale);
        at
    }

    /// The point of coordinates in the search.
    pub(super) fn point_of(&self, at: &[f64]) -> Vec<f64> {
        let mut point = at.to_vec();
        let (d_features, d_output) = self.widths();
        let (weights, bias) = point.split_at_mut(d_features * d_output);
        if let Some(factor) = &self.factor {
            let own = MatMut::from_column_major_slice_mut(weights, d_features, d_output);
            solve_upper_triangular_in_place(factor.transpose(), own, TASKS);
        }
        let scale = bound(self.link).sqrt();
        bias.iter_mut().for_each(|b| *b /= scale);
        point
    }

    /// W and b of features that are not centred.
    pub(super) fn uncentred(&self, point: &[f64]) -> (Array2<f64>, Array1<f64>) {
        let (d_features, d_output) = self.widths();
        let (weights, bias) = point.split_at(d_features * d_output);
        let weights =
            Array2::from_shape_fn((d_features, d_output), |(i, o)| weights[o * d_features + i]);
        let shift = Array1::from_vec(self.feature_means.to_vec()).dot(&weights);
        let bias = Array1::from_vec(bias.to_vec()) - shift;
        (weights, bias)
    }

    /// The length of the gradient, in the coordinates of the search.
    pub(super) fn slope(&self, at: &[f64]) -> Result<f64, ReadoutError> {
        let (_, gradient) = self.at(at)?;
        Ok(gradient
            .iter()
            .map(|slope| slope * slope)
            .sum::<f64>()
            .sqrt())
    }

    /// Why a pass of the search failed, where one did.
    pub(super) fn failure(&self) -> Result<(), ReadoutError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The mean loss and its gradient, in the coordinates of the search.
    pub(super) fn at(&self, at: &[f64]) -> Result<(f64, Vec<f64>), ReadoutError> {
        let seen = self.look(at);
        if let Err(error) = &seen {
            *self.failure.borrow_mut() = Some(error.clone());
        }
        seen
    }

    fn look(&self, at: &[f64]) -> Result<(f64, Vec<f64>), ReadoutError> {
        if let Some((point, loss, gradient)) = &*self.last.borrow()
            && point == at
        {
            return Ok((*loss, gradient.clone()));
        }
        let point = self.point_of(at);
        let (d_features, d_output) = self.widths();
        let (weights, _) = point.split_at(d_features * d_output);
        let mut slopes = Mat::zeros(d_features, d_output);
        let mut bias_slopes = vec![0.0; d_output];
        let mut loss = 0.0;
        self.each(&point, &mut |first, features, mut residuals, losses| {
            for (row, own) in losses.iter().enumerate() {
                if self.rows.count(first + row) {
                    loss += own;
                } else {
                    residuals.as_mut().row_mut(row).fill(0.0);
                }
            }
            let (turned, residuals) = (features.transpose(), residuals.as_ref());
            add_columns(residuals, &mut bias_slopes);
            matmul(&mut slopes, Accum::Add, turned, residuals, 1.0, TASKS);
        })?;
        let count = self.samples.count() as f64;
        loss += 0.5 * self.lambda * weights.iter().map(|w| w * w).sum::<f64>();
        for o in 0..d_output {
            for i in 0..d_features {
                let penalty = self.lambda * weights[o * d_features + i];
                slopes[(i, o)] = (slopes[(i, o)] + penalty) / count;
            }
        }
        if let Some(factor) = &self.factor {
            solve_lower_triangular_in_place(factor.as_ref(), slopes.as_mut(), TASKS);
        }
        let scale = bound(self.link).sqrt();
        let mut gradient: Vec<f64> = slopes
            .col_iter()
            .flat_map(|column| column.iter())
            .copied()
            .collect();
        gradient.extend(bias_slopes.iter().map(|slope| slope / (scale * count)));
        let loss = loss / count;
        *self.last.borrow_mut() = Some((at.to_vec(), loss, gradient.clone()));
        Ok((loss, gradient))
    }

    /// The mean cross-entropy of the rows that do not count, at a point.
    pub(super) fn held_out(&self, point: &[f64]) -> Result<f64, ReadoutError> {
        let (mut sum, mut rows) = (0.0, 0);
        self.each(point, &mut |first, _, _, losses| {
            for (row, loss) in losses.iter().enumerate() {
                if !self.rows.count(first + row) {
                    sum += loss;
                    rows += 1;
                }
            }
        })?;
        Ok(sum / f64::from(rows.max(1)))
    }

    /// Makes a pass over all rows.
    fn each(&self, point: &[f64], visit: &mut Visit<'_>) -> Result<(), ReadoutError> {
        let (d_features, d_output) = self.widths();
        let (weights, bias) = point.split_at(d_features * d_output);
        let weights = MatRef::from_column_major_slice(weights, d_features, d_output);
        let mut first = 0;
        let (mut own, mut asked) = (vec![0.0; d_output], vec![0.0; d_output]);
        pass_in_blocks(
            self.samples,
            &mut |Block {
                      mut features,
                      targets,
                  }| {
                subtract(features.as_mut(), self.feature_means);
                let mut logits = product(features.as_ref(), weights);
                let mut loss_of = |row: usize| {
                    for o in 0..d_output {
                        own[o] = logits[(row, o)] + bias[o];
                        asked[o] = targets[(row, o)];
                    }
                    let loss = match self.link {
                        Link::Softmax => softmax_cross_entropy(&mut own, &asked),
                        _ => logistic(&mut own, &asked),
                    };
                    for (o, &slope) in own.iter().enumerate() {
                        logits[(row, o)] = slope;
                    }
                    loss
                };
                let losses: Vec<f64> = (0..targets.nrows()).map(&mut loss_of).collect();
                visit(first, features.as_ref(), logits.as_mut(), &losses);
                first += losses.len();
            },
        )
    }
}

/// Σ binary cross-entropies; the logits become its slopes.
fn logistic(logits: &mut [f64], targets: &[f64]) -> f64 {
    let mut loss = 0.0;
    for (o, y) in logits.iter_mut().zip(targets) {
        let [value, slope] = binary_cross_entropy(*o, *y);
        loss += value;
        *o = slope;
    }
    loss
}

//! A linear readout by cross-entropy: softmax or logistic regression by L-BFGS.

mod dual;
mod objective;

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2};

use crate::moments::Moments;
use crate::ridge::check_penalty;
use crate::{Link, ReadoutError, Ridge, Samples};
use objective::{Objective, Rows};

/// A linear readout fitted by cross-entropy: logits = features·W + b.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropyFit {
    /// W, `[d_features, d_output]`.
    pub weights: Array2<f64>,
    /// b, `[d_output]`.
    pub bias: Array1<f64>,
    /// The penalty λ that was used.
    pub lambda: f64,
    /// Each λ that was tried, descending, with the mean cross-entropy of the rows that were held out, in nats; empty when λ was given.
    pub curve: Vec<(f64, f64)>,
    /// Whether the search has come near the optimum, rather than end after its last step.
    pub converged: bool,
    /// Whether the chosen λ is the smallest or the largest candidate, so that the best may lie beyond.
    pub at_edge: bool,
}

/// Fits a linear readout by cross-entropy, with an intercept that is not penalised:
///
/// minimise Σᵢ ℓ(yᵢ, Wᵀxᵢ + b) + λ/2·‖W‖² over W and b
///
/// where ℓ is −Σₒ y·log softmax(o) with [`Link::Softmax`], and the sum of binary cross-entropies over outputs with
/// [`Link::Logistic`]. λ is relative to the *sum* over rows. Features are centred but not scaled; everything is in f64.
///
/// The problem is convex. It is solved by L-BFGS (Liu & Nocedal 1989, with the line search of Moré & Thuente 1994) in coordinates in
/// which no curvature exceeds 1, so that a step of length 1 is a good one: the Hessian is at most c·XᵀX + λI with c = 1/2 for softmax
/// and 1/4 for logistic regression (Böhning 1992, "Multinomial logistic regression algorithm"), of which one Cholesky factor a λ is
/// taken. Each step passes over the rows once or a few times.
///
/// With no more rows than features, the rows of a Cholesky factor of the centred features' kernel matrix take their place, which gives the
/// same readout for less.
///
/// [`Ridge::Auto`] holds a fifth of the rows out, scattered over all of them, and goes through λ from 10 to 10⁻⁸ times the mean nonzero
/// eigenvalue of c·XᵀX, a decade a step, each fit beginning where the last one ended, until the held-out cross-entropy was worse than
/// the best for two steps. The best λ is then fitted to all rows. Rows that belong together, such as the steps of one sequence, make
/// held-out rows optimistic.
///
/// # Errors
///
/// If there are no rows, a value is not finite, the samples break a promise about their number or widths, or λ is negative or not
/// finite.
///
/// # Panics
///
/// If the link is not that of a cross-entropy.
pub fn fit_cross_entropy(
    samples: &dyn Samples,
    link: Link,
    ridge: Ridge,
) -> Result<CrossEntropyFit, ReadoutError> {
    if let Ridge::Value(value) = ridge {
        check_penalty(value)?;
    }
    if samples.count() == 0 {
        return Err(ReadoutError::NoRows);
    }
    if samples.count() <= samples.d_features() {
        return dual::fit(samples, link, ridge);
    }
    primal(samples, link, ridge)
}

/// Fits on the features themselves.
fn primal(
    samples: &dyn Samples,
    link: Link,
    ridge: Ridge,
) -> Result<CrossEntropyFit, ReadoutError> {
    let moments = Moments::of(samples)?;
    let mean = objective::mean_curvature(&moments, link, samples.count());
    let start = vec![0.0; (samples.d_features() + 1) * samples.d_output()];
    let of = |lambda, rows| Objective::new(samples, link, &moments, lambda, rows);
    let (lambda, curve, start) = match ridge {
        Ridge::Value(lambda) => (lambda, Vec::new(), start),
        Ridge::Auto => {
            let mut best = (mean, f64::INFINITY, start.clone());
            let mut curve = Vec::new();
            let (mut at, mut worse) = (start, 0);
            for decade in CANDIDATES {
                let lambda = mean * 10_f64.powi(-decade);
                let objective = of(lambda, Rows::Kept);
                (at, _) = minimise(&objective, &at, ROUGH)?;
                let held = objective.held_out(&at)?;
                curve.push((lambda, held));
                worse += 1;
                if held < best.1 {
                    best = (lambda, held, at.clone());
                    worse = 0;
                }
                if worse == 2 {
                    break;
                }
            }
            (best.0, curve, best.2)
        }
    };
    let objective = of(lambda, Rows::All);
    let (found, slope) = minimise(&objective, &start, FINE)?;
    let (weights, bias) = objective.uncentred(&found);
    let ends = [curve.first(), curve.last()];
    let at_edge = ends.into_iter().flatten().any(|end| end.0 == lambda);
    Ok(CrossEntropyFit {
        weights,
        bias,
        lambda,
        converged: slope <= NEAR,
        at_edge,
        curve,
    })
}

/// Negative decades of the candidates, relative to the mean eigenvalue.
const CANDIDATES: std::ops::RangeInclusive<i32> = -1..=8;

/// Steps of the search at most.
const MOST_STEPS: u64 = 300;
/// Steps whose gradients L-BFGS remembers.
const REMEMBERED: usize = 10;
/// The change of the mean loss at which the search ends, where penalties are compared.
const ROUGH: f64 = 1e-5;
/// The same for the readout that is wanted.
const FINE: f64 = 1e-9;
/// The length of the mean loss's gradient at which it ends, in the coordinates of the search.
const FLAT: f64 = 1e-7;
/// The same beyond which the search counts as not converged.
const NEAR: f64 = 1e-3;

/// The point of the least loss that L-BFGS finds from a start, and the length of the gradient there.
fn minimise(
    objective: &Objective<'_>,
    start: &[f64],
    change: f64,
) -> Result<(Vec<f64>, f64), ReadoutError> {
    let search = |error: Error| match error.downcast::<ReadoutError>() {
        Ok(own) => own,
        Err(other) => ReadoutError::Search(other.to_string()),
    };
    let first = objective.search_of(start);
    let slope = objective.slope(&first)?;
    // A line search along a direction of no length finds nothing.
    if slope <= FLAT {
        return Ok((start.to_vec(), slope));
    }
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), REMEMBERED)
        .with_tolerance_cost(change)
        .and_then(|solver| solver.with_tolerance_grad(FLAT))
        .map_err(search)?;
    let executor = Executor::new(Problem(objective), solver);
    let executor = executor.configure(|state| state.param(first).max_iters(MOST_STEPS));
    let mut found = executor.run().map_err(search)?;
    // argmin takes an error of its line search for the end of the search.
    objective.failure()?;
    let best = found.state.take_best_param();
    let best = best.ok_or_else(|| ReadoutError::Search("it has made no step".into()))?;
    Ok((objective.point_of(&best), objective.slope(&best)?))
}

/// An objective as argmin sees it.
struct Problem<'a>(&'a Objective<'a>);

impl CostFunction for Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.0.at(at)?.0)
    }
}

impl Gradient for Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, at: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.0.at(at)?.1)
    }
}

#[cfg(test)]
mod tests;

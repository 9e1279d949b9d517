//! Scores: how predictions over scored steps are judged.
//!
//! Predictions and targets are `[rows, d_output]`, one row per scored step, all sequences below one another
//! (see [`Dataset::stack_targets`](crate::Dataset::stack_targets)). A score that is a mean over rows is NaN when there are none.

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, Axis, Zip};
use std::f64::consts::LN_2;

/// The share of rows whose largest prediction (the first of equals) is where the largest target is.
/// A row without any number (all NaN) is wrong.
///
/// # Panics
///
/// When the shapes differ, as do all functions here.
#[must_use]
pub fn accuracy(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    share_of_rows(predictions, targets, |prediction, target| {
        argmax(prediction).is_some_and(|class| Some(class) == argmax(target))
    })
}

/// The cross-entropy in nats per row: the mean over rows of −Σ y·ln p. A probability below 10⁻⁷, as the projection of a readout
/// that was fitted to squared errors gives, counts as 10⁻⁷; one that is NaN makes the score NaN.
#[must_use]
pub fn cross_entropy(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    const LEAST: f64 = 1e-7;
    check_shapes(predictions, targets);
    let sum =
        Zip::from(predictions)
            .and(targets)
            .fold(0.0, |sum, &prediction, &target| match target {
                // Of a number that is none, `max` would make the least.
                _ if prediction.is_nan() => f64::NAN,
                0.0 => sum,
                _ => sum - f64::from(target) * f64::from(prediction).max(LEAST).ln(),
            });
    sum / predictions.nrows() as f64
}

/// The cross-entropy in bits per row.
#[must_use]
pub fn bits_per_symbol(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    cross_entropy(predictions, targets) / LN_2
}

/// e to the power of the cross-entropy: among how many equally likely classes a model would be as unsure.
#[must_use]
pub fn perplexity(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    cross_entropy(predictions, targets).exp()
}

/// The share of labels whose prediction falls on the target's side of 0.5 (0.5 itself counts as set).
#[must_use]
pub fn bit_accuracy(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    check_shapes(predictions, targets);
    let right = Zip::from(predictions)
        .and(targets)
        .fold(0_usize, |right, &prediction, &target| {
            right + usize::from(same_bit(prediction, target))
        });
    right as f64 / predictions.len() as f64
}

/// The share of rows in which every label's prediction falls on the target's side of 0.5.
#[must_use]
pub fn exact_match(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    share_of_rows(predictions, targets, |prediction, target| {
        prediction
            .iter()
            .zip(target)
            .all(|(&prediction, &target)| same_bit(prediction, target))
    })
}

/// The mean squared error over all entries.
#[must_use]
pub fn mse(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    check_shapes(predictions, targets);
    let sum = Zip::from(predictions)
        .and(targets)
        .fold(0.0, |sum, &prediction, &target| {
            sum + (f64::from(prediction) - f64::from(target)).powi(2)
        });
    sum / predictions.len() as f64
}

/// The root of the mean squared error.
#[must_use]
pub fn rmse(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    mse(predictions, targets).sqrt()
}

/// The root of the mean squared error over the targets' standard deviation (about each output's own mean,
/// pooled over outputs): 0 is perfect, 1 is what the mean of the targets scores.
#[must_use]
pub fn nrmse(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    (mse(predictions, targets) / variance(targets)).sqrt()
}

/// The coefficient of determination R² = 1 − NRMSE²: the share of the targets' variance that is explained.
#[must_use]
pub fn r_squared(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    1.0 - mse(predictions, targets) / variance(targets)
}

/// How often target class i (row) was predicted as class j (column), `[d_output, d_output]`. Rows without any
/// number are left out.
#[must_use]
pub fn confusion(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> Array2<usize> {
    check_shapes(predictions, targets);
    let mut counts = Array2::zeros((targets.ncols(), targets.ncols()));
    for (prediction, target) in predictions.rows().into_iter().zip(targets.rows()) {
        if let (Some(predicted), Some(actual)) = (argmax(prediction), argmax(target)) {
            counts[[actual, predicted]] += 1;
        }
    }
    counts
}

/// How often each label was due and predicted, `[d_output, 2, 2]`: the label, whether it was due, whether it was
/// predicted (at 0.5 or above).
#[must_use]
pub fn label_confusion(
    predictions: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
) -> Array3<usize> {
    check_shapes(predictions, targets);
    let mut counts = Array3::zeros((targets.ncols(), 2, 2));
    for ((at, &target), &prediction) in targets.indexed_iter().zip(predictions) {
        let (label, due) = (at.1, usize::from(target >= 0.5));
        // As in the other scores, what is no number is wrong.
        let predicted = if same_bit(prediction, target) {
            due
        } else {
            1 - due
        };
        counts[[label, due, predicted]] += 1;
    }
    counts
}

/// For how many steps of a free-running forecast the error stays at or below `threshold`.
///
/// The error at a row is |ŷ − y| / √⟨|y − ȳ|²⟩, with the Euclidean norm over outputs and the mean over all
/// rows of the targets (a threshold of 0.4 is usual: Pathak et al. 2018). Times the step and the largest Lyapunov exponent it is the
/// valid prediction time.
#[must_use]
pub fn valid_steps(
    predictions: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    threshold: f64,
) -> usize {
    check_shapes(predictions, targets);
    let scale = (variance(targets) * targets.ncols() as f64).sqrt();
    let valid = predictions
        .rows()
        .into_iter()
        .zip(targets.rows())
        .take_while(|(prediction, target)| {
            let squares = prediction.iter().zip(target);
            let squares: f64 = squares
                .map(|(&p, &y)| (f64::from(p) - f64::from(y)).powi(2))
                .sum();
            squares.sqrt() / scale <= threshold
        });
    valid.count()
}

/// Memory capacity: the sum over outputs of the squared correlation between prediction and target (Jaeger 2001). An
/// output whose prediction or target is constant adds nothing.
#[must_use]
pub fn memory_capacity(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
    squared_correlations(predictions, targets).into_iter().sum()
}

/// The squared correlation between prediction and target of each output; 0 where one of them is constant.
#[must_use]
pub fn squared_correlations(
    predictions: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
) -> Vec<f64> {
    check_shapes(predictions, targets);
    let squared_correlation = |(x, y): (ArrayView1<'_, f32>, ArrayView1<'_, f32>)| {
        let centred = |values: ArrayView1<'_, f32>| {
            let values = values.mapv(f64::from);
            let mean = values.mean().unwrap_or(0.0);
            values - mean
        };
        let (x, y) = (centred(x), centred(y));
        let scale = x.dot(&x) * y.dot(&y);
        if scale > 0.0 {
            x.dot(&y).powi(2) / scale
        } else {
            0.0
        }
    };
    let pairs = predictions.columns().into_iter().zip(targets.columns());
    pairs.map(squared_correlation).collect()
}

fn share_of_rows(
    predictions: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    right: impl Fn(ArrayView1<'_, f32>, ArrayView1<'_, f32>) -> bool,
) -> f64 {
    check_shapes(predictions, targets);
    let rows = predictions.rows().into_iter().zip(targets.rows());
    let count = rows
        .filter(|(prediction, target)| right(*prediction, *target))
        .count();
    count as f64 / predictions.nrows() as f64
}

fn check_shapes(predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) {
    assert_eq!(
        predictions.dim(),
        targets.dim(),
        "predictions must have the shape of the targets"
    );
}

fn same_bit(prediction: f32, target: f32) -> bool {
    !prediction.is_nan() && (prediction >= 0.5) == (target >= 0.5)
}

/// The place of the largest number, the first of equals; none when there is no number.
#[must_use]
pub fn argmax(row: ArrayView1<'_, f32>) -> Option<usize> {
    let numbers = row.iter().enumerate().filter(|(_, x)| !x.is_nan());
    let best = numbers.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(place, _)| place)
}

/// The mean over all entries of the squared distance from the output's own mean.
fn variance(targets: ArrayView2<'_, f32>) -> f64 {
    let targets = targets.mapv(f64::from);
    let Some(mean) = targets.mean_axis(Axis(0)) else {
        return f64::NAN;
    };
    (&targets - &mean).mapv(|x| x * x).sum() / targets.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::array;

    #[test]
    fn accuracy_compares_the_largest_entries() {
        let predictions = array![[0.6, 0.4], [0.3, 0.7], [f32::NAN, f32::NAN], [0.5, 0.5]];
        let targets = array![[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]];
        assert_eq!(accuracy(predictions.view(), targets.view()), 0.5);
    }

    #[test]
    fn the_cross_entropy_is_the_mean_of_the_logarithms() {
        // −(ln 1/2 + ln 1/8)/2 = 2 ln 2, which are 2 bits and a choice among 4.
        let predictions = array![[0.5, 0.5], [0.875, 0.125]];
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        let (predictions, targets) = (predictions.view(), targets.view());
        assert_relative_eq!(cross_entropy(predictions, targets), 2.0 * LN_2);
        assert_relative_eq!(bits_per_symbol(predictions, targets), 2.0);
        assert_relative_eq!(perplexity(predictions, targets), 4.0);
        let none = array![[0.0, 1.0]];
        let ruled_out = cross_entropy(none.view(), array![[1.0, 0.0]].view());
        assert_relative_eq!(ruled_out, -(1e-7_f64).ln());
        let unknown = array![[1.0, f32::NAN], [1.0, 0.0]];
        let targets = array![[1.0, 0.0], [1.0, 0.0]];
        assert!(cross_entropy(unknown.view(), targets.view()).is_nan());
    }

    #[test]
    fn bit_accuracy_counts_bits_and_exact_match_counts_rows() {
        let predictions = array![[0.9, 0.5, 0.1], [0.6, f32::NAN, 0.2]];
        let targets = array![[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]];
        assert_relative_eq!(bit_accuracy(predictions.view(), targets.view()), 4.0 / 6.0);
        assert_eq!(exact_match(predictions.view(), targets.view()), 0.5);
    }

    #[test]
    fn errors_of_a_small_regression() {
        // Errors 1, 0, 1, 0: mean square 1/2. Targets 0, 1, 2, 3: variance 5/4.
        let predictions = array![[1.0], [1.0], [3.0], [3.0]];
        let targets = array![[0.0], [1.0], [2.0], [3.0]];
        assert_eq!(mse(predictions.view(), targets.view()), 0.5);
        assert_relative_eq!(rmse(predictions.view(), targets.view()), 0.5_f64.sqrt());
        assert_relative_eq!(nrmse(predictions.view(), targets.view()), 0.4_f64.sqrt());
        assert_relative_eq!(r_squared(predictions.view(), targets.view()), 0.6);
    }

    #[test]
    fn the_mean_of_each_output_scores_an_nrmse_of_one() {
        let targets = array![[0.0, 10.0], [2.0, 16.0]];
        let predictions = array![[1.0, 13.0], [1.0, 13.0]];
        assert_relative_eq!(nrmse(predictions.view(), targets.view()), 1.0);
        assert_relative_eq!(r_squared(predictions.view(), targets.view()), 0.0);
    }

    #[test]
    fn confusion_has_the_actual_class_as_row() {
        let predictions = array![[0.1, 0.9], [0.9, 0.1], [0.2, 0.8]];
        let targets = array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
        assert_eq!(
            confusion(predictions.view(), targets.view()),
            array![[1, 1], [0, 1]]
        );
    }

    #[test]
    fn each_label_has_a_confusion_of_its_own() {
        let predictions = array![[0.9, 0.5, 0.1], [0.6, f32::NAN, 0.2], [0.1, 0.0, 0.7]];
        let targets = array![[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 1.0]];
        assert_eq!(
            label_confusion(predictions.view(), targets.view()),
            array![[[0, 1], [1, 1]], [[1, 1], [0, 1]], [[1, 0], [1, 1]]]
        );
    }

    #[test]
    fn a_forecast_is_valid_up_to_the_first_large_error() {
        // Targets ±1: variance 1. Errors 0.1, 0.4, 0.5, 0.
        let targets = array![[1.0], [-1.0], [1.0], [-1.0]];
        let predictions = array![[1.1], [-0.6], [0.5], [-1.0]];
        let steps = |threshold| valid_steps(predictions.view(), targets.view(), threshold);
        assert_eq!([steps(0.45), steps(0.6), steps(0.05)], [2, 4, 0]);
    }

    #[test]
    fn memory_capacity_adds_squared_correlations() {
        // Column 0 is the target doubled, column 1 uncorrelated, column 2 constant; column 3: 1, 2, 3 and 1, 3, 2.
        let predictions = array![
            [2.0, 1.0, 5.0, 1.0],
            [4.0, -2.0, 5.0, 3.0],
            [6.0, 1.0, 5.0, 2.0]
        ];
        let targets = array![
            [1.0, 1.0, 1.0, 1.0],
            [2.0, 2.0, 2.0, 2.0],
            [3.0, 3.0, 3.0, 3.0]
        ];
        assert_relative_eq!(memory_capacity(predictions.view(), targets.view()), 1.25);
    }

    #[test]
    #[should_panic(expected = "predictions must have the shape of the targets")]
    fn different_shapes_are_misuse() {
        let _ = mse(array![[1.0]].view(), array![[1.0, 2.0]].view());
    }
}

//! Links: from the outputs of a linear readout to predictions, such as probabilities.

use ndarray::{Array2, ArrayViewMut1};
use serde::{Deserialize, Serialize};

/// What turns a row of linear outputs into a row of predictions.
///
/// A readout fitted by least squares on one-hot or 0/1 targets already estimates probabilities, but they may
/// leave `[0, 1]`: [`Simplex`](Link::Simplex) and [`Clip`](Link::Clip) return the nearest point that
/// is allowed. A readout trained by gradient on a cross-entropy gives logits: [`Softmax`](Link::Softmax) and
/// [`Logistic`](Link::Logistic) are the inverse of its loss's link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The outputs are the prediction (regression).
    #[default]
    Identity,
    /// The Euclidean projection of the row on the probability simplex; it keeps the argmax
    /// (Duchi, Shalev-Shwartz, Singer & Chandra 2008, "Efficient projections onto the ℓ1-ball for
    /// learning in high dimensions", figure 1).
    Simplex,
    /// Each output clipped to `[0, 1]`.
    Clip,
    /// exp(o) / Σ exp(o) over the row.
    Softmax,
    /// 1 / (1 + exp(−o)), each output alone.
    Logistic,
}

impl Link {
    /// Turns outputs into predictions, in place.
    ///
    /// Outputs must be finite; rows are independent of each other.
    ///
    /// # Shapes
    ///
    /// - outputs: `[rows, d_output]`
    pub fn apply(self, outputs: &mut Array2<f32>) {
        match self {
            Link::Identity => {}
            Link::Simplex => outputs.rows_mut().into_iter().for_each(project_on_simplex),
            Link::Clip => outputs.mapv_inplace(|o| o.clamp(0.0, 1.0)),
            Link::Softmax => outputs.rows_mut().into_iter().for_each(softmax),
            Link::Logistic => outputs.mapv_inplace(logistic),
        }
    }
}

/// Subtracts the threshold θ at which the positive parts sum to one.
fn project_on_simplex(mut row: ArrayViewMut1<'_, f32>) {
    // A shift of the whole row changes nothing, and one is lost beside an output of 10³⁰.
    let largest = row.fold(f32::NEG_INFINITY, |a, &o| a.max(o));
    row.mapv_inplace(|o| o - largest);
    let mut sorted: Vec<f64> = row.iter().map(|&o| f64::from(o)).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let mut threshold = 0.0;
    for (rank, &value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (rank + 1) as f64;
        if value <= candidate {
            break;
        }
        threshold = candidate;
    }
    row.mapv_inplace(|o| (f64::from(o) - threshold).max(0.0) as f32);
}

fn softmax(mut row: ArrayViewMut1<'_, f32>) {
    // Subtracting the largest output changes nothing but keeps the exponentials finite.
    let largest = row.fold(f32::NEG_INFINITY, |a, &o| a.max(o));
    row.mapv_inplace(|o| (o - largest).exp());
    let sum = row.sum();
    row.mapv_inplace(|o| o / sum);
}

fn logistic(output: f32) -> f32 {
    // exp of a positive number could overflow, so the sign picks the form.
    let small = (-output.abs()).exp();
    if output >= 0.0 {
        1.0 / (1.0 + small)
    } else {
        small / (1.0 + small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use proptest::prelude::*;

    fn applied(link: Link, mut outputs: Array2<f32>) -> Array2<f32> {
        link.apply(&mut outputs);
        outputs
    }

    #[test]
    fn links_equal_values_worked_by_hand() {
        let rows = [
            (Link::Identity, array![[2.0, -1.0]], array![[2.0, -1.0]]),
            // 2 and −1: only the first stays positive, θ = 1.
            (Link::Simplex, array![[2.0, -1.0]], array![[1.0, 0.0]]),
            // 0.8 + 0.6 = 1.4: θ = 0.2 over the two largest, and −0.5 − 0.2 is cut.
            (
                Link::Simplex,
                array![[0.8, 0.6, -0.5]],
                array![[0.6, 0.4, 0.0]],
            ),
            // Sums of less than one are lifted: θ = (0.4 − 1)/2.
            (Link::Simplex, array![[0.1, 0.3]], array![[0.4, 0.6]]),
            (
                Link::Clip,
                array![[1.5, -0.5, 0.25]],
                array![[1.0, 0.0, 0.25]],
            ),
            (
                Link::Softmax,
                array![[0.0, 3.0_f32.ln()]],
                array![[0.25, 0.75]],
            ),
            (
                Link::Logistic,
                array![[0.0, 3.0_f32.ln(), -3.0_f32.ln()]],
                array![[0.5, 0.75, 0.25]],
            ),
        ];
        for (link, outputs, expected) in rows {
            assert_abs_diff_eq!(applied(link, outputs), expected, epsilon = 1e-6);
        }
    }

    #[test]
    fn large_outputs_overflow_nothing() {
        for link in [Link::Simplex, Link::Clip, Link::Softmax, Link::Logistic] {
            let predicted = applied(link, array![[1e30, -1e30], [-1e4, -2e4]]);
            assert!(
                predicted.iter().all(|p| (0.0..=1.0).contains(p)),
                "{link:?}: {predicted}"
            );
        }
    }

    #[test]
    fn names_are_kebab_case() {
        assert_eq!(
            serde_json::to_string(&Link::Simplex).unwrap(),
            "\"simplex\""
        );
    }

    proptest! {
        #[test]
        fn simplex_is_a_distribution_nearest_to_the_outputs_and_keeps_the_argmax(
            outputs in proptest::collection::vec(-3.0_f32..3.0, 1..8),
            other in proptest::collection::vec(0.01_f32..1.0, 8),
        ) {
            let width = outputs.len();
            let row = Array2::from_shape_vec((1, width), outputs.clone()).unwrap();
            let projected = applied(Link::Simplex, row);
            prop_assert!((projected.sum() - 1.0).abs() < 1e-5);
            prop_assert!(projected.iter().all(|&p| p >= 0.0));
            let best = outputs.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let at = outputs.iter().position(|&o| o == best).unwrap();
            prop_assert!(projected.iter().all(|&p| p <= projected[[0, at]]));
            // No other distribution is nearer.
            let total: f32 = other[..width].iter().sum();
            let distance = |point: &dyn Fn(usize) -> f32| -> f32 {
                (0..width).map(|i| (point(i) - outputs[i]).powi(2)).sum()
            };
            let here = distance(&|i| projected[[0, i]]);
            let there = distance(&|i| other[i] / total);
            prop_assert!(here <= there + 1e-4);
        }
    }
}

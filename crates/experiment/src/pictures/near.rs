//! Predictions as they are drawn beside the truth.

use ndarray::{Array2, ArrayView2};

/// Predictions held within half the truth's range about it: one that runs away would leave the truth a flat line.
pub(super) struct Near {
    pub(super) values: Array2<f32>,
    /// How many were held.
    held: usize,
    /// How many are no numbers, and so not drawn.
    missing: usize,
}

impl Near {
    /// Predictions near a truth of the same shape.
    pub(super) fn of(truth: ArrayView2<'_, f32>, predictions: ArrayView2<'_, f32>) -> Self {
        let mut near = Self {
            values: predictions.to_owned(),
            held: 0,
            missing: 0,
        };
        let columns = near.values.columns_mut().into_iter().zip(truth.columns());
        for (mut predictions, truth) in columns {
            let [low, high] = ends(truth.iter().copied());
            let margin = match high > low {
                true => (high - low) / 2.0,
                // About a constant, as an axis about it.
                false => (0.1 * low.abs()).max(0.5),
            };
            for x in &mut predictions {
                if x.is_nan() {
                    near.missing += 1;
                } else if *x < low - margin || *x > high + margin {
                    *x = x.clamp(low - margin, high + margin);
                    near.held += 1;
                }
            }
        }
        near
    }

    /// A remark on predictions that are not drawn where they are, for a caption.
    pub(super) fn remarks(&self) -> String {
        let mut remarks = String::new();
        if self.held > 0 {
            remarks += &format!(", {} beyond the frame at its edge", self.held);
        }
        if self.missing > 0 {
            remarks += &format!(", {} no number and not drawn", self.missing);
        }
        remarks
    }
}

/// The smallest and the largest of the numbers that are finite.
pub(super) fn ends(values: impl Iterator<Item = f32>) -> [f32; 2] {
    let finite = values.filter(|x| x.is_finite());
    finite.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], x| {
        [low.min(x), high.max(x)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_runs_away_is_held_at_the_edge_and_counted() {
        let truth = array![[0.0], [2.0], [1.0], [1.0]];
        let said = array![[f32::NAN], [2.5], [1e30], [f32::NEG_INFINITY]];
        let near = Near::of(truth.view(), said.view());
        assert_eq!(near.values.column(0).to_vec()[1..], [2.5, 3.0, -1.0]);
        assert!(near.values[[0, 0]].is_nan());
        assert_eq!(
            near.remarks(),
            ", 2 beyond the frame at its edge, 1 no number and not drawn"
        );
        let exact = Near::of(truth.view(), truth.view());
        assert_eq!(exact.remarks(), "");
    }

    #[test]
    fn about_a_constant_truth_predictions_that_are_wrong_are_seen_to_be() {
        let truth = array![[5.0], [5.0]];
        let near = Near::of(truth.view(), array![[5.3], [9.0]].view());
        assert_eq!(near.values.column(0).to_vec(), [5.3, 5.5]);
    }
}

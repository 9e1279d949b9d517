//! Splitting one series by time.

use crate::{Category, Dataset, Sample, holes};
use ndarray::{Array2, ArrayView2, s};
use std::ops::Range;

/// Which steps are scored in each split.
pub(crate) struct Scored {
    pub(crate) train: Range<usize>,
    /// Empty when there is no validation.
    pub(crate) valid: Range<usize>,
    pub(crate) test: Range<usize>,
}

/// A regression on one series, `[steps, d_input]` with targets `[steps, d_output]`. Each split is the series from its
/// start to the split's last scored step: a model sees the past, but is scored on the split's own steps only, and not where a
/// target is NaN.
pub(crate) fn by_time(
    name: &str,
    inputs: ArrayView2<'_, f32>,
    targets: ArrayView2<'_, f32>,
    scored: Scored,
) -> Dataset {
    let split = |steps: Range<usize>| -> Vec<Sample> {
        if steps.is_empty() {
            return Vec::new();
        }
        let sample = |rows: ArrayView2<'_, f32>, from: usize| -> Array2<f32> {
            rows.slice(s![from..steps.end, ..]).to_owned()
        };
        let mut sample = Sample {
            inputs: sample(inputs, 0),
            targets: sample(targets, steps.start),
            scored: steps.clone().collect(),
        };
        holes::unscore(&mut sample);
        vec![sample]
    };
    let widths = [inputs.ncols(), targets.ncols()];
    Dataset {
        train: split(scored.train),
        valid: split(scored.valid),
        test: split(scored.test),
        ..Dataset::new(name, Category::Regression, widths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_split_sees_the_past_and_is_scored_on_its_own_steps() {
        let inputs = array![[0.0], [1.0], [2.0], [3.0]];
        let targets = array![[10.0], [11.0], [12.0], [13.0]];
        let scored = Scored {
            train: 1..2,
            valid: 2..2,
            test: 2..4,
        };
        let dataset = by_time("toy", inputs.view(), targets.view(), scored);
        assert_eq!(dataset.train[0].inputs, array![[0.0], [1.0]]);
        assert_eq!(dataset.train[0].targets, array![[11.0]]);
        assert!(dataset.valid.is_empty());
        assert_eq!(dataset.test[0].inputs, inputs);
        assert_eq!(dataset.test[0].scored, [2, 3]);
        assert_eq!(dataset.test[0].targets, array![[12.0], [13.0]]);
    }
}

//! Features: which summary of the states a readout sees.

use crate::pool::POOLED;
use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::ops::Range;

/// What a readout sees of the states h_0, h_1, … of one sequence, when it is asked at a scored step s.
///
/// No state after the scored step is ever read, so a feature can be computed while a sequence streams in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Features {
    /// The state h_s.
    Last,
    /// The mean of h_0..=h_s.
    Mean,
    /// The mean of h_0..=h_s, then h_s.
    #[default]
    MeanAndLast,
    /// The state of every step: one row per scored step where a sequence has several; where it has one,
    /// a row for each of the steps 0..=s, fitted to the same target, and the outputs are averaged.
    EveryStep,
    /// The means over k parts of h_0..=h_s, as equal as can be, one after another: what was when, coarsely, for
    /// sequences whose course matters. Where there are more parts than steps, parts share steps. In a config
    /// `{ segments = 7 }`, k being 7.
    Segments(NonZeroUsize),
    /// Eight numbers that sum up the course of each dimension over h_0..=h_s: mean, last, maximum, minimum, deviation, size of
    /// changes, share of steps above the running mean, share of steps that cross it: docs/model.md#readout. For readouts in
    /// closed form or step by step: no gradient passes through it.
    Pooled,
}

impl Features {
    /// The width of one row of features for states of width N (`d_state`).
    pub fn width(self, d_state: usize) -> usize {
        match self {
            Features::Last | Features::Mean | Features::EveryStep => d_state,
            Features::MeanAndLast => 2 * d_state,
            Features::Segments(count) => count.get().saturating_mul(d_state),
            Features::Pooled => POOLED.saturating_mul(d_state),
        }
    }

    /// The rows of features of one sequence.
    ///
    /// Means are taken with one running sum in f64. [`Features::running`] takes the states in pieces.
    ///
    /// # Shapes
    ///
    /// - states: `[steps, d_state]`, padding cut off
    /// - scored: ascending steps, each less than `steps`
    /// - output: `[rows, width]`, where rows is `scored.len()`, or s + 1 for [`Features::EveryStep`] with one
    ///   scored step s
    ///
    /// # Panics
    ///
    /// If `scored` is not strictly ascending, or a scored step is not less than `steps`.
    pub fn rows(self, states: ArrayView2<'_, f32>, scored: &[usize]) -> Array2<f32> {
        check_scored(states.nrows(), scored);
        self.running(states.ncols(), scored).push(states)
    }

    /// The targets that belong to the rows of [`Features::rows`].
    ///
    /// # Shapes
    ///
    /// - targets: `[scored.len(), d_output]`
    /// - output: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// As [`Features::rows`], and if there is not one target per scored step.
    pub fn targets(
        self,
        steps: usize,
        scored: &[usize],
        targets: ArrayView2<'_, f32>,
    ) -> Array2<f32> {
        check_scored(steps, scored);
        assert_eq!(
            targets.nrows(),
            scored.len(),
            "expected one target per scored step"
        );
        self.targets_of(0..self.count(scored), scored, targets)
    }

    /// The targets that belong to some of the rows of [`Features::rows`].
    ///
    /// # Shapes
    ///
    /// - targets: `[scored.len(), d_output]`
    /// - output: `[rows.len(), d_output]`
    ///
    /// # Panics
    ///
    /// If the sequence has fewer rows.
    pub fn targets_of(
        self,
        rows: Range<usize>,
        scored: &[usize],
        targets: ArrayView2<'_, f32>,
    ) -> Array2<f32> {
        if self.repeats(scored) {
            targets.select(Axis(0), &vec![0; rows.len()])
        } else {
            targets.slice(s![rows, ..]).to_owned()
        }
    }

    /// How many rows [`Features::rows`] gives for these scored steps.
    pub fn count(self, scored: &[usize]) -> usize {
        if self.repeats(scored) {
            scored[0] + 1
        } else {
            scored.len()
        }
    }

    /// The step at which each row of [`Features::rows`] is taken.
    pub fn row_steps(self, scored: &[usize]) -> Vec<usize> {
        if self.repeats(scored) {
            (0..=scored[0]).collect()
        } else {
            scored.to_vec()
        }
    }

    /// The steps whose means, one after another, are the row that is taken at step s.
    ///
    /// # Panics
    ///
    /// With [`Features::Pooled`], which are no means.
    pub(crate) fn parts(self, s: usize) -> Vec<Range<usize>> {
        let (all, last) = (0..s + 1, s..s + 1);
        match self {
            Features::Last | Features::EveryStep => vec![last],
            Features::Mean => vec![all],
            Features::MeanAndLast => vec![all, last],
            Features::Segments(count) => {
                let parts = 0..count.get();
                parts.map(|index| segment(s, index, count)).collect()
            }
            Features::Pooled => panic!("pooled features have no gradient"),
        }
    }

    /// Whether one target stands for every step of the sequence.
    pub(crate) fn repeats(self, scored: &[usize]) -> bool {
        self == Features::EveryStep && scored.len() == 1
    }
}

/// The steps of part `index` of `count` of the steps 0..=s; never empty.
pub(crate) fn segment(s: usize, index: usize, count: NonZeroUsize) -> Range<usize> {
    let bound = |index: usize| index * (s + 1) / count;
    let start = bound(index);
    start..bound(index + 1).max(start + 1)
}

pub(crate) fn check_scored(steps: usize, scored: &[usize]) {
    assert!(
        scored.windows(2).all(|pair| pair[0] < pair[1]),
        "expected scored steps in ascending order, got {scored:?}"
    );
    if let Some(&last) = scored.last() {
        assert!(
            last < steps,
            "expected scored steps below {steps}, got {last}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    const ALL: [Features; 5] = [
        Features::Last,
        Features::Mean,
        Features::MeanAndLast,
        Features::EveryStep,
        Features::Segments(NonZeroUsize::new(3).unwrap()),
    ];

    #[test]
    fn segments_are_means_of_parts_worked_by_hand() {
        let states = array![[1.0, 10.0], [3.0, 20.0], [8.0, 60.0], [0.0, 4.0]];
        let segments = |count| Features::Segments(NonZeroUsize::new(count).unwrap());
        // Of three steps, two parts have one and two; of two steps, three parts share the first.
        assert_eq!(
            segments(2).rows(states.view(), &[1, 3]),
            array![[1.0, 10.0, 3.0, 20.0], [2.0, 15.0, 4.0, 32.0]]
        );
        assert_eq!(
            segments(2).rows(states.view(), &[2]),
            array![[1.0, 10.0, 5.5, 40.0]]
        );
        assert_eq!(
            segments(3).rows(states.slice(s![.., ..1]), &[1]),
            array![[1.0, 1.0, 3.0]]
        );
        let mean = Features::Mean.rows(states.view(), &[0, 3]);
        assert_eq!(segments(1).rows(states.view(), &[0, 3]), mean);
    }

    #[test]
    fn segments_are_a_number_of_at_least_one_in_a_config() {
        let segments = Features::Segments(NonZeroUsize::new(7).unwrap());
        let text = serde_json::to_string(&segments).unwrap();
        assert_eq!(text, "{\"segments\":7}");
        assert_eq!(serde_json::from_str::<Features>(&text).unwrap(), segments);
        let error = serde_json::from_str::<Features>("{\"segments\":0}").unwrap_err();
        assert!(error.to_string().contains("nonzero"), "{error}");
    }

    #[test]
    fn rows_equal_values_worked_by_hand() {
        let states = array![[1.0, 10.0], [3.0, 20.0], [8.0, 60.0]];
        let one = [1];
        let two = [0, 2];
        let table: [(Features, &[usize], Array2<f32>); 8] = [
            (Features::Last, &one, array![[3.0, 20.0]]),
            (Features::Last, &two, array![[1.0, 10.0], [8.0, 60.0]]),
            (Features::Mean, &one, array![[2.0, 15.0]]),
            (Features::Mean, &two, array![[1.0, 10.0], [4.0, 30.0]]),
            (Features::MeanAndLast, &one, array![[2.0, 15.0, 3.0, 20.0]]),
            (
                Features::MeanAndLast,
                &two,
                array![[1.0, 10.0, 1.0, 10.0], [4.0, 30.0, 8.0, 60.0]],
            ),
            (Features::EveryStep, &one, array![[1.0, 10.0], [3.0, 20.0]]),
            (Features::EveryStep, &two, array![[1.0, 10.0], [8.0, 60.0]]),
        ];
        for (features, scored, expected) in table {
            assert_eq!(
                features.rows(states.view(), scored),
                expected,
                "{features:?} at {scored:?}"
            );
        }
    }

    #[test]
    fn one_target_is_repeated_and_its_outputs_averaged() {
        let repeated = Features::EveryStep.targets(4, &[2], array![[1.0, 0.0]].view());
        assert_eq!(repeated, array![[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
        let outputs = array![[1.0, 0.0], [2.0, 3.0], [6.0, 0.0]];
        let collected = Features::EveryStep.collecting(2, &[2]).push(outputs.view());
        assert_eq!(collected, array![[3.0, 1.0]]);
    }

    #[test]
    fn nothing_scored_gives_no_rows() {
        for features in ALL {
            let rows = features.rows(Array2::zeros((3, 2)).view(), &[]);
            assert_eq!(rows.dim(), (0, features.width(2)));
        }
    }

    #[test]
    #[should_panic(expected = "expected scored steps below 3, got 3")]
    fn a_step_past_the_end_panics() {
        Features::Last.rows(Array2::zeros((3, 2)).view(), &[3]);
    }

    #[test]
    #[should_panic(expected = "ascending order")]
    fn steps_out_of_order_panic() {
        Features::Mean.rows(Array2::zeros((3, 2)).view(), &[2, 1]);
    }

    #[test]
    fn names_are_kebab_case() {
        let name = serde_json::to_string(&Features::default()).unwrap();
        assert_eq!(name, "\"mean-and-last\"");
    }

    proptest! {
        #[test]
        fn shapes_agree_and_later_states_are_never_read(
            steps in 1_usize..9,
            d_state in 1_usize..4,
            pick in 1_u16..512,
        ) {
            let scored: Vec<usize> = (0..steps).filter(|s| pick >> s & 1 == 1).collect();
            let states = Array2::from_shape_fn((steps, d_state), |(t, i)| (t * 7 + i) as f32);
            let targets = Array2::from_shape_fn((scored.len(), 2), |(t, i)| (t + i) as f32);
            for features in ALL {
                let rows = features.rows(states.view(), &scored);
                prop_assert_eq!(rows.ncols(), features.width(d_state));
                let expanded = features.targets(steps, &scored, targets.view());
                prop_assert_eq!(rows.nrows(), expanded.nrows());
                // Outputs that hit every target collect to the targets.
                let mut collecting = features.collecting(2, &scored);
                prop_assert_eq!(&collecting.push(expanded.view()), &targets);
                if let Some(&last) = scored.last() {
                    let mut poisoned = states.clone();
                    poisoned.slice_mut(s![last + 1.., ..]).fill(f32::NAN);
                    prop_assert_eq!(features.rows(poisoned.view(), &scored), rows);
                }
            }
        }
    }
}

//! Missing values: NaN from the file to here, where something known takes their place.

use crate::{Dataset, Sample, Standardiser};
use ndarray::{
    Array, Array1, Array2, ArrayView1, ArrayViewMut1, Axis, Dimension, NdFloat, concatenate, s,
};
use serde::{Deserialize, Serialize};

/// What stands for a missing input. Nothing later than the hole ever fills it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holes {
    /// The last known value before it in its sequence; before the first known one, the mean of the known values of the
    /// training part, which is 0 once standardised.
    #[default]
    CarryForward,
    /// The same, and behind the inputs a channel for each of them that is 1 where it is known and 0 where it is not.
    Mask,
}

/// Fills the holes of all inputs, which are NaN, from the past.
pub(crate) fn fill(dataset: &mut Dataset, holes: Holes) {
    let mean = Standardiser::fit(&dataset.train).mean;
    let mean: Array1<f32> = mean.iter().map(|&mean| mean as f32).collect();
    for sample in dataset.samples_mut() {
        let mask = (holes == Holes::Mask).then(|| known(&sample.inputs));
        for step in 0..sample.inputs.nrows() {
            let (past, mut rest) = sample.inputs.view_mut().split_at(Axis(0), step);
            let before = past.rows().into_iter().next_back();
            fill_step(rest.row_mut(0), before, Some(mean.view())).expect("there is a mean");
        }
        if let Some(mask) = mask {
            sample.inputs = concatenate![Axis(1), sample.inputs, mask];
        }
    }
    if holes == Holes::Mask {
        dataset.d_input *= 2;
        let masks = dataset.input_names.iter();
        let masks: Vec<String> = masks.map(|name| format!("{name} known")).collect();
        dataset.input_names.extend(masks);
    }
}

/// Fills the holes of a step: the value of the step `before` stands for each, at a sequence's first step the mean.
///
/// # Errors
///
/// The number of an input that is missing and that nothing stands for.
pub(crate) fn fill_step<T: NdFloat>(
    mut step: ArrayViewMut1<'_, T>,
    before: Option<ArrayView1<'_, T>>,
    mean: Option<ArrayView1<'_, T>>,
) -> Result<(), usize> {
    let stands = before.or(mean);
    for (input, value) in step.iter_mut().enumerate() {
        if value.is_nan() {
            *value = stands.ok_or(input)?[input];
        }
    }
    Ok(())
}

/// 1 where a value is known, 0 where it is missing.
pub(crate) fn known<T: NdFloat, D: Dimension>(inputs: &Array<T, D>) -> Array<T, D> {
    inputs.mapv(|value| if value.is_nan() { T::zero() } else { T::one() })
}

/// Takes the steps whose targets are not all known out of what is scored.
pub(crate) fn unscore(sample: &mut Sample) {
    let known: Vec<usize> = (0..sample.scored.len())
        .filter(|&row| sample.targets.row(row).iter().all(|y| !y.is_nan()))
        .collect();
    if known.len() < sample.scored.len() {
        sample.targets = sample.targets.select(Axis(0), &known);
        sample.scored = known.into_iter().map(|row| sample.scored[row]).collect();
    }
}

/// How many values or steps there are, and how many of them are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    all: usize,
    missing: usize,
}

impl Count {
    /// Counts the values of inputs.
    pub(crate) fn values(&mut self, inputs: &Array2<f64>) {
        self.all += inputs.len();
        self.missing += inputs.iter().filter(|value| value.is_nan()).count();
    }

    /// Counts the steps from `horizon` on, which are targets, that are not known in full.
    pub(crate) fn steps(&mut self, series: &Array2<f64>, horizon: usize) {
        let due = series.slice(s![horizon.min(series.nrows()).., ..]);
        self.all += due.nrows();
        let rows = due.rows().into_iter();
        self.missing += rows.filter(|row| row.iter().any(|y| y.is_nan())).count();
    }
}

/// What the user should know of the holes in inputs and targets.
pub(crate) fn notes(inputs: Count, targets: Count, holes: Holes) -> Vec<String> {
    let mut notes = Vec::new();
    if inputs.missing > 0 {
        let mask = match holes {
            Holes::CarryForward => "",
            Holes::Mask => ", and a channel per input says so",
        };
        notes.push(format!(
            "{} of {} input values are missing; the last known value before it stands for each, or the training part's \
             mean{mask}",
            inputs.missing, inputs.all
        ));
    }
    if targets.missing > 0 {
        notes.push(format!(
            "{} of {} steps have a target that is missing, and are not scored",
            targets.missing, targets.all
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;
    use ndarray::array;

    fn dataset() -> Dataset {
        let nan = f32::NAN;
        let sample = |inputs| Sample {
            inputs,
            scored: vec![0],
            targets: array![[0.0]],
        };
        Dataset {
            train: vec![sample(array![[nan, 1.0], [2.0, nan], [4.0, 5.0]])],
            test: vec![sample(array![[nan, nan], [nan, 7.0], [9.0, nan]])],
            ..Dataset::new("toy", Category::Regression, [2, 1])
        }
    }

    #[test]
    fn a_hole_repeats_the_past_and_before_it_the_training_mean_stands() {
        let mut dataset = dataset();
        fill(&mut dataset, Holes::CarryForward);
        assert_eq!(
            dataset.train[0].inputs,
            array![[3.0, 1.0], [2.0, 1.0], [4.0, 5.0]]
        );
        // Only the training part's known values count: (2 + 4) / 2 and (1 + 5) / 2.
        assert_eq!(
            dataset.test[0].inputs,
            array![[3.0, 3.0], [3.0, 7.0], [9.0, 7.0]]
        );
    }

    #[test]
    fn a_mask_says_behind_the_inputs_which_are_known() {
        let mut dataset = dataset();
        fill(&mut dataset, Holes::Mask);
        assert_eq!(dataset.d_input, 4);
        assert_eq!(
            dataset.test[0].inputs.slice(s![.., 2..]),
            array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
        );
        assert_eq!(dataset.test[0].inputs.column(1), array![3.0, 7.0, 7.0]);
    }

    #[test]
    fn a_step_is_scored_if_all_its_targets_are_known() {
        let mut sample = Sample {
            inputs: Array2::zeros((4, 1)),
            scored: vec![1, 2, 3],
            targets: array![[1.0, 2.0], [f32::NAN, 3.0], [4.0, 5.0]],
        };
        unscore(&mut sample);
        assert_eq!(sample.scored, [1, 3]);
        assert_eq!(sample.targets, array![[1.0, 2.0], [4.0, 5.0]]);
    }
}

//! A sequence with targets at its scored steps.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

/// One sequence with a target per scored step.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The inputs, `[steps, d_input]`, all finite.
    pub inputs: Array2<f32>,
    /// The scored steps (0-based, ascending, each less than `steps`).
    pub scored: Vec<usize>,
    /// The targets, `[scored.len(), d_output]`; one-hot rows for classification, `[scored.len(), 1]` where the data set has symbols.
    pub targets: Array2<f32>,
}

impl Sample {
    /// One sequence of several that go on from one another.
    ///
    /// # Panics
    ///
    /// When they differ in their widths, or there are none.
    #[must_use]
    pub fn join(parts: &[Self]) -> Self {
        let mut begin = 0;
        let scored = parts.iter().flat_map(|part| {
            let first = begin;
            begin += part.inputs.nrows();
            part.scored.iter().map(move |step| first + step)
        });
        Self {
            scored: scored.collect(),
            inputs: stack_rows(parts.iter().map(|part| &part.inputs)),
            targets: stack_rows(parts.iter().map(|part| &part.targets)),
        }
    }
}

/// The rows of all parts below one another, as scores take predictions: one part `[scored steps, d_output]` per sequence.
///
/// # Panics
///
/// When the parts differ in width, or there are none.
#[must_use]
pub fn stack_rows<'a>(parts: impl IntoIterator<Item = &'a Array2<f32>>) -> Array2<f32> {
    let parts: Vec<_> = parts.into_iter().map(|rows| rows.view()).collect();
    concatenate(Axis(0), &parts).expect("parts of one task must share their width")
}

/// One-hot rows `[rows, classes]` for a column `[rows, 1]` of places, each less than `classes`.
///
/// # Panics
///
/// When a place is not.
#[must_use]
pub fn one_hot_rows(places: ArrayView2<'_, f32>, classes: usize) -> Array2<f32> {
    let mut rows = Array2::zeros((places.nrows(), classes));
    for (mut row, &place) in rows.rows_mut().into_iter().zip(places) {
        row[place as usize] = 1.0;
    }
    rows
}

/// The number of steps of the longest sequence.
#[must_use]
pub fn longest(samples: &[Sample]) -> usize {
    let steps = samples.iter().map(|sample| sample.inputs.nrows());
    steps.max().unwrap_or(0)
}

/// The names 0 to `count` − 1.
pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|name| name.to_string()).collect()
}

/// A one-hot row of `classes`, as `[1, classes]`.
pub(crate) fn one_hot(class: usize, classes: usize) -> Array2<f32> {
    symbols_to_rows(&[class], classes)
}

/// A one-hot row of `symbols` for each symbol of a sequence.
pub(crate) fn symbols_to_rows(sequence: &[usize], symbols: usize) -> Array2<f32> {
    let mut rows = Array2::zeros((sequence.len(), symbols));
    for (step, &symbol) in sequence.iter().enumerate() {
        rows[[step, symbol]] = 1.0;
    }
    rows
}

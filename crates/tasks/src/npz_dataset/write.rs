//! Writing of data sets: what an [`NpzWriter`] takes of them.

use super::UNSCORED;
use crate::npz_writer::NpzWriter;
use crate::sample::longest;
use crate::{Category, Dataset, Split, Standardiser, TaskError};
use ndarray::Array2;

impl NpzWriter {
    /// Adds the sequences of a split, padded with zeros behind, as they stand in the data set: `X_train`, `[sequences,
    /// steps, d_input]`, and `Y_train`, `[sequences, steps, d_output]`, with −100 in every step that is not scored.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn samples(&mut self, dataset: &Dataset, split: Split) -> Result<(), TaskError> {
        let samples = dataset.samples(split);
        let (count, steps) = (samples.len(), longest(samples));
        let inputs = samples.iter().flat_map(|sample| {
            let padding = (steps - sample.inputs.nrows()) * dataset.d_input;
            let padding = std::iter::repeat_n(0.0, padding);
            sample.inputs.iter().copied().chain(padding)
        });
        let shape = [count, steps, dataset.d_input];
        self.numbers(&format!("X_{}", split.name()), &shape, inputs)?;
        let targets = samples.iter().flat_map(|sample| {
            let mut rows = Array2::from_elem((steps, dataset.d_output), UNSCORED);
            let targets = dataset.one_hot(sample.targets.clone());
            for (&step, row) in sample.scored.iter().zip(targets.rows()) {
                rows.row_mut(step).assign(&row);
            }
            rows.into_iter()
        });
        let shape = [count, steps, dataset.d_output];
        self.numbers(&format!("Y_{}", split.name()), &shape, targets)
    }

    /// Adds the lengths of a split's sequences, `L_train`, `[sequences]`.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn lengths(&mut self, dataset: &Dataset, split: Split) -> Result<(), TaskError> {
        let samples = dataset.samples(split);
        let lengths = samples.iter().map(|sample| sample.inputs.nrows() as i64);
        self.numbers(&format!("L_{}", split.name()), &[samples.len()], lengths)
    }

    /// Adds what the numbers of a data set are: `category`, which is `classification`, `multi_classification` or
    /// `regression`; `labels`, `input_names` and `output_names` where there are some; and what inputs are standardised
    /// with, where they are: `input_mean` and `input_deviation`, `[d_input]`; and `target_offset`, `[d_output]`, where a model's
    /// predictions are its outputs and that.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn description(&mut self, dataset: &Dataset) -> Result<(), TaskError> {
        let category = match dataset.category {
            Category::Regression => "regression",
            Category::Classification => "classification",
            Category::MultiLabel => "multi_classification",
        };
        self.text("category", &[], &[category])?;
        for (name, words) in [
            ("labels", &dataset.labels),
            ("input_names", &dataset.input_names),
            ("output_names", &dataset.output_names),
        ] {
            if !words.is_empty() {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                self.text(name, &[words.len()], &words)?;
            }
        }
        if let Some(standardiser) = &dataset.standardiser {
            let Standardiser { mean, deviation } = standardiser;
            self.numbers("input_mean", &[mean.len()], mean.iter().copied())?;
            let shape = [deviation.len()];
            self.numbers("input_deviation", &shape, deviation.iter().copied())?;
        }
        if let Some(offset) = &dataset.target_offset {
            self.numbers("target_offset", &[offset.len()], offset.iter().copied())?;
        }
        Ok(())
    }
}

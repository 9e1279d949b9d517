//! Files that a model is asked about, read as those that it was trained on, without targets.

use super::columns::{Goal, Selection};
use super::{FilesConfig, extension, is_table, table};
use crate::TaskError;
use crate::signals::SignalInputs;
use ndarray::{Array2, ArrayView1, Axis};
use std::path::Path;

impl FilesConfig {
    /// The names of the columns of a `.csv` or `.tsv` file that has a header; none of another file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is no table.
    pub fn column_names(&self, path: &Path) -> Result<Option<Vec<String>>, TaskError> {
        match is_table(path) {
            true => table::names(path, self.header),
            false => Ok(None),
        }
    }

    /// Whether a table for this task holds a sequence in each row, or several rows of each: one that is read as a whole.
    pub(crate) fn tables_hold_sequences(&self) -> bool {
        let trained = self.data.iter().chain(&self.train);
        let on_table = trained.into_iter().any(|path| is_table(path));
        self.sequence.is_some() || on_table && self.has_label()
    }

    /// The columns of a file without names, `width` of them, that were inputs in training; `taken` hold labels and the
    /// like. None where they were told by name.
    pub(crate) fn inputs_by_number(&self, width: usize, taken: &[usize]) -> Option<Vec<usize>> {
        let goal = Goal::of(self).ok()?;
        let selection = Selection::of(self, &goal, width, None, taken);
        selection.ok().map(|selection| selection.inputs)
    }

    /// Reads the sequences of a file as they are, without targets, for a model that was trained on this task.
    pub(crate) fn read_signals(
        &self,
        path: &Path,
        inputs: &SignalInputs<'_>,
    ) -> Result<Vec<Array2<f64>>, TaskError> {
        let signals = self.signals_with_holes(path, inputs)?.into_iter();
        let filled = signals.enumerate().map(|(signal, values)| {
            let filled = inputs.complete_all(&values);
            filled.map_err(|problem| TaskError::file(path, format!("signal {signal}: {problem}")))
        });
        filled.collect()
    }

    /// The same, with NaN for what is missing.
    fn signals_with_holes(
        &self,
        path: &Path,
        inputs: &SignalInputs<'_>,
    ) -> Result<Vec<Array2<f64>>, TaskError> {
        if is_table(path) {
            let cases = table::read_signals(self, path, inputs)?;
            return Ok(cases.into_iter().map(|case| case.inputs).collect());
        }
        let found = self
            .of_all_channels(path)
            .read(path, None, &Goal::Forecast { horizon: 1 })?;
        let width = found.cases[0].inputs.ncols();
        let problem = match inputs.columns(None, width, None, None) {
            Ok(columns) => {
                let cases = found.cases.iter();
                let chosen = cases.map(|case| case.inputs.select(Axis(1), &columns));
                return Ok(chosen.collect());
            }
            Err(problem) => problem,
        };
        // An array of two dimensions was read as one signal of many channels.
        let labelled = matches!(Goal::of(self), Ok(Goal::Label | Goal::Header));
        match &found.cases[..] {
            [case] if inputs.d_input == 1 && labelled && extension(path) != "ts" => {
                let one_channel = |row: ArrayView1<'_, f64>| row.to_owned().insert_axis(Axis(1));
                Ok(case.inputs.rows().into_iter().map(one_channel).collect())
            }
            _ => Err(TaskError::file(path, problem)),
        }
    }

    /// The same options for a file without labels, every channel of which is read: which of them are inputs depends on
    /// their number.
    fn of_all_channels(&self, path: &Path) -> Self {
        Self {
            label: None,
            value: None,
            labels: None,
            train_labels: None,
            test_labels: None,
            sequence: None,
            header: None,
            inputs: None,
            targets: None,
            array: self.array.clone().filter(|_| extension(path) == "npz"),
            ..self.clone()
        }
    }
}

//! What every format comes down to: sequences of numbers, each perhaps with a label.

use super::FilesConfig;
use super::columns::{Goal, Selection};
use crate::TaskError;
use crate::ts::{self, TsFile, TsTarget};
use ndarray::{Array2, Axis};
use std::path::{Path, PathBuf};

/// The sequences of one file.
#[derive(Clone, Debug)]
pub(crate) struct Recordings {
    /// The file, for messages.
    pub(crate) path: PathBuf,
    /// What the labels are.
    pub(crate) target: Target,
    /// The names of the columns that are inputs; empty where they have none.
    pub(crate) input_names: Vec<String>,
    /// The names of the columns that are predicted; empty where they have none, and for classes.
    pub(crate) output_names: Vec<String>,
    /// The sequences, at least one.
    pub(crate) cases: Vec<Case>,
}

/// What a sequence's label is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A class; the file may list them all.
    Class(Vec<String>),
    /// A number.
    Value,
    /// Nothing: columns are forecast.
    Series,
}

/// One sequence.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Where it stands in its file.
    pub(crate) place: Place,
    /// Its inputs, `[steps, d_input]`, at least one step; a missing value is NaN.
    pub(crate) inputs: Array2<f64>,
    /// What is forecast, at the step it is recorded, `[steps, d_output]`, or its number, `[1, 1]`; a missing value is NaN.
    pub(crate) series: Array2<f64>,
    /// Its label as text.
    pub(crate) label: String,
}

/// Where a sequence stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At a line, counted from 1.
    Line(usize),
    /// At an index of an array's first axis, counted from 0.
    Sequence(usize),
}

impl Place {
    /// The error of a problem at this place.
    pub(crate) fn error(self, path: &Path, problem: String) -> TaskError {
        match self {
            Self::Line(line) => TaskError::line(path, line, problem),
            Self::Sequence(index) => TaskError::file(path, format!("sequence {index}: {problem}")),
        }
    }
}

impl Recordings {
    /// The sequences of a file whose columns have no names; where a target is a number, their labels are read as such.
    pub(super) fn new(
        path: &Path,
        target: Target,
        mut cases: Vec<Case>,
    ) -> Result<Self, TaskError> {
        if target == Target::Value {
            for case in &mut cases {
                let value = ts::parse_number(&case.label);
                let value = value.map_err(|problem| case.place.error(path, problem))?;
                case.series = Array2::from_elem((1, 1), value);
            }
        }
        Ok(Self {
            path: path.into(),
            target,
            input_names: Vec::new(),
            output_names: Vec::new(),
            cases,
        })
    }
}

impl Case {
    /// A case of all columns, `[steps, width]`.
    pub(super) fn select(
        place: Place,
        values: &Array2<f64>,
        selection: &Selection,
        label: String,
    ) -> Self {
        Self {
            place,
            inputs: values.select(Axis(1), &selection.inputs),
            series: values.select(Axis(1), &selection.targets),
            label,
        }
    }
}

/// Values, cut to 32 bits.
pub(crate) fn single(values: &Array2<f64>) -> Array2<f32> {
    values.mapv(|value| value as f32)
}

/// The sequences of a `.ts` file.
pub(super) fn of_ts(
    config: &FilesConfig,
    file: TsFile,
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let selection = Selection::of(config, goal, file.cases[0].inputs.ncols(), None, &[])?;
    let target = match (goal, file.target) {
        (Goal::Forecast { .. }, _) => Target::Series,
        (_, TsTarget::Class(labels)) => Target::Class(labels),
        (_, TsTarget::Value) => Target::Value,
        (_, TsTarget::None) => {
            let problem = "the header gives cases no target; it must say @classLabel true (with the labels) or \
                           @targetLabel true, or the task must have the key `horizon`";
            return Err(TaskError::file(path, problem));
        }
    };
    let cases = file.cases.into_iter();
    let cases = cases
        .map(|case| Case::select(Place::Line(case.line), &case.inputs, &selection, case.label))
        .collect();
    Recordings::new(path, target, cases)
}

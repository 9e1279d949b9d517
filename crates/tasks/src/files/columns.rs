//! Which columns of a file are inputs, targets and labels.

use super::FilesConfig;
use crate::TaskError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A column or array, by name or by number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a column's name or its number from 0")]
pub enum Column {
    /// Its number, counted from 0.
    Number(usize),
    /// Its name.
    Name(String),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What is to be learnt from the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// What the file itself says: only a `.ts` file does, or an `.npz` by its arrays.
    Header,
    /// A class or number per sequence.
    Label,
    /// What columns hold `horizon` steps later.
    Forecast {
        /// The number of steps.
        horizon: usize,
    },
}

impl Goal {
    pub(super) fn of(config: &FilesConfig) -> Result<Self, TaskError> {
        let labels = [&config.labels, &config.train_labels, &config.test_labels];
        let given = [
            config.label.is_some() || labels.iter().any(|labels| labels.is_some()),
            config.value.is_some(),
            config.horizon.is_some() || config.targets.is_some(),
        ];
        if given.iter().filter(|&&given| given).count() > 1 {
            let problem = "only one of these may be given: `label` (or files of labels), `value`, `horizon` with `targets`";
            return Err(TaskError::key(FilesConfig::NAME, "label", problem));
        }
        match (given, config.horizon) {
            ([_, _, true], Some(0) | None) if config.targets.is_none() => {
                let problem = "0 needs `targets`: each column would be its own target";
                Err(TaskError::key(FilesConfig::NAME, "horizon", problem))
            }
            ([_, _, true], horizon) => Ok(Self::Forecast {
                horizon: horizon.unwrap_or(0),
            }),
            ([false, false, _], _) => Ok(Self::Header),
            _ => Ok(Self::Label),
        }
    }
}

/// Which columns are inputs and which are forecast, as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) inputs: Vec<usize>,
    /// Empty unless columns are forecast.
    pub(super) targets: Vec<usize>,
}

impl Selection {
    /// The columns that the config asks for among `width`; `taken` are those that hold labels and the like.
    pub(super) fn of(
        config: &FilesConfig,
        goal: &Goal,
        width: usize,
        names: Option<&[String]>,
        taken: &[usize],
    ) -> Result<Self, TaskError> {
        let pick = |key, columns: &Option<Vec<Column>>| -> Result<Option<Vec<usize>>, TaskError> {
            let Some(columns) = columns else {
                return Ok(None);
            };
            if columns.is_empty() {
                let problem = "an empty list is not allowed";
                return Err(TaskError::key(FilesConfig::NAME, key, problem));
            }
            let number = |column| resolve(key, column, width, names);
            let numbers: Result<_, _> = columns.iter().map(number).collect();
            numbers.map(Some)
        };
        let targets = pick("targets", &config.targets)?;
        let same_step = matches!(goal, Goal::Forecast { horizon: 0 });
        // A column that is due at the step at which it would be shown is no input.
        let due = targets.as_deref().filter(|_| same_step).unwrap_or_default();
        let free = |column: &usize| !taken.contains(column) && !due.contains(column);
        let inputs = pick("inputs", &config.inputs)?;
        let inputs = inputs.unwrap_or_else(|| (0..width).filter(free).collect());
        if inputs.is_empty() {
            let problem = "no column is left for inputs; at least one is needed";
            return Err(TaskError::key(FilesConfig::NAME, "inputs", problem));
        }
        let targets = match goal {
            Goal::Forecast { .. } => targets.unwrap_or_else(|| inputs.clone()),
            Goal::Header | Goal::Label => Vec::new(),
        };
        Ok(Self { inputs, targets })
    }
}

/// The number of a column.
pub(super) fn resolve(
    key: &'static str,
    column: &Column,
    width: usize,
    names: Option<&[String]>,
) -> Result<usize, TaskError> {
    let found = match (column, names) {
        (Column::Number(number), _) => Some(*number).filter(|&number| number < width),
        (Column::Name(name), Some(names)) => names.iter().position(|known| known == name),
        (Column::Name(_), None) => None,
    };
    found.ok_or_else(|| {
        let last = width.saturating_sub(1);
        let known = match names {
            Some(names) => format!("the columns are {}, or 0 to {last}", names.join(", ")),
            None => format!("the columns have no names, only numbers from 0 to {last}"),
        };
        let problem = format!("there is no column {column}; {known}");
        TaskError::key(FilesConfig::NAME, key, problem)
    })
}

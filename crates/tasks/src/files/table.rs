//! `.csv` and `.tsv` tables.

use super::FilesConfig;
use super::columns::{Column, Goal, Selection, resolve};
use super::recording::{Case, Place, Recordings, Target};
use super::rows::{Row, Rows};
use crate::signals::SignalInputs;
use crate::{TaskError, input, ts};
use ndarray::Array2;
use std::collections::HashMap;
use std::path::Path;

/// Reads the sequences of a table.
pub(super) fn read(
    config: &FilesConfig,
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let bytes = input::read(path)?;
    parse(config, &bytes, path, goal)
}

/// Reads the sequences of a table's bytes; `path` is for messages and for the delimiter.
fn parse(
    config: &FilesConfig,
    bytes: &[u8],
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let rows = Rows::read(bytes, path, config.header)?;
    let (names, width) = (rows.names.as_deref(), rows.width);
    let place = |key, column: &Option<Column>| {
        let column = column.as_ref();
        let column = column.map(|column| resolve(key, column, width, names));
        column.transpose()
    };
    let label = place("label", &config.label)?.or(place("value", &config.value)?);
    let sequence = place("sequence", &config.sequence)?;
    let target = match (goal, &config.label) {
        (Goal::Header, _) => {
            let problem = "a table does not say what is to be learnt; one of the keys `label`, `value`, `targets` or \
                           `horizon` is needed";
            return Err(TaskError::key(FilesConfig::NAME, "label", problem));
        }
        (Goal::Forecast { .. }, _) => Target::Series,
        (Goal::Label, Some(_)) => Target::Class(Vec::new()),
        (Goal::Label, None) => Target::Value,
    };
    let taken: Vec<usize> = label.into_iter().chain(sequence).collect();
    let selection = Selection::of(config, goal, width, names, &taken)?;
    let table = Table {
        path,
        rows,
        selection,
        label,
    };
    let value = label.filter(|_| target == Target::Value);
    let output_names = match goal {
        Goal::Forecast { .. } => table.names_of(&table.selection.targets),
        Goal::Label | Goal::Header => table.names_of(value.as_slice()),
    };
    // Where each row is a sequence, columns are its steps: their names are not those of inputs.
    let (input_names, cases) = match (goal, sequence) {
        (Goal::Label | Goal::Header, None) => (Vec::new(), table.row_by_row()?),
        (_, sequence) => (
            table.names_of(&table.selection.inputs),
            table.grouped(sequence)?,
        ),
    };
    Ok(Recordings {
        input_names,
        output_names,
        ..Recordings::new(path, target, cases)?
    })
}

/// The names of a table's columns, where it has a header.
pub(super) fn names(path: &Path, header: Option<bool>) -> Result<Option<Vec<String>>, TaskError> {
    Ok(Rows::read(&input::read(path)?, path, header)?.names)
}

/// Reads the sequences of a table, each of several rows or each of one, without their targets.
pub(super) fn read_signals(
    config: &FilesConfig,
    path: &Path,
    inputs: &SignalInputs<'_>,
) -> Result<Vec<Case>, TaskError> {
    let rows = Rows::read(&input::read(path)?, path, config.header)?;
    let (names, width) = (rows.names.as_deref(), rows.width);
    let resolved = |key, column: &Option<Column>| {
        let column = column.as_ref();
        column.map(|column| resolve(key, column, width, names))
    };
    let sequence = resolved("sequence", &config.sequence).transpose()?;
    // What is to be predicted need not be there.
    let label = resolved("label", &config.label).or(resolved("value", &config.value));
    let label = label.and_then(Result::ok);
    let chosen = match sequence {
        Some(sequence) => inputs
            .columns(names, width, Some(sequence), label)
            .map_err(|problem| TaskError::file(path, problem))?,
        // Each column is a step, whatever their number.
        None => {
            let goal = Goal::Label;
            Selection::of(config, &goal, width, names, label.as_slice())?.inputs
        }
    };
    let table = Table {
        path,
        rows,
        selection: Selection {
            inputs: chosen,
            targets: Vec::new(),
        },
        label: None,
    };
    match sequence {
        Some(_) => table.grouped(sequence),
        None => table.row_by_row(),
    }
}

struct Table<'a> {
    path: &'a Path,
    rows: Rows,
    selection: Selection,
    label: Option<usize>,
}

impl Table<'_> {
    /// The names of columns; none where the table has no header.
    fn names_of(&self, columns: &[usize]) -> Vec<String> {
        let names = self.rows.names.iter();
        let names = names.flat_map(|names| columns.iter().map(|&column| names[column].clone()));
        names.collect()
    }

    /// Each row is a sequence of one channel.
    fn row_by_row(&self) -> Result<Vec<Case>, TaskError> {
        let case = |row: Row<'_>| {
            let mut columns = self.selection.inputs.as_slice();
            while let [shorter @ .., last] = columns
                && row.field(*last).is_empty()
            {
                columns = shorter;
            }
            let values: Vec<f64> = columns
                .iter()
                .map(|&column| self.value(row, column))
                .collect::<Result<_, _>>()?;
            if values.iter().all(|value| value.is_nan()) {
                let problem = "the sequence has no known value; at least one is needed";
                return Err(TaskError::line(self.path, row.line(), problem));
            }
            let inputs = Array2::from_shape_fn((values.len(), 1), |(step, _)| values[step]);
            let series = Array2::zeros((values.len(), 0));
            Ok(Case {
                place: Place::Line(row.line()),
                inputs,
                series,
                label: self.label(row)?,
            })
        };
        self.rows.iter().map(case).collect()
    }

    /// Each row is a step; rows that agree in the column `sequence` are one sequence.
    fn grouped(&self, sequence: Option<usize>) -> Result<Vec<Case>, TaskError> {
        let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for row in self.rows.iter() {
            let name = sequence.map_or("", |column| row.field(column));
            if let (Some(column), true) = (sequence, name.is_empty()) {
                let problem = format!(
                    "column {} is empty; it must say which sequence the row is a step of",
                    self.rows.name(column)
                );
                return Err(TaskError::line(self.path, row.line(), problem));
            }
            let group = *known.entry(name).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(row);
        }
        groups.iter().map(|rows| self.case(rows)).collect()
    }

    fn case(&self, rows: &[Row<'_>]) -> Result<Case, TaskError> {
        let first = rows[0].line();
        let label = self.label(rows[0])?;
        for &row in rows {
            let other = self.label(row)?;
            if other != label {
                let problem = format!(
                    "the label is `{}` where line {first} of the same sequence has `{}`; a sequence has one label",
                    ts::excerpt(&other),
                    ts::excerpt(&label)
                );
                return Err(TaskError::line(self.path, row.line(), problem));
            }
        }
        let read = |columns: &[usize]| -> Result<Array2<f64>, TaskError> {
            let mut values = Array2::zeros((rows.len(), columns.len()));
            for (place, &column) in columns.iter().enumerate() {
                let mut known = false;
                for (step, &row) in rows.iter().enumerate() {
                    let value = self.value(row, column)?;
                    known |= !value.is_nan();
                    values[[step, place]] = value;
                }
                if !known {
                    let problem = format!(
                        "column {} has no known value in the sequence that begins here; at least one is needed",
                        self.rows.name(column)
                    );
                    return Err(TaskError::line(self.path, first, problem));
                }
            }
            Ok(values)
        };
        let (inputs, series) = (
            read(&self.selection.inputs)?,
            read(&self.selection.targets)?,
        );
        Ok(Case {
            place: Place::Line(first),
            inputs,
            series,
            label,
        })
    }

    fn label(&self, row: Row<'_>) -> Result<String, TaskError> {
        match self.label {
            None => Ok(String::new()),
            Some(column) if row.field(column).is_empty() => {
                let problem = format!(
                    "column {} holds no label; each sequence needs one",
                    self.rows.name(column)
                );
                Err(TaskError::line(self.path, row.line(), problem))
            }
            Some(column) => Ok(row.field(column).to_string()),
        }
    }

    /// A number; a missing one is NaN.
    fn value(&self, row: Row<'_>, column: usize) -> Result<f64, TaskError> {
        let text = row.field(column);
        if text.is_empty() || text == "?" {
            return Ok(f64::NAN);
        }
        ts::parse_number(text).map_err(|problem| {
            let problem = format!("column {}: {problem}", self.rows.name(column));
            TaskError::line(self.path, row.line(), problem)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "([0-9.e?,\"\n-]|a,b\n|1,2\n)*".prop_map(String::into_bytes),
            ],
            wide in any::<bool>(),
        ) {
            let config = FilesConfig {
                label: Some(Column::Number(0)),
                sequence: (!wide).then_some(Column::Number(1)),
                ..Default::default()
            };
            let _ = parse(&config, &bytes, Path::new("toy.csv"), &Goal::Label);
            let config = FilesConfig { horizon: Some(1), ..Default::default() };
            let _ = parse(&config, &bytes, Path::new("toy.tsv"), &Goal::Forecast { horizon: 1 });
        }
    }
}

//! `.csv` and `.tsv` tables.

use super::columns::{Column, Goal, Selection, resolve};
use super::recording::{Case, Place, Recordings, Target};
use super::{FilesConfig, extension};
use crate::missing::interpolate;
use crate::signals::SignalInputs;
use crate::{TaskError, ts};
use csv::StringRecord;
use ndarray::Array2;
use std::collections::HashMap;
use std::path::Path;

/// Reads the sequences of a table.
pub(super) fn read(
    config: &FilesConfig,
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let bytes = std::fs::read(path).map_err(|error| TaskError::read(path, error))?;
    parse(config, &bytes, path, goal)
}

/// Reads the sequences of a table's bytes; `path` is for messages and for the delimiter.
fn parse(
    config: &FilesConfig,
    bytes: &[u8],
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let (names, rows) = rows(bytes, path, config.header)?;
    let width = rows[0].1.len();
    let place = |key, column: &Option<Column>| -> Result<Option<usize>, TaskError> {
        column
            .as_ref()
            .map(|column| resolve(key, column, width, names.as_deref()))
            .transpose()
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
    let selection = Selection::of(config, goal, width, names.as_deref(), &taken)?;
    let table = Table {
        path,
        names,
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
        path: path.into(),
        target,
        input_names,
        output_names,
        cases,
    })
}

/// The names of a table's columns, where it has a header.
pub(super) fn names(path: &Path, header: Option<bool>) -> Result<Option<Vec<String>>, TaskError> {
    let bytes = std::fs::read(path).map_err(|error| TaskError::read(path, error))?;
    Ok(rows(&bytes, path, header)?.0)
}

/// Reads the sequences of a table of which each is several rows, or each a row, without their targets.
pub(super) fn read_signals(
    config: &FilesConfig,
    path: &Path,
    inputs: &SignalInputs<'_>,
) -> Result<Vec<Case>, TaskError> {
    let bytes = std::fs::read(path).map_err(|error| TaskError::read(path, error))?;
    let (names, rows) = rows(&bytes, path, config.header)?;
    let width = rows[0].1.len();
    let names_or_none = names.as_deref();
    let resolved = |key, column: &Option<Column>| {
        let column = column.as_ref();
        column.map(|column| resolve(key, column, width, names_or_none))
    };
    let sequence = resolved("sequence", &config.sequence).transpose()?;
    // What is to be predicted need not be there.
    let label = resolved("label", &config.label).or(resolved("value", &config.value));
    let label = label.and_then(Result::ok);
    let chosen = match sequence {
        Some(sequence) => inputs
            .columns(names_or_none, width, Some(sequence), label)
            .map_err(|problem| TaskError::file(path, problem))?,
        // The columns are steps, and as many as there are.
        None => {
            let goal = Goal::Label;
            Selection::of(config, &goal, width, names_or_none, label.as_slice())?.inputs
        }
    };
    let table = Table {
        path,
        names,
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

/// A row with its line.
type Row = (usize, StringRecord);

/// The names of the columns, if there are any, and the rows, at least one, all equally wide.
fn rows(
    bytes: &[u8],
    path: &Path,
    header: Option<bool>,
) -> Result<(Option<Vec<String>>, Vec<Row>), TaskError> {
    let delimiter = if extension(path) == "tsv" {
        b'\t'
    } else {
        b','
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
    let mut rows: Vec<Row> = Vec::new();
    for record in reader.records() {
        let line = |position: Option<&csv::Position>| position.map_or(0, |at| at.line() as usize);
        let record = record.map_err(|error| match error.kind() {
            csv::ErrorKind::Utf8 { pos, .. } => TaskError::line(
                path,
                line(pos.as_ref()),
                "there is a byte that is not UTF-8; a table is text",
            ),
            _ => TaskError::file(path, format!("the table cannot be read: {error}")),
        })?;
        let line = line(record.position());
        if let Some((first, wanted)) = rows.first().map(|(first, row)| (first, row.len()))
            && wanted != record.len()
        {
            let problem = format!(
                "the row has {} fields where line {first} has {wanted}; all rows must be equally wide",
                record.len()
            );
            return Err(TaskError::line(path, line, problem));
        }
        rows.push((line, record));
    }
    let named = |row: &Row| {
        row.1
            .iter()
            .all(|field| field.parse::<f64>().is_err() && field != "?")
    };
    let names = match rows.first() {
        Some(first) if header.unwrap_or_else(|| named(first)) => {
            Some(rows.remove(0).1.iter().map(String::from).collect())
        }
        _ => None,
    };
    if rows.is_empty() {
        return Err(TaskError::file(
            path,
            "the table has no row of data; at least one is needed",
        ));
    }
    Ok((names, rows))
}

struct Table<'a> {
    path: &'a Path,
    names: Option<Vec<String>>,
    rows: Vec<Row>,
    selection: Selection,
    label: Option<usize>,
}

impl Table<'_> {
    /// The names of columns; none where the table has no header.
    fn names_of(&self, columns: &[usize]) -> Vec<String> {
        let names = self.names.iter();
        let names = names.flat_map(|names| columns.iter().map(|&column| names[column].clone()));
        names.collect()
    }

    /// Each row is a sequence of one channel.
    fn row_by_row(&self) -> Result<Vec<Case>, TaskError> {
        let case = |(line, row): &Row| {
            let mut columns = self.selection.inputs.as_slice();
            while let [shorter @ .., last] = columns
                && row[*last].is_empty()
            {
                columns = shorter;
            }
            let values: Vec<Option<f32>> = columns
                .iter()
                .map(|&column| self.value(*line, row, column))
                .collect::<Result<_, _>>()?;
            let values = interpolate(&values).ok_or_else(|| {
                TaskError::line(
                    self.path,
                    *line,
                    "the sequence has no known value; at least one is needed",
                )
            })?;
            let inputs = Array2::from_shape_fn((values.len(), 1), |(step, _)| values[step]);
            let series = Array2::zeros((values.len(), 0));
            Ok(Case {
                place: Place::Line(*line),
                inputs,
                series,
                label: self.label(*line, row)?,
            })
        };
        self.rows.iter().map(case).collect()
    }

    /// Each row is a step; rows that agree in the column `sequence` are one sequence.
    fn grouped(&self, sequence: Option<usize>) -> Result<Vec<Case>, TaskError> {
        let mut groups: Vec<Vec<&Row>> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for row in &self.rows {
            let name = sequence.map_or("", |column| &row.1[column]);
            let group = *known.entry(name).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Vec::new());
            }
            groups[group].push(row);
        }
        groups.iter().map(|rows| self.case(rows)).collect()
    }

    fn case(&self, rows: &[&Row]) -> Result<Case, TaskError> {
        let (first, row) = rows[0];
        let label = self.label(*first, row)?;
        for (line, row) in rows {
            let other = self.label(*line, row)?;
            if other != label {
                let problem = format!(
                    "the label is `{}` where line {first} of the same sequence has `{}`; a sequence has one label",
                    ts::excerpt(&other),
                    ts::excerpt(&label)
                );
                return Err(TaskError::line(self.path, *line, problem));
            }
        }
        let filled = |columns: &[usize]| -> Result<Array2<f32>, TaskError> {
            let mut values = Array2::zeros((rows.len(), columns.len()));
            for (place, &column) in columns.iter().enumerate() {
                let read = rows
                    .iter()
                    .map(|(line, row)| self.value(*line, row, column));
                let read: Vec<Option<f32>> = read.collect::<Result<_, _>>()?;
                let read = interpolate(&read).ok_or_else(|| {
                    let problem = format!(
                        "column {} has no known value in the sequence that begins here; at least one is needed",
                        self.name(column)
                    );
                    TaskError::line(self.path, *first, problem)
                })?;
                values
                    .column_mut(place)
                    .assign(&ndarray::ArrayView1::from(&read));
            }
            Ok(values)
        };
        let (inputs, series) = (
            filled(&self.selection.inputs)?,
            filled(&self.selection.targets)?,
        );
        Ok(Case {
            place: Place::Line(*first),
            inputs,
            series,
            label,
        })
    }

    fn label(&self, line: usize, row: &StringRecord) -> Result<String, TaskError> {
        match self.label {
            None => Ok(String::new()),
            Some(column) if row[column].is_empty() => {
                let problem = format!(
                    "column {} holds no label; each sequence needs one",
                    self.name(column)
                );
                Err(TaskError::line(self.path, line, problem))
            }
            Some(column) => Ok(row[column].to_string()),
        }
    }

    fn value(
        &self,
        line: usize,
        row: &StringRecord,
        column: usize,
    ) -> Result<Option<f32>, TaskError> {
        let text = &row[column];
        if text.is_empty() || text == "?" {
            return Ok(None);
        }
        let number = ts::parse_number(text);
        number.map(Some).map_err(|problem| {
            TaskError::line(
                self.path,
                line,
                format!("column {}: {problem}", self.name(column)),
            )
        })
    }

    fn name(&self, column: usize) -> String {
        self.names
            .as_ref()
            .map_or_else(|| column.to_string(), |names| names[column].clone())
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

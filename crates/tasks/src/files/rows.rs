//! The fields of a table's text.

use super::extension;
use crate::{TaskError, ts};
use csv::StringRecord;
use std::collections::HashMap;
use std::path::Path;

/// The rows of a table, at least one, all equally wide.
pub(super) struct Rows {
    /// The names of the columns, if there are any.
    pub(super) names: Option<Vec<String>>,
    /// Fields of a row.
    pub(super) width: usize,
    /// All fields one behind another, and where each ends: a text of its own for each field or row would take many times the room
    /// of a short line.
    text: String,
    ends: Vec<usize>,
    /// Rows, with their lines, that do not stand on the line after the row before.
    lines: Vec<(usize, usize)>,
}

/// One of the rows.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    rows: &'a Rows,
    index: usize,
}

impl<'a> Row<'a> {
    /// Its line, counted from 1.
    pub(super) fn line(self) -> usize {
        let lines = &self.rows.lines;
        let known = lines.partition_point(|&(row, _)| row <= self.index);
        let (row, line) = lines[known - 1];
        line + (self.index - row)
    }

    /// The field of a column.
    pub(super) fn field(self, column: usize) -> &'a str {
        let at = self.index * self.rows.width + column;
        let start = at.checked_sub(1).map_or(0, |before| self.rows.ends[before]);
        &self.rows.text[start..self.rows.ends[at]]
    }
}

impl Rows {
    /// Reads the text of a table; `path` is for messages and for the delimiter. `header` says whether the first row is names,
    /// which otherwise follows from its fields.
    pub(super) fn read(bytes: &[u8], path: &Path, header: Option<bool>) -> Result<Self, TaskError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let delimiter = field_separator(path, bytes);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let mut rows = Self {
            names: None,
            width: 0,
            text: String::new(),
            ends: Vec::new(),
            lines: Vec::new(),
        };
        let mut first = 0;
        let mut record = StringRecord::new();
        let at = |position: Option<&csv::Position>| position.map_or(0, |at| at.line() as usize);
        loop {
            let more = reader.read_record(&mut record);
            let more = more.map_err(|error| match error.kind() {
                csv::ErrorKind::Utf8 { pos, .. } => TaskError::line(
                    path,
                    at(pos.as_ref()),
                    "there is a byte that is not UTF-8; a table is text",
                ),
                _ => TaskError::file(path, format!("the table cannot be read: {error}")),
            })?;
            if !more {
                break;
            }
            // The reader counts empty lines before a row as its own.
            let start = record.position().map_or(0, |at| at.byte() as usize);
            let ends = bytes[start..]
                .iter()
                .take_while(|byte| b"\r\n".contains(byte));
            let line = at(record.position()) + ends.filter(|&&byte| byte == b'\n').count();
            if first == 0 {
                (first, rows.width) = (line, record.len());
                if header.unwrap_or_else(|| are_names(&record)) {
                    let names: Vec<String> = record.iter().map(String::from).collect();
                    check_names(&names).map_err(|problem| TaskError::line(path, line, problem))?;
                    rows.names = Some(names);
                    continue;
                }
            }
            if record.len() != rows.width {
                let problem = format!(
                    "the row has {} fields where line {first} has {}; all rows must be equally wide",
                    record.len(),
                    rows.width
                );
                return Err(TaskError::line(path, line, problem));
            }
            rows.push(line, &record);
        }
        if rows.count() == 0 {
            let problem = "the table has no row of data; at least one is needed";
            return Err(TaskError::file(path, problem));
        }
        Ok(rows)
    }

    /// All rows in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.count()).map(|index| Row { rows: self, index })
    }

    /// A column's name, or its number where it has none.
    pub(super) fn name(&self, column: usize) -> String {
        match &self.names {
            Some(names) => names[column].clone(),
            None => column.to_string(),
        }
    }

    fn count(&self) -> usize {
        // A row has at least one field.
        self.ends.len() / self.width.max(1)
    }

    fn push(&mut self, line: usize, record: &StringRecord) {
        let index = self.count();
        let next = self.lines.last().map(|&(row, line)| line + (index - row));
        if next != Some(line) {
            self.lines.push((index, line));
        }
        for field in record {
            self.text.push_str(field);
            self.ends.push(self.text.len());
        }
    }
}

/// Whether none of a row's fields is a number or missing.
fn are_names(record: &StringRecord) -> bool {
    let mut fields = record.iter();
    fields.all(|field| field.parse::<f64>().is_err() && field != "?")
}

/// What separates the fields of a table: tabs in a `.tsv` file, semicolons where those of the first line lie between them, else commas.
#[must_use]
pub fn field_separator(path: &Path, text: &[u8]) -> u8 {
    match extension(path).as_str() {
        "tsv" => b'\t',
        _ if separated_by_semicolons(text) => b';',
        _ => b',',
    }
}

/// Whether the first line of a table has its fields between semicolons, as spreadsheets write them where a comma stands for
/// the decimal point. What is quoted may hold either.
fn separated_by_semicolons(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let first = lines.find(|line| !line.trim_ascii().is_empty());
    let first = String::from_utf8_lossy(first.unwrap_or_default());
    let mut quoted = false;
    let outside = first.chars().filter(|&letter| {
        quoted ^= letter == '"';
        !quoted
    });
    let first: String = outside.collect();
    let semicolons = first.contains(';');
    let mut fields = first.split(';').map(str::trim);
    semicolons && fields.all(|field| !field.contains(',') || ts::is_decimal_comma(field))
}

/// Refuses a name that two columns have; nameless columns have their numbers alone.
fn check_names(names: &[String]) -> Result<(), String> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let named = names.iter().enumerate();
    for (column, name) in named.filter(|(_, name)| !name.is_empty()) {
        if let Some(first) = known.insert(name, column) {
            return Err(format!(
                "columns {first} and {column}, counted from 0, are both named `{}`; each name must be there once",
                ts::excerpt(name)
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_knows_its_line_and_its_fields() {
        let text = "a,b\n1,2\n\n\"3\n\",\n5,6\n7,8\n";
        let rows = Rows::read(text.as_bytes(), Path::new("toy.csv"), None).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.line(), row.field(0), row.field(1)))
            .collect();
        assert_eq!(
            found,
            [(2, "1", "2"), (4, "3", ""), (6, "5", "6"), (7, "7", "8")]
        );
        assert_eq!((rows.name(1), rows.width), ("b".to_string(), 2));
    }

    #[test]
    fn short_lines_take_little_room() {
        let text = "1\n".repeat(10_000);
        let rows = Rows::read(text.as_bytes(), Path::new("toy.csv"), None).unwrap();
        assert_eq!(rows.count(), 10_000);
        let room = rows.text.capacity() + 8 * rows.ends.capacity() + 16 * rows.lines.capacity();
        assert!(room < 10 * text.len(), "{room} bytes for {}", text.len());
    }
}

//! Signals that come line by line, from a file or live.

use std::io::{BufRead, Read};
use std::path::Path;

use ndarray::Array1;
use ran_tasks::{SignalInputs, field_separator};

use super::PredictError;

/// No line is read that has more bytes: a device has no end of a line.
const LONGEST: u64 = 16 << 20;

/// Lines, each of which is a step.
pub(super) struct Lines<'a> {
    name: &'a str,
    lines: &'a mut dyn BufRead,
    inputs: SignalInputs<'a>,
    /// The line that was read last, counted from 1.
    number: usize,
    columns: Option<Columns>,
    /// The inputs of the signal's step before; none before its first.
    before: Option<Array1<f64>>,
}

/// Which fields of a line are inputs.
struct Columns {
    /// What separates the fields of a line.
    separator: u8,
    /// How many fields a line has.
    width: usize,
    /// The inputs' places among them.
    inputs: Vec<usize>,
}

/// What a line holds.
pub(super) enum Line {
    /// The inputs of a step, with whatever stands for holes.
    Step(Array1<f64>),
    /// Nothing: another signal begins.
    Gap,
}

impl<'a> Lines<'a> {
    pub(super) fn new(name: &'a str, lines: &'a mut dyn BufRead, inputs: SignalInputs<'a>) -> Self {
        Self {
            name,
            lines,
            inputs,
            number: 0,
            columns: None,
            before: None,
        }
    }

    /// The next line; none after the last one. A header is read over, and told where nothing shows that it is one.
    pub(super) fn next(
        &mut self,
        warn: &mut dyn FnMut(&str),
    ) -> Result<Option<Line>, PredictError> {
        let mut text = String::new();
        loop {
            text.clear();
            let read = self.lines.take(LONGEST + 1).read_line(&mut text);
            let read = read.map_err(|source| PredictError::Read {
                name: self.name.into(),
                source,
            })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 > LONGEST {
                let problem =
                    format!("the line has more than {LONGEST} bytes, which is more than is read");
                return Err(self.wrong(problem));
            }
            let line = text.trim_matches(['\n', '\r', ' ']);
            // Some programs begin a file with a mark that is no part of its text.
            let line = line
                .strip_prefix('\u{feff}')
                .filter(|_| self.number == 1)
                .unwrap_or(line);
            if line.is_empty() {
                self.before = None;
                return Ok(Some(Line::Gap));
            }
            let known = self.columns.as_ref().map(|columns| columns.separator);
            let separator = known.unwrap_or_else(|| separator(self.name, line));
            let fields = fields(line, separator);
            if known.is_none() && self.begin(&fields, separator, warn)? {
                continue;
            }
            return self.step(&fields).map(|step| Some(Line::Step(step)));
        }
    }

    /// The error of a problem with the line that was read last.
    pub(super) fn wrong(&self, problem: String) -> PredictError {
        PredictError::Step {
            place: format!("{}, line {}", self.name, self.number),
            problem,
        }
    }

    /// Finds the inputs among the fields of the first line; whether it is a header.
    fn begin(
        &mut self,
        fields: &[String],
        separator: u8,
        warn: &mut dyn FnMut(&str),
    ) -> Result<bool, PredictError> {
        let header = self.inputs.are_names(fields);
        let names = header.then_some(fields);
        let width = fields.len();
        let inputs = self.inputs.columns(names, width, None, None);
        let inputs = inputs.map_err(|problem| match header {
            true => self.wrong(format!(
                "the line names columns, since none of its fields is an input: {problem}"
            )),
            false => self.wrong(problem),
        })?;
        if header && self.inputs.names.is_empty() {
            warn(&format!(
                "{}, line {}: `{}` is left out as the names of columns; the model keeps no names of its inputs, so columns \
                 are taken by their place",
                self.name,
                self.number,
                fields.join(", ")
            ));
        }
        self.columns = Some(Columns {
            separator,
            width,
            inputs,
        });
        Ok(header)
    }

    fn step(&mut self, fields: &[String]) -> Result<Array1<f64>, PredictError> {
        let Some(columns) = &self.columns else {
            unreachable!("the first line says which columns are inputs")
        };
        let (got, wanted) = (fields.len(), columns.width);
        if got != wanted {
            let problem = match wanted == columns.inputs.len() {
                true => format!("a step has {got} inputs, the model was trained on {wanted}"),
                false => format!("the line has {got} fields where the first has {wanted}"),
            };
            return Err(self.wrong(problem));
        }
        let numbers = columns.inputs.iter();
        let numbers = numbers.map(|&column| self.number(&fields[column]));
        let read: Array1<f64> = numbers.collect::<Result<Vec<_>, _>>()?.into();
        let before = self.before.as_ref().map(|before| before.view());
        let step = self.inputs.complete(read.view(), before);
        let step = step.map_err(|problem| self.wrong(problem))?;
        self.before = Some(step.clone());
        Ok(step)
    }

    /// An input of a step; NaN for a hole, which users' files may have.
    fn number(&self, field: &str) -> Result<f64, PredictError> {
        if self.inputs.files.is_some() && (field.is_empty() || field == "?") {
            return Ok(f64::NAN);
        }
        match field.parse::<f64>() {
            Ok(number) if number.is_nan() => {
                Err(self.wrong(format!("`{field}` is not a finite number")))
            }
            Ok(number) => Ok(number),
            Err(_) => Err(self.wrong(format!("`{field}` is not a number"))),
        }
    }
}

/// What separates fields, as in training; tabs also where the first line has nothing else, as lines of another program may.
fn separator(name: &str, first: &str) -> u8 {
    match field_separator(Path::new(name), first.as_bytes()) {
        b',' if !first.contains(',') && first.contains('\t') => b'\t',
        separator => separator,
    }
}

/// The fields of a line. Those with quotation marks are read as in a `.csv` file.
fn fields(line: &str, separator: u8) -> Vec<String> {
    if !line.contains('"') {
        let fields = line.split(char::from(separator)).map(str::trim);
        return fields.map(String::from).collect();
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    // A line is valid text, which is all that may be wrong with a record.
    let _ = reader.read_record(&mut record);
    record.iter().map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs of steps, signal by signal.
    type Signals = Vec<Vec<Vec<f64>>>;

    /// The steps of lines, gap by gap, and what was told.
    fn read(inputs: SignalInputs<'_>, text: &str) -> Result<(Signals, Vec<String>), String> {
        let mut bytes = text.as_bytes();
        let mut lines = Lines::new("it", &mut bytes, inputs);
        let (mut signals, mut told) = (vec![Vec::new()], Vec::new());
        let mut warn = |text: &str| told.push(text.to_owned());
        loop {
            match lines.next(&mut warn).map_err(|error| error.to_string())? {
                None => return Ok((signals, told)),
                Some(Line::Gap) => signals.push(Vec::new()),
                Some(Line::Step(step)) => {
                    let last = signals.len() - 1;
                    signals[last].push(step.to_vec());
                }
            }
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let inputs = SignalInputs {
            d_input: 1,
            names: &[],
            mean: None,
            files: None,
        };
        let mut endless = std::io::BufReader::new(std::io::repeat(b'1'));
        let mut lines = Lines::new("it", &mut endless, inputs);
        let error = lines.next(&mut |_| {}).map(|_| ()).unwrap_err();
        let expected = "it, line 1: the line has more than 16777216 bytes";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn columns_are_found_by_the_names_of_the_first_line_whatever_their_places() {
        let names = ["load, total", "wind"].map(String::from);
        let inputs = SignalInputs {
            d_input: 2,
            names: &names,
            mean: None,
            files: None,
        };
        let text = "wind;note;\"load, total\"\n1;x;2\n\n3;\"y; z\";4\n";
        let expected = vec![vec![vec![2.0, 1.0]], vec![vec![4.0, 3.0]]];
        assert_eq!(read(inputs, text), Ok((expected, Vec::new())));
        // A comma in a field of a file with semicolons, as training reads it.
        let text = "wind;note;\"load, total\"\n1;hello, world;2\n";
        assert_eq!(read(inputs, text).unwrap().0, [[[2.0, 1.0]]]);
        let sentence = read(inputs, "wind,load\n1,2\n").unwrap_err();
        assert!(
            sentence.starts_with("it, line 1: ") && sentence.contains("no column load, total"),
            "{sentence}"
        );
        let sentence = read(inputs, "wind,x,\"load, total\"\n1,2\n").unwrap_err();
        assert!(
            sentence.contains("line 2: the line has 2 fields where the first has 3"),
            "{sentence}"
        );
    }

    #[test]
    fn a_first_line_that_may_be_a_header_or_garbage_is_told_or_refused() {
        let inputs = SignalInputs {
            d_input: 2,
            names: &[],
            mean: None,
            files: None,
        };
        let (signals, told) = read(inputs, "a,b\n1,2\n").unwrap();
        assert_eq!(signals, [[[1.0, 2.0]]]);
        assert!(
            told.len() == 1 && told[0].contains("`a, b` is left out"),
            "{told:?}"
        );
        let sentence = read(inputs, "sensor ready\n1,2\n").unwrap_err();
        assert!(
            sentence.contains("line 1: the line names columns") && sentence.contains("2 inputs"),
            "{sentence}"
        );
        let sentence = read(inputs, "1,2\nsensor ready,x\n").unwrap_err();
        assert!(
            sentence.contains("line 2: `sensor ready` is not a number"),
            "{sentence}"
        );
    }

    #[test]
    fn a_hole_has_the_value_before_or_the_mean_where_users_files_were_learnt() {
        let files = ran_tasks::FilesConfig::default();
        let inputs = SignalInputs {
            d_input: 2,
            names: &[],
            mean: None,
            files: Some(&files),
        };
        let with_mean = SignalInputs {
            mean: Some(&[7.0, 8.0]),
            ..inputs
        };
        let text = "1,?\n,3\n\n?,4\n";
        let expected = vec![vec![vec![1.0, 8.0], vec![1.0, 3.0]], vec![vec![7.0, 4.0]]];
        assert_eq!(read(with_mean, text), Ok((expected, Vec::new())));
        let masking = ran_tasks::FilesConfig {
            holes: ran_tasks::Holes::Mask,
            ..files.clone()
        };
        let masked = SignalInputs {
            files: Some(&masking),
            ..with_mean
        };
        let (signals, _) = read(masked, text).unwrap();
        assert_eq!(signals[0][0], [1.0, 8.0, 1.0, 0.0]);
        assert_eq!(signals[0][1], [1.0, 3.0, 0.0, 1.0]);
        assert!(
            read(inputs, text)
                .unwrap_err()
                .contains("line 1: input 1 is missing")
        );
        let others = SignalInputs {
            files: None,
            ..inputs
        };
        assert!(
            read(others, text)
                .unwrap_err()
                .contains("`?` is not a number")
        );
    }
}

//! The `.ts` format of the UEA/UCR time-series archive.
//!
//! A header of `@key value` lines, then `@data` and one case per line: channels separated by `:`, values of a
//! channel by `,`, the class label (or, under `@targetLabel true`, a number) last. `?` marks a missing value.
//! Lines that begin with `#` or `%` are comments.

mod case;
mod header;

use crate::{TaskError, input};
use case::{check_case, parse_case};
use header::Header;
use std::path::Path;

pub(crate) use case::TsCase;
pub(crate) use header::TsTarget;

/// The cases of one file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TsFile {
    /// What the last part of each line is.
    pub(crate) target: TsTarget,
    /// The cases, at least one, all with the same number of channels.
    pub(crate) cases: Vec<TsCase>,
}

/// Reads a `.ts` file.
pub(crate) fn read(path: &Path) -> Result<TsFile, TaskError> {
    let bytes = input::read(path)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let problem = "there is a byte that is not UTF-8; a .ts file is text";
        TaskError::line(path, line, problem)
    })?;
    parse(&text, path)
}

/// Reads the text of a `.ts` file; `path` is for messages only.
pub(crate) fn parse(text: &str, path: &Path) -> Result<TsFile, TaskError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = (1..).zip(text.lines().map(str::trim));
    let mut header = Header::default();
    let mut data = false;
    for (number, line) in lines.by_ref() {
        if is_comment(line) {
            continue;
        }
        if line.eq_ignore_ascii_case("@data") {
            data = true;
            break;
        }
        header
            .read(line)
            .map_err(|problem| TaskError::line(path, number, problem))?;
    }
    if !data {
        let problem = "there is no line @data; a .ts file has header lines that begin with @, then @data, \
                       then one case per line";
        return Err(TaskError::file(path, problem));
    }
    let target = header.target.clone().unwrap_or(TsTarget::None);
    let mut cases: Vec<TsCase> = Vec::new();
    for (number, line) in lines {
        if is_comment(line) {
            continue;
        }
        let case = parse_case(line, number, &header)
            .and_then(|case| check_case(case, cases.first(), &header))
            .map_err(|problem| TaskError::line(path, number, problem))?;
        cases.push(case);
    }
    if cases.is_empty() {
        let problem = "there is no case after @data; at least one is needed";
        return Err(TaskError::file(path, problem));
    }
    Ok(TsFile { target, cases })
}

fn is_comment(line: &str) -> bool {
    line.is_empty() || line.starts_with(['#', '%'])
}

/// A finite number that single precision can hold, with all its digits.
pub(crate) fn parse_number(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| {
        let hint = match text {
            "?" => " (it marks a missing value, which cannot be here)",
            _ if is_decimal_comma(text) => " (its decimal comma must be a point)",
            _ => " (`?` marks a missing value)",
        };
        format!("`{}` is not a number{hint}", excerpt(text))
    })?;
    if (value as f32).is_finite() {
        return Ok(value);
    }
    Err(format!(
        "{} is not allowed; values must be finite in single precision",
        excerpt(text)
    ))
}

/// Whether a text would be a number if its comma were a point.
pub(crate) fn is_decimal_comma(text: &str) -> bool {
    text.matches(',').count() == 1 && text.replacen(',', ".", 1).parse::<f64>().is_ok()
}

/// The beginning of a text, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    const VALID: &str = "# two channels\n@problemName Toy\n@timeStamps false\n@missing true\n\
        @univariate false\n@dimensions 2\n@equalLength false\n@classLabel true a b\n@data\n\
        1,2,3:4,?,8:a\n-1e2,0.5:7,7:b\n";

    fn read_text(text: &str) -> Result<TsFile, TaskError> {
        parse(text, Path::new("toy.ts"))
    }

    #[test]
    fn cases_of_different_length_and_missing_values_are_read() {
        let file = read_text(VALID).unwrap();
        assert_eq!(file.target, TsTarget::Class(vec!["a".into(), "b".into()]));
        let inputs = &file.cases[0].inputs;
        assert_eq!(inputs.column(0), array![1.0, 2.0, 3.0]);
        assert_eq!((inputs[[0, 1]], inputs[[2, 1]]), (4.0, 8.0));
        assert!(inputs[[1, 1]].is_nan(), "a missing value stays missing");
        assert_eq!(file.cases[1].inputs, array![[-100.0, 7.0], [0.5, 7.0]]);
        assert_eq!(
            (file.cases[1].line, file.cases[1].label.as_str()),
            (11, "b")
        );
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_do_not_matter() {
        let text = format!("\u{feff}{}", VALID.replace('\n', "\r\n"));
        // A missing value is NaN, which equals nothing.
        let told = |text| format!("{:?}", read_text(text).unwrap());
        assert_eq!(told(&text), told(VALID));
    }

    #[test]
    fn a_regression_file_has_numbers_for_targets() {
        let file = read_text("@targetLabel true\n@data\n1,2:0.5\n").unwrap();
        assert_eq!(file.target, TsTarget::Value);
        assert_eq!(file.cases[0].label, "0.5");
    }

    #[test]
    fn a_broken_file_is_refused_with_a_sentence() {
        let head = "@classLabel true a b\n@data\n";
        let rows = [
            ("", "there is no line @data"),
            ("hello\n", "line 1: `hello` stands before @data"),
            (
                "@classLabel true a\n@data\n",
                "there is no case after @data",
            ),
            (
                "@timeStamps true\n",
                "line 1: @timeStamps is true; only cases without time stamps",
            ),
            (
                "@univariate perhaps\n",
                "`perhaps`; it must be true or false",
            ),
            ("@dimensions 0\n", "`0`; it must be a positive integer"),
            (&format!("{head}1,2\n"), "line 3: `1,2` has no `:`"),
            (
                &format!("{head}1,2:c\n"),
                "line 3: class `c` is not among the header's: a, b",
            ),
            (
                &format!("{head}1,2:\n"),
                "line 3: the class label is missing",
            ),
            (
                &format!("{head}1,x:a\n"),
                "line 3: channel 1: `x` is not a number",
            ),
            (
                &format!("{head}1,:a\n"),
                "line 3: channel 1: `` is not a number",
            ),
            (
                &format!("{head}1:2,NaN:a\n"),
                "toy.ts, line 3: channel 2: NaN is not allowed",
            ),
            (
                &format!("{head}inf:a\n"),
                "toy.ts, line 3: channel 1: inf is not allowed",
            ),
            (
                &format!("{head}1e40:a\n"),
                "must be finite in single precision",
            ),
            (
                &format!("{head}?,?:a\n"),
                "line 3: channel 1 has only missing values",
            ),
            (
                &format!("{head}1,2:3:a\n"),
                "line 3: channel 2 has 1 steps where channel 1 has 2",
            ),
            (
                &format!("{head}1:2:a\n1:b\n"),
                "line 4: the case has 1 channels where line 3 has 2",
            ),
            (
                &format!("@dimensions 3\n{head}1:2:a\n"),
                "2 channels where the header says 3",
            ),
            (
                &format!("@univariate true\n{head}1:2:a\n"),
                "2 channels where the header says 1",
            ),
            (
                &format!("@equalLength true\n{head}1:a\n1,2:a\n"),
                "2 steps where line 4 has 1",
            ),
            (
                "@targetLabel true\n@data\n1:high\n",
                "target: `high` is not a number",
            ),
        ];
        for (text, expected) in rows {
            let message = read_text(text).unwrap_err().to_string();
            assert!(message.starts_with("toy.ts"), "{message}");
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC*|(@[a-zA-Z]* (true|false|[0-9]+)\n|@data\n|[0-9,:?.eE@\n-]*)*") {
            let _ = read_text(&text);
        }

        #[test]
        fn a_mutated_file_never_panics_and_is_finite_where_known(
            mutations in prop::collection::vec((0..VALID.len(), any::<u8>(), 0..3u8), 1..8)
        ) {
            let mut bytes = VALID.as_bytes().to_vec();
            for (place, byte, kind) in mutations {
                let place = place % bytes.len().max(1);
                match kind {
                    0 if !bytes.is_empty() => bytes[place] = byte,
                    1 => bytes.truncate(place),
                    _ => bytes.insert(place.min(bytes.len()), byte),
                }
            }
            if let Ok(file) = read_text(&String::from_utf8_lossy(&bytes)) {
                let known = |x: &f64| x.is_nan() || (*x as f32).is_finite();
                prop_assert!(file.cases.iter().all(|case| case.inputs.iter().all(known)));
            }
        }
    }
}

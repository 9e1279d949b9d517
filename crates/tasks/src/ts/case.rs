//! A case of a `.ts` file: a line after its header.

use super::header::{Header, TsTarget};
use super::{excerpt, parse_number};
use ndarray::Array2;

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TsCase {
    /// Its line, counted from 1.
    pub(crate) line: usize,
    /// Its values, `[steps, channels]`, finite, or NaN where they are missing.
    pub(crate) inputs: Array2<f64>,
    /// Its label, or its target as text.
    pub(crate) label: String,
}

/// Reads the case of a line.
pub(super) fn parse_case(line: &str, number: usize, header: &Header) -> Result<TsCase, String> {
    let (series, label) = match (header.target.is_some(), line.rsplit_once(':')) {
        (true, Some(parts)) => parts,
        (true, None) => {
            return Err(format!(
                "`{}` has no `:`; a case is channels separated by `:`, then `:` and its label",
                excerpt(line)
            ));
        }
        (false, _) => (line, ""),
    };
    // Channel after channel in one place: a line of many short channels must not cost many times its length.
    let mut values: Vec<f64> = Vec::new();
    let mut steps = 0;
    for (channel, text) in series.split(':').enumerate() {
        let begin = values.len();
        for value in text.split(',') {
            let value = parse_value(value.trim());
            values.push(value.map_err(|problem| format!("channel {}: {problem}", channel + 1))?);
        }
        let (channel, found) = (channel + 1, values.len() - begin);
        if values[begin..].iter().all(|value| value.is_nan()) {
            return Err(format!(
                "channel {channel} has only missing values; at least one must be known"
            ));
        }
        if channel == 1 {
            steps = found;
        } else if found != steps {
            return Err(format!(
                "channel {channel} has {found} steps where channel 1 has {steps}; all channels of a case must be \
                 equally long"
            ));
        }
    }
    let channels = values.len() / steps;
    let inputs = Array2::from_shape_fn((steps, channels), |(step, c)| values[c * steps + step]);
    let label = label.trim();
    match &header.target {
        Some(TsTarget::Class(labels)) => check_label(label, labels)?,
        Some(_) => drop(parse_number(label).map_err(|problem| format!("target: {problem}"))?),
        None => {}
    }
    Ok(TsCase {
        line: number,
        inputs,
        label: label.into(),
    })
}

fn check_label(label: &str, labels: &[String]) -> Result<(), String> {
    if label.is_empty() {
        return Err("the class label is missing; it stands after the last `:`".into());
    }
    if labels.is_empty() || labels.iter().any(|known| known == label) {
        return Ok(());
    }
    Err(format!(
        "class `{}` is not among the header's: {}",
        excerpt(label),
        labels.join(", ")
    ))
}

/// Compares a case with what the header says and with the first one.
pub(super) fn check_case(
    case: TsCase,
    first: Option<&TsCase>,
    header: &Header,
) -> Result<TsCase, String> {
    let (steps, channels) = case.inputs.dim();
    let declared = header.channels.or(header.univariate.then_some(1));
    if let Some(declared) = declared.filter(|&declared| declared != channels) {
        return Err(format!(
            "the case has {channels} channels where the header says {declared}"
        ));
    }
    let declared = header
        .steps
        .filter(|&declared| header.equal_length && declared != steps);
    if let Some(declared) = declared {
        return Err(format!(
            "the case has {steps} steps where the header says @seriesLength {declared}"
        ));
    }
    if let Some(first) = first {
        let (line, (first_steps, first_channels)) = (first.line, first.inputs.dim());
        if channels != first_channels {
            return Err(format!(
                "the case has {channels} channels where line {line} has {first_channels}; all must agree"
            ));
        }
        if header.equal_length && steps != first_steps {
            return Err(format!(
                "the case has {steps} steps where line {line} has {first_steps}, and the header says \
                 @equalLength true"
            ));
        }
    }
    Ok(case)
}

/// A number; a missing one is NaN.
fn parse_value(text: &str) -> Result<f64, String> {
    if text == "?" {
        Ok(f64::NAN)
    } else {
        parse_number(text)
    }
}

//! One key of a space: its values, and when it is there.

use std::collections::BTreeMap;

use optimizer::distribution::{FloatDistribution, IntDistribution};
use serde::Serialize;
use toml::Value;

use super::{Point, is_finite, written};

/// One key: its values, and when it is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(into = "written::Written")]
pub struct Dimension {
    /// The values that it can take.
    pub domain: Domain,
    /// It is there only where each of these keys has one of these values.
    pub when: BTreeMap<String, Vec<Value>>,
    /// Whether it may be left out, which then is one more of its values.
    pub optional: bool,
}

/// The values that a key can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// One of some values of any kind.
    Values(Vec<Value>),
    /// Numbers of a range, whose ends are included; without a `step`, all numbers between are meant.
    Real(FloatDistribution),
    /// Whole numbers of a range, whose ends are included; without a `step`, it is 1.
    Integer(IntDistribution),
}

impl Dimension {
    /// Whether its conditions are met.
    pub(crate) fn is_there(&self, point: &Point) -> bool {
        self.when
            .iter()
            .all(|(key, allowed)| point.get(key).is_some_and(|value| allowed.contains(value)))
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if self.optional && !matches!(self.domain, Domain::Values(_)) {
            return Err("only a list of values can be `optional`".into());
        }
        match &self.domain {
            Domain::Values(values) if values.is_empty() => {
                Err("lists no value; at least one is needed".into())
            }
            Domain::Values(values) if !values.iter().all(is_finite) => {
                Err("lists a number that is not finite".into())
            }
            Domain::Values(_) => Ok(()),
            Domain::Real(of) if !(of.low.is_finite() && of.high.is_finite()) => Err(format!(
                "`from` and `to` must be finite numbers, got {} and {}",
                of.low, of.high
            )),
            Domain::Real(of) => {
                let ordered = of.low <= of.high;
                let steps = of.step.is_none_or(|step| step > 0.0 && step.is_finite());
                let log_of_nothing = of.log_scale && of.low <= 0.0;
                check_range(ordered, log_of_nothing, steps, of.low, of.high)
            }
            Domain::Integer(of) => {
                let steps = of.step.is_none_or(|step| step > 0);
                let log_of_nothing = of.log_scale && of.low <= 0;
                check_range(of.low <= of.high, log_of_nothing, steps, of.low, of.high)
            }
        }
    }
}

fn check_range(
    ordered: bool,
    log_of_nothing: bool,
    steps: bool,
    from: impl std::fmt::Display,
    to: impl std::fmt::Display,
) -> Result<(), String> {
    if !ordered {
        return Err(format!(
            "its range is empty: `from` must be at most `to`, got {from} and {to}"
        ));
    }
    if log_of_nothing {
        return Err(format!(
            "a logarithmic range must begin above 0, got `from` = {from}"
        ));
    }
    match steps {
        true => Ok(()),
        false => Err("`step` must be above 0".into()),
    }
}

impl Domain {
    /// Whether it may take a value.
    pub(super) fn has(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Values(values), value) => values.contains(value),
            (Self::Integer(of), Value::Integer(number)) => (of.low..=of.high).contains(number),
            (Self::Real(of), Value::Float(number)) => (of.low..=of.high).contains(number),
            _ => false,
        }
    }

    /// Its values on a grid; none where there are too many to list.
    pub(crate) fn listed(&self) -> Option<Vec<Value>> {
        match self {
            Self::Values(values) => Some(values.clone()),
            Self::Integer(of) if !of.log_scale => {
                let step = of.step.unwrap_or(1);
                let count = of.high.checked_sub(of.low)? / step;
                let value = |n| Value::Integer(of.low + n * step);
                (count < MOST_LISTED).then(|| (0..=count).map(value).collect())
            }
            Self::Real(of) if !of.log_scale => {
                let step = of.step?;
                // A last value that rounding puts a little beyond the end is the end.
                let count = ((of.high - of.low) / step * (1.0 + 1e-12)).floor();
                let value = |n| Value::Float(short(of.low + n as f64 * step, of));
                (count < MOST_LISTED as f64).then(|| (0..=count as i64).map(value).collect())
            }
            Self::Integer(_) | Self::Real(_) => None,
        }
    }
}

/// A number of a range with four digits, where the range and its step have it: sixteen say no more about a leak, and read worse.
pub(crate) fn short(number: f64, range: &FloatDistribution) -> f64 {
    let number = number.clamp(range.low, range.high);
    let short = format!("{number:.3e}").parse().unwrap_or(number);
    let on_step = |step: f64| (short - number).abs() < 1e-9 * step;
    match (range.low..=range.high).contains(&short) && range.step.is_none_or(on_step) {
        true => short,
        false => number,
    }
}

/// Values of one key on a grid, at most.
const MOST_LISTED: i64 = 1_000_000;

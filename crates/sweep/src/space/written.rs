//! A key of a space as it stands in a file.

use std::collections::BTreeMap;

use optimizer::distribution::{FloatDistribution, IntDistribution};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Value;

use super::{Dimension, Domain};

impl<'de> Deserialize<'de> for Dimension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let written = match value {
            Value::Array(values) => Written {
                values: Some(values),
                ..Written::default()
            },
            table @ Value::Table(_) => table.try_into().map_err(D::Error::custom)?,
            other => {
                return Err(D::Error::custom(format!(
                    "{other} is neither a list of values nor a range such as {{ from = 0.1, to = 1.0 }}"
                )));
            }
        };
        Self::try_from(written).map_err(D::Error::custom)
    }
}

/// A key as it stands in a file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    log: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    when: BTreeMap<String, Vec<Value>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    optional: bool,
}

impl From<Dimension> for Written {
    fn from(dimension: Dimension) -> Self {
        let Dimension {
            domain,
            when,
            optional,
        } = dimension;
        let none = Self {
            when,
            optional,
            ..Self::default()
        };
        match domain {
            Domain::Values(values) => Self {
                values: Some(values),
                ..none
            },
            Domain::Real(of) => Self {
                from: Some(Value::Float(of.low)),
                to: Some(Value::Float(of.high)),
                log: of.log_scale,
                step: of.step.map(Value::Float),
                ..none
            },
            Domain::Integer(of) => Self {
                from: Some(Value::Integer(of.low)),
                to: Some(Value::Integer(of.high)),
                log: of.log_scale,
                step: of.step.map(Value::Integer),
                ..none
            },
        }
    }
}

impl TryFrom<Written> for Dimension {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            values,
            from,
            to,
            log,
            step,
            when,
            optional,
        } = written;
        let domain = match (values, from, to) {
            (Some(values), None, None) if !log && step.is_none() => Domain::Values(values),
            (None, Some(from), Some(to)) => {
                let whole = |value: &Value| value.as_integer();
                let numbers = (whole(&from), whole(&to), step.as_ref().map(whole));
                if let (Some(low), Some(high), None | Some(Some(_))) = numbers {
                    Domain::Integer(IntDistribution {
                        low,
                        high,
                        log_scale: log,
                        step: numbers.2.flatten(),
                    })
                } else {
                    Domain::Real(FloatDistribution {
                        low: number(&from)?,
                        high: number(&to)?,
                        log_scale: log,
                        step: step.as_ref().map(number).transpose()?,
                    })
                }
            }
            _ => {
                return Err(
                    "a key has either `values`, or `from` and `to` with `log` and `step` as wished"
                        .into(),
                );
            }
        };
        Ok(Self {
            domain,
            when,
            optional,
        })
    }
}

fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Integer(number) => Ok(*number as f64),
        Value::Float(number) => Ok(*number),
        other => Err(format!("{other} is not a number")),
    }
}

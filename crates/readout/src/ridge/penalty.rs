//! The penalty of a ridge regression, as a config states it.

use crate::ReadoutError;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// How the penalty λ of a ridge regression is set; in a config, `"auto"` or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Ridge {
    /// Chosen by leave-one-out on the training rows.
    #[default]
    Auto,
    /// Given: finite, at least 0, relative to the sum over rows.
    Value(f64),
}

impl Ridge {
    /// The penalty where it is given.
    pub(super) fn given(self) -> Option<f64> {
        match self {
            Ridge::Auto => None,
            Ridge::Value(value) => Some(value),
        }
    }
}

/// Checks that a given penalty can be one.
pub(crate) fn check(value: f64) -> Result<(), ReadoutError> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(ReadoutError::Parameter {
            name: "the ridge",
            value,
            allowed: "\"auto\" or a finite number of at least 0",
        })
    }
}

impl Serialize for Ridge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Ridge::Auto => serializer.serialize_str("auto"),
            Ridge::Value(value) => serializer.serialize_f64(*value),
        }
    }
}

impl<'de> Deserialize<'de> for Ridge {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RidgeVisitor)
    }
}

struct RidgeVisitor;

impl Visitor<'_> for RidgeVisitor {
    type Value = Ridge;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"auto\" or a finite number of at least 0 for the ridge")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Ridge, E> {
        check(value).map_err(E::custom)?;
        Ok(Ridge::Value(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Ridge, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Ridge, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Ridge, E> {
        if value == "auto" {
            Ok(Ridge::Auto)
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(value), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Config {
        ridge: Ridge,
    }

    #[test]
    fn auto_and_numbers_round_trip_through_toml() {
        for (text, ridge) in [
            ("ridge = \"auto\"\n", Ridge::Auto),
            ("ridge = 0.25\n", Ridge::Value(0.25)),
            ("ridge = 0.0\n", Ridge::Value(0.0)),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert_eq!(config, Config { ridge });
            assert_eq!(toml::to_string(&config).unwrap(), text);
        }
        let config: Config = toml::from_str("ridge = 3").unwrap();
        assert_eq!(config.ridge, Ridge::Value(3.0));
    }

    #[test]
    fn other_penalties_get_a_sentence() {
        for (text, sentence) in [
            (
                "ridge = -1",
                "the ridge is -1, but it must be \"auto\" or a finite number of at least 0",
            ),
            ("ridge = nan", "the ridge is NaN, but it must be"),
            (
                "ridge = \"best\"",
                "invalid value: string \"best\", expected \"auto\" or a finite number",
            ),
            (
                "ridge = true",
                "invalid type: boolean `true`, expected \"auto\" or a finite number",
            ),
        ] {
            let error = toml::from_str::<Config>(text).unwrap_err().to_string();
            assert!(error.contains(sentence), "{text}: {error}");
        }
    }
}

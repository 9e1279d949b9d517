//! How far gradients flow back through time, as a configuration states it.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where backpropagation through time is cut; in a configuration `"context"`, a number of steps, or `"none"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truncate {
    /// Every C steps, C being the context: the poster's.
    #[default]
    Context,
    /// Every k steps, k being at least 1.
    Steps(usize),
    /// Nowhere: gradients flow back to the first step.
    None,
}

impl Truncate {
    /// The number of steps for a context, where there is a cut.
    pub fn steps(self, context: usize) -> Option<usize> {
        match self {
            Self::Context => Some(context),
            Self::Steps(steps) => Some(steps),
            Self::None => None,
        }
    }
}

impl Serialize for Truncate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Context => serializer.serialize_str("context"),
            Self::Steps(steps) => serializer.serialize_u64(steps as u64),
            Self::None => serializer.serialize_str("none"),
        }
    }
}

impl<'de> Deserialize<'de> for Truncate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TruncateVisitor)
    }
}

struct TruncateVisitor;

impl Visitor<'_> for TruncateVisitor {
    type Value = Truncate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"context\", \"none\" or a number of steps of at least 1")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Truncate, E> {
        match usize::try_from(value) {
            Ok(steps) if steps > 0 => Ok(Truncate::Steps(steps)),
            _ => Err(E::invalid_value(
                serde::de::Unexpected::Unsigned(value),
                &self,
            )),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Truncate, E> {
        match u64::try_from(value) {
            Ok(value) => self.visit_u64(value),
            Err(_) => Err(E::invalid_value(
                serde::de::Unexpected::Signed(value),
                &self,
            )),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Truncate, E> {
        match value {
            "context" => Ok(Truncate::Context),
            "none" => Ok(Truncate::None),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(value), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_the_rest_is_refused() {
        for (text, expected, steps) in [
            ("\"context\"", Truncate::Context, Some(4)),
            ("7", Truncate::Steps(7), Some(7)),
            ("\"none\"", Truncate::None, None),
        ] {
            let read: Truncate = serde_json::from_str(text).expect("it is allowed");
            assert_eq!((read, read.steps(4)), (expected, steps));
            assert_eq!(serde_json::to_string(&read).expect("it is plain"), text);
        }
        for text in ["0", "-1", "\"off\"", "1.5", "true"] {
            let error = serde_json::from_str::<Truncate>(text).unwrap_err();
            let sentence = error.to_string();
            assert!(sentence.contains("at least 1"), "{text}: {sentence}");
        }
    }
}

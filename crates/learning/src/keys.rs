//! A configuration as a flat list of keys and values, and the first key in which two of them differ.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The values of a configuration by their keys, written as `--set` has them: `reservoir.population.0.units`.
#[must_use]
pub fn flat_keys(config: &impl Serialize) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    let value = serde_json::to_value(config).unwrap_or_default();
    flatten("", value, &mut flat);
    flat
}

fn flatten(path: &str, value: Value, flat: &mut BTreeMap<String, Value>) {
    let below = |name: &str| match path {
        "" => name.to_string(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(&name), value, flat);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.into_iter().enumerate() {
                flatten(&below(&at.to_string()), value, flat);
            }
        }
        value => {
            flat.insert(path.into(), value);
        }
    }
}

/// A key that has another value in one configuration than in another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The key, as `--set` has it.
    pub key: String,
    /// Its value in the first configuration, where it has one.
    pub first: Option<Value>,
    /// Its value in the second configuration, where it has one.
    pub second: Option<Value>,
}

impl Difference {
    /// The first difference of two flat configurations, in the alphabetical order of their keys.
    #[must_use]
    pub fn of(first: &BTreeMap<String, Value>, second: &BTreeMap<String, Value>) -> Option<Self> {
        let keys = first.keys().chain(second.keys());
        let key = keys
            .filter(|key| first.get(*key) != second.get(*key))
            .min()?;
        Some(Self {
            key: key.clone(),
            first: first.get(key).cloned(),
            second: second.get(key).cloned(),
        })
    }

    /// The first value in words.
    #[must_use]
    pub fn first(&self) -> String {
        in_words(self.first.as_ref())
    }

    /// The second value in words.
    #[must_use]
    pub fn second(&self) -> String {
        in_words(self.second.as_ref())
    }
}

fn in_words(value: Option<&Value>) -> String {
    value.map_or_else(|| "not given".into(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_key_that_differs_is_named_with_both_values() {
        let keys = |value: Value| flat_keys(&value);
        let one = keys(json!({ "b": { "list": [{ "units": 3 }, { "units": 4 }] }, "c": "x" }));
        let other = keys(json!({ "a": 1, "b": { "list": [{ "units": 3 }, { "units": 5 }] } }));
        let units = keys(json!({ "b": { "list": [{ "units": 3 }, { "units": 5 }] }, "c": "x" }));
        for (first, second, expected) in [
            (&one, &one, None),
            (&one, &units, Some("b.list.1.units is 4 and 5")),
            (&one, &other, Some("a is not given and 1")),
            (&units, &one, Some("b.list.1.units is 5 and 4")),
        ] {
            let found = Difference::of(first, second);
            let found =
                found.map(|one| format!("{} is {} and {}", one.key, one.first(), one.second()));
            assert_eq!(found.as_deref(), expected);
        }
    }
}

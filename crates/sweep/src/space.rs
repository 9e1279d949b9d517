//! The space of a sweep: which values its keys can take.

mod dimension;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use toml::Value;

pub(crate) use dimension::short;
pub use dimension::{Dimension, Domain};

/// A value for each key that a point has, as `--set` names it.
pub type Point = BTreeMap<String, Value>;

/// Keys of a configuration and the values that they can take: the table `[space]` of a sweep.
///
/// ```
/// let space: ran_sweep::Space = toml::from_str(
///     r#"
///     "reservoir.leak" = { from = 0.05, to = 1.0, log = true }
///     "reservoir.context" = [2, 4, 8]
///     "reservoir.population.0.kind" = ["tanh-unit", "qkv-unit"]
///     "reservoir.population.0.heads" = { values = [1, 2], when = { "reservoir.population.0.kind" = ["qkv-unit"] } }
///     "#,
/// )?;
/// assert_eq!(space.keys().count(), 4);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Dimension>")]
pub struct Space(BTreeMap<String, Dimension>);

/// A space that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("space.{key:?}: {problem}")]
pub struct SpaceError {
    key: String,
    problem: String,
}

impl Space {
    /// The keys, in alphabetical order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Refuses conditions that can never be met, as by a typing error. A key that is [settled](crate::SweepConfig::settle) later may
    /// leave some behind, which do no harm.
    ///
    /// # Errors
    ///
    /// The key whose `when` lists a value that the other key never has.
    pub fn check_conditions(&self) -> Result<(), SpaceError> {
        for (key, dimension) in &self.0 {
            for (other, values) in &dimension.when {
                let domain = self.0.get(other).map(|one| &one.domain);
                let never = |value: &&Value| domain.is_some_and(|domain| !domain.has(value));
                if let Some(value) = values.iter().find(never) {
                    return Err(SpaceError {
                        key: key.clone(),
                        problem: format!(
                            "its `when` lists {value}, a value that {other:?} never has"
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether it has a key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Takes a key away.
    pub(crate) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The keys and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Dimension)> {
        self.0.iter().map(|(key, one)| (key.as_str(), one))
    }

    /// The keys whose numbers are spread evenly in their logarithm.
    pub fn logarithmic(&self) -> impl Iterator<Item = &str> {
        let keys = self.iter().filter(|(_, one)| match &one.domain {
            Domain::Values(_) => false,
            Domain::Real(of) => of.log_scale,
            Domain::Integer(of) => of.log_scale,
        });
        keys.map(|(key, _)| key)
    }

    /// Leaves a key one value, which it has wherever it is there. Says whether the space has the key.
    ///
    /// Where it has none, keys that hold this one or are held by it, as `reservoir.population` holds
    /// `reservoir.population.0.units`, are not varied any more, nor is what depends on them.
    pub fn fix(&mut self, key: &str, value: &Value) -> bool {
        if let Some(dimension) = self.0.get_mut(key) {
            dimension.domain = Domain::Values(vec![value.clone()]);
            dimension.optional = false;
            return true;
        }
        self.0
            .retain(|other, _| !holds(key, other) && !holds(other, key));
        loop {
            let there: BTreeSet<String> = self.0.keys().cloned().collect();
            self.0
                .retain(|_, one| one.when.keys().all(|key| there.contains(key)));
            if self.0.len() == there.len() {
                return false;
            }
        }
    }

    /// Takes the keys from a point that are not there because of what others are.
    pub(crate) fn conditioned(&self, mut point: Point) -> Point {
        // A key's condition may be on a key that goes itself.
        loop {
            let gone: Vec<_> = point
                .keys()
                .filter(|key| !self.0[key.as_str()].is_there(&point))
                .cloned()
                .collect();
            if gone.is_empty() {
                return point;
            }
            for key in gone {
                point.remove(&key);
            }
        }
    }
}

/// Keys as [`dotted`] spells them; or one that two of them become.
pub(crate) fn with_dots<V>(keys: BTreeMap<String, V>) -> Result<BTreeMap<String, V>, String> {
    let mut spelt = BTreeMap::new();
    for (key, value) in keys {
        let key = dotted(&key);
        if spelt.contains_key(&key) {
            return Err(key);
        }
        spelt.insert(key, value);
    }
    Ok(spelt)
}

/// A key with its places in lists as `--set` has them: `a.0.b` for `a[0].b`.
pub(crate) fn dotted(key: &str) -> String {
    key.replace('[', ".").replace(']', "")
}

/// What is wrong with a key of two spellings.
pub(crate) const TWICE: &str = "is named twice, in two spellings (a[0] is a.0)";

/// Whether a key leads to another.
pub(crate) fn holds(outer: &str, inner: &str) -> bool {
    let rest = inner.strip_prefix(outer);
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// Whether all numbers in a value are finite: others cannot be kept in the sweep's folder.
pub(crate) fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::Array(values) => values.iter().all(is_finite),
        Value::Table(table) => table.values().all(is_finite),
        _ => true,
    }
}

impl TryFrom<BTreeMap<String, Dimension>> for Space {
    type Error = SpaceError;

    fn try_from(keys: BTreeMap<String, Dimension>) -> Result<Self, SpaceError> {
        let mut keys = with_dots(keys).map_err(|key| SpaceError {
            key,
            problem: TWICE.into(),
        })?;
        for (key, one) in &mut keys {
            let twice = |other: String| SpaceError {
                key: key.clone(),
                problem: format!("in its `when` {other:?} {TWICE}"),
            };
            one.when = with_dots(std::mem::take(&mut one.when)).map_err(twice)?;
        }
        for (key, dimension) in &keys {
            let wrong = |problem: String| SpaceError {
                key: key.clone(),
                problem,
            };
            dimension.check().map_err(wrong)?;
            for (other, values) in &dimension.when {
                if other == key || !keys.contains_key(other) {
                    let problem =
                        format!("its `when` names {other:?}, which is no other key of the space");
                    return Err(wrong(problem));
                }
                if values.is_empty() {
                    return Err(wrong(format!("its `when` lists no value of {other:?}")));
                }
            }
        }
        if let Some(key) = in_a_circle(&keys) {
            return Err(SpaceError {
                key,
                problem: "its `when` leads back to itself, by other keys or not".into(),
            });
        }
        Ok(Self(keys))
    }
}

/// A key whose conditions come, by those of other keys, to a circle.
fn in_a_circle(keys: &BTreeMap<String, Dimension>) -> Option<String> {
    let mut open: BTreeMap<&String, &Dimension> = keys.iter().collect();
    loop {
        let before = open.len();
        let waits = |one: &Dimension, open: &BTreeMap<_, _>| {
            one.when.keys().any(|other| open.contains_key(other))
        };
        let settled = open.iter().filter(|(_, one)| !waits(one, &open));
        let settled: Vec<_> = settled.map(|(key, _)| *key).collect();
        for key in settled {
            open.remove(key);
        }
        if open.len() == before {
            return open.keys().next().map(|key| (*key).clone());
        }
    }
}

#[cfg(test)]
mod tests;

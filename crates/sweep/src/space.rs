//! The space of a sweep: which values its keys can take.

mod written;

use std::collections::{BTreeMap, BTreeSet};

use optimizer::distribution::{FloatDistribution, IntDistribution};
use serde::{Deserialize, Serialize};
use toml::Value;

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

impl Dimension {
    /// Whether its conditions are met.
    pub(crate) fn is_there(&self, point: &Point) -> bool {
        self.when
            .iter()
            .all(|(key, allowed)| point.get(key).is_some_and(|value| allowed.contains(value)))
    }

    fn check(&self) -> Result<(), String> {
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

/// Whether all numbers in a value are finite: others cannot be kept in the sweep's folder.
pub(crate) fn is_finite(value: &Value) -> bool {
    match value {
        Value::Float(number) => number.is_finite(),
        Value::Array(values) => values.iter().all(is_finite),
        Value::Table(table) => table.values().all(is_finite),
        _ => true,
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
    fn has(&self, value: &Value) -> bool {
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
                let value = |n| Value::Float((of.low + n as f64 * step).min(of.high));
                (count < MOST_LISTED as f64).then(|| (0..=count as i64).map(value).collect())
            }
            Self::Integer(_) | Self::Real(_) => None,
        }
    }
}

/// Values of one key on a grid, at most.
const MOST_LISTED: i64 = 1_000_000;

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
mod tests {
    use super::*;

    fn space(text: &str) -> Result<Space, String> {
        toml::from_str(text).map_err(|error| error.message().to_string())
    }

    #[test]
    fn a_space_reads_back_as_itself() {
        let text = "\
a = [1, 'two', [3, 4]]
b = { from = 1, to = 100, log = true }
c = { from = 0, to = 1.0, step = 0.25 }
d = { values = [true, false], when = { a = [1] }, optional = true }
";
        let space = space(text).unwrap();
        let again = toml::to_string(&space).unwrap();
        assert_eq!(
            toml::from_str::<Space>(&again),
            Ok(space.clone()),
            "{again}"
        );
        assert_eq!(space.logarithmic().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn conditions_that_are_never_met_are_told() {
        for (text, words) in [
            (
                "a = [3, 4]\nb = { values = [1], when = { a = [7] } }",
                "lists 7",
            ),
            (
                "a = { from = 1, to = 9 }\nb = { values = [1], when = { a = [3.0] } }",
                "lists 3.0",
            ),
        ] {
            let error = space(text).unwrap().check_conditions().unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(words) && message.contains("\"a\" never has"),
                "{message}"
            );
        }
        let kept = "a = { from = 1, to = 9 }\nb = { values = [1], when = { a = [1, 9] } }";
        assert!(space(kept).unwrap().check_conditions().is_ok());
    }

    #[test]
    fn what_means_nothing_is_refused_in_a_sentence() {
        for (text, words) in [
            ("a = []", &["a", "no value"][..]),
            ("a = { from = 2, to = 1 }", &["a", "empty", "2 and 1"]),
            ("a = { from = 2.5, to = nan }", &["a", "empty"]),
            ("a = { from = 0, to = 1, log = true }", &["a", "above 0"]),
            ("a = { from = 1, to = 5, step = 0 }", &["a", "step"]),
            ("a = { from = 1 }", &["`from` and `to`"]),
            ("a = { from = 1, to = 2, values = [1] }", &["`values`"]),
            ("a = { form = 1, to = 2 }", &["`form`", "`from`"]),
            ("a = 3", &["3", "list of values"]),
            (
                "a = { from = 1, to = 2, optional = true }",
                &["a", "optional"],
            ),
            ("a = { values = [1], when = { b = [1] } }", &["a", "\"b\""]),
            ("a = { values = [1], when = { a = [1] } }", &["a", "\"a\""]),
            ("a = [0.1, inf]", &["a", "not finite"]),
            ("a = [[1.0, nan]]", &["a", "not finite"]),
            (
                "a = { values = [1], when = { b = [1] } }\nb = { values = [1], when = { a = [1] } }",
                &["a", "leads back to itself"],
            ),
            ("a = { from = 'x', to = 2.0 }", &["\"x\"", "not a number"]),
            ("'a[0]' = [1]\n'a.0' = [2]", &["\"a.0\"", "twice"]),
            (
                "a = [1]\n'b[0]' = [1]\nc = { values = [1], when = { 'b[0]' = [1], 'b.0' = [2] } }",
                &["space.\"c\"", "\"b.0\"", "twice"],
            ),
        ] {
            let message = space(text).unwrap_err();
            for word in words {
                assert!(
                    message.contains(word),
                    "{text}: {word} is missing from: {message}"
                );
            }
        }
    }

    #[test]
    fn a_key_that_is_fixed_has_one_value_where_it_is_there() {
        let text = "a = [1, 2]\nb = { values = [1, 2], when = { a = [1] }, optional = true }";
        let mut fixed = space(text).unwrap();
        assert!(fixed.fix("b", &Value::Integer(3)));
        assert!(!fixed.fix("c", &Value::Integer(3)), "the space has no c");
        let expected = "a = [1, 2]\nb = { values = [3], when = { a = [1] } }";
        assert_eq!(fixed, space(expected).unwrap());
    }

    #[test]
    fn what_a_key_that_is_fixed_is_in_or_holds_is_not_varied_nor_what_depends_on_it() {
        let text = "'a[0]' = [1]\n'a[0].b' = [1, 2]\n'a.00' = [1]\nc = { values = [1], when = { 'a.0' = [1] } }\n\
                    d = { values = [1], when = { c = [1] } }\ne = [1]";
        for (key, left) in [
            ("a.0.b.c", &["a.00", "e"][..]),
            ("a", &["e"]),
            ("a.0.bb", &["a.0.b", "a.00", "e"]),
        ] {
            let mut fixed = space(text).unwrap();
            assert!(!fixed.fix(key, &Value::Integer(3)));
            assert_eq!(fixed.keys().collect::<Vec<_>>(), left, "{key}");
        }
    }

    #[test]
    fn a_key_goes_with_the_key_that_it_depends_on() {
        let space = space(
            "a = [1, 2]\nb = { values = [1], when = { a = [1] } }\nc = { values = [1], when = { b = [1] } }",
        )
        .unwrap();
        let all = |a: i64| {
            ["a", "b", "c"]
                .map(|key| {
                    (
                        key.to_string(),
                        Value::Integer(if key == "a" { a } else { 1 }),
                    )
                })
                .into()
        };
        let keys = |a| space.conditioned(all(a)).into_keys().collect::<Vec<_>>();
        assert_eq!(keys(1), ["a", "b", "c"]);
        assert_eq!(keys(2), ["a"]);
    }

    #[test]
    fn a_range_with_steps_lists_its_ends() {
        let listed = |text: &str| space(text).unwrap().0["a"].domain.listed();
        let tenths = listed("a = { from = 0.0, to = 0.3, step = 0.1 }").unwrap();
        assert_eq!(tenths.len(), 4);
        assert_eq!(tenths[3], Value::Float(0.3));
        assert_eq!(
            listed("a = { from = 1, to = 7, step = 3 }").unwrap().len(),
            3
        );
        assert_eq!(listed("a = { from = 0.0, to = 1.0 }"), None);
    }
}

//! A point as the program's command line has it.

use std::collections::BTreeMap;

use toml::Value;

use crate::Point;
use crate::space::dotted;

/// Assignments `KEY=VALUE`, as `--set` takes them: those that are the same in all trials, then the point's. A value
/// `{ same_as = KEY }` is the one that the point has for this key; where it has none, nothing is assigned.
#[must_use]
pub fn assignments(set: &BTreeMap<String, Value>, point: &Point) -> Vec<String> {
    let set = set.iter().filter_map(|(key, value)| match same_as(value) {
        Some(other) => point.get(other).map(|value| (key, value)),
        None => Some((key, value)),
    });
    set.chain(point)
        .map(|(key, value)| format!("{key}={}", written(value)))
        .collect()
}

/// The key whose value another one is to have, where `{ same_as = KEY }` stands in the place of a value.
pub(crate) fn same_as(value: &Value) -> Option<&str> {
    match value {
        Value::Table(table) if table.len() == 1 => table.get(SAME_AS)?.as_str(),
        _ => None,
    }
}

/// The same with the key as `--set` spells it, in place of a value.
pub(crate) fn same_as_with_dots(value: &mut Value) {
    if let Some(other) = same_as(value) {
        let other = Value::String(dotted(other));
        *value = Value::Table([(SAME_AS.into(), other)].into_iter().collect());
    }
}

/// What names the other key.
pub(crate) const SAME_AS: &str = "same_as";

/// A value as it is read back: text without quotes where that is no other value.
fn written(value: &Value) -> String {
    match value {
        Value::String(text)
            if text.trim() == text && text.parse::<Value>().is_err() && !text.is_empty() =>
        {
            text.clone()
        }
        other => other.to_string(),
    }
}

/// The command that runs a configuration alone.
pub(crate) fn command(base: &str, assignments: &[String]) -> String {
    let mut command = format!("cargo xtask experiment {}", quoted(base));
    for one in assignments {
        command += " --set ";
        command += &quoted(one);
    }
    command
}

/// The values of a trial's point as a configuration has them.
pub(crate) fn values(point: &BTreeMap<String, serde_json::Value>) -> Point {
    let values = point
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), Value::try_from(value).ok()?)));
    values.collect()
}

/// Text as a shell reads it back.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=,:+@".contains(letter);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.into(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_command_is_what_one_would_type() {
        let point =
            toml::from_str("a = 0.5\nb = 'tanh-unit'\nc = ['x']\nd = '3'\ne = \"it's\"").unwrap();
        let all = assignments(&BTreeMap::new(), &point);
        assert_eq!(
            command("japanese-vowels", &all),
            r#"cargo xtask experiment japanese-vowels --set a=0.5 --set b=tanh-unit --set 'c=["x"]' --set 'd="3"' --set 'e=it'\''s'"#
        );
    }

    #[test]
    fn a_key_that_is_the_same_as_another_has_the_value_of_the_point() {
        let set = toml::from_str("b = { same_as = 'a' }\nc = { same_as = 'x' }\nd = 1");
        let point = toml::from_str("a = [3, 4]").unwrap();
        let all = assignments(&set.unwrap(), &point);
        assert_eq!(all, ["b=[3, 4]", "d=1", "a=[3, 4]"]);
    }

    proptest! {
        #[test]
        fn text_reads_back_as_itself(text in "\\PC*") {
            let written = written(&Value::String(text.clone()));
            // As a setting is read: TOML, or else plain text.
            let read = written.trim().parse().unwrap_or_else(|_| Value::String(written.trim().into()));
            prop_assert_eq!(read, Value::String(text));
        }
    }
}

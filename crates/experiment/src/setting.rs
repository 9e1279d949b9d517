//! A change to a configuration, as `--set reservoir.leak=0.5` gives it.

use std::fmt;
use std::str::FromStr;

use toml::{Table, Value};

use crate::nesting::{self, MOST_LEVELS};

/// One key and its new value.
///
/// The key is a path of names and, in lists, numbers: `reservoir.population.0.units` (or, as messages have it,
/// `reservoir.population[0].units`). A number one past a list's end appends a table. The value is TOML, or, when it is
/// not TOML, a plain string: `0.5`, `true`, `[1, 2]`, `sliding`.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    path: Vec<String>,
    value: Value,
    text: String,
    /// Levels of tables and lists that it has at most.
    levels: usize,
}

/// Why a setting cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The text is not KEY=VALUE.
    #[error("{0:?} is not of the form KEY=VALUE, for instance reservoir.leak=0.5")]
    Form(String),
    /// The key or the value leads too deep.
    #[error(
        "--set {start}… has {levels} levels of tables and lists; at most {MOST_LEVELS} are allowed"
    )]
    Deep {
        /// The beginning of the setting.
        start: String,
        /// How many levels it has.
        levels: usize,
    },
    /// The key leads nowhere.
    #[error("--set {setting}: {problem}")]
    Path {
        /// The setting.
        setting: String,
        /// What was found on the way and what is allowed.
        problem: String,
    },
}

impl FromStr for Setting {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        let malformed = || SettingError::Form(text.into());
        let (key, value) = text.split_once('=').ok_or_else(malformed)?;
        let path = path_of(key);
        let brackets = |bracket| key.matches(bracket).count();
        if path.iter().any(String::is_empty) || brackets('[') != brackets(']') {
            return Err(malformed());
        }
        let levels = path.len().max(nesting::levels(text).0);
        let value = value.trim();
        let value = match levels <= MOST_LEVELS {
            true => Value::from_str(value).unwrap_or_else(|_| Value::String(value.into())),
            // It is refused when it is to be made; its value is not looked at.
            false => Value::String(String::new()),
        };
        Ok(Self {
            path,
            value,
            text: text.into(),
            levels,
        })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Setting {
    /// Makes all changes in a configuration's table.
    ///
    /// The task is changed first: the keys that the table had for another task mean nothing to the new one, and go.
    ///
    /// # Errors
    ///
    /// When a key leads through something that is not a table or a list, beyond a list's end, or too deep.
    pub fn apply(settings: &[Self], table: &mut Table) -> Result<(), SettingError> {
        if let Some(deep) = settings.iter().find(|one| one.levels > MOST_LEVELS) {
            return Err(SettingError::Deep {
                start: deep.text.chars().take(40).collect(),
                levels: deep.levels,
            });
        }
        let (tasks, others): (Vec<_>, Vec<_>) = settings
            .iter()
            .partition(|setting| setting.path == ["task", "name"]);
        for setting in tasks {
            let old = table.get("task").and_then(|task| task.get("name"));
            if old != Some(&setting.value) {
                table.remove("task");
            }
            setting.insert(table)?;
        }
        others
            .into_iter()
            .try_for_each(|setting| setting.insert(table))
    }

    /// Its key, as `--set` names it, and its value.
    #[must_use]
    pub fn key_and_value(&self) -> (String, Value) {
        (self.path.join("."), self.value.clone())
    }

    /// Whether it sets a key, something in it, or a table that it is in; the key is as messages have it, as in
    /// `reservoir.population[0].units`.
    ///
    /// ```
    /// let setting: ran_experiment::Setting = "reservoir.population.0.units=40".parse()?;
    /// assert!(setting.concerns("reservoir.population[0].units") && setting.concerns("reservoir"));
    /// assert!(!setting.concerns("reservoir.population[1].units"));
    /// # Ok::<(), ran_experiment::SettingError>(())
    /// ```
    #[must_use]
    pub fn concerns(&self, key: &str) -> bool {
        let key = path_of(key);
        self.sets(&key) || self.is_within(&key)
    }

    /// Whether a key, as names and numbers, is the one that is set, or lies within it.
    pub(crate) fn sets(&self, key: &[String]) -> bool {
        key.starts_with(&self.path)
    }

    /// Whether a key, as names and numbers, is one that leads to what is set.
    pub(crate) fn is_within(&self, key: &[String]) -> bool {
        self.path.starts_with(key)
    }

    /// Whether it makes another model, or another task, of a configuration.
    pub(crate) fn changes_the_model(&self) -> bool {
        let tables = [
            "task",
            "input_map",
            "network",
            "reservoir",
            "learning",
            "readout",
        ];
        let first = self.path.first();
        first.is_some_and(|first| tables.contains(&first.as_str()))
    }

    /// Whether a sentence quotes the key or the value.
    pub(crate) fn is_quoted_in(&self, sentence: &str) -> bool {
        let value = match &self.value {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        };
        let words = self.path.last().into_iter().chain([&value]);
        let mut quoted = words.flat_map(|word| [format!("`{word}`"), format!("{word:?}")]);
        quoted.any(|word| sentence.contains(&word))
    }

    fn insert(&self, table: &mut Table) -> Result<(), SettingError> {
        let wrong = |depth: usize, problem: String| {
            let at = self.path[..depth].join(".");
            let (setting, problem) = (self.text.clone(), format!("{at} {problem}"));
            SettingError::Path { setting, problem }
        };
        let Some((first, rest)) = self.path.split_first() else {
            return Ok(());
        };
        let empty = || Value::Table(Table::new());
        let mut place = table.entry(first.clone()).or_insert_with(empty);
        for (depth, name) in rest.iter().enumerate() {
            place = match place {
                Value::Table(table) => table.entry(name.clone()).or_insert_with(empty),
                Value::Array(list) => {
                    let index = index(name, list.len()).map_err(|p| wrong(depth + 1, p))?;
                    if index == list.len() {
                        list.push(empty());
                    }
                    &mut list[index]
                }
                other => return Err(wrong(depth + 1, no_way(other, name))),
            };
        }
        *place = self.value.clone();
        Ok(())
    }
}

/// The names and numbers of a key, with or without brackets.
pub(crate) fn path_of(key: &str) -> Vec<String> {
    let key = key.trim().replace('[', ".").replace(']', "");
    key.split('.').map(|name| name.trim().to_string()).collect()
}

fn index(name: &str, len: usize) -> Result<usize, String> {
    let index = name.parse().ok().filter(|&index: &usize| index <= len);
    index.ok_or_else(|| format!("is a list of {len}, its places are 0 to {len}, got {name:?}"))
}

fn no_way(found: &Value, name: &str) -> String {
    let kind = found.type_str();
    if let Value::String(text) = found {
        return format!(
            "is {text:?} and has no key {name:?}: give it a whole table, as in {{ {name} = VALUE }}"
        );
    }
    format!("is of type {kind}, not a table or a list, and has no key {name:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "[task]\nname = 'files'\ntrain = 'a'\n[reservoir]\nleak = 1\n\
                        [[reservoir.population]]\nunits = 1\n";

    fn applied(settings: &[&str]) -> Result<Table, String> {
        let mut table: Table = TEXT.parse().unwrap();
        let parsed: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        Setting::apply(&parsed, &mut table)
            .map(|()| table)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_toml_or_plain_strings() {
        for (text, expected) in [
            ("a=0.5", Value::Float(0.5)),
            ("a=4", Value::Integer(4)),
            ("a = true", Value::Boolean(true)),
            ("a=sliding", Value::String("sliding".into())),
            ("a='4'", Value::String("4".into())),
            ("a=../x=y.ts", Value::String("../x=y.ts".into())),
            ("a=1\nb=2", Value::String("1\nb=2".into())),
            ("a=", Value::String(String::new())),
            (
                "a=[1, 2]",
                Value::Array(vec![Value::Integer(1), Value::Integer(2)]),
            ),
        ] {
            assert_eq!(text.parse::<Setting>().unwrap().value, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_key_and_value_is_refused() {
        for text in ["", "leak", "=3", "a..b=1", ".=1"] {
            let error = text.parse::<Setting>().unwrap_err().to_string();
            assert!(error.contains("KEY=VALUE"), "{error}");
        }
    }

    #[test]
    fn keys_reach_into_tables_and_lists() {
        let settings = [
            "reservoir.leak=0.5",
            "reservoir.population.0.units=40",
            "reservoir.population[1].units=2",
            "readout.ridge=0.1",
        ];
        let table = applied(&settings).unwrap();
        let text = "[task]\nname = 'files'\ntrain = 'a'\n[reservoir]\nleak = 0.5\n[readout]\nridge = 0.1\n\
                    [[reservoir.population]]\nunits = 40\n[[reservoir.population]]\nunits = 2";
        assert_eq!(table, text.parse::<Table>().unwrap());
    }

    #[test]
    fn keys_that_lead_nowhere_say_where_they_end() {
        for (setting, words) in [
            (
                "reservoir.leak.x=1",
                &["reservoir.leak is of type integer", "\"x\""][..],
            ),
            (
                "reservoir.population.2.units=1",
                &["reservoir.population is a list of 1", "\"2\""],
            ),
            (
                "reservoir.population.first=1",
                &["reservoir.population", "\"first\""],
            ),
        ] {
            let error = applied(&[setting]).unwrap_err();
            for word in words {
                assert!(error.contains(word) && error.contains(setting), "{error}");
            }
        }
    }

    #[test]
    fn another_task_loses_the_keys_of_the_old_one_whatever_the_order() {
        let expected: Table = "name = 'other'\nkey = 1".parse().unwrap();
        for settings in [
            ["task.name=other", "task.key=1"],
            ["task.key=1", "task.name=other"],
        ] {
            assert_eq!(
                applied(&settings).unwrap()["task"],
                Value::Table(expected.clone())
            );
        }
        let same = applied(&["task.name=files"]).unwrap();
        assert_eq!(same["task"]["train"].as_str(), Some("a"));
    }

    #[test]
    fn dots_in_a_value_are_no_levels() {
        let far = format!("task.train={}x.csv", "../".repeat(40));
        let table = applied(&[&far]).unwrap();
        let value = format!("{}x.csv", "../".repeat(40));
        assert_eq!(table["task"]["train"].as_str(), Some(&value[..]));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*", path in "[a-z0-9.\\[\\]]{0,20}") {
            for text in [text.clone(), format!("{path}={text}")] {
                if let Ok(setting) = text.parse::<Setting>() {
                    let mut table: Table = TEXT.parse().unwrap();
                    let _ = Setting::apply(&[setting], &mut table);
                }
            }
        }
    }
}

//! From what serde says about a value to a sentence that names its file, line and key.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::nesting::{self, MOST_LEVELS};
use crate::{Setting, SettingError};

/// A configuration is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Located {
    /// The file, line and key, or the setting, as far as they are known.
    pub place: String,
    /// What was found and what is allowed.
    pub problem: String,
    /// Whether a file is at fault, and not a setting or a name that was given.
    pub in_file: bool,
}

impl Located {
    /// Refuses a text whose tables are nested too deep to be read.
    pub(crate) fn check_levels(origin: &str, text: &str) -> Result<(), Self> {
        let (levels, line) = nesting::levels(text);
        if levels <= MOST_LEVELS {
            return Ok(());
        }
        Err(Self {
            place: place(origin, Some(line), ""),
            problem: format!(
                "has {levels} levels of tables and lists; at most {MOST_LEVELS} are allowed"
            ),
            in_file: true,
        })
    }

    /// The text is not TOML.
    pub(crate) fn syntax(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let line = error.span().map(|span| line(text, span.start));
        Self {
            place: place(origin, line, ""),
            problem: one_line(error.message()),
            in_file: true,
        }
    }
}

/// Reads a configuration: the table `base`, which is that of `text`, with settings made in it.
pub(crate) fn read<T, E>(
    base: &Table,
    origin: &str,
    text: &str,
    settings: &[Setting],
) -> Result<T, E>
where
    T: DeserializeOwned,
    E: From<SettingError> + From<Located>,
{
    Setting::apply(settings, &mut base.clone())?;
    deserialise(base, settings).map_err(|wrong| {
        let again = |settings: &[Setting]| deserialise::<T>(base, settings).err();
        let blamed = blamed(settings, &wrong, &again);
        let in_file = blamed.is_none();
        let place = blamed.unwrap_or_else(|| {
            let line = line_of(text, &wrong.key);
            place(origin, line, &written(&wrong.key))
        });
        E::from(Located {
            place,
            problem: wrong.problem,
            in_file,
        })
    })
}

/// What is wrong in a configuration, be it by its file or by a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The names and numbers that lead to it.
    pub(crate) key: Vec<String>,
    /// What was found and what is allowed.
    pub(crate) problem: String,
}

/// Makes settings in a table and reads it.
pub(crate) fn deserialise<T: DeserializeOwned>(
    base: &Table,
    settings: &[Setting],
) -> Result<T, Wrong> {
    let mut table = base.clone();
    Setting::apply(settings, &mut table).map_err(|error| Wrong {
        key: Vec::new(),
        problem: error.to_string(),
    })?;
    let whole = Value::Table(table);
    serde_path_to_error::deserialize(whole.clone()).map_err(|error| {
        let problem = one_line(error.inner().message());
        let key = extend(key_of(error.path()), &whole, &problem);
        let problem = in_plain_words(&problem, value_at(&whole, &key));
        Wrong { key, problem }
    })
}

/// With more settings than this, the configuration is not tried without each of them.
const MOST_TRIED: usize = 64;

/// The settings that a configuration is wrong by, as they were given; none where its file is.
///
/// It is the one without which it would be right, or wrong in another way; where several are, the one of the key that is
/// wrong, or whose key or value the problem quotes, and of those the last. Where no single one is, all of them are to blame,
/// unless the file is as wrong by itself.
pub(crate) fn blamed(
    settings: &[Setting],
    wrong: &Wrong,
    again: &dyn Fn(&[Setting]) -> Option<Wrong>,
) -> Option<String> {
    let differs = |settings: &[Setting]| {
        let other = again(settings);
        other.is_none_or(|other| other.problem != wrong.problem)
    };
    let tried = match settings.len() {
        0..=MOST_TRIED => 0..settings.len(),
        _ => 0..0,
    };
    let guilty = tried
        .filter(|&at| differs(&[&settings[..at], &settings[at + 1..]].concat()))
        .map(|at| &settings[at]);
    let rank = |one: &&Setting| (one.sets(&wrong.key), one.is_quoted_in(&wrong.problem));
    // Of equals, the last one is taken.
    let one = guilty.max_by_key(rank).or_else(|| {
        let mut settings = settings.iter().rev();
        settings.find(|one| !wrong.key.is_empty() && one.sets(&wrong.key))
    });
    match one {
        Some(one) => Some(format!("--set {one}")),
        None if !settings.is_empty() && differs(&[]) => Some(all(settings.iter())),
        None => None,
    }
}

/// Settings as they stand on a command line.
pub(crate) fn all<'a>(settings: impl Iterator<Item = &'a Setting>) -> String {
    let settings: Vec<_> = settings.map(|one| format!("--set {one}")).collect();
    settings.join(" ")
}

/// The line of a key in a file, or of the innermost table around it that the file has.
pub(crate) fn line_of(text: &str, key: &[String]) -> Option<usize> {
    let parsed = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut table = Some(parsed.get_ref());
    let mut list: Option<&[Spanned<DeValue<'_>>]> = None;
    for name in key {
        let value = if let Some(entries) = table {
            let mut entries = entries.iter();
            let Some((found, value)) = entries.find(|(found, _)| found.get_ref() == name) else {
                break;
            };
            at = Some(found.span().start);
            value
        } else if let Some(value) = list.and_then(|list| list.get(name.parse::<usize>().ok()?)) {
            at = Some(value.span().start);
            value
        } else {
            break;
        };
        table = value.get_ref().as_table();
        list = value.get_ref().as_array().map(|list| &list[..]);
    }
    at.map(|offset| line(text, offset))
}

fn key_of(path: &serde_path_to_error::Path) -> Vec<String> {
    use serde_path_to_error::Segment;
    let names = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        // A variant of a closed choice is no key, it is what a key's value says.
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    names.collect()
}

/// Goes one key further where the problem quotes a key, or the value of one, of the table that was found wrong: serde
/// reads a table whose kind is told by one of its keys in one piece, and does not say which key it stumbled on.
fn extend(mut key: Vec<String>, whole: &Value, problem: &str) -> Vec<String> {
    let quoted = problem.split('`').nth(1);
    if let (Some(Value::Table(table)), Some(word)) = (value_at(whole, &key), quoted) {
        let mut entries = table.iter();
        let hit = entries.find(|(name, value)| *name == word || value.as_str() == Some(word));
        key.extend(hit.map(|(name, _)| name.clone()));
    }
    key
}

/// The value at a path of names and places.
pub(crate) fn value_at<'a>(whole: &'a Value, key: &[String]) -> Option<&'a Value> {
    key.iter().try_fold(whole, |value, name| match value {
        Value::Table(table) => table.get(name),
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// What serde says, in the words of somebody who knows TOML and no Rust.
fn in_plain_words(problem: &str, value: Option<&Value>) -> String {
    match (problem, value) {
        ("invalid type: unit variant, expected newtype variant", Some(Value::String(name))) => {
            return format!("{name:?} needs a value: write {{ {name} = VALUE }}");
        }
        ("invalid type: unit variant, expected string only", Some(value)) => {
            let kind = kind(value);
            return format!("invalid type: {kind}, expected a name in quotes");
        }
        _ => {}
    }
    let Some((found, expected)) = problem.split_once(", expected ") else {
        return problem.into();
    };
    let found = match found {
        "invalid type: map" => "invalid type: a table",
        "invalid type: sequence" => "invalid type: a list",
        found => found,
    };
    let expected = match expected {
        "usize" | "u64" | "u32" => "a whole number of at least 0",
        "a nonzero usize" => "a whole number of at least 1",
        "f64" | "f32" => "a number",
        "a sequence" => "a list",
        "a map" => "a table",
        "a boolean" => "true or false",
        name if ["struct ", "internally tagged enum "]
            .iter()
            .any(|kind| name.starts_with(kind)) =>
        {
            "a table"
        }
        expected => expected,
    };
    format!("{found}, expected {expected}")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Table(_) => "a table",
        Value::Array(_) => "a list",
        other => other.type_str(),
    }
}

/// The line of an offset, counted from 1.
fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    1 + before.filter(|&&byte| byte == b'\n').count()
}

/// A key as one writes it: `reservoir.population[0].units`.
fn written(key: &[String]) -> String {
    let mut text = String::new();
    for name in key {
        if name.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            text.push_str(&format!("[{name}]"));
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            text.push_str(&format!("{dot}{name}"));
        }
    }
    text
}

pub(crate) fn place(origin: &str, line: Option<usize>, key: &str) -> String {
    let line = line
        .map(|line| format!(", line {line}"))
        .unwrap_or_default();
    let key = if key.is_empty() {
        String::new()
    } else {
        format!(", {key}")
    };
    format!("{origin}{line}{key}")
}

fn one_line(message: &str) -> String {
    message.trim().replace('\n', "; ")
}

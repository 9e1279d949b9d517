//! From what serde says about a value to a sentence that names its file, line and key.

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use crate::Setting;
use crate::nesting::{self, MOST_LEVELS};

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

/// Reads a configuration from `table`, which is the table of `text` with `settings` made in it.
pub(crate) fn read<T: DeserializeOwned>(
    table: Table,
    origin: &str,
    text: &str,
    settings: &[Setting],
) -> Result<T, Located> {
    let whole = Value::Table(table);
    serde_path_to_error::deserialize(whole.clone()).map_err(|error| {
        let problem = one_line(error.inner().message());
        let key = extend(key_of(error.path()), &whole, &problem);
        // The keys of another task are gone, wherever the file has them.
        let gone =
            key.first().is_some_and(|first| first == "task") && names_another_task(&whole, text);
        let (line, in_file) = if gone {
            (None, false)
        } else {
            find(text, &key)
        };
        // Of several settings of one key the last one counts.
        let setting = settings.iter().rev().find(|one| one.sets(&key));
        let setting = setting.or_else(|| {
            let mut settings = settings.iter();
            settings.find(|one| !in_file && one.is_within(&key))
        });
        let place = match setting {
            Some(setting) => format!("--set {setting}"),
            None => place(origin, line, &written(&key)),
        };
        Located {
            place,
            problem,
            in_file: setting.is_none(),
        }
    })
}

/// Whether a setting has changed the task that the file names.
fn names_another_task(whole: &Value, text: &str) -> bool {
    let name = |table: &Table| Some(table.get("task")?.get("name")?.clone());
    let file = text.parse::<Table>();
    file.is_ok_and(|file| name(&file) != whole.as_table().and_then(name))
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
    let found = key.iter().try_fold(whole, |value, name| match value {
        Value::Table(table) => table.get(name),
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => None,
    });
    let quoted = problem.split('`').nth(1);
    if let (Some(Value::Table(table)), Some(word)) = (found, quoted) {
        let mut entries = table.iter();
        let hit = entries.find(|(name, value)| *name == word || value.as_str() == Some(word));
        key.extend(hit.map(|(name, _)| name.clone()));
    }
    key
}

/// The line of a key in a file, or of the innermost table around it that the file has; and whether it has the key.
fn find(text: &str, key: &[String]) -> (Option<usize>, bool) {
    let Ok(parsed) = DeTable::parse(text) else {
        return (None, false);
    };
    let (mut at, mut depth) = (None, 0);
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
        depth += 1;
        table = value.get_ref().as_table();
        list = value.get_ref().as_array().map(|list| &list[..]);
    }
    (at.map(|offset| line(text, offset)), depth == key.len())
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

fn place(origin: &str, line: Option<usize>, key: &str) -> String {
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

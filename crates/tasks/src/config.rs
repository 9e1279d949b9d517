//! Which task, as a table of a config file.

use crate::{Dataset, FilesConfig, JapaneseVowelsConfig, SequentialDigitsConfig, TaskError};
use serde::{Deserialize, Serialize};

/// A task and its keys: the `[task]` table of a config file, told apart by its key `name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum TaskConfig {
    /// Which of nine speakers says a vowel.
    JapaneseVowels(JapaneseVowelsConfig),
    /// Which digit an 8×8 image shows, read row by row.
    SequentialDigits(SequentialDigitsConfig),
    /// A user's own data, by path.
    Files(FilesConfig),
}

impl TaskConfig {
    /// The names of all tasks.
    pub const NAMES: &[&str] = &["japanese-vowels", "sequential-digits", "files"];

    /// The task's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::JapaneseVowels(_) => JapaneseVowelsConfig::NAME,
            Self::SequentialDigits(_) => SequentialDigitsConfig::NAME,
            Self::Files(_) => FilesConfig::NAME,
        }
    }

    /// Loads or generates the task's data. Whatever is drawn at random follows `seed` alone.
    ///
    /// # Errors
    ///
    /// When a key's value is not allowed, or a file cannot be read or breaks its format.
    pub fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        match self {
            Self::JapaneseVowels(config) => config.load(seed),
            Self::SequentialDigits(config) => config.load(seed),
            Self::Files(config) => config.load(seed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        toml::from_str::<TaskConfig>(text).unwrap_err().to_string()
    }

    #[test]
    fn every_name_is_known_and_round_trips() {
        for &name in TaskConfig::NAMES {
            let mut text = format!("name = '{name}'\n");
            if name == "files" {
                text += "train = 'a.ts'\ntest = 'b.ts'\n";
            }
            let task: TaskConfig = toml::from_str(&text).unwrap();
            assert_eq!(task.name(), name);
            let again = toml::from_str(&toml::to_string(&task).unwrap()).unwrap();
            assert_eq!(task, again);
        }
    }

    #[test]
    fn an_unknown_task_is_answered_with_the_known_ones() {
        let message = message("name = 'vowels'");
        assert!(message.contains("`vowels`"), "{message}");
        for name in TaskConfig::NAMES {
            assert!(message.contains(name), "{name} is missing from: {message}");
        }
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let message = message("name = 'sequential-digits'\nordr = 'rows'");
        for word in ["`ordr`", "`order`", "`standardise`", "`valid`"] {
            assert!(message.contains(word), "{word} is missing from: {message}");
        }
    }

    #[test]
    fn an_unknown_value_is_answered_with_the_known_ones() {
        let message = message("name = 'sequential-digits'\norder = 'spiral'");
        for word in ["`spiral`", "`rows`", "`columns`", "`pixels`"] {
            assert!(message.contains(word), "{word} is missing from: {message}");
        }
    }
}

//! The words of a grammar: how a config gives them, and the built-in ones.

use super::grammar::FUNCTION_WORDS;
use serde::{Deserialize, Serialize};

/// The words of one kind, as a config gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a number of built-in words or a list of words"
)]
pub enum Words {
    /// This number of built-in ones, the first.
    BuiltIn(usize),
    /// These.
    These(Vec<Entry>),
}

/// What shares one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a word or a list of words that share a label"
)]
pub enum Entry {
    /// A word.
    Word(String),
    /// Words of the same meaning; the first names the label.
    Synonyms(Vec<String>),
}

impl Words {
    /// The synonyms of each label, or a sentence about what is not allowed.
    pub(super) fn resolve(&self, built_in: &[&[&str]]) -> Result<Vec<Vec<String>>, String> {
        let entries: Vec<Vec<String>> = match self {
            Self::BuiltIn(count) if (1..=built_in.len()).contains(count) => {
                let own = |entry: &&[&str]| entry.iter().map(ToString::to_string).collect();
                built_in[..*count].iter().map(own).collect()
            }
            Self::BuiltIn(count) => {
                return Err(format!(
                    "{count} is not allowed; there are 1 to {} built-in words, and a list may have any",
                    built_in.len()
                ));
            }
            Self::These(entries) => entries
                .iter()
                .map(|entry| match entry {
                    Entry::Word(word) => vec![word.clone()],
                    Entry::Synonyms(words) => words.clone(),
                })
                .collect(),
        };
        check(&entries).map(|()| entries)
    }
}

fn check(entries: &[Vec<String>]) -> Result<(), String> {
    if entries.is_empty() || entries.iter().any(Vec::is_empty) {
        return Err("an empty list is not allowed; at least one word is needed".into());
    }
    let words: Vec<&String> = entries.iter().flatten().collect();
    if words.len() > 1_000 {
        return Err(format!(
            "{} words are not allowed; at most 1000 are",
            words.len()
        ));
    }
    for (place, word) in words.iter().enumerate() {
        if word.is_empty() || word.contains(char::is_whitespace) {
            return Err(format!(
                "`{word}` is not allowed; a word has no space in it and is not empty"
            ));
        }
        if FUNCTION_WORDS.contains(&word.as_str()) {
            return Err(format!(
                "`{word}` is not allowed; the grammar itself uses {}",
                FUNCTION_WORDS.join(", ")
            ));
        }
        if words[..place].contains(word) {
            return Err(format!(
                "`{word}` occurs twice; each word may have one label of its kind"
            ));
        }
    }
    Ok(())
}

/// The built-in objects. The first ones are those of CogScale.
#[rustfmt::skip]
pub(super) const OBJECTS: &[&[&str]] = &[
    &["glass"], &["orange"], &["cup"], &["bowl"], &["plate"], &["spoon"], &["fork"], &["knife"],
    &["bottle"], &["apple"], &["banana"], &["lemon"], &["pear"], &["bread"], &["cheese"], &["egg"],
    &["book"], &["pen"], &["pencil"], &["paper"], &["box"], &["bag"], &["ball"], &["doll"],
    &["key"], &["lamp"], &["chair"], &["table"], &["clock"], &["phone"], &["radio"], &["camera"],
    &["shoe"], &["sock"], &["hat"], &["coat"], &["shirt"], &["glove"], &["scarf"], &["ring"],
    &["brush"], &["towel"], &["soap"], &["pillow"], &["basket"], &["candle"], &["vase"],
    &["flower"], &["stone"], &["hammer"],
];

/// The built-in colours. The first ones are those of CogScale.
#[rustfmt::skip]
pub(super) const COLOURS: &[&[&str]] = &[
    &["blue"], &["orange"], &["green"], &["red"], &["yellow"], &["purple"], &["black"], &["white"],
    &["pink"], &["brown"], &["grey", "gray"], &["turquoise"],
];

/// The built-in positions. The first ones are those of CogScale.
#[rustfmt::skip]
pub(super) const POSITIONS: &[&[&str]] = &[
    &["left"], &["right"], &["center", "middle"], &["top"], &["bottom"], &["front"], &["back"],
    &["corner"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_words_are_allowed() {
        for (built_in, count) in [(OBJECTS, 50), (COLOURS, 12), (POSITIONS, 8)] {
            assert_eq!(built_in.len(), count);
            Words::BuiltIn(count).resolve(built_in).unwrap();
        }
    }
}

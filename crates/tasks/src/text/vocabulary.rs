//! The symbols of a text, and their places.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// More different symbols than that make a readout that fits nowhere.
const MOST: usize = 10_000;

/// What a symbol of a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symbols {
    /// A character of a text in UTF-8.
    #[default]
    Characters,
    /// A byte of any file.
    Bytes,
}

/// The different symbols of a text in their order, each with its place.
///
/// A character's label is itself, a byte's is `0x00` to `0xff`.
///
/// ```
/// use ran_tasks::{Symbols, Vocabulary};
/// let (vocabulary, text) = Vocabulary::of_text(Symbols::Characters, b"abba")?;
/// assert_eq!((vocabulary.len(), &text[..]), (2, &[0, 1, 1, 0][..]));
/// assert_eq!(vocabulary.places("bab")?, [1, 0, 1]);
/// assert_eq!(vocabulary.bytes(1), b"b");
/// # Ok::<(), ran_tasks::VocabularyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    symbols: Symbols,
    /// Characters or bytes as numbers.
    all: Vec<u32>,
    places: HashMap<u32, u32>,
}

/// Why a text or a prompt has no symbols that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// There is none.
    #[error("the text is empty")]
    Empty,
    /// There is one symbol alone.
    #[error("the text has one symbol, {0:?}, alone: there is nothing to predict")]
    One(String),
    /// There are too many different ones.
    #[error(
        "the text has {0} different symbols, and at most {MOST} are allowed; symbols = \"bytes\" has at most 256"
    )]
    Many(usize),
    /// It is no UTF-8.
    #[error(
        "the text is not in UTF-8: byte {0}, counted from 0, begins no character; symbols = \"bytes\" takes any file"
    )]
    NotUtf8(usize),
    /// A symbol of a prompt was not in the text.
    #[error("the model has never seen {found:?}; it knows {known}")]
    Unseen {
        /// The symbol.
        found: String,
        /// Those that there are.
        known: String,
    },
    /// A model has no labels.
    #[error("the model has no labels, which would be the symbols of its text")]
    NoLabels,
    /// A model's labels are no symbols.
    #[error(
        "the model's labels are not symbols of a text: {0:?} is neither one character nor a byte, as 0x41"
    )]
    NotSymbols(String),
}

impl Vocabulary {
    /// The symbols of a text, and the text as their places. A byte order mark before characters is left out.
    ///
    /// # Errors
    ///
    /// If there are fewer than two different symbols or more than 10,000, or characters are asked for and it is not in UTF-8.
    pub fn of_text(symbols: Symbols, text: &[u8]) -> Result<(Self, Vec<u32>), VocabularyError> {
        let text: Vec<u32> = match symbols {
            Symbols::Bytes => text.iter().map(|&byte| byte.into()).collect(),
            Symbols::Characters => {
                let text = str::from_utf8(text)
                    .map_err(|error| VocabularyError::NotUtf8(error.valid_up_to()))?;
                // Some editors begin a file with a byte order mark, which is no character of the text.
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                text.chars().map(u32::from).collect()
            }
        };
        let all: BTreeSet<u32> = text.iter().copied().collect();
        let vocabulary = Self::new(symbols, all.into_iter().collect());
        match vocabulary.len() {
            0 => return Err(VocabularyError::Empty),
            1 => return Err(VocabularyError::One(vocabulary.label(vocabulary.all[0]))),
            many if many > MOST => return Err(VocabularyError::Many(many)),
            _ => {}
        }
        let places = text
            .iter()
            .map(|symbol| vocabulary.places[symbol])
            .collect();
        Ok((vocabulary, places))
    }

    /// The symbols that a model's labels are.
    ///
    /// # Errors
    ///
    /// If they are something else.
    pub fn of_labels(labels: &[String]) -> Result<Self, VocabularyError> {
        let byte = |label: &String| {
            let digits = label.strip_prefix("0x")?;
            u8::from_str_radix(digits, 16).ok().map(u32::from)
        };
        if labels.is_empty() {
            return Err(VocabularyError::NoLabels);
        }
        if let Some(all) = labels.iter().map(byte).collect() {
            return Ok(Self::new(Symbols::Bytes, all));
        }
        let character = |label: &String| match label.parse::<char>() {
            Ok(one) => Ok(u32::from(one)),
            Err(_) => Err(VocabularyError::NotSymbols(label.clone())),
        };
        let all = labels.iter().map(character).collect::<Result<_, _>>()?;
        Ok(Self::new(Symbols::Characters, all))
    }

    fn new(symbols: Symbols, all: Vec<u32>) -> Self {
        let places = (0..).zip(&all).map(|(place, &symbol)| (symbol, place));
        Self {
            symbols,
            places: places.collect(),
            all,
        }
    }

    /// How many symbols there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a text has symbols")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// A label for each.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.all.iter().map(|&symbol| self.label(symbol)).collect()
    }

    /// The places of a prompt's symbols.
    ///
    /// # Errors
    ///
    /// Names the first symbol that was not in the text.
    pub fn places(&self, prompt: &str) -> Result<Vec<usize>, VocabularyError> {
        let place = |symbol: u32| match self.places.get(&symbol) {
            Some(&place) => Ok(place as usize),
            None => Err(VocabularyError::Unseen {
                found: self.label(symbol),
                known: self.known(),
            }),
        };
        match self.symbols {
            Symbols::Characters => prompt.chars().map(u32::from).map(place).collect(),
            Symbols::Bytes => prompt.bytes().map(u32::from).map(place).collect(),
        }
    }

    /// The bytes of the symbol at a place.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn bytes(&self, place: usize) -> Vec<u8> {
        let symbol = self.all[place];
        match (self.symbols, char::from_u32(symbol)) {
            (Symbols::Characters, Some(character)) => character.to_string().into_bytes(),
            (Symbols::Characters, None) => Vec::new(),
            (Symbols::Bytes, _) => vec![symbol as u8],
        }
    }

    fn label(&self, symbol: u32) -> String {
        match self.symbols {
            Symbols::Characters => char::from_u32(symbol).into_iter().collect(),
            Symbols::Bytes => format!("{symbol:#04x}"),
        }
    }

    /// The symbols in a line; where there are many, the first ones.
    fn known(&self) -> String {
        const SHOWN: usize = 100;
        let shown = self.all.iter().take(SHOWN);
        let shown: String = match self.symbols {
            Symbols::Characters => shown.map(|&one| self.label(one)).collect(),
            Symbols::Bytes => shown.map(|&one| self.label(one) + " ").collect(),
        };
        let more = self.len().saturating_sub(SHOWN);
        match more {
            0 => format!("{shown:?}"),
            _ => format!("{shown:?} and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lead_back_to_the_symbols() {
        for (symbols, text) in [
            (Symbols::Characters, "été\n\"a\"".as_bytes()),
            (Symbols::Bytes, b"\x00A\xff"),
        ] {
            let (vocabulary, _) = Vocabulary::of_text(symbols, text).unwrap();
            assert_eq!(Vocabulary::of_labels(&vocabulary.labels()), Ok(vocabulary));
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_character() {
        let text = "\u{feff}abba".as_bytes();
        let (vocabulary, places) = Vocabulary::of_text(Symbols::Characters, text).unwrap();
        assert_eq!(
            (vocabulary.labels().concat(), places),
            ("ab".into(), vec![0, 1, 1, 0])
        );
        assert_eq!(
            Vocabulary::of_text(Symbols::Bytes, text).unwrap().0.len(),
            5
        );
    }

    #[test]
    fn a_prompt_with_an_unseen_symbol_and_other_labels_get_a_sentence() {
        let (vocabulary, _) = Vocabulary::of_text(Symbols::Characters, b"ab\n").unwrap();
        let message = vocabulary.places("abc").unwrap_err().to_string();
        assert_eq!(message, r#"the model has never seen "c"; it knows "\nab""#);
        let message = Vocabulary::of_labels(&["a".into(), "cat".into()]).unwrap_err();
        assert!(message.to_string().contains("\"cat\""), "{message}");
        let message = Vocabulary::of_labels(&[]).unwrap_err().to_string();
        assert!(message.contains("has no labels"), "{message}");
    }
}

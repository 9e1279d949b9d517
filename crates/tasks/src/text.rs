//! Text: which symbol comes next.

mod vocabulary;

use crate::{Category, Dataset, Metric, Sample, TaskError, input, split};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub use vocabulary::{Symbols, Vocabulary, VocabularyError};

/// Text: at each symbol, which one comes next. Scored by the cross-entropy in nats per symbol.
///
/// Without `file` it is tiny Shakespeare, which is part of the program: 1,115,394 characters of plays, 65 of them different, of
/// which the first 90 % are for training, as nanoGPT splits them. Inputs and targets are symbols
/// ([`Dataset::symbols`]): one number a step. The part for training is cut into segments that follow one another; the parts for
/// validation and testing are one sequence each, so that every one of their symbols but the first is predicted from all before it.
/// The symbols are those of the whole text.
///
/// Source: A. Karpathy (2015), "The unreasonable effectiveness of recurrent neural networks"; nanoGPT,
/// `data/shakespeare_char`.
///
/// ```toml
/// [task]
/// name = "text"
/// file = "my-book.txt"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextConfig {
    /// The text; a relative path is looked up from the current directory (default: tiny Shakespeare).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// What a symbol is (default: a character).
    pub symbols: Symbols,
    /// The share of the text, from its beginning, that is for training and validation; the rest is for testing (default 0.9).
    pub train: f64,
    /// The share of that part, at its end, that is for validation (default 0).
    pub valid: f64,
    /// Symbols of a training sequence (default 64).
    pub segment: usize,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            file: None,
            symbols: Symbols::default(),
            train: 0.9,
            valid: 0.0,
            segment: 64,
        }
    }
}

const SHAKESPEARE: &[u8] =
    include_bytes!("../../../datasets/tiny-shakespeare/tiny_shakespeare.txt");

impl TextConfig {
    pub(crate) const NAME: &'static str = "text";

    pub(crate) fn load(&self, _seed: u64) -> Result<Dataset, TaskError> {
        let wrong = |key, problem: String| Err(TaskError::key(Self::NAME, key, problem));
        split::check_fraction(Self::NAME, "valid", self.valid)?;
        if !(self.train > 0.0 && self.train < 1.0) {
            let problem = format!(
                "{} is not allowed; it is a share of more than 0 and less than 1",
                self.train
            );
            return wrong("train", problem);
        }
        if self.segment == 0 {
            return wrong("segment", "must be at least 1, got 0".into());
        }
        let (path, bytes) = match &self.file {
            Some(path) => (path.as_path(), input::read(path)?.into()),
            None => (Path::new("tiny_shakespeare.txt"), SHAKESPEARE.into()),
        };
        let bytes: std::borrow::Cow<'_, [u8]> = bytes;
        let refused = |error: VocabularyError| TaskError::file(path, error.to_string());
        let (vocabulary, text) = Vocabulary::of_text(self.symbols, &bytes).map_err(refused)?;
        let cut = |share: f64, of: usize| (share * of as f64) as usize;
        let (seen, test) = text.split_at(cut(self.train, text.len()));
        let (train, valid) = seen.split_at(seen.len() - cut(self.valid, seen.len()));
        // The last symbol has no next one.
        if train.len() <= self.segment {
            let problem = format!(
                "{} must be less than the symbols of the part for training, which are {} with train = {} and valid = {}",
                self.segment,
                train.len(),
                self.train,
                self.valid
            );
            return wrong("segment", problem);
        }
        for (key, part) in [("train", test), ("valid", valid)] {
            if part.len() == 1 || (key == "train" && part.is_empty()) {
                let problem = format!(
                    "leaves {} of the text's {} symbols for a part that needs at least 2",
                    part.len(),
                    text.len()
                );
                return wrong(key, problem);
            }
        }
        let whole = |part: &[u32]| match part.len() {
            0 => Vec::new(),
            symbols => segments(part, symbols),
        };
        let d_output = vocabulary.len();
        Ok(Dataset {
            metric: Metric::CrossEntropy,
            symbols: true,
            continues: true,
            input_names: vec!["symbol".into()],
            labels: vocabulary.labels(),
            train: segments(train, self.segment),
            valid: whole(valid),
            test: whole(test),
            ..Dataset::new(Self::NAME, Category::Classification, [1, d_output])
        })
    }
}

/// Sequences of `length` symbols or, the last one, fewer, each scored at every step by the symbol that follows.
fn segments(text: &[u32], length: usize) -> Vec<Sample> {
    let column = |symbols: &[u32]| {
        Array2::from_shape_fn((symbols.len(), 1), |(step, _)| symbols[step] as f32)
    };
    let inputs = text[..text.len() - 1].chunks(length);
    let targets = text[1..].chunks(length);
    inputs
        .zip(targets)
        .map(|(inputs, targets)| Sample {
            inputs: column(inputs),
            scored: (0..inputs.len()).collect(),
            targets: column(targets),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(text: &[u8], keys: &str) -> Result<Dataset, TaskError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.txt");
        fs::write(&path, text).unwrap();
        let config: TextConfig = toml::from_str(keys).unwrap();
        let file = Some(path);
        TextConfig { file, ..config }.load(0)
    }

    #[test]
    fn shakespeare_is_split_as_nanogpt_does() {
        let dataset = TextConfig::default().load(0).unwrap();
        // nanoGPT prints 1,003,854 and 111,540 symbols, 65 of them different.
        assert_eq!((dataset.d_input, dataset.d_output), (1, 65));
        let scored = |samples: &[Sample]| samples.iter().map(|one| one.scored.len()).sum::<usize>();
        assert_eq!(scored(&dataset.train), 1_003_854 - 1);
        assert_eq!(scored(&dataset.test), 111_540 - 1);
        assert_eq!(dataset.test.len(), 1);
        assert_eq!(&dataset.labels[..3], ["\n", " ", "!"]);
        let beginning: String = dataset.train[0]
            .inputs
            .iter()
            .map(|&at| dataset.labels[at as usize].clone())
            .collect();
        assert!(beginning.starts_with("First Citizen:\nBefore we proceed"));
    }

    #[test]
    fn each_symbol_is_to_be_followed_by_the_next_and_segments_by_one_another() {
        let dataset = of("abcabcabcd".as_bytes(), "segment = 3\ntrain = 0.8").unwrap();
        assert_eq!(dataset.labels, ["a", "b", "c", "d"]);
        let text = |rows: &Array2<f32>| {
            rows.iter()
                .map(|&at| dataset.labels[at as usize].clone())
                .collect::<String>()
        };
        let inputs: Vec<String> = dataset.train.iter().map(|one| text(&one.inputs)).collect();
        let targets: Vec<String> = dataset.train.iter().map(|one| text(&one.targets)).collect();
        assert_eq!(
            (inputs, targets),
            (
                vec!["abc".to_string(), "abc".into(), "a".into()],
                vec!["bca".into(), "bca".into(), "b".into()]
            )
        );
        let joined = &dataset.judged_train(true)[0];
        assert_eq!(text(&joined.inputs), "abcabca");
        assert_eq!(text(&joined.targets), "bcabcab");
        assert_eq!(joined.scored, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(dataset.judged_train(false).len(), 3);
        assert_eq!(
            (
                text(&dataset.test[0].inputs),
                text(&dataset.test[0].targets)
            ),
            ("c".into(), "d".into())
        );
        let parts = of(&b"abcdefghij".repeat(10), "valid = 0.1").unwrap();
        let lengths = [&parts.train, &parts.valid, &parts.test]
            .map(|part| part.iter().map(|one| one.scored.len()).sum::<usize>());
        assert_eq!(lengths, [80, 8, 9]);
        // What a model's learning asks for is the end, too, as one sequence.
        let mut split = of(&b"abcdefghij".repeat(10), "segment = 10").unwrap();
        let whole = split.train.clone();
        split.split_off_valid(0.3, 3).unwrap();
        let [kept, taken] = [split.train.len(), whole.len() - split.train.len()];
        assert!(taken > 1, "{taken}");
        assert_eq!(split.train, whole[..kept]);
        assert_eq!(split.valid, [Sample::join(&whole[kept..])]);
    }

    #[test]
    fn what_is_no_text_to_learn_from_gets_a_sentence() {
        for (text, keys, words) in [
            (&b"aaaaaaaa"[..], "", "one symbol, \"a\""),
            (b"", "", "is empty"),
            (b"ab\xff", "", "byte 2"),
            (b"abababab", "segment = 20", "20 must be less than"),
            (b"abababab", "segment = 0", "at least 1"),
            (b"abababab", "segment = 2\ntrain = 0.99", "leaves 1 of"),
            (b"abababab", "train = 1.0", "less than 1"),
        ] {
            let message = of(text, keys).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        let many: String = ('\u{4e00}'..).take(12_000).collect();
        let message = of(many.as_bytes(), "").unwrap_err().to_string();
        assert!(message.contains("12000 different symbols"), "{message}");
        let bytes = of(
            b"ab\xffab\xff",
            "segment = 2\nsymbols = 'bytes'\ntrain = 0.6",
        )
        .unwrap();
        assert_eq!(bytes.labels, ["0x61", "0x62", "0xff"]);
    }
}

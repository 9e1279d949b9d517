//! Cross-situational learning: name what a robot hears described (after Juven and Hinaut 2020).

mod grammar;
mod words;

use crate::cogscale::Size;
use crate::{Category, Dataset, Sample, TaskError};
use grammar::Grammar;
use ndarray::Array2;
use ran_seed::RngStream;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
pub use words::{Entry, Words};

/// Cross-situational learning: a sentence of two clauses, and at its last step the objects, colours and actions
/// (positions, or this, that, is) that each clause describes, as independent labels.
///
/// A sentence is clause "and" clause. With D one of {a, the}, and A = D \[C\] O an object O with an optional colour
/// C, a clause is one of (P a position; in brackets what its action is):
///
/// 1. {this | that} is A \[this / that\]
/// 2. D O is C \[is\]
/// 3. D O on the P is C \[P\]
/// 4. A is on the P \[P\]
/// 5. there is A on the P \[P\]
/// 6. on the P {is | there is} A \[P\]
///
/// Words are one-hot, `d_input` of them, and every sentence is padded with zero rows in front to the longest one's
/// steps (17 with any grammar that has colours). The targets are two multi-hot rows, one per clause, concatenated.
///
/// ```toml
/// [task]
/// name = "cross-situation"
/// size = "medium"
/// objects = 20                                        # the first 20 built-in objects
/// colours = ["blue", "orange", "red"]
/// positions = ["left", "right", ["center", "middle"]] # words in one list share a label
/// ```
///
/// Sources: Juven and Hinaut, "Cross-situational learning with reservoir computing for language acquisition
/// modelling", IJCNN 2020; the presets are those of CogScale (Bendi-Ouis and Hinaut 2026).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrossSituationConfig {
    /// The preset that the other keys change (default small): 2 objects, 2 colours and 2 positions; 4, 4 and 3 in
    /// medium; 6, 6 and 5 in large; with 100/20/100, 1,000/200/1,000 and 10,000/2,000/10,000 sentences.
    pub size: Size,
    /// The objects: how many built-in ones (up to 50), or a list of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<Words>,
    /// The colours: how many built-in ones, or a list of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colours: Option<Words>,
    /// The positions: how many built-in ones, or a list of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positions: Option<Words>,
    /// How many training sentences are drawn, with replacement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// How many validation sentences are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid: Option<usize>,
    /// How many test sentences are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Whether a sentence may be in several splits, as in the published benchmark (default false: no validation
    /// sentence is a training sentence, and no test sentence is either).
    pub overlap: bool,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Whether inputs are standardised with the training set's statistics (default false).
    pub standardise: bool,
}

impl CrossSituationConfig {
    pub(crate) const NAME: &'static str = "cross-situation";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let [train, valid, test] = self.counts()?;
        let grammar = self.grammar()?;
        let mut seen = HashSet::new();
        let mut split = |count, stream| -> Result<Vec<Sample>, TaskError> {
            let sentences = self.draw(&grammar, count, seed, stream, &seen)?;
            let samples = sentences.iter().map(|&pair| sample(&grammar, pair));
            let samples = samples.collect();
            seen.extend(sentences);
            Ok(samples)
        };
        let labels = |clause| {
            let labels = grammar.labels().iter();
            labels.map(move |label| format!("{clause}.{label}"))
        };
        let widths = [grammar.vocabulary().len(), 2 * grammar.labels().len()];
        let dataset = Dataset {
            labels: labels(1).chain(labels(2)).collect(),
            train: split(train, RngStream::TrainData)?,
            valid: split(valid, RngStream::ValidData)?,
            test: split(test, RngStream::TestData)?,
            ..Dataset::new(Self::NAME, Category::MultiLabel, widths)
        };
        dataset.finish(Self::NAME, 0.0, self.limit, self.standardise, seed)
    }

    /// The words, in the order of the input channels.
    pub(crate) fn vocabulary(&self) -> Result<Vec<String>, TaskError> {
        Ok(self.grammar()?.vocabulary().to_vec())
    }

    fn counts(&self) -> Result<[usize; 3], TaskError> {
        let preset = self.size.counts();
        let counts = [
            self.train.unwrap_or(preset[0]),
            self.valid.unwrap_or(preset[1]),
            self.test.unwrap_or(preset[2]),
        ];
        for (key, count, least) in [
            ("train", counts[0], 1),
            ("valid", counts[1], 0),
            ("test", counts[2], 1),
        ] {
            if !(least..=10_000_000).contains(&count) {
                let problem = format!(
                    "{count} sentences are not allowed; it is a number of {least} to 10000000"
                );
                return Err(TaskError::key(Self::NAME, key, problem));
            }
        }
        Ok(counts)
    }

    fn grammar(&self) -> Result<Grammar, TaskError> {
        let [objects, colours, positions] = self.size.pick([2, 2, 2], [4, 4, 3], [6, 6, 5]);
        let pick = |key, words: &Option<Words>, preset, built_in| {
            let words = words
                .as_ref()
                .unwrap_or(&Words::BuiltIn(preset))
                .resolve(built_in);
            words.map_err(|problem| TaskError::key(Self::NAME, key, problem))
        };
        Ok(Grammar::new(
            pick("objects", &self.objects, objects, words::OBJECTS)?,
            pick("colours", &self.colours, colours, words::COLOURS)?,
            pick("positions", &self.positions, positions, words::POSITIONS)?,
        ))
    }

    /// Draws `count` sentences, each as its pair of clauses, with replacement, but none that is `seen`.
    fn draw(
        &self,
        grammar: &Grammar,
        count: usize,
        seed: u64,
        stream: RngStream,
        seen: &HashSet<[u64; 2]>,
    ) -> Result<Vec<[u64; 2]>, TaskError> {
        let clauses = grammar.clauses();
        let all = u128::from(clauses) * u128::from(clauses);
        if !self.overlap && count > 0 && seen.len() as u128 == all {
            let problem = format!(
                "false is not allowed here: the splits before hold all {all} sentences of this grammar; draw \
                 fewer, add words, or set it to true"
            );
            return Err(TaskError::key(Self::NAME, "overlap", problem));
        }
        let mut rng = stream.rng(seed);
        let mut sentences = Vec::with_capacity(count);
        while sentences.len() < count {
            let pair = [rng.random_range(0..clauses), rng.random_range(0..clauses)];
            if self.overlap || !seen.contains(&pair) {
                sentences.push(pair);
            }
        }
        Ok(sentences)
    }
}

/// The sentence of two clauses: its words, one-hot and padded in front, and what they describe.
fn sample(grammar: &Grammar, pair: [u64; 2]) -> Sample {
    let [first, second] = pair.map(|index| grammar.clause(index));
    let words = [first.words.as_slice(), &[grammar::AND], &second.words].concat();
    let steps = 2 * grammar.longest() + 1;
    let mut inputs = Array2::zeros((steps, grammar.vocabulary().len()));
    for (step, &word) in words.iter().enumerate() {
        inputs[[steps - words.len() + step, word]] = 1.0;
    }
    let width = grammar.labels().len();
    let mut targets = Array2::zeros((1, 2 * width));
    let second = second.labels.iter().map(|label| width + label);
    for label in first.labels.into_iter().chain(second) {
        targets[[0, label]] = 1.0;
    }
    Sample {
        inputs,
        scored: vec![steps - 1],
        targets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores;

    fn load(text: &str) -> Result<Dataset, TaskError> {
        toml::from_str::<CrossSituationConfig>(text)
            .unwrap()
            .load(0)
    }

    #[test]
    fn shapes_are_the_benchmarks() {
        for (size, d_input, d_output, counts) in [
            ("small", 13, 18, [100, 20, 100]),
            ("medium", 19, 28, [1_000, 200, 1_000]),
            ("large", 25, 40, [10_000, 2_000, 10_000]),
        ] {
            let dataset = load(&format!("size = '{size}'")).unwrap();
            assert_eq!((dataset.d_input, dataset.d_output), (d_input, d_output));
            assert_eq!(dataset.labels.len(), d_output);
            assert_eq!(
                [dataset.train.len(), dataset.valid.len(), dataset.test.len()],
                counts
            );
            for sample in &dataset.test {
                assert_eq!(sample.inputs.dim(), (17, d_input));
                assert_eq!(sample.scored, [16]);
            }
        }
    }

    #[test]
    fn predicting_nothing_scores_the_published_error() {
        for (text, expected) in [
            ("train = 20000", 0.302),
            ("size = 'medium'\ntrain = 20000", 0.203),
        ] {
            let dataset = load(text).unwrap();
            let targets = dataset.stack_targets(&dataset.train);
            let nothing = Array2::zeros(targets.dim());
            let error = 1.0 - scores::bit_accuracy(nothing.view(), targets.view());
            assert!((error - expected).abs() < 0.002, "{error}");
        }
    }

    #[test]
    fn test_sentences_are_never_training_sentences_unless_asked_for() {
        let shared = |text: &str| {
            let dataset = load(text).unwrap();
            let key = |sample: &Sample| format!("{}", sample.inputs);
            let train: HashSet<String> = dataset.train.iter().map(key).collect();
            dataset
                .test
                .iter()
                .chain(&dataset.valid)
                .filter(|s| train.contains(&key(s)))
                .count()
        };
        assert_eq!(shared("train = 10000"), 0);
        assert!(shared("train = 10000\noverlap = true") > 0);
    }

    #[test]
    fn sentences_are_padded_in_front_and_end_with_a_word() {
        let dataset = load("").unwrap();
        for sample in &dataset.train {
            let used: Vec<f32> = sample
                .inputs
                .rows()
                .into_iter()
                .map(|row| row.sum())
                .collect();
            assert!(used.is_sorted() && used[16] == 1.0);
        }
    }

    #[test]
    fn fifty_objects_are_drawn_without_writing_all_sentences_down() {
        let dataset =
            load("objects = 50\npositions = ['left', 'right', 'top']\ncolours = 4").unwrap();
        // 8 function words, 50 objects, 4 colours of which orange is an object too, 3 positions.
        assert_eq!(dataset.d_input, 8 + 50 + 4 - 1 + 3);
        assert_eq!(dataset.d_output, 2 * (50 + 4 + 3 + 3));
    }

    #[test]
    fn a_grammar_of_the_users_own_words_is_taken() {
        let dataset =
            load("objects = ['ball']\ncolours = ['red']\npositions = [['near', 'close']]").unwrap();
        let labels = [
            "object.ball",
            "colour.red",
            "action.near",
            "action.this",
            "action.that",
            "action.is",
        ];
        let expected: Vec<String> = [1, 2]
            .iter()
            .flat_map(|i| labels.map(|label| format!("{i}.{label}")))
            .collect();
        assert_eq!(dataset.labels, expected);
    }

    #[test]
    fn what_is_not_allowed_is_said_in_a_sentence() {
        for (text, expected) in [
            (
                "objects = 51",
                "key `objects`: 51 is not allowed; there are 1 to 50 built-in words",
            ),
            ("colours = 0", "key `colours`: 0 is not allowed"),
            (
                "objects = []",
                "key `objects`: an empty list is not allowed",
            ),
            (
                "positions = ['left', 'is']",
                "key `positions`: `is` is not allowed; the grammar",
            ),
            (
                "objects = ['a cup']",
                "key `objects`: `a cup` is not allowed; a word",
            ),
            (
                "objects = ['cup', ['mug', 'cup']]",
                "key `objects`: `cup` occurs twice",
            ),
            ("train = 0", "key `train`: 0 sentences are not allowed"),
            (
                "objects = 1\ncolours = 1\npositions = 1\ntrain = 200000",
                "key `overlap`: false is not allowed",
            ),
        ] {
            let message = load(text).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
        let message = toml::from_str::<CrossSituationConfig>("objects = true")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("a number of built-in words or a list of words"),
            "{message}"
        );
    }
}

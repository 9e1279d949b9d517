//! Going on with a text, symbol by symbol.

use std::io;
use std::path::Path;

use ndarray::{Array1, ArrayView1, arr1};
use ran_learning::{LearningBackend, LearningError};
use ran_seed::RngStream;
use ran_tasks::{Vocabulary, VocabularyError};
use rand::RngExt;

use crate::backend::{Work, compute};
use crate::model_file::{ModelError, ModelFile, wrong};
use crate::{BackendError, BackendKind};

/// How a text goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// What it begins with; without it a line begins or, where the model knows no line break, its first symbol does.
    pub prompt: Option<String>,
    /// How many symbols are drawn.
    pub length: usize,
    /// The temperature T: a symbol of probability p is drawn with a probability that is proportional to p^(1/T). Below 1 the likely ones are
    /// likelier still.
    pub temperature: f64,
    /// How many of the most probable symbols are drawn from; without it, all.
    pub top_k: Option<usize>,
    /// The seed of what is drawn.
    pub seed: u64,
}

/// Why a text cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model is of another task.
    #[error(
        "the model is of the task {0:?}, whose inputs are not symbols of a text: only a model of the task \"text\" goes on with one"
    )]
    NoText(String),
    /// An option is wrong.
    #[error("{option} {problem}")]
    Option {
        /// The option.
        option: &'static str,
        /// What it was and what is allowed.
        problem: String,
    },
    /// The prompt has a symbol that the model has never seen.
    #[error("--prompt: {0}")]
    Prompt(VocabularyError),
    /// A symbol cannot be written.
    #[error("the text cannot be written out: {0}")]
    Output(#[from] io::Error),
}

impl GenerateOptions {
    fn check(&self) -> Result<(), GenerateError> {
        let wrong = |option, problem| Err(GenerateError::Option { option, problem });
        if !self.temperature.is_finite() || self.temperature <= 0.0 {
            let problem = format!(
                "must be above 0 and finite, got {}; --top-k 1 always takes the most probable symbol",
                self.temperature
            );
            return wrong("--temperature", problem);
        }
        if self.top_k == Some(0) {
            return wrong("--top-k", "must be at least 1, got 0".into());
        }
        if self.prompt.as_deref() == Some("") {
            let problem = "is empty: a text goes on from at least one symbol".into();
            return wrong("--prompt", problem);
        }
        Ok(())
    }

    /// The place of the next symbol, drawn from probabilities.
    fn draw(&self, probabilities: ArrayView1<'_, f32>, uniform: f64) -> usize {
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        order.truncate(self.top_k.unwrap_or(usize::MAX));
        // In logarithms, so that a low temperature does not lose the most probable one.
        let logarithm = |place: usize| f64::from(probabilities[place]).ln() / self.temperature;
        let highest = order.first().map_or(0.0, |&place| logarithm(place));
        let weights: Vec<f64> = order
            .iter()
            .map(|&place| (logarithm(place) - highest).exp())
            .collect();
        let mut left = uniform * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        order[drawn.unwrap_or(0)]
    }
}

/// Goes on with a text: `each` gets the bytes of the prompt, then those of each symbol as it is drawn. A symbol costs the same
/// however long the text is.
///
/// # Errors
///
/// If an option is wrong, the file is no model of a text, the prompt has a symbol that the model has never seen, or `each` fails.
pub fn generate(
    path: &Path,
    options: &GenerateOptions,
    backend: BackendKind,
    each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), GenerateError> {
    options.check()?;
    let file = ModelFile::open(path)?;
    if !file.card.symbols {
        return Err(GenerateError::NoText(file.card.task));
    }
    let vocabulary = Vocabulary::of_labels(&file.card.labels);
    let vocabulary = vocabulary.map_err(|error| {
        let problem = format!("is damaged: {error}");
        wrong(&file.path, LearningError::ModelFile(problem))
    })?;
    let (begin, shown) = match &options.prompt {
        Some(prompt) => (
            vocabulary.places(prompt).map_err(GenerateError::Prompt)?,
            true,
        ),
        None => match vocabulary.places("\n") {
            Ok(line) => (line, false),
            Err(_) => (vec![0], true),
        },
    };
    let job = Generating {
        file,
        options,
        vocabulary,
        begin,
        shown,
        each,
    };
    let outcome: Result<_, BackendError> = compute(backend, job);
    outcome.map_err(ModelError::from)?
}

struct Generating<'a> {
    file: ModelFile,
    options: &'a GenerateOptions,
    vocabulary: Vocabulary,
    /// The places of the symbols that it begins with.
    begin: Vec<usize>,
    /// Whether these are part of the text.
    shown: bool,
    each: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
}

impl Work for Generating<'_> {
    type Output = Result<(), GenerateError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let path = self.file.path.clone();
        let model = self.file.model::<B>(device)?;
        let mut stream = model.stream(device);
        let mut step = |place: usize| {
            let next = stream.step(arr1(&[place as f32]).view());
            next.map_err(|error| wrong(&path, error))
        };
        let mut next = Array1::zeros(0);
        for &place in &self.begin {
            if self.shown {
                (self.each)(&self.vocabulary.bytes(place))?;
            }
            next = step(place)?;
        }
        let mut rng = RngStream::Generation.rng(self.options.seed);
        for left in (0..self.options.length).rev() {
            let place = self.options.draw(next.view(), rng.random());
            (self.each)(&self.vocabulary.bytes(place))?;
            if left > 0 {
                next = step(place)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(temperature: f64, top_k: Option<usize>) -> GenerateOptions {
        GenerateOptions {
            prompt: None,
            length: 1,
            temperature,
            top_k,
            seed: 0,
        }
    }

    /// How often each of four symbols is drawn from 10,000 evenly spaced numbers.
    fn shares(options: &GenerateOptions) -> Vec<f64> {
        let probabilities = arr1(&[0.1, 0.4, 0.0, 0.5]);
        let mut counts = vec![0.0; 4];
        for number in 0..10_000 {
            let uniform = (f64::from(number) + 0.5) / 10_000.0;
            counts[options.draw(probabilities.view(), uniform)] += 1e-4;
        }
        counts
    }

    #[test]
    fn symbols_are_drawn_with_their_probabilities_and_those_of_the_temperature() {
        let near = |got: Vec<f64>, expected: [f64; 4]| {
            let all = got.iter().zip(expected);
            assert!(all.clone().all(|(a, b)| (a - b).abs() < 1e-3), "{got:?}");
        };
        near(shares(&options(1.0, None)), [0.1, 0.4, 0.0, 0.5]);
        // Squares 0.01, 0.16 and 0.25 of a sum of 0.42.
        near(shares(&options(0.5, None)), [0.0238, 0.381, 0.0, 0.5952]);
        near(shares(&options(1.0, Some(2))), [0.0, 0.4444, 0.0, 0.5556]);
        near(shares(&options(1e-3, None)), [0.0, 0.0, 0.0, 1.0]);
        near(shares(&options(5.0, Some(1))), [0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn options_that_mean_nothing_get_a_sentence() {
        for temperature in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = options(temperature, None).check().unwrap_err().to_string();
            assert!(
                message.starts_with("--temperature must be above 0"),
                "{message}"
            );
        }
        let message = options(1.0, Some(0)).check().unwrap_err().to_string();
        assert_eq!(message, "--top-k must be at least 1, got 0");
    }
}

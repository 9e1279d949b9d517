//! Following signals with a saved model, step by step.

mod lines;

use std::io::{self, BufRead};
use std::path::Path;

use ndarray::{Array1, Array2, ArrayView1};
use ran_learning::{LearningBackend, LearningError, ModelCard, ModelStream};
use ran_tasks::{FilesConfig, Holes, SignalInputs, TaskError};

use crate::backend::{Work, compute};
use crate::model_data::layout;
use crate::model_file::{ModelError, ModelFile};
use crate::{BackendError, BackendKind, Setting};
use lines::{Line, Lines};

/// What a model is asked about.
pub enum Signals {
    /// A step per line, its inputs separated by commas, semicolons or tabs. An empty line begins another signal. The first
    /// line may name the columns: see [`SignalInputs::are_names`].
    Lines {
        /// Where the lines come from, for messages.
        name: String,
        /// The lines.
        lines: Box<dyn BufRead>,
    },
    /// Whole signals, each `[steps, d_input]`, not standardised.
    Arrays {
        /// Where they come from, for messages.
        name: String,
        /// The signals.
        signals: Vec<Array2<f64>>,
    },
}

/// What a model says at a step of a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The signal, counted from 0.
    pub signal: usize,
    /// The step, counted from 0.
    pub step: usize,
    /// The outputs: probabilities, or values for regression, to which the card's `target_offset` is still to be added where there
    /// is one.
    pub outputs: Array1<f32>,
}

/// Why a prediction cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The signals cannot be read.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A step of a signal is wrong.
    #[error("{place}: {problem}")]
    Step {
        /// The file and the line, or the signal and the step.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The signals cannot be read to their end.
    #[error("{name} cannot be read: {source}")]
    Read {
        /// Where the lines come from.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A prediction cannot be written.
    #[error("the predictions cannot be written out: {0}")]
    Output(#[from] io::Error),
}

/// A model in its file, for signals that come in.
#[derive(Debug)]
pub struct SavedModel {
    file: ModelFile,
    /// How the files are laid out that it was trained on, where it was trained on a user's.
    files: Option<FilesConfig>,
}

impl SavedModel {
    /// Opens a model's file. The settings change how files of signals are laid out, as in `task.sequence=id`; what they
    /// leave out is as in the model's own task.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no model of this version, or a setting is wrong.
    pub fn open(path: &Path, settings: &[Setting]) -> Result<Self, ModelError> {
        let file = ModelFile::open(path)?;
        let files = layout(&file.card, settings)?;
        Ok(Self { file, files })
    }

    /// What it was made for and how.
    #[must_use]
    pub fn card(&self) -> &ModelCard {
        &self.file.card
    }

    /// The model's inputs, and how they are found in a file.
    #[must_use]
    pub fn inputs(&self) -> SignalInputs<'_> {
        inputs_of(&self.file.card, self.files.as_ref())
    }

    /// Follows signals, and hands over what the model says at each step as soon as the step is read. `warn` is told, in a
    /// sentence, what was left out of lines.
    ///
    /// # Errors
    ///
    /// At the first step that is wrong, or when something cannot be read or written.
    pub fn follow(
        self,
        signals: Signals,
        backend: BackendKind,
        warn: &mut dyn FnMut(&str),
        each: &mut dyn FnMut(Prediction) -> io::Result<()>,
    ) -> Result<(), PredictError> {
        let job = Following {
            model: self,
            signals,
            warn,
            each,
        };
        let outcome: Result<_, BackendError> = compute(backend, job);
        outcome.map_err(ModelError::from)?
    }
}

/// The inputs that a model asks a file for: not the mask that is made of their holes.
fn inputs_of<'a>(card: &'a ModelCard, files: Option<&'a FilesConfig>) -> SignalInputs<'a> {
    let d_input = match files {
        Some(files) if files.holes == Holes::Mask => card.d_input / 2,
        _ => card.d_input,
    };
    let mean = card.standardiser.as_ref();
    SignalInputs {
        d_input,
        names: &card.input_names[..d_input.min(card.input_names.len())],
        mean: mean.map(|standardiser| &standardiser.mean[..]),
        files,
    }
}

struct Following<'a> {
    model: SavedModel,
    signals: Signals,
    warn: &'a mut dyn FnMut(&str),
    each: &'a mut dyn FnMut(Prediction) -> io::Result<()>,
}

impl Work for Following<'_> {
    type Output = Result<(), PredictError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let SavedModel { file, files } = self.model;
        let model = file.model::<B>(device)?;
        let inputs = inputs_of(&model.card, files.as_ref());
        let mut follower = Follower {
            stream: model.stream(device),
            signal: 0,
            step: 0,
            each: self.each,
        };
        match self.signals {
            Signals::Lines { name, mut lines } => {
                let mut lines = Lines::new(&name, &mut *lines, inputs);
                follower.lines(&mut lines, self.warn)
            }
            Signals::Arrays { name, signals } => follower.arrays(&name, &signals),
        }
    }
}

struct Follower<'a, B: LearningBackend> {
    stream: ModelStream<'a, B>,
    signal: usize,
    step: usize,
    each: &'a mut dyn FnMut(Prediction) -> io::Result<()>,
}

impl<B: LearningBackend> Follower<'_, B> {
    fn lines(
        &mut self,
        lines: &mut Lines<'_>,
        warn: &mut dyn FnMut(&str),
    ) -> Result<(), PredictError> {
        while let Some(line) = lines.next(warn)? {
            match line {
                Line::Step(inputs) => {
                    self.step(inputs.view(), &|problem| lines.wrong(problem))?;
                }
                Line::Gap => self.next_signal(),
            }
        }
        Ok(())
    }

    fn arrays(&mut self, name: &str, signals: &[Array2<f64>]) -> Result<(), PredictError> {
        for signal in signals {
            for inputs in signal.rows() {
                let (signal, step) = (self.signal, self.step);
                let wrong = |problem: String| PredictError::Step {
                    place: format!("{name}, signal {signal}, step {step}"),
                    problem,
                };
                self.step(inputs, &wrong)?;
            }
            self.next_signal();
        }
        Ok(())
    }

    fn step(
        &mut self,
        inputs: ArrayView1<'_, f64>,
        wrong: &dyn Fn(String) -> PredictError,
    ) -> Result<(), PredictError> {
        let outputs = self.stream.step(inputs);
        let outputs = outputs.map_err(|error: LearningError| wrong(error.to_string()))?;
        (self.each)(Prediction {
            signal: self.signal,
            step: self.step,
            outputs,
        })?;
        self.step += 1;
        Ok(())
    }

    /// Forgets the signal, unless it has not begun.
    fn next_signal(&mut self) {
        if self.step > 0 {
            self.stream.reset();
            self.signal += 1;
            self.step = 0;
        }
    }
}

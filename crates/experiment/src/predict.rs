//! Following signals with a saved model, step by step.

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, ArrayView1};
use ran_learning::{LearningError, Model, ModelCard, ModelStream};
use ran_tasks::TaskError;

use crate::backend::{LearningBackend, Work, compute};
use crate::evaluate::{ModelError, read_model, wrong};
use crate::{BackendError, BackendKind};

/// What a model is asked about.
pub enum Signals<'a> {
    /// A step per line, its inputs separated by commas, semicolons or tabs. An empty line begins another signal; a first
    /// line without a number is taken for the names of columns.
    Lines {
        /// Where the lines come from, for messages.
        name: String,
        /// The lines.
        lines: &'a mut dyn BufRead,
    },
    /// Whole signals, each `[steps, d_input]`.
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
    path: PathBuf,
    bytes: Vec<u8>,
    /// What it was made for and how.
    pub card: ModelCard,
}

impl SavedModel {
    /// Opens a model's file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no model of this version.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let bytes = read_model(path)?;
        let card = ModelCard::from_bytes(&bytes).map_err(|source| wrong(path, source))?;
        Ok(Self {
            path: path.into(),
            bytes,
            card,
        })
    }

    /// Follows signals, and hands over what the model says at each step as soon as the step is read.
    ///
    /// # Errors
    ///
    /// At the first step that is wrong, or when something cannot be read or written.
    pub fn follow<'a>(
        self,
        signals: Signals<'a>,
        backend: BackendKind,
        each: &'a mut dyn FnMut(Prediction) -> io::Result<()>,
    ) -> Result<(), PredictError> {
        let job = Following {
            model: self,
            signals,
            each,
        };
        let outcome: Result<_, BackendError> = compute(backend, job);
        outcome.map_err(ModelError::from)?
    }
}

struct Following<'a> {
    model: SavedModel,
    signals: Signals<'a>,
    each: &'a mut dyn FnMut(Prediction) -> io::Result<()>,
}

impl Work for Following<'_> {
    type Output = Result<(), PredictError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let path = self.model.path;
        let model = Model::<B>::from_bytes(self.model.bytes, device);
        let model = model.map_err(|source| wrong(&path, source))?;
        let mut follower = Follower {
            stream: model.stream(device),
            signal: 0,
            step: 0,
            each: self.each,
        };
        match self.signals {
            Signals::Lines { name, lines } => follower.lines(&name, lines),
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
    fn lines(&mut self, name: &str, lines: &mut dyn BufRead) -> Result<(), PredictError> {
        let mut text = String::new();
        let mut begun = false;
        for number in 1.. {
            text.clear();
            let read = lines.read_line(&mut text);
            let read = read.map_err(|source| PredictError::Read {
                name: name.into(),
                source,
            })?;
            if read == 0 {
                return Ok(());
            }
            let line = text.trim_matches(['\n', '\r', ' ']);
            // Some programs begin a file with a mark that is no part of its text.
            let line = line
                .strip_prefix('\u{feff}')
                .filter(|_| number == 1)
                .unwrap_or(line);
            if line.is_empty() {
                self.next_signal();
                continue;
            }
            let fields: Vec<&str> = line.split([',', ';', '\t']).map(str::trim).collect();
            let names = !begun && fields.iter().all(|field| field.parse::<f32>().is_err());
            begun = true;
            if names {
                continue;
            }
            let wrong = |problem: String| PredictError::Step {
                place: format!("{name}, line {number}"),
                problem,
            };
            let inputs = fields.iter().map(|field| {
                let number = field.parse::<f64>();
                number.map_err(|_| wrong(format!("`{field}` is not a number")))
            });
            let inputs: Array1<f64> = inputs.collect::<Result<Vec<_>, _>>()?.into();
            self.step(inputs.view(), &wrong)?;
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

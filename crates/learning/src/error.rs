//! What can go wrong while a model is made, trained or loaded.

use ran_baselines::BaselineError;
use ran_readout::ReadoutError;
use ran_reservoir::ReservoirError;
use ran_tasks::TaskError;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearningError {
    /// The reservoir's configuration is wrong.
    #[error(transparent)]
    Reservoir(#[from] ReservoirError),
    /// The configuration of the network in the reservoir's place is wrong, or a memory is another network's.
    #[error("{}", of_network(.0))]
    Network(#[from] BaselineError),
    /// The readout cannot be fitted.
    #[error("the readout cannot be fitted: {0}")]
    Readout(#[from] ReadoutError),
    /// The readout's weights are beyond 32-bit numbers.
    #[error(
        "the readout has a weight of {0:e}, beyond 32-bit numbers: features and targets may be of very unlike scales; larger or smaller units \
         of the data, or a larger readout.ridge, bring them together"
    )]
    Weights(f64),
    /// A field of the configuration is out of range, or does not fit the others.
    #[error("{field} {problem}")]
    Config {
        /// The field's path, as in the file.
        field: String,
        /// What it was and what is allowed.
        problem: String,
    },
    /// A data set without sequences to train on.
    #[error("the task {0:?} has no sequences to train on")]
    NoTraining(String),
    /// A data set whose training set has one class only.
    #[error(
        "the training set of the task {task:?} has one class only, {class:?}; at least two are needed to learn"
    )]
    OneClass {
        /// The task.
        task: String,
        /// The class.
        class: String,
    },
    /// A saved model cannot be read.
    #[error("the model file {0}")]
    ModelFile(String),
    /// The validation set cannot be split off.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The loss left the range of numbers.
    #[error(
        "the loss, or what it follows from, became {loss} in epoch {epoch} at step {step}: a smaller learning.learning_rate or learning.clip, \
         and of a reservoir output = \"tanh\" or layer_norm = true in the population, usually keep all numbers finite{kept}",
        kept = what_is_kept(*kept)
    )]
    Diverged {
        /// What the loss was.
        loss: f64,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The gradient step of the epoch, counted from 1.
        step: usize,
        /// The epoch whose model is kept.
        kept: Option<usize>,
        /// That model, as the bytes of its file.
        model: Option<Vec<u8>>,
    },
    /// The run was stopped before there was a model.
    #[error("the training was stopped before there was a model")]
    Stopped,
    /// A checkpoint cannot be read, or is another run's.
    #[error("the checkpoint {0}")]
    Checkpoint(String),
    /// A checkpoint cannot be saved.
    #[error("the checkpoint of epoch {epoch} cannot be saved: {source}")]
    Save {
        /// The epoch, counted from 1.
        epoch: usize,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A saved stream cannot be restored.
    #[error("the saved stream {0}")]
    Stream(String),
    /// Inputs that do not fit a model.
    #[error("{0}")]
    Inputs(String),
}

impl LearningError {
    /// A value that is not allowed: the key's path, as in `learning.epochs`, and what is wrong with it.
    pub fn config(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// Whether it is the training data that are wrong, rather than the configuration that names them.
    #[must_use]
    pub fn is_of_data(&self) -> bool {
        matches!(self, Self::NoTraining(_) | Self::OneClass { .. })
    }

    /// The key of the configuration that it is about, or the table of several, as in `reservoir.population[0].heads`;
    /// none where it is about something else.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Config { field, .. } | Self::Reservoir(ReservoirError::Config { field, .. }) => {
                Some(field)
            }
            // All of the reservoir's keys together make the wiring.
            Self::Reservoir(ReservoirError::Wiring(_)) => Some("reservoir"),
            Self::Network(_) => Some("network"),
            Self::NoTraining(_) | Self::OneClass { .. } => Some("task"),
            Self::Readout(ReadoutError::Parameter { .. }) => Some("readout"),
            _ => None,
        }
    }
}

/// An option is named by its key in a file.
fn of_network(error: &BaselineError) -> String {
    match error {
        BaselineError::Config { .. } => format!("network.{error}"),
        _ => error.to_string(),
    }
}

fn what_is_kept(epoch: Option<usize>) -> String {
    match epoch {
        Some(epoch) => format!("; the model of epoch {epoch} is kept"),
        None => String::new(),
    }
}

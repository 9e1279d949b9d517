//! Judging a saved model on its own task or on a file.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use ran_learning::{LearningError, Model, ModelCard};
use ran_tasks::{Sample, ScoreTable, TaskError, stack_targets};
use serde::Serialize;

use crate::backend::{LearningBackend, Work, compute};
use crate::model_data::load;
use crate::{BackendError, BackendKind, Located, Setting, SettingError};

/// How good a model is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model's file.
    pub model: String,
    /// The task that the model was trained on.
    pub task: String,
    /// The file that it was judged on, where it was not its task.
    pub data: Option<String>,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// How it learnt.
    pub regime: &'static str,
    /// What the scores are.
    pub metric: &'static str,
    /// The score on each set of sequences.
    pub splits: Vec<SplitScore>,
}

/// A model's score on some sequences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitScore {
    /// `train`, `valid`, `test`, or `data` for a file.
    pub name: &'static str,
    /// How many there are.
    pub sequences: usize,
    /// The score.
    pub score: f64,
    /// It and all other scores that apply.
    pub scores: ScoreTable,
}

/// Why a saved model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not a model, or not one for this.
    #[error("{path}: {source}", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LearningError,
    },
    /// The data are of another shape than the model's.
    #[error("{path}: the model has {model}, the data have {data}", path = path.display())]
    Shape {
        /// The model's file.
        path: PathBuf,
        /// What the model has.
        model: String,
        /// What the data have.
        data: String,
    },
    /// The model does not say what task it was trained on.
    #[error("{path} does not say how its task was configured: name the data with --data", path = path.display())]
    NoTask {
        /// The model's file.
        path: PathBuf,
    },
    /// The data cannot be loaded.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A setting cannot be made.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A setting's value is wrong.
    #[error(transparent)]
    Located(#[from] Located),
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Judges a saved model: on its own task's splits, or on all sequences of a file.
///
/// # Errors
///
/// If the model or the data cannot be read, or do not fit one another.
pub fn evaluate(
    model: &Path,
    data: Option<&Path>,
    settings: &[Setting],
    backend: BackendKind,
) -> Result<Evaluation, ModelError> {
    let bytes = read_model(model)?;
    let card = ModelCard::from_bytes(&bytes).map_err(|source| wrong(model, source))?;
    let dataset = load(&card, model, data, settings)?;
    let metric = dataset.metric;
    let splits = match data {
        // A file stands for both the training and the test set.
        Some(_) => vec![("data", &dataset.test[..])],
        None => vec![
            ("train", &dataset.train[..]),
            ("valid", &dataset.valid[..]),
            ("test", &dataset.test[..]),
        ],
    };
    let splits: Vec<_> = splits
        .into_iter()
        .filter(|(_, samples)| !samples.is_empty())
        .collect();
    let job = Predicting {
        bytes,
        splits: splits.iter().map(|(_, samples)| *samples).collect(),
    };
    let predictions = compute(backend, job)?.map_err(|source| wrong(model, source))?;
    let splits = splits
        .iter()
        .zip(&predictions)
        .map(|((name, samples), predictions)| {
            let rows: Vec<_> = predictions.iter().map(|rows| rows.view()).collect();
            let rows = ndarray::concatenate(ndarray::Axis(0), &rows);
            let rows = rows.expect("predictions share d_output");
            let targets = stack_targets(samples);
            SplitScore {
                name,
                sequences: samples.len(),
                score: metric.score(rows.view(), targets.view()),
                scores: metric.table(card.category, rows.view(), targets.view()),
            }
        });
    Ok(Evaluation {
        model: model.display().to_string(),
        task: card.task.clone(),
        data: data.map(|data| data.display().to_string()),
        seed: card.seed,
        regime: card.config.learning.regime.name(),
        metric: metric.name(),
        splits: splits.collect(),
    })
}

pub(crate) fn read_model(path: &Path) -> Result<Vec<u8>, ModelError> {
    ran_tasks::read_file(path).map_err(|source| ModelError::Read {
        path: path.into(),
        source,
    })
}

pub(crate) fn wrong(path: &Path, source: LearningError) -> ModelError {
    ModelError::Model {
        path: path.into(),
        source,
    }
}

struct Predicting<'a> {
    bytes: Vec<u8>,
    splits: Vec<&'a [Sample]>,
}

impl Work for Predicting<'_> {
    type Output = Result<Vec<Vec<Array2<f32>>>, LearningError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model = Model::<B>::from_bytes(self.bytes, device)?;
        let splits = self.splits.iter();
        Ok(splits
            .map(|samples| model.predict(samples, device))
            .collect())
    }
}

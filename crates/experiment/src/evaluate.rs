//! Judging a saved model on its own task or on a file.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use ran_learning::{LearningError, Model, ModelCard};
use ran_tasks::{Dataset, Sample, ScoreTable, TaskConfig, TaskError, stack_targets};
use serde::Serialize;
use toml::{Table, Value};

use crate::backend::{LearningBackend, Work, compute};
use crate::locate::read;
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
    check(&card, model, &dataset)?;
    let dataset = prepare(&card, dataset);
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
    fs::read(path).map_err(|source| ModelError::Read {
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

/// The data of the model's own task, or a file's, which then are both training and test set.
fn load(
    card: &ModelCard,
    model: &Path,
    data: Option<&Path>,
    settings: &[Setting],
) -> Result<Dataset, ModelError> {
    let own = card.task_config.as_ref();
    let mut task = match (own, data) {
        (Some(TaskConfig::Files(files)), Some(_)) => table(&TaskConfig::Files(files.clone())),
        (_, Some(_)) => [("name".to_owned(), Value::from("files"))]
            .into_iter()
            .collect(),
        (Some(own), None) => table(own),
        (None, None) => return Err(ModelError::NoTask { path: model.into() }),
    };
    if let Some(data) = data {
        for key in ["data", "test_fraction", "valid", "limit"] {
            task.remove(key);
        }
        for key in ["train", "test"] {
            task.insert(key.into(), data.display().to_string().into());
        }
        // Standardised data keep their digits, and change over to the model's own standardiser later.
        let standardise = card.standardiser.is_some();
        task.insert("standardise".into(), standardise.into());
    }
    let whole: Table = [("task".to_owned(), Value::Table(task))]
        .into_iter()
        .collect();

    #[derive(serde::Deserialize)]
    struct Whole {
        task: TaskConfig,
    }
    let text = toml::to_string(&whole).unwrap_or_default();
    let whole: Whole = read::<_, ModelError>(&whole, "the task", &text, settings)?;
    Ok(whole.task.load(card.seed)?)
}

fn table(task: &TaskConfig) -> Table {
    Table::try_from(task).expect("a task's configuration is a table")
}

fn check(card: &ModelCard, model: &Path, dataset: &Dataset) -> Result<(), ModelError> {
    let refused = |model_has: String, data_have: String| {
        Err(ModelError::Shape {
            path: model.into(),
            model: model_has,
            data: data_have,
        })
    };
    if card.d_input != dataset.d_input {
        let inputs = |count| format!("inputs of shape [steps, {count}]");
        return refused(inputs(card.d_input), inputs(dataset.d_input));
    }
    if card.category != dataset.category {
        let category = |category| format!("targets of category {category:?}");
        return refused(category(card.category), category(dataset.category));
    }
    let unknown = dataset
        .labels
        .iter()
        .find(|label| !card.labels.contains(label));
    if let Some(label) = unknown {
        let known = format!("the classes {}", card.labels.join(", "));
        return refused(known, format!("a class {label:?}"));
    }
    if card.labels.is_empty() && card.d_output != dataset.d_output {
        let outputs = |count| format!("outputs of shape [scored steps, {count}]");
        return refused(outputs(card.d_output), outputs(dataset.d_output));
    }
    Ok(())
}

/// Standardises as the model's training set was, and brings classes into the model's order.
fn prepare(card: &ModelCard, mut dataset: Dataset) -> Dataset {
    let theirs = dataset.standardiser.take();
    let taken = dataset.target_offset.take();
    let places: Vec<usize> = dataset
        .labels
        .iter()
        .filter_map(|label| card.labels.iter().position(|known| known == label))
        .collect();
    let ordered = places.len() == card.d_output && places.iter().enumerate().all(|(a, b)| a == *b);
    let splits = [&mut dataset.train, &mut dataset.valid, &mut dataset.test];
    for sample in splits.into_iter().flatten() {
        if theirs != card.standardiser {
            match (&theirs, &card.standardiser) {
                (Some(theirs), Some(own)) => own.apply_after(theirs, &mut sample.inputs),
                (Some(theirs), None) => theirs.invert(&mut sample.inputs),
                (None, Some(own)) => own.apply(&mut sample.inputs),
                (None, None) => {}
            }
        }
        let offsets = [&taken, &card.target_offset].map(|offset| offset.iter().flatten());
        for (mut column, channel) in sample.targets.columns_mut().into_iter().zip(0..) {
            let [theirs, own] = offsets
                .clone()
                .map(|mut offset| offset.nth(channel).unwrap_or(&0.0));
            if theirs != own {
                column.mapv_inplace(|y| (f64::from(y) + (theirs - own)) as f32);
            }
        }
        if !card.labels.is_empty() && !ordered {
            let mut targets = Array2::zeros((sample.targets.nrows(), card.d_output));
            for (from, &to) in places.iter().enumerate() {
                targets.column_mut(to).assign(&sample.targets.column(from));
            }
            sample.targets = targets;
        }
    }
    dataset
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

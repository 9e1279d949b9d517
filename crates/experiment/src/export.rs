//! What a model sees and computes, as NumPy arrays in an `.npz` file.

mod arrays;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use ran_learning::{LearningBackend, LearningError, Model, ModelCard, Session, train_in};
use ran_tasks::{Dataset, NpzWriter, Split, TaskConfig, TaskError};

use crate::backend::{Work, compute};
use crate::model_data::{load, load_raw, own_task};
use crate::model_file::{ModelError, ModelFile};
use crate::{BackendError, BackendKind, Experiment, Setting};

/// What can be exported; `docs/export.md` has the names and shapes of the arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exported {
    /// Inputs and targets.
    Data,
    /// The reservoir's states at every step, by population and unit.
    States,
    /// Weights of attention at every step, by population, unit and head.
    Attention,
    /// What the readout sees at the scored steps.
    Features,
    /// What the model predicts at the scored steps.
    Predictions,
    /// All numbers of the model.
    Weights,
}

impl Exported {
    /// All of it.
    pub const ALL: [Self; 6] = [
        Self::Data,
        Self::States,
        Self::Attention,
        Self::Features,
        Self::Predictions,
        Self::Weights,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::States => "states",
            Self::Attention => "attention",
            Self::Features => "features",
            Self::Predictions => "predictions",
            Self::Weights => "weights",
        }
    }
}

impl FromStr for Exported {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no {name:?} to export; there are {names}")
        })
    }
}

/// What is exported of.
#[derive(Clone, Debug)]
pub enum ExportSource {
    /// A model's file and the data of its own task, with settings made in that.
    Model {
        /// The file.
        path: PathBuf,
        /// The settings.
        settings: Vec<Setting>,
    },
    /// An experiment's task and the model that is trained with a seed, where one is needed.
    Experiment {
        /// The experiment.
        experiment: Box<Experiment>,
        /// The seed.
        seed: u64,
    },
    /// A task's data alone.
    Task {
        /// The task.
        task: Box<TaskConfig>,
        /// The seed.
        seed: u64,
    },
}

/// How it is exported.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// What.
    pub what: BTreeSet<Exported>,
    /// Of which splits; those that the task does not have are left out.
    pub splits: BTreeSet<Split>,
    /// Whether the inputs of the data are as they were before they were standardised. States and all else are of
    /// standardised inputs in any case.
    pub raw: bool,
    /// What computes it.
    pub backend: BackendKind,
}

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The data cannot be loaded, or an array cannot be written.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The model cannot be trained.
    #[error("{origin}: {source}")]
    Learning {
        /// The experiment, for messages.
        origin: String,
        /// What is wrong.
        source: LearningError,
    },
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A task has no model.
    #[error("{0} is a task without a model: it has data alone to export")]
    NoModel(String),
    /// No population attends.
    #[error("there is no attention to export: no population is of a kind that attends")]
    NoAttention,
    /// The task has none of the splits that were asked for.
    #[error("the task {0} has no sequences in the splits that were asked for")]
    NoSequences(String),
    /// It was stopped.
    #[error("the export was stopped; no file was written")]
    Stopped,
}

/// Writes what a model sees and computes to the `.npz` file `path`, whole or not at all, and gives the names and shapes of
/// its arrays. Whatever grows with the number of sequences is streamed to the disk. `tell` gets a sentence before a model is
/// trained, which may take long.
///
/// # Errors
///
/// If the model or the data cannot be had, the file cannot be written, or `stop` became true.
pub fn export(
    source: &ExportSource,
    options: &ExportOptions,
    path: &Path,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<(String, Vec<usize>)>, ExportError> {
    let mut opened = Opened::open(source)?;
    let needs_model = options.what.iter().any(|one| *one != Exported::Data);
    let populations = match (&opened.model, &opened.card) {
        (_, Some(card)) => &card.config.reservoir.populations[..],
        (ModelSource::Trained(experiment, _), _) => &experiment.config.reservoir.populations,
        _ if needs_model => return Err(ExportError::NoModel(opened.task.name().into())),
        _ => &[],
    };
    let attends = populations.iter().any(|one| one.kind.attends());
    if options.what.contains(&Exported::Attention) && !attends {
        return Err(ExportError::NoAttention);
    }
    let mut writer = NpzWriter::create(path)?;
    let mut write = |dataset: &Dataset| {
        let dataset = dataset.with_raw_targets();
        for split in splits_of(&dataset, &options.splits)? {
            writer.samples(&dataset, split)?;
            check(stop)?;
        }
        Ok::<_, ExportError>(())
    };
    let data = options.what.contains(&Exported::Data);
    if data && options.raw {
        // One data set is in memory at a time.
        let path = match source {
            ExportSource::Model { path, .. } => Some(path.as_path()),
            _ => None,
        };
        let model = opened.card.as_ref().zip(path);
        write(&load_raw(&opened.task, opened.seed, model)?)?;
    }
    let dataset = opened.load(source)?;
    if data && !options.raw {
        write(&dataset)?;
    }
    let splits = splits_of(&dataset, &options.splits)?;
    for &split in &splits {
        writer.lengths(&dataset, split)?;
    }
    if data {
        let standardised = !options.raw && dataset.standardiser.is_some();
        writer.numbers("standardised", &[], [i64::from(standardised)])?;
    }
    writer.description(&dataset)?;
    if needs_model {
        let job = Exporting {
            model: std::mem::take(&mut opened.model),
            dataset: &dataset,
            splits,
            what: &options.what,
            writer: &mut writer,
            stop,
            tell,
        };
        compute(options.backend, job)??;
    }
    check(stop)?;
    let arrays = writer.arrays().to_vec();
    writer.finish()?;
    Ok(arrays)
}

fn check(stop: &AtomicBool) -> Result<(), ExportError> {
    match stop.load(Ordering::Relaxed) {
        true => Err(ExportError::Stopped),
        false => Ok(()),
    }
}

/// The splits that are asked for and that the data set has.
fn splits_of(dataset: &Dataset, asked: &BTreeSet<Split>) -> Result<Vec<Split>, ExportError> {
    let found = asked.iter().copied();
    let found: Vec<Split> = found
        .filter(|&split| !dataset.samples(split).is_empty())
        .collect();
    match found.is_empty() {
        true => Err(ExportError::NoSequences(dataset.name.clone())),
        false => Ok(found),
    }
}

/// A source that has been read.
struct Opened {
    task: TaskConfig,
    seed: u64,
    card: Option<ModelCard>,
    model: ModelSource,
}

/// Where a model comes from.
#[derive(Default)]
enum ModelSource {
    #[default]
    None,
    /// Its file.
    Saved(Box<ModelFile>),
    /// It is trained with a seed.
    Trained(Box<Experiment>, u64),
}

impl Opened {
    fn open(source: &ExportSource) -> Result<Self, ExportError> {
        match source {
            ExportSource::Task { task, seed } => Ok(Self {
                task: (**task).clone(),
                seed: *seed,
                card: None,
                model: ModelSource::None,
            }),
            ExportSource::Experiment { experiment, seed } => Ok(Self {
                task: experiment.config.task.clone(),
                seed: *seed,
                card: None,
                model: ModelSource::Trained(experiment.clone(), *seed),
            }),
            ExportSource::Model { path, settings } => {
                let file = ModelFile::open(path)?;
                Ok(Self {
                    task: own_task(&file.card, path, settings)?,
                    seed: file.card.seed,
                    card: Some(file.card.clone()),
                    model: ModelSource::Saved(Box::new(file)),
                })
            }
        }
    }

    /// The data set as a model sees it.
    fn load(&self, source: &ExportSource) -> Result<Dataset, ExportError> {
        match (source, &self.card) {
            (ExportSource::Model { path, settings }, Some(card)) => {
                Ok(load(card, path, None, settings)?)
            }
            _ => Ok(self.task.load(self.seed)?),
        }
    }
}

struct Exporting<'a> {
    model: ModelSource,
    dataset: &'a Dataset,
    splits: Vec<Split>,
    what: &'a BTreeSet<Exported>,
    writer: &'a mut NpzWriter,
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(&str),
}

impl Work for Exporting<'_> {
    type Output = Result<(), ExportError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model: Model<B> = match self.model {
            ModelSource::None => return Ok(()),
            ModelSource::Saved(file) => file.model(device)?,
            ModelSource::Trained(experiment, seed) => {
                let name = &experiment.name;
                (self.tell)(&format!("training {name} with seed {seed} first"));
                let session = Session {
                    stop: Some(self.stop),
                    task: Some(&experiment.config.task),
                    ..Session::default()
                };
                let config = experiment.config.model();
                let trained = train_in::<B>(&config, self.dataset, seed, device, session);
                // A training by gradient that is stopped has a model, too.
                check(self.stop)?;
                let failed = |source| ExportError::Learning {
                    origin: experiment.origin_of(&source),
                    source,
                };
                trained.map_err(failed)?.model
            }
        };
        let mut exporter = arrays::Exporter {
            model: &model,
            device,
            writer: self.writer,
            stop: self.stop,
        };
        exporter.description()?;
        for split in self.splits {
            let samples = self.dataset.samples(split);
            if self.what.contains(&Exported::States) {
                exporter.states(split, samples)?;
            }
            if self.what.contains(&Exported::Attention) {
                exporter.attention(split, samples)?;
            }
            let wanted = [Exported::Features, Exported::Predictions];
            let [features, predictions] = wanted.map(|one| self.what.contains(&one));
            if features || predictions {
                exporter.scored(split, samples, features, predictions)?;
            }
        }
        if self.what.contains(&Exported::Weights) {
            exporter.weights()?;
        }
        Ok(())
    }
}

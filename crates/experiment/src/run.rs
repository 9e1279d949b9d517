//! Running an experiment: for each seed, load the task, train, judge, and write down what came of it.

use std::time::Instant;

use ran_learning::{Event, LearningError, Report, describe, train};
use ran_tasks::{Dataset, TaskError};

use crate::backend::{ScanBackend, Work, compute};
use crate::{
    BackendError, BackendKind, Experiment, FolderError, Place, Record, RunFolder, Seeds, Summary,
};

/// How an experiment is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// What computes it.
    pub backend: BackendKind,
    /// The seeds, one run each.
    pub seeds: Seeds,
    /// Where the files go.
    pub place: Place,
}

/// What happens during a run, for whoever shows it.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// The run's files go to this folder.
    Folder(&'a std::path::Path),
    /// A seed begins.
    Seed(u64),
    /// Something happens in the training of the seed.
    Learning(Event),
    /// A seed is done; the line is its record in JSON.
    Record(&'a Record, &'a str),
}

/// Why a run ends early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The task cannot be loaded.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The model does not fit the task, or cannot be trained.
    #[error("{origin}: {source}")]
    Learning {
        /// Where the configuration was read.
        origin: String,
        /// What is wrong.
        source: LearningError,
    },
    /// The files cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A record cannot be shown.
    #[error("the records cannot be written out: {0}")]
    Output(#[from] std::io::Error),
}

/// Runs an experiment over its seeds and sums the records up.
///
/// The folder holds every finished seed's record at any time, the configuration, and the first seed's model.
///
/// # Errors
///
/// At the first seed that fails; the records of those before it stay.
pub fn run(
    experiment: &Experiment,
    options: &RunOptions,
    observe: &mut dyn FnMut(Notice<'_>) -> std::io::Result<()>,
) -> Result<Summary, RunError> {
    let mut folder: Option<RunFolder> = None;
    let mut records = Vec::new();
    for seed in options.seeds.iter() {
        observe(Notice::Seed(seed))?;
        let start = Instant::now();
        let dataset = experiment.config.task.load(seed)?;
        let first = folder.is_none();
        let folder = match &mut folder {
            Some(folder) => folder,
            // Whatever is wrong with the model or the data should be known before anything is written.
            none => {
                check(experiment, &dataset, options.backend, seed)?;
                let opened = open(experiment, options)?;
                observe(Notice::Folder(opened.path()))?;
                none.insert(opened)
            }
        };
        let job = Training {
            experiment,
            dataset: &dataset,
            seed,
            save: first,
            // A progress bar that cannot be drawn is no reason to stop.
            observe: &mut |event| drop(observe(Notice::Learning(event))),
        };
        let (report, model) =
            compute(options.backend, job)?.map_err(|source| wrong_model(experiment, source))?;
        let seconds = start.elapsed().as_secs_f64();
        let record = record(experiment, options.backend, &dataset, seed, report, seconds);
        let line = serde_json::to_string(&record).map_err(std::io::Error::from)?;
        if let Some(model) = model {
            folder.write_model(&model)?;
        }
        folder.add_record(&line)?;
        observe(Notice::Record(&record, &line))?;
        records.push(record);
    }
    Ok(Summary::of(&records).expect("there is at least one seed"))
}

/// Draws the model without training it, which finds what does not fit.
fn check(
    experiment: &Experiment,
    dataset: &Dataset,
    backend: BackendKind,
    seed: u64,
) -> Result<(), RunError> {
    let job = Describing {
        experiment,
        dataset,
        seed,
    };
    let outcome = compute(backend, job)?;
    outcome.map_err(|source| wrong_model(experiment, source))?;
    Ok(())
}

/// Opens the folder and writes the configuration, with how it is run as a comment.
fn open(experiment: &Experiment, options: &RunOptions) -> Result<RunFolder, FolderError> {
    let config =
        toml::to_string(&experiment.config).expect("a configuration that was read is TOML");
    let text = format!(
        "# {}: seeds {}, backend {}, version {}\n\n{config}",
        experiment.name,
        options.seeds,
        options.backend,
        env!("CARGO_PKG_VERSION")
    );
    let mut folder = options.place.open(&experiment.name, &text)?;
    folder.write_config(&text)?;
    Ok(folder)
}

fn record(
    experiment: &Experiment,
    backend: BackendKind,
    dataset: &Dataset,
    seed: u64,
    report: Report,
    seconds: f64,
) -> Record {
    Record {
        experiment: experiment.name.clone(),
        task: experiment.config.task.name().into(),
        backend: backend.name(),
        seed,
        regime: experiment.config.learning.regime.name().into(),
        metric: dataset.metric_name(),
        train: report.train,
        valid: report.valid,
        test: report.test,
        trained_parameters: report.trained_parameters,
        fixed_parameters: report.fixed_parameters,
        ridge: report.ridge,
        warnings: report.warnings,
        // Milliseconds are as fine as a reader needs.
        seconds: (seconds * 1e3).round() / 1e3,
        version: env!("CARGO_PKG_VERSION"),
        config: experiment.config.clone(),
    }
}

pub(crate) fn wrong_model(experiment: &Experiment, source: LearningError) -> RunError {
    let origin = experiment.origin.clone();
    RunError::Learning { origin, source }
}

struct Describing<'a> {
    experiment: &'a Experiment,
    dataset: &'a Dataset,
    seed: u64,
}

impl Work for Describing<'_> {
    type Output = Result<ran_learning::Description, LearningError>;

    fn on<B: ScanBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.experiment.config.model();
        let (d_input, d_output) = (self.dataset.d_input, self.dataset.d_output);
        describe::<B>(&model, d_input, d_output, self.seed, device)
    }
}

struct Training<'a> {
    experiment: &'a Experiment,
    dataset: &'a Dataset,
    seed: u64,
    save: bool,
    observe: &'a mut dyn FnMut(Event),
}

impl Work for Training<'_> {
    /// What was found, and the model's bytes where they were asked for.
    type Output = Result<(Report, Option<Vec<u8>>), LearningError>;

    fn on<B: ScanBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.experiment.config.model();
        let trained = train::<B>(&model, self.dataset, self.seed, device, self.observe)?;
        let bytes = self.save.then(|| trained.model.to_bytes()).transpose()?;
        Ok((trained.report, bytes))
    }
}

/// The shapes, parameters and cost of an experiment's model, on the data of a seed.
///
/// # Errors
///
/// When the task cannot be loaded, or the model does not fit it.
pub fn describe_experiment(
    experiment: &Experiment,
    seed: u64,
) -> Result<ran_learning::Description, RunError> {
    let dataset = experiment.config.task.load(seed)?;
    let job = Describing {
        experiment,
        dataset: &dataset,
        seed,
    };
    let outcome = compute(BackendKind::default(), job)?;
    outcome.map_err(|source| wrong_model(experiment, source))
}

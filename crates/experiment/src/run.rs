//! Running an experiment: the seeds, one after another, from the start or from where a run was stopped.
//!
//! A run that begins is one that goes on from no records.

mod seed;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use ran_learning::{Event, LearningError, check_training};
use ran_tasks::{Dataset, TaskError};

use crate::backend::compute;
use crate::folder::{RunFile, RunFolder};
use crate::resume::{ResumeError, Run};
use crate::state::{FailedSeed, RunState};
use crate::work::Describing;
use crate::{BackendError, BackendKind, Experiment, FolderError, Record, RunOptions, Summary};
use seed::SeedRun;

/// What happens during a run, to be shown.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// The run's files go to this folder.
    Folder(&'a Path),
    /// A warning about the whole run; the records of the seeds that it concerns have it among their warnings.
    Warning(&'a str),
    /// A seed begins.
    Seed {
        /// The seed.
        seed: u64,
        /// How many seeds of the run are before it.
        before: usize,
        /// How many the run has.
        of: usize,
    },
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
    /// The training diverged after its first epoch, and left what it had.
    #[error("{origin}, seed {seed}: {source} in {}", folder.display())]
    Diverged {
        /// Where the configuration was read.
        origin: String,
        /// The seed.
        seed: u64,
        /// What happened.
        source: Box<LearningError>,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The run was stopped before there was anything to keep.
    #[error("stopped before there was anything to keep")]
    Stopped,
    /// The run cannot be taken up again.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The files cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A record cannot be shown.
    #[error("the records cannot be written out: {0}")]
    Output(#[from] std::io::Error),
}

/// Is told what happens during a run.
pub type Observe<'a> = dyn FnMut(Notice<'_>) -> std::io::Result<()> + 'a;

/// Runs an experiment over its seeds and sums the records up.
///
/// The folder holds every finished seed's record at any time, the configuration, and the first seed's model; while a
/// seed is trained by gradient, also its history and a checkpoint after each epoch. When `stop` becomes true, the run
/// ends after the current gradient step with what it has, and [`resume`] goes on with it.
///
/// # Errors
///
/// At the first seed that fails; the records of those before it stay. If another run is writing into the folder.
pub fn run(
    experiment: &Experiment,
    options: &RunOptions,
    stop: &AtomicBool,
    observe: &mut Observe<'_>,
) -> Result<Summary, RunError> {
    Run::new(experiment, options).go_on(stop, observe)
}

/// Goes on with a run that was stopped or killed, from its last checkpoint, to the same numbers as without the break.
///
/// # Errors
///
/// As [`run`], and if the folder is not that of a run, its run is complete, or its configuration is not the one that its
/// records were made with.
pub fn resume(
    folder: &Path,
    stop: &AtomicBool,
    observe: &mut Observe<'_>,
) -> Result<Summary, RunError> {
    let run = Run::taken_up(folder)?;
    run.announce(observe)?;
    let of = run.options.seeds.count() as usize;
    for (before, record) in run.records.iter().enumerate() {
        let line = serde_json::to_string(record).map_err(std::io::Error::from)?;
        let seed = record.seed;
        observe(Notice::Seed { seed, before, of })?;
        observe(Notice::Record(record, &line))?;
    }
    run.go_on(stop, observe)
}

impl Run {
    /// Runs the seeds that are left.
    fn go_on(mut self, stop: &AtomicBool, observe: &mut Observe<'_>) -> Result<Summary, RunError> {
        let seeds = self.options.seeds.clone();
        let of = seeds.count() as usize;
        for (before, seed) in seeds.iter().enumerate().skip(self.records.len()) {
            observe(Notice::Seed { seed, before, of })?;
            let done = self.seed(seed, stop, observe);
            if let Err(error) = &done {
                self.note(seed, error);
            }
            if !done? {
                break;
            }
        }
        Summary::of(&self.records, of).ok_or(RunError::Stopped)
    }

    /// Runs a seed. False if it was stopped.
    fn seed(
        &mut self,
        seed: u64,
        stop: &AtomicBool,
        observe: &mut Observe<'_>,
    ) -> Result<bool, RunError> {
        let start = Instant::now();
        let dataset = self.experiment.config.task.load(seed)?;
        if self.folder.is_none() {
            // Whatever is wrong with the model or the data should be known before anything is written.
            check(&self.experiment, &dataset, self.options.backend, seed)?;
            self.folder = Some(open(&self.experiment, &self.options)?);
            self.announce(observe)?;
        }
        let work = SeedRun {
            experiment: &self.experiment,
            options: &self.options,
            dataset: &dataset,
            seed,
            start,
            checkpoint: self.checkpoint.take(),
        };
        let folder = self.folder.as_mut().expect("it was opened above");
        work.run(folder, &mut self.records, stop, observe)
    }

    /// Tells where the files go, and warns of seeds that chose the configuration.
    fn announce(&self, observe: &mut Observe<'_>) -> std::io::Result<()> {
        if let Some(folder) = &self.folder {
            observe(Notice::Folder(folder.path()))?;
        }
        let chosen = self.experiment.config.chosen.as_ref();
        match chosen.filter(|chosen| chosen.seeds.overlaps(&self.options.seeds)) {
            Some(chosen) => observe(Notice::Warning(&chosen.warning())),
            None => Ok(()),
        }
    }

    /// Writes down in the folder why the run ends, for `collect`.
    fn note(&mut self, seed: u64, error: &RunError) {
        let is_the_seeds = !matches!(error, RunError::Folder(_) | RunError::Output(_));
        if let Some(folder) = self.folder.as_mut().filter(|_| is_the_seeds) {
            let problem = error.to_string();
            let state = RunState {
                failed: Some(FailedSeed { seed, problem }),
                ..RunState::of(&self.experiment, &self.options)
            };
            // The error itself is on its way to the user.
            let _ = folder.put(RunFile::Run, state.to_json().as_bytes());
        }
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

/// Draws the model without training it, which finds what does not fit.
fn check(
    experiment: &Experiment,
    dataset: &Dataset,
    backend: BackendKind,
    seed: u64,
) -> Result<(), RunError> {
    check_training(&experiment.config.model(), dataset)
        .map_err(|source| wrong_model(experiment, source))?;
    let job = Describing {
        experiment,
        dataset,
        seed,
    };
    let outcome = compute(backend, job)?;
    outcome.map_err(|source| wrong_model(experiment, source))?;
    let plan = experiment.config.evaluation.plan(dataset);
    plan.map_err(|source| wrong_model(experiment, source))?;
    Ok(())
}

/// Opens the folder and writes how the run is started, then its configuration.
fn open(experiment: &Experiment, options: &RunOptions) -> Result<RunFolder, FolderError> {
    let state = RunState::of(experiment, options);
    let mut folder = options.place.open(&experiment.name, &state.configuration)?;
    folder.put(RunFile::Run, state.to_json().as_bytes())?;
    folder.put(RunFile::Config, state.configuration.as_bytes())?;
    Ok(folder)
}

pub(crate) fn wrong_model(experiment: &Experiment, source: LearningError) -> RunError {
    let origin = experiment.origin_of(&source);
    RunError::Learning { origin, source }
}

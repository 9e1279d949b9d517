//! Running an experiment: the seeds, one after another, from the start or from where a run was stopped.

mod seed;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use ran_learning::{Event, LearningError, check_training};
use ran_tasks::{Dataset, TaskError};

use crate::backend::compute;
use crate::resume::{ResumeError, Resumed, RunState};
use crate::work::Describing;
use crate::{
    BackendError, BackendKind, Experiment, FolderError, Place, Record, RunFolder, Seeds, Summary,
};
use seed::SeedRun;

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
    Folder(&'a Path),
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
/// At the first seed that fails; the records of those before it stay.
pub fn run(
    experiment: &Experiment,
    options: &RunOptions,
    stop: &AtomicBool,
    observe: &mut Observe<'_>,
) -> Result<Summary, RunError> {
    let mut folder: Option<RunFolder> = None;
    let mut records = Vec::new();
    let of = options.seeds.count() as usize;
    for (before, seed) in options.seeds.iter().enumerate() {
        observe(Notice::Seed { seed, before, of })?;
        let start = Instant::now();
        let dataset = experiment.config.task.load(seed)?;
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
        let seed = SeedRun {
            experiment,
            backend: options.backend,
            dataset: &dataset,
            seed,
            start,
            checkpoint: None,
        };
        if !seed.run(folder, &mut records, stop, observe)? {
            break;
        }
    }
    Summary::of(&records, of).ok_or(RunError::Stopped)
}

/// Goes on with a run that was stopped or killed, from its last checkpoint, to the same numbers as without the break.
///
/// # Errors
///
/// As [`run`], and if the folder is not that of a run, or its run is complete.
pub fn resume(
    folder: &Path,
    stop: &AtomicBool,
    observe: &mut Observe<'_>,
) -> Result<Summary, RunError> {
    let Resumed {
        experiment,
        backend,
        seeds,
        mut folder,
        mut records,
        mut checkpoint,
    } = Resumed::open(folder)?;
    observe(Notice::Folder(folder.path()))?;
    let of = seeds.count() as usize;
    for (before, record) in records.iter().enumerate() {
        let line = serde_json::to_string(record).map_err(std::io::Error::from)?;
        let seed = record.seed;
        observe(Notice::Seed { seed, before, of })?;
        observe(Notice::Record(record, &line))?;
    }
    for (before, seed) in seeds.iter().enumerate().skip(records.len()) {
        observe(Notice::Seed { seed, before, of })?;
        let start = Instant::now();
        let dataset = experiment.config.task.load(seed)?;
        let seed = SeedRun {
            experiment: &experiment,
            backend,
            dataset: &dataset,
            seed,
            start,
            checkpoint: checkpoint.take(),
        };
        if !seed.run(&mut folder, &mut records, stop, observe)? {
            break;
        }
    }
    Summary::of(&records, of).ok_or(RunError::Stopped)
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
    check_training(dataset).map_err(|source| wrong_model(experiment, source))?;
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
    folder.write_run(&RunState::of(experiment, options).to_json())?;
    Ok(folder)
}

fn wrong_model(experiment: &Experiment, source: LearningError) -> RunError {
    let origin = experiment.origin.clone();
    RunError::Learning { origin, source }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    /// A run of two seeds that is stopped while one of them is judged, as by Ctrl-C, and its folder.
    fn stopped_while_judging(which: u64) -> (Summary, tempfile::TempDir) {
        let settings = ["reservoir.population.0.units=4", "reservoir.input_copies=1"];
        let settings = settings.map(|text| text.parse().unwrap());
        let experiment = Experiment::open(None, &settings).unwrap();
        let place = tempfile::tempdir().unwrap();
        let options = RunOptions {
            seeds: "0..2".parse().unwrap(),
            place: Place::Named(place.path().into()),
            ..RunOptions::default()
        };
        let stop = AtomicBool::new(false);
        let mut now = 0;
        let mut observe = |notice: Notice<'_>| {
            match notice {
                Notice::Seed { seed, .. } => now = seed,
                Notice::Learning(Event::Judging) if now == which => {
                    stop.store(true, Ordering::Relaxed);
                }
                _ => {}
            }
            Ok(())
        };
        let summary = run(&experiment, &options, &stop, &mut observe).unwrap();
        (summary, place)
    }

    #[test]
    fn a_run_that_is_stopped_when_its_last_seed_is_judged_is_complete() {
        let (summary, place) = stopped_while_judging(1);
        assert!(!summary.interrupted);
        assert_eq!(summary.seeds, [0, 1]);
        let again = resume(place.path(), &AtomicBool::new(false), &mut |_| Ok(()));
        let complete = matches!(again, Err(RunError::Resume(ResumeError::Complete { .. })));
        assert!(complete, "{again:?}");
    }

    #[test]
    fn a_run_that_is_stopped_when_another_seed_is_judged_goes_on_with_the_next() {
        let (summary, place) = stopped_while_judging(0);
        assert!(summary.interrupted);
        assert_eq!(summary.seeds, [0]);
        let again = resume(place.path(), &AtomicBool::new(false), &mut |_| Ok(()));
        let summary = again.unwrap();
        assert!(!summary.interrupted);
        assert_eq!(summary.seeds, [0, 1]);
    }
}

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
use crate::resume::{ResumeError, Run};
use crate::state::{FailedSeed, RunState};
use crate::work::Describing;
use crate::{
    BackendError, BackendKind, Experiment, FolderError, Record, RunFolder, RunOptions, Summary,
};
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
            let _ = folder.write_run(&state.to_json());
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
    let origin = experiment.origin_of(&source);
    RunError::Learning { origin, source }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::Place;

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

    #[test]
    fn a_run_that_was_killed_between_a_record_and_its_checkpoints_end_goes_on_with_the_next_seed() {
        let settings = [
            "reservoir.population.0.units=2",
            "reservoir.population.0.d_unit=8",
            "reservoir.input_copies=1",
            "learning.regime=full",
            "learning.epochs=2",
        ];
        let settings = settings.map(|text| text.parse().unwrap());
        let experiment = Experiment::open(None, &settings).unwrap();
        let place = tempfile::tempdir().unwrap();
        let options = RunOptions {
            seeds: "0..2".parse().unwrap(),
            place: Place::Named(place.path().into()),
            ..RunOptions::default()
        };
        let checkpoint = place.path().join("checkpoint.safetensors");
        let mut last = None;
        let mut observe = |notice: Notice<'_>| {
            if let (Notice::Learning(Event::Judging), None) = (notice, &last) {
                last = Some(std::fs::read(&checkpoint).unwrap());
            }
            Ok(())
        };
        let stop = AtomicBool::new(false);
        let whole = run(&experiment, &options, &stop, &mut observe).unwrap();
        let records = place.path().join("records.jsonl");
        let text = std::fs::read_to_string(&records).unwrap();
        let first = text.split_inclusive('\n').next().unwrap();
        std::fs::write(&records, first).unwrap();
        std::fs::write(&checkpoint, last.unwrap()).unwrap();
        let summary = resume(place.path(), &stop, &mut |_| Ok(())).unwrap();
        assert_eq!((summary.mean, summary.seeds), (whole.mean, whole.seeds));
        assert!(!checkpoint.exists());
    }

    #[test]
    fn a_seed_that_fails_is_written_down_until_the_run_goes_on() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data.csv");
        let rows = |steps: usize| {
            (0..steps)
                .map(|step| format!("{}\n", step % 5))
                .collect::<String>()
        };
        std::fs::write(&data, rows(40)).unwrap();
        let settings = [
            "reservoir.population.0.units=2".into(),
            "reservoir.population.0.d_unit=8".into(),
            "task.name=files".into(),
            "task.horizon=1".into(),
            format!("task.data={}", data.display()),
        ];
        let settings = settings.map(|text: String| text.parse().unwrap());
        let experiment = Experiment::open(None, &settings).unwrap();
        let folder = place.path().join("run");
        let options = RunOptions {
            seeds: "0..3".parse().unwrap(),
            place: Place::Named(folder.clone()),
            ..RunOptions::default()
        };
        let stop = AtomicBool::new(false);
        let mut observe = |notice: Notice<'_>| match notice {
            Notice::Record(..) => std::fs::remove_file(&data),
            _ => Ok(()),
        };
        let failed = run(&experiment, &options, &stop, &mut observe).unwrap_err();
        let group = crate::collect(std::slice::from_ref(&folder))
            .unwrap()
            .groups
            .remove(0);
        assert_eq!(group.missing.to_string(), "1..3");
        assert_eq!(group.failed.len(), 1);
        assert_eq!(
            (group.failed[0].seed, &group.failed[0].problem),
            (1, &failed.to_string())
        );

        std::fs::write(&data, rows(40)).unwrap();
        let summary = resume(&folder, &stop, &mut |_| Ok(())).unwrap();
        assert_eq!(summary.seeds, [0, 1, 2]);
        let group = crate::collect(std::slice::from_ref(&folder))
            .unwrap()
            .groups
            .remove(0);
        assert!(group.missing.is_empty() && group.failed.is_empty());
        let state = std::fs::read_to_string(folder.join("run.json")).unwrap();
        assert!(!state.contains("failed"), "{state}");
    }
}

//! A run as far as it has come: one that begins, or one that is taken up again from its folder.

use std::path::{Path, PathBuf};

use ran_learning::{Difference, Reached};
use serde::Deserialize;

use crate::folder::{RunFile, RunFolder};
use crate::state::RunState;
use crate::{
    BackendError, Experiment, ExperimentError, FolderError, Place, Record, RunOptions, Unread,
};

/// Why a run cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The folder lacks a file that every run has.
    #[error("{folder} is not the folder of a run: it has no {file}", folder = folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
        /// The file.
        file: &'static str,
    },
    /// The run was killed before it had said how it was started.
    #[error("no run has begun in {folder} yet: a new one may, with --out {folder}", folder = folder.display())]
    Unbegun {
        /// The folder.
        folder: PathBuf,
    },
    /// The configuration was changed since the records were made.
    #[error(
        "{path} is not what the run was begun with: its {key} is {first}, that of the record of seed {seed} is {second}",
        path = path.display(), key = found.key, first = found.first(), second = found.second()
    )]
    OtherConfiguration {
        /// The file of the configuration.
        path: PathBuf,
        /// The seed of the first record that has another one.
        seed: u64,
        /// The first key that differs, in the file and in the record.
        found: Box<Difference>,
    },
    /// A file of the run is there and cannot be read.
    #[error(transparent)]
    Read(#[from] Unread),
    /// A file of the run cannot be understood.
    #[error("{path} is damaged: {problem}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There is nothing left to do.
    #[error("the run in {folder} is complete: there is nothing to go on with", folder = folder.display())]
    Complete {
        /// The folder.
        folder: PathBuf,
    },
    /// The run was made by another version.
    #[error("the run in {folder} is of version {version:?}, this program goes on with those of {own:?}", folder = folder.display())]
    Version {
        /// The folder.
        folder: PathBuf,
        /// The version that made it.
        version: String,
        /// This program's.
        own: &'static str,
    },
    /// Its configuration cannot be read.
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    /// Its files cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// A run, as far as it has come.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) experiment: Experiment,
    pub(crate) options: RunOptions,
    /// None until it is known that the model fits the data.
    pub(crate) folder: Option<RunFolder>,
    /// The records of the seeds that are done: the first ones.
    pub(crate) records: Vec<Record>,
    /// The last checkpoint of the seed after them.
    pub(crate) checkpoint: Option<Vec<u8>>,
}

impl Run {
    /// One that begins.
    pub(crate) fn new(experiment: &Experiment, options: &RunOptions) -> Self {
        Self {
            experiment: experiment.clone(),
            options: options.clone(),
            folder: None,
            records: Vec::new(),
            checkpoint: None,
        }
    }

    /// One as it was left, with the folder locked for who goes on with it.
    pub(crate) fn taken_up(path: &Path) -> Result<Self, ResumeError> {
        let state = text(path, RunFile::Run)?.ok_or_else(|| match RunFolder::is_unbegun(path) {
            true => ResumeError::Unbegun {
                folder: path.into(),
            },
            false => lacks(path, RunFile::Run),
        })?;
        let state: RunState = serde_json::from_str(&state)
            .map_err(|error| damaged(path, RunFile::Run, error.to_string()))?;
        let own = env!("CARGO_PKG_VERSION");
        if state.version != own {
            return Err(ResumeError::Version {
                folder: path.into(),
                version: state.version,
                own,
            });
        }
        let mut folder = RunFolder::go_on(path)?;

        let config = text(path, RunFile::Config)?;
        let origin = match &config {
            Some(_) => path.join(RunFile::Config.name()),
            None => path.join(RunFile::Run.name()),
        };
        let written = config.is_some();
        let config = state.configuration(config);
        let config = config.ok_or_else(|| lacks(path, RunFile::Config))?;
        let experiment =
            Experiment::parse(&state.experiment, &origin.to_string_lossy(), &config, &[])?;
        let backend = state.backend.parse();
        let backend = backend
            .map_err(|error: BackendError| damaged(path, RunFile::Run, error.to_string()))?;
        let options = RunOptions {
            backend,
            seeds: state.seeds.clone(),
            place: Place::Named(path.into()),
            without_model: state.without_model,
            without_pictures: state.without_pictures,
        };

        let records = records(path)?;
        let own_keys = experiment.config.keys();
        for record in &records {
            if let Some(found) = Difference::of(&own_keys, &record.config.keys()) {
                return Err(ResumeError::OtherConfiguration {
                    path: origin,
                    seed: record.seed,
                    found: Box::new(found),
                });
            }
        }
        if !written {
            folder.put(RunFile::Config, config.as_bytes())?;
        }
        let Some(next) = options.seeds.iter().nth(records.len()) else {
            folder.remove(RunFile::Checkpoint)?;
            return Err(ResumeError::Complete {
                folder: path.into(),
            });
        };
        let (checkpoint, done) = checkpoint(path, next)?;
        let history = text(path, RunFile::History)?.unwrap_or_default();
        let kept = history
            .lines()
            .filter(|line| happened_before(line, next, done));
        folder.take_over(RunFile::History, lines(kept.map(ToOwned::to_owned)));
        let kept = records.iter().map(serde_json::to_string);
        let kept = kept.map(|record| record.expect("a record that was read is JSON"));
        folder.take_over(RunFile::Records, lines(kept));
        if state.failed.is_some() {
            let state = RunState {
                failed: None,
                ..state
            };
            folder.put(RunFile::Run, state.to_json().as_bytes())?;
        }
        Ok(Self {
            experiment,
            options,
            folder: Some(folder),
            records,
            checkpoint,
        })
    }
}

/// The records of the seeds that are done.
fn records(path: &Path) -> Result<Vec<Record>, ResumeError> {
    let records = text(path, RunFile::Records)?.unwrap_or_default();
    let records: Result<Vec<Record>, _> = records.lines().map(serde_json::from_str).collect();
    let mut records =
        records.map_err(|error| damaged(path, RunFile::Records, error.to_string()))?;
    records.retain(|record| !record.report.interrupted);
    Ok(records)
}

/// The checkpoint of a seed, and its number of epochs; none where the checkpoint is of an earlier seed.
fn checkpoint(path: &Path, seed: u64) -> Result<(Option<Vec<u8>>, usize), ResumeError> {
    let Some(bytes) = read(path, RunFile::Checkpoint)? else {
        return Ok((None, 0));
    };
    let reached = Reached::of_checkpoint(&bytes)
        .map_err(|error| damaged(path, RunFile::Checkpoint, error.to_string()))?;
    match reached.seed < seed {
        true => Ok((None, 0)),
        false => Ok((Some(bytes), reached.epochs)),
    }
}

fn lacks(folder: &Path, file: RunFile) -> ResumeError {
    ResumeError::NoRun {
        folder: folder.into(),
        file: file.name(),
    }
}

/// A file's text, with nothing for one that is not there.
fn text(folder: &Path, file: RunFile) -> Result<Option<String>, ResumeError> {
    let text = read(folder, file)?.map(String::from_utf8).transpose();
    text.map_err(|error| damaged(folder, file, error.to_string()))
}

/// A file's bytes, with nothing for one that is not there.
fn read(folder: &Path, file: RunFile) -> Result<Option<Vec<u8>>, ResumeError> {
    let read = file.read(folder);
    Ok(read.map_err(Unread::at(folder.join(file.name())))?)
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

/// Whether a line of the history is about an earlier seed, or an epoch of this one that the checkpoint knows of.
fn happened_before(line: &str, seed: u64, epoch: usize) -> bool {
    #[derive(Deserialize)]
    struct Place {
        seed: u64,
        epoch: usize,
    }
    let place = serde_json::from_str::<Place>(line);
    place.is_ok_and(|place| place.seed < seed || place.seed == seed && place.epoch <= epoch)
}

fn damaged(folder: &Path, file: RunFile, problem: String) -> ResumeError {
    ResumeError::Damaged {
        path: folder.join(file.name()),
        problem,
    }
}

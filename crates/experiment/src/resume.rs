//! Taking a run up again from its folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::RunFile;
use crate::{
    BackendError, BackendKind, Experiment, ExperimentError, FolderError, Record, RunFolder,
    RunOptions, Seeds, SeedsError,
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
    /// A file of the run is there and cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
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

/// How a run was started: the file `run.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunState {
    experiment: String,
    origin: String,
    seeds: String,
    backend: String,
    version: String,
}

impl RunState {
    pub(crate) fn of(experiment: &Experiment, options: &RunOptions) -> Self {
        Self {
            experiment: experiment.name.clone(),
            origin: experiment.origin.clone(),
            seeds: options.seeds.to_string(),
            backend: options.backend.to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("a run's state is plain text") + "\n"
    }
}

/// A run as it was left.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) experiment: Experiment,
    pub(crate) backend: BackendKind,
    pub(crate) seeds: Seeds,
    pub(crate) folder: RunFolder,
    /// The records of the seeds that are done: the first ones.
    pub(crate) records: Vec<Record>,
    /// The last checkpoint of the seed after them.
    pub(crate) checkpoint: Option<Vec<u8>>,
}

impl Resumed {
    pub(crate) fn open(path: &Path) -> Result<Self, ResumeError> {
        let text = |file: RunFile| -> Result<Option<String>, ResumeError> {
            let Some(bytes) = read(path, file)? else {
                return Ok(None);
            };
            let text = String::from_utf8(bytes);
            Ok(Some(
                text.map_err(|error| damaged(path, file, error.to_string()))?,
            ))
        };
        let needed = |file: RunFile| {
            text(file)?.ok_or(ResumeError::NoRun {
                folder: path.into(),
                file: file.name(),
            })
        };
        let state: RunState = serde_json::from_str(&needed(RunFile::Run)?)
            .map_err(|error| damaged(path, RunFile::Run, error.to_string()))?;
        let own = env!("CARGO_PKG_VERSION");
        if state.version != own {
            return Err(ResumeError::Version {
                folder: path.into(),
                version: state.version,
                own,
            });
        }
        let config = needed(RunFile::Config)?;
        let origin = path.join(RunFile::Config.name());
        let experiment =
            Experiment::parse(&state.experiment, &origin.to_string_lossy(), &config, &[])?;
        let wrong = |problem: String| damaged(path, RunFile::Run, problem);
        let backend = state.backend.parse();
        let backend = backend.map_err(|error: BackendError| wrong(error.to_string()))?;
        let seeds: Result<Seeds, SeedsError> = state.seeds.parse();
        let seeds = seeds.map_err(|error| wrong(error.to_string()))?;

        let records = text(RunFile::Records)?.unwrap_or_default();
        let records = records.lines().map(serde_json::from_str);
        let records: Result<Vec<Record>, _> = records.collect();
        let mut records =
            records.map_err(|error| damaged(path, RunFile::Records, error.to_string()))?;
        records.retain(|record| !record.interrupted);
        let Some(next) = seeds.iter().nth(records.len()) else {
            return Err(ResumeError::Complete {
                folder: path.into(),
            });
        };
        let checkpoint = read(path, RunFile::Checkpoint)?;
        let done = match &checkpoint {
            Some(bytes) => ran_learning::epochs_of_checkpoint(bytes)
                .map_err(|error| damaged(path, RunFile::Checkpoint, error.to_string()))?,
            None => 0,
        };
        let history = text(RunFile::History)?.unwrap_or_default();
        let kept = history
            .lines()
            .filter(|line| happened_before(line, next, done));

        let mut folder = RunFolder::go_on(path)?;
        folder.take_over(
            &lines(records.iter().map(|record| {
                serde_json::to_string(record).expect("a record that was read is JSON")
            })),
            &lines(kept.map(ToOwned::to_owned)),
        );
        Ok(Self {
            experiment,
            backend,
            seeds,
            folder,
            records,
            checkpoint,
        })
    }
}

/// A file's bytes, with nothing for one that is not there.
fn read(folder: &Path, file: RunFile) -> Result<Option<Vec<u8>>, ResumeError> {
    let path = folder.join(file.name());
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ResumeError::Read { path, source }),
    }
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

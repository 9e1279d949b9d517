//! The folders of runs, and what they hold for a collection.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CollectError, keys};
use crate::folder::RunFile;
use crate::state::RunState;
use crate::{Experiment, FailedSeed, Record, Seeds};

/// The folders of runs that a path stands for: itself, or those in it, by name, numbers as numbers.
pub(super) fn run_folders(path: &Path) -> Result<Vec<PathBuf>, CollectError> {
    if is_run(path) {
        return Ok(vec![path.into()]);
    }
    let unread = |source| CollectError::Read {
        path: path.into(),
        source,
    };
    let entries = fs::read_dir(path).map_err(unread)?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let folders = entries.map_err(unread)?.into_iter();
    let mut folders: Vec<_> = folders.map(|entry| entry.path()).collect();
    folders.retain(|folder| is_run(folder));
    folders.sort_by(|one, other| natord::compare(&one.to_string_lossy(), &other.to_string_lossy()));
    match folders.is_empty() {
        true => Err(CollectError::NoRun {
            folder: path.into(),
        }),
        false => Ok(folders),
    }
}

fn is_run(folder: &Path) -> bool {
    let files = [RunFile::Records, RunFile::Run];
    files.iter().any(|file| folder.join(file.name()).is_file())
}

/// What a run's folder holds.
pub(super) struct RunRecords {
    pub(super) records: Vec<Record>,
    /// What the run was asked for, where the folder says so.
    pub(super) plan: Option<Plan>,
}

/// What a run was asked for.
pub(super) struct Plan {
    /// The experiment, its configuration and the backend, by key.
    pub(super) keys: BTreeMap<String, Value>,
    pub(super) seeds: Seeds,
    pub(super) failed: Option<FailedSeed>,
}

impl RunRecords {
    pub(super) fn read(folder: &Path) -> Result<Self, CollectError> {
        let path = folder.join(RunFile::Records.name());
        let text = text(folder, RunFile::Records)?.unwrap_or_default();
        let lines = text.lines().enumerate();
        let records = lines.map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| CollectError::Damaged {
                path: path.clone(),
                line: at + 1,
                problem: error.to_string(),
            })
        });
        Ok(Self {
            records: records.collect::<Result<_, _>>()?,
            plan: Plan::read(folder)?,
        })
    }
}

impl Plan {
    /// None where this version cannot read what the folder says; its records count even so.
    fn read(folder: &Path) -> Result<Option<Self>, CollectError> {
        let state = text(folder, RunFile::Run)?;
        let config = text(folder, RunFile::Config)?;
        let plan = state.and_then(|state| {
            let state: RunState = serde_json::from_str(&state).ok()?;
            let config = state.configuration(config)?;
            let experiment = Experiment::parse(&state.experiment, "", &config, &[]).ok()?;
            Some(Self {
                keys: keys(&state.experiment, &state.backend, &experiment.config),
                seeds: state.seeds,
                failed: state.failed,
            })
        });
        Ok(plan)
    }
}

/// A file's text, with nothing for one that is not there.
fn text(folder: &Path, file: RunFile) -> Result<Option<String>, CollectError> {
    file.text(folder).map_err(|source| CollectError::Read {
        path: folder.join(file.name()),
        source,
    })
}

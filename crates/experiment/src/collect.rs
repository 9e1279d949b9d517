//! Records of many runs, brought together: the seeds and the settings that a cluster's jobs ran each by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::folder::RunFile;
use crate::{Record, Summary, stats};

/// Why records cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A folder is no run's, and none of its folders is.
    #[error(
        "{folder} holds no {file}, nor does a folder in it: name the folders of runs, as runs/NAME/ID, or what they lie in",
        folder = folder.display(), file = RunFile::Records.name()
    )]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
    /// A line is not a record.
    #[error("{path}, line {line}, is no record: {problem}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

/// What was run of one configuration on one backend, by any number of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The keys in which this configuration differs from others of the collection, as `--set` names them; null where it
    /// lacks one.
    pub settings: BTreeMap<String, Value>,
    /// One record per seed, by ascending seed.
    pub records: Vec<Record>,
    /// Their summary.
    pub summary: Summary,
    /// Mean and deviation, as of a sample, of the validation scores of all finished seeds; none where one has none.
    pub valid: Option<[f64; 2]>,
    /// Seeds that stood in several runs with another test score in each; the first is kept.
    pub contradicted: Vec<u64>,
}

/// Brings the records of runs together: one group for each experiment, configuration and backend, in the order in which
/// they are met.
///
/// A path is the folder of a run, or a folder of such folders, which are read by name. Where the same seed of the same
/// configuration was run twice, the first is kept; a finished seed goes before one that was stopped.
///
/// # Errors
///
/// If a path cannot be read, holds no run, or a line is not a record.
pub fn collect(paths: &[PathBuf]) -> Result<Vec<Group>, CollectError> {
    let mut groups: Vec<Vec<Record>> = Vec::new();
    for path in paths {
        for file in record_files(path)? {
            for record in read(&file)? {
                let same = |group: &&mut Vec<Record>| is_same_work(&group[0], &record);
                match groups.iter_mut().find(same) {
                    Some(group) => group.push(record),
                    None => groups.push(vec![record]),
                }
            }
        }
    }
    let configs: Vec<_> = groups.iter().map(|group| keys(&group[0])).collect();
    let differing = differing(&configs);
    let groups = groups.into_iter().zip(configs);
    let groups = groups.filter_map(|(records, config)| {
        let (records, contradicted) = by_seed(records);
        let setting = |key: &String| {
            let value = config.get(key).cloned().unwrap_or(Value::Null);
            (key.clone(), value)
        };
        Some(Group {
            settings: differing.iter().map(setting).collect(),
            summary: Summary::of(&records, records.len())?,
            valid: valid(&records),
            records,
            contradicted,
        })
    });
    Ok(groups.collect())
}

fn is_same_work(one: &Record, other: &Record) -> bool {
    one.experiment == other.experiment && one.backend == other.backend && one.config == other.config
}

/// The files of records that a path stands for.
fn record_files(path: &Path) -> Result<Vec<PathBuf>, CollectError> {
    let name = RunFile::Records.name();
    let own = path.join(name);
    if own.is_file() {
        return Ok(vec![own]);
    }
    let unread = |source| CollectError::Read {
        path: path.into(),
        source,
    };
    let entries = fs::read_dir(path).map_err(unread)?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let folders = entries.map_err(unread)?.into_iter();
    let mut files: Vec<_> = folders.map(|entry| entry.path().join(name)).collect();
    files.retain(|file| file.is_file());
    files.sort();
    match files.is_empty() {
        true => Err(CollectError::NoRun {
            folder: path.into(),
        }),
        false => Ok(files),
    }
}

fn read(path: &Path) -> Result<Vec<Record>, CollectError> {
    let text = fs::read_to_string(path).map_err(|source| CollectError::Read {
        path: path.into(),
        source,
    })?;
    let lines = text.lines().enumerate();
    let records = lines.map(|(at, line)| {
        serde_json::from_str(line).map_err(|error| CollectError::Damaged {
            path: path.into(),
            line: at + 1,
            problem: error.to_string(),
        })
    });
    records.collect()
}

/// One record per seed, and the seeds that were run to different scores.
fn by_seed(records: Vec<Record>) -> (Vec<Record>, Vec<u64>) {
    let mut kept: BTreeMap<u64, Record> = BTreeMap::new();
    let mut contradicted = BTreeSet::new();
    for record in records {
        match kept.get(&record.seed) {
            Some(first) if !first.interrupted => {
                if !record.interrupted && record.test != first.test {
                    contradicted.insert(record.seed);
                }
            }
            _ => {
                kept.insert(record.seed, record);
            }
        }
    }
    (
        kept.into_values().collect(),
        contradicted.into_iter().collect(),
    )
}

fn valid(records: &[Record]) -> Option<[f64; 2]> {
    let done = records.iter().filter(|record| !record.interrupted);
    let scores: Vec<f64> = done.map(|record| record.valid).collect::<Option<_>>()?;
    (!scores.is_empty()).then(|| [stats::mean(&scores), stats::deviation(&scores)])
}

/// A record's configuration, flat: the path of each value as `--set` has it, and the experiment and backend.
fn keys(record: &Record) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::from([
        ("experiment".to_string(), record.experiment.clone().into()),
        ("backend".to_string(), record.backend.clone().into()),
    ]);
    let config = serde_json::to_value(&record.config);
    flatten("", config.unwrap_or(Value::Null), &mut flat);
    flat
}

fn flatten(path: &str, value: Value, flat: &mut BTreeMap<String, Value>) {
    let below = |name: &str| match path {
        "" => name.to_string(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(&name), value, flat);
            }
        }
        Value::Array(items) => {
            for (at, value) in items.into_iter().enumerate() {
                flatten(&below(&at.to_string()), value, flat);
            }
        }
        value => {
            flat.insert(path.into(), value);
        }
    }
}

/// The keys that are not the same in all configurations.
fn differing(configs: &[BTreeMap<String, Value>]) -> BTreeSet<String> {
    let keys: BTreeSet<&String> = configs.iter().flat_map(BTreeMap::keys).collect();
    let differs = |key: &&&String| {
        let mut values = configs.iter().map(|config| config.get(**key));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    keys.iter()
        .filter(differs)
        .map(|key| (*key).clone())
        .collect()
}

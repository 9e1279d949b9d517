//! Records of many runs, brought together: the seeds and the settings that a cluster's jobs ran each by itself.

mod folders;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::folder::RunFile;
use crate::{FailedSeed, Record, SeedRanges, Seeds, Summary, mean_and_deviation};
use folders::{RunRecords, run_folders};

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

/// Runs, brought together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// One group for each experiment, configuration and backend, ordered by the settings in which they differ, numbers as
    /// numbers, and else in the order in which they were met.
    pub groups: Vec<Group>,
    /// Runs that have not finished a seed, and whose configuration no other run has.
    pub unrecorded: Vec<Unrecorded>,
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
    /// How many seeds the runs were asked for.
    pub planned: u64,
    /// Those of them that no run has finished.
    pub missing: SeedRanges,
    /// Those of the missing seeds at which a run ended with an error.
    pub failed: Vec<FailedSeed>,
    /// Seeds that stood in several runs with another test score in each; the first is kept.
    pub contradicted: Vec<u64>,
}

/// A run without records.
#[derive(Clone, Debug, PartialEq)]
pub struct Unrecorded {
    /// Its folder.
    pub folder: PathBuf,
    /// The seeds that it was asked for.
    pub seeds: Seeds,
    /// Why it ended, where it did so with an error.
    pub failed: Option<FailedSeed>,
}

/// Brings the records of runs together.
///
/// A path is the folder of a run, or a folder of such folders, which are read by name, numbers as numbers. Where the same
/// seed of the same configuration was run twice, the first is kept; a finished seed goes before one that was stopped.
///
/// # Errors
///
/// If a path cannot be read, holds no run, or a line is not a record.
pub fn collect(paths: &[PathBuf]) -> Result<Collection, CollectError> {
    let mut works: Vec<Work> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut without = Vec::new();
    for path in paths {
        for folder in run_folders(path)? {
            let run = RunRecords::read(&folder)?;
            let mut own = None;
            for record in run.records {
                let keys = keys(&record.experiment, &record.backend, &record.config);
                let place = *places.entry(name(&keys)).or_insert(works.len());
                if place == works.len() {
                    works.push(Work {
                        keys,
                        ..Work::default()
                    });
                }
                works[place].records.push(record);
                own.get_or_insert(place);
            }
            let Some(plan) = run.plan else { continue };
            let place = own.or_else(|| places.get(&name(&plan.keys)).copied());
            match place {
                Some(place) => works[place].plan(plan.seeds, plan.failed),
                None => without.push((folder, plan)),
            }
        }
    }
    // A run without records may have been met before the first one of its configuration that has some.
    let mut unrecorded = Vec::new();
    for (folder, plan) in without {
        match places.get(&name(&plan.keys)) {
            Some(&place) => works[place].plan(plan.seeds, plan.failed),
            None => unrecorded.push(Unrecorded {
                folder,
                seeds: plan.seeds,
                failed: plan.failed,
            }),
        }
    }
    let configs: Vec<_> = works.iter().map(|work| &work.keys).collect();
    let differing = differing(&configs);
    let groups = works.into_iter().map(|work| work.group(&differing));
    let mut groups: Vec<Group> = groups.collect::<Option<_>>().unwrap_or_default();
    groups.sort_by(|one, other| by_values(&one.settings, &other.settings));
    Ok(Collection { groups, unrecorded })
}

/// The records of one configuration on one backend, and what was asked for.
#[derive(Default)]
struct Work {
    keys: BTreeMap<String, Value>,
    records: Vec<Record>,
    planned: Vec<Seeds>,
    failed: Vec<FailedSeed>,
}

impl Work {
    fn plan(&mut self, seeds: Seeds, failed: Option<FailedSeed>) {
        self.planned.push(seeds);
        self.failed.extend(failed);
    }

    /// None where there are no records.
    fn group(self, differing: &BTreeSet<String>) -> Option<Group> {
        let (records, contradicted) = by_seed(self.records);
        let finished = records.iter().filter(|record| !record.report.interrupted);
        let finished: BTreeSet<u64> = finished.map(|record| record.seed).collect();
        let met = records.iter().filter_map(|record| Seeds::one(record.seed));
        let planned: SeedRanges = self.planned.into_iter().chain(met).collect();
        let missing = planned.without(&finished);
        let mut failed = self.failed;
        failed.retain(|failed| missing.contains(failed.seed));
        failed.sort_by_key(|failed| failed.seed);
        failed.dedup_by_key(|failed| failed.seed);
        let setting = |key: &String| {
            let value = self.keys.get(key).cloned().unwrap_or(Value::Null);
            (key.clone(), value)
        };
        let count = usize::try_from(planned.count()).unwrap_or(usize::MAX);
        Some(Group {
            settings: differing.iter().map(setting).collect(),
            summary: Summary::of(&records, count)?,
            valid: valid(&records),
            planned: planned.count(),
            missing,
            failed,
            records,
            contradicted,
        })
    }
}

/// One record per seed, and the seeds that were run to different scores.
fn by_seed(records: Vec<Record>) -> (Vec<Record>, Vec<u64>) {
    let mut kept: BTreeMap<u64, Record> = BTreeMap::new();
    let mut contradicted = BTreeSet::new();
    for record in records {
        match kept.get(&record.seed) {
            Some(first) if !first.report.interrupted => {
                if !record.report.interrupted && record.report.test != first.report.test {
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
    let done = records.iter().filter(|record| !record.report.interrupted);
    let scores: Vec<f64> = done
        .map(|record| record.report.valid)
        .collect::<Option<_>>()?;
    (!scores.is_empty()).then(|| mean_and_deviation(&scores))
}

/// What tells one work from another: the configuration, flat, and the experiment and backend.
fn keys(
    experiment: &str,
    backend: &str,
    config: &crate::ExperimentConfig,
) -> BTreeMap<String, Value> {
    let mut keys = config.keys();
    keys.insert("experiment".into(), experiment.into());
    keys.insert("backend".into(), backend.into());
    keys
}

/// The keys and values as a text, for finding them again.
fn name(keys: &BTreeMap<String, Value>) -> String {
    serde_json::to_string(keys).expect("keys are text and values are JSON")
}

/// The keys that are not the same in all configurations.
fn differing(configs: &[&BTreeMap<String, Value>]) -> BTreeSet<String> {
    let keys: BTreeSet<&String> = configs.iter().flat_map(|config| config.keys()).collect();
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

/// The order of settings of the same keys: numbers as numbers, texts with the numbers in them as numbers.
fn by_values(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Ordering {
    let pairs = one.values().zip(other.values());
    let mut orders = pairs.map(|pair| match pair {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one.partial_cmp(&other).unwrap_or(Ordering::Equal)
        }
        (Value::String(one), Value::String(other)) => natord::compare(one, other),
        (one, other) => {
            // Whoever lacks the key comes first.
            let given = one.is_null().cmp(&other.is_null()).reverse();
            given.then_with(|| natord::compare(&one.to_string(), &other.to_string()))
        }
    });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_ordered_as_numbers() {
        let settings = |value: Value| BTreeMap::from([("key".to_string(), value)]);
        for ascending in [
            json!([0.5, 2, 10, 1e3]),
            json!(["run-2", "run-10", "run-10b"]),
            json!([null, false, true]),
            json!([null, 3]),
        ] {
            let values = ascending.as_array().unwrap();
            for pair in values.windows(2) {
                let [one, other] = [0, 1].map(|at| settings(pair[at].clone()));
                assert_eq!(by_values(&one, &other), Ordering::Less, "{pair:?}");
                assert_eq!(by_values(&other, &one), Ordering::Greater, "{pair:?}");
                assert_eq!(by_values(&one, &one), Ordering::Equal, "{pair:?}");
            }
        }
    }
}

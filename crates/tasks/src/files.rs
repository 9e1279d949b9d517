//! A user's own data, by path.

mod arrays;
mod columns;
mod forecast;
pub(crate) mod labelled;
mod recording;
mod rows;
mod signals;
mod table;
mod wide;

use crate::holes::{self, Holes};
use crate::npz::Npz;
use crate::{Dataset, Standardiser, TaskError, npz_dataset, split, ts};
pub use columns::Column;
use columns::Goal;
use forecast::Forecast;
use recording::Recordings;
pub use rows::field_separator;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use wide::Shift;

/// A user's own data: `.ts`, `.csv` or `.tsv`, `.npy` and `.npz` files.
///
/// Either `train` and `test` name two files, or `data` names one that is split. What is learnt follows from the keys:
///
/// - `label`: which class a sequence is of, scored at its last step;
/// - `value`: a number per sequence, scored at its last step;
/// - `horizon`, `targets`: what the columns `targets` hold `horizon` steps later, scored at every step but the first `warm_up` of a series.
///   One series is split by time, in the order train, validation, test; several are split at random.
///
/// # Missing values
///
/// A missing input is filled from the past alone, in every format alike: the last known value before it in its sequence
/// stands for it, or, where there is none, the mean of the known values of the training part. `holes = "mask"` also tells the
/// model which inputs are known. A step with a missing target is not scored. The data set's notes count both.
///
/// # `.ts`, the format of the UEA/UCR archive
///
/// The header says what the target is, so no key is needed. Lengths may differ. `?` is a missing value.
///
/// ```toml
/// [task]
/// name = "files"
/// train = "BasicMotions_TRAIN.ts"
/// test = "BasicMotions_TEST.ts"
/// ```
///
/// # `.csv` (and `.tsv`, with tabs)
///
/// One row per step. Columns are named by the header, or by number from 0; no two may have the same name. An empty field or
/// `?` is a missing value. Fields may also lie between semicolons; numbers have decimal points.
///
/// ```toml
/// [task]                          # one series: load, wind -> load in 24 steps
/// name = "files"
/// data = "power.csv"
/// inputs = ["load", "wind"]       # default: all columns
/// targets = ["load"]              # default: the inputs
/// horizon = 24
/// ```
///
/// ```toml
/// [task]                          # many sequences: rows with the same `id` are one
/// name = "files"
/// data = "gestures.csv"
/// sequence = "id"
/// label = "gesture"
/// test_fraction = 0.25
/// ```
///
/// Without `sequence`, a labelled table has one row per sequence of one channel: its other columns are the steps, and
/// empty fields at the end of a row shorten it.
///
/// # `.npy`
///
/// `[steps]` or `[steps, channels]` is one series, `[sequences, steps, channels]` are many; labelled,
/// `[sequences, steps]` are many of one channel, and the labels lie in a file of their own. NaN is a missing value, and steps at
/// a sequence's end that hold nothing else are not part of it. Floats of 16, 32 and 64 bits, integers and booleans are read.
///
/// ```toml
/// [task]
/// name = "files"
/// train = "inputs_train.npy"
/// train_labels = "labels_train.npy"
/// test = "inputs_test.npy"
/// test_labels = "labels_test.npy"
/// ```
///
/// # `.npz`
///
/// The same arrays by name, here the defaults, or, if there is an array `X_train`, what an
/// [`NpzWriter`](crate::NpzWriter) and CogScale export; that needs no key.
///
/// ```toml
/// [task]
/// name = "files"
/// data = "recordings.npz"
/// array = "X"
/// label = "y"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// The training file; a relative path is looked up from the current directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<PathBuf>,
    /// The test file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// One file that is split into a training and a test part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The column (`.csv`) or array (`.npz`, default "y") of the sequences' classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Column>,
    /// The column or array of the sequences' numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Column>,
    /// The column that says to which sequence a row belongs (`.csv`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Column>,
    /// The columns that are inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<Column>>,
    /// The columns that are forecast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<Column>>,
    /// How many steps later the targets are due; 0, the default where `targets` is given, is the same step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<usize>,
    /// How many steps from the start of each series are not scored, while the memory fills (default 0); of one series that is
    /// split by time, training steps. For forecasts.
    #[serde(skip_serializing_if = "is_default")]
    pub warm_up: usize,
    /// What stands for a missing input (default `carry-forward`: the last known value before it; `mask` adds a channel per input
    /// that is 1 where it is known and 0 where it is not).
    #[serde(skip_serializing_if = "is_default")]
    pub holes: Holes,
    /// Whether the first row names the columns (`.csv`; default: if none of its fields is a number).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The array that holds the inputs (`.npz`; default "X").
    #[serde(skip_serializing_if = "Option::is_none")]
    pub array: Option<String>,
    /// The classes of the sequences of `train` (`.npy`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train_labels: Option<PathBuf>,
    /// The classes of the sequences of `test` (`.npy`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_labels: Option<PathBuf>,
    /// The classes of the sequences of `data` (`.npy`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// The fraction of `data` that is for testing (default 0.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_fraction: Option<f64>,
    /// The fraction of the training part that is split off for validation (default 0).
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for FilesConfig {
    fn default() -> Self {
        Self {
            train: None,
            test: None,
            data: None,
            label: None,
            value: None,
            sequence: None,
            inputs: None,
            targets: None,
            horizon: None,
            warm_up: 0,
            holes: Holes::default(),
            header: None,
            array: None,
            train_labels: None,
            test_labels: None,
            labels: None,
            test_fraction: None,
            valid: 0.0,
            limit: None,
            standardise: true,
        }
    }
}

impl FilesConfig {
    pub(crate) const NAME: &'static str = "files";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let goal = Goal::of(self)?;
        split::check_fraction(Self::NAME, "valid", self.valid)?;
        self.refuse(
            "warm_up",
            self.warm_up > 0 && !matches!(goal, Goal::Forecast { .. }),
            "sequences that are scored at their last step; it is for forecasts",
        )?;
        let mut parts = match (&self.data, &self.train, &self.test) {
            (Some(data), None, None) => {
                let what = "`data`, whose classes are in `labels`";
                self.refuse("train_labels", self.train_labels.is_some(), what)?;
                self.refuse("test_labels", self.test_labels.is_some(), what)?;
                if let Some(dataset) = self.export(data)? {
                    return dataset.finish(Self::NAME, 0.0, self.limit, self.standardise, seed);
                }
                vec![self.read(data, self.labels.as_deref(), &goal)?]
            }
            (None, Some(train), Some(test)) => {
                let given = self.test_fraction.is_some();
                self.refuse("test_fraction", given, "a pair of files")?;
                let what = "a pair of files, whose classes are in `train_labels` and `test_labels`";
                self.refuse("labels", self.labels.is_some(), what)?;
                let train = self.read(train, self.train_labels.as_deref(), &goal)?;
                let test = self.read(test, self.test_labels.as_deref(), &goal)?;
                vec![train, test]
            }
            _ => {
                let problem = "either `data` names one file, or `train` and `test` name two";
                return Err(TaskError::key(Self::NAME, "data", problem));
            }
        };
        let shift = Shift::take(&mut parts, self.standardise);
        let notes = self.notes(&parts, &goal);
        let mut dataset = self.join(parts, &goal, seed)?;
        self.check_scored(&mut dataset)?;
        split::limit(&mut dataset, Self::NAME, self.limit, seed)?;
        // What is known counts, and not what is filled in: before the first known value stands its mean, here as in a prediction.
        let known = Standardiser::fit(&dataset.train);
        holes::fill(&mut dataset, self.holes);
        dataset.notes = notes;
        dataset.target_offset = Some(shift.targets).filter(|of| of.iter().any(|&one| one != 0.0));
        if self.standardise {
            let mut filled = Standardiser::fit(&dataset.train);
            filled.mean[..known.mean.len()].copy_from_slice(&known.mean);
            filled.deviation[..known.deviation.len()].copy_from_slice(&known.deviation);
            dataset.standardise_by(filled);
        }
        if let Some(standardiser) = &mut dataset.standardiser {
            for (mean, taken) in standardiser.mean.iter_mut().zip(shift.inputs) {
                *mean += taken;
            }
        }
        Ok(dataset)
    }

    /// The data set of a training and a test file, or of one file that is split.
    fn join(
        &self,
        mut parts: Vec<Recordings>,
        goal: &Goal,
        seed: u64,
    ) -> Result<Dataset, TaskError> {
        let test = if parts.len() == 2 { parts.pop() } else { None };
        let data = parts.remove(0);
        let forecast = match *goal {
            Goal::Forecast { horizon } => Some(Forecast {
                horizon,
                warm_up: self.warm_up,
                valid: self.valid,
            }),
            Goal::Label | Goal::Header => None,
        };
        let (train, test) = match test {
            Some(test) => (data, test),
            None => {
                let fraction = self.test_fraction.unwrap_or(0.2);
                split::check_fraction(Self::NAME, "test_fraction", fraction)?;
                if let Some(forecast) = forecast.filter(|_| data.cases.len() == 1) {
                    return forecast.by_time(&data, fraction);
                }
                labelled::split(data, fraction)?
            }
        };
        if let Some(forecast) = forecast {
            return forecast.pair(train, test, seed);
        }
        let mut dataset = labelled::pair(Self::NAME, train, test)?;
        split::split_off_valid(&mut dataset, Self::NAME, self.valid, seed)?;
        Ok(dataset)
    }

    /// What the user should know of missing values.
    fn notes(&self, parts: &[Recordings], goal: &Goal) -> Vec<String> {
        let (mut inputs, mut targets) = (holes::Count::default(), holes::Count::default());
        for case in parts.iter().flat_map(|part| &part.cases) {
            inputs.values(&case.inputs);
            if let Goal::Forecast { horizon } = *goal {
                targets.steps(&case.series, horizon);
            }
        }
        holes::notes(inputs, targets, self.holes)
    }

    /// Removes sequences without a scored step, and refuses a part of the data that has no others.
    fn check_scored(&self, dataset: &mut Dataset) -> Result<(), TaskError> {
        let parts = [
            ("training", &mut dataset.train),
            ("validation", &mut dataset.valid),
            ("test", &mut dataset.test),
        ];
        for (name, samples) in parts {
            if !samples.is_empty() && samples.iter().all(|sample| sample.scored.is_empty()) {
                let problem = format!(
                    "no target of the {name} part is known in full; at least one step must have all of them"
                );
                return Err(TaskError::key(Self::NAME, "targets", problem));
            }
            samples.retain(|sample| !sample.scored.is_empty());
        }
        Ok(())
    }

    /// The data set of an `.npz` in CogScale's layout, if `path` is one.
    fn export(&self, path: &Path) -> Result<Option<Dataset>, TaskError> {
        if extension(path) != "npz" {
            return Ok(None);
        }
        let mut npz = Npz::open(path)?;
        if !npz.contains("X_train") {
            return Ok(None);
        }
        let file = "a file with an array `X_train`";
        for (key, given) in [
            ("label", self.label.is_some()),
            ("value", self.value.is_some()),
            ("horizon", self.horizon.is_some()),
            ("targets", self.targets.is_some()),
            ("labels", self.labels.is_some()),
            ("sequence", self.sequence.is_some()),
            ("header", self.header.is_some()),
            ("inputs", self.inputs.is_some()),
            ("array", self.array.is_some()),
            ("test_fraction", self.test_fraction.is_some()),
            ("valid", self.valid != 0.0),
            ("holes", self.holes != Holes::default()),
        ] {
            self.refuse(key, given, file)?;
        }
        npz_dataset::read(Self::NAME, &mut npz).map(Some)
    }

    fn read(
        &self,
        path: &Path,
        labels: Option<&Path>,
        goal: &Goal,
    ) -> Result<Recordings, TaskError> {
        let kind = extension(path);
        if !is_table(path) {
            let what = "a file that is not .csv or .tsv";
            self.refuse("sequence", self.sequence.is_some(), what)?;
            self.refuse("header", self.header.is_some(), what)?;
        }
        if kind != "npz" {
            self.refuse("array", self.array.is_some(), "a file that is not .npz")?;
        }
        if kind != "npy" {
            self.refuse("labels", labels.is_some(), "a file that is not .npy")?;
        }
        match kind.as_str() {
            "ts" => {
                let what = "a .ts file, whose header says what the target is";
                self.refuse("label", self.label.is_some(), what)?;
                self.refuse("value", self.value.is_some(), what)?;
                recording::of_ts(self, ts::read(path)?, path, goal)
            }
            "csv" | "tsv" => table::read(self, path, goal),
            "npy" => arrays::read_npy(self, path, labels, goal),
            "npz" => arrays::read_npz(self, path, goal),
            other => {
                let which = match other {
                    "" => "files without an ending".into(),
                    other => format!("`.{other}` files"),
                };
                let problem = format!("{which} cannot be read; .ts, .csv, .tsv, .npy and .npz can");
                Err(TaskError::file(path, problem))
            }
        }
    }

    fn refuse(&self, key: &'static str, given: bool, what: &str) -> Result<(), TaskError> {
        if !given {
            return Ok(());
        }
        let problem = format!("this key does not go with {what}");
        Err(TaskError::key(Self::NAME, key, problem))
    }

    /// Whether a key says which class or number a sequence has.
    fn has_label(&self) -> bool {
        self.label.is_some() || self.value.is_some()
    }
}

/// The labelled sequences of a `.ts` file.
pub(crate) fn of_ts(file: ts::TsFile, path: &Path) -> Result<Recordings, TaskError> {
    recording::of_ts(&FilesConfig::default(), file, path, &Goal::Header)
}

pub(crate) fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_lowercase()
}

pub(crate) fn is_table(path: &Path) -> bool {
    matches!(extension(path).as_str(), "csv" | "tsv")
}

#[cfg(test)]
pub(crate) mod tests;

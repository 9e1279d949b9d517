//! Spoken digits: which digit a recording says (the Free Spoken Digit Dataset).

use crate::datasets::cached;
use crate::npy::Values;
use crate::npz::Npz;
use crate::sample::{numbered, one_hot};
use crate::{Category, Dataset, Sample, TaskError, split};
use ndarray::{Ix2, s};
use ran_seed::RngStream;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Spoken digits: 3,000 recordings of the digits 0 to 9, each 6 to 92 steps of 13 mel-frequency cepstral coefficients;
/// a fifth, drawn by the seed digit by digit, is for testing.
///
/// The file is `from`, an `.npz` with the arrays `X` `[steps of all recordings, 13]`, `y` and `lengths`; without it, that
/// of the cache, where `cargo xtask datasets fetch spoken-digits` puts it.
///
/// ```toml
/// [task]
/// name = "spoken-digits"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpokenDigitsConfig {
    /// The `.npz` file; a relative path is looked up from the current directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, digit by digit (default 0).
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for SpokenDigitsConfig {
    fn default() -> Self {
        Self {
            from: None,
            standardise: true,
            valid: 0.0,
            limit: None,
        }
    }
}

const CLASSES: usize = 10;
const TEST_FRACTION: f64 = 0.2;

impl SpokenDigitsConfig {
    pub(crate) const NAME: &'static str = "spoken-digits";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        split::check_fraction(Self::NAME, "valid", self.valid)?;
        let path = match &self.from {
            Some(path) => path.clone(),
            None => cached(Self::NAME, "digits.npz")?.0,
        };
        let (samples, classes) = read(&path)?;
        let (train, test) = split::stratified(&classes, TEST_FRACTION, seed, RngStream::TestSplit);
        if test.is_empty() {
            let problem = "there are too few recordings to split; at least 3 of a digit are needed";
            return Err(TaskError::file(&path, problem));
        }
        let sample = |&at: &usize| samples[at].clone();
        let d_input = samples[0].inputs.ncols();
        let dataset = Dataset {
            labels: numbered(CLASSES),
            train: train.iter().map(sample).collect(),
            test: test.iter().map(sample).collect(),
            ..Dataset::new(Self::NAME, Category::Classification, [d_input, CLASSES])
        };
        dataset.finish(Self::NAME, self.valid, self.limit, self.standardise, seed)
    }
}

fn read(path: &Path) -> Result<(Vec<Sample>, Vec<usize>), TaskError> {
    let mut npz = Npz::open(path)?;
    let inputs = npz.floats("X")?;
    let whole = |name: &str, values: Values, allowed: std::ops::RangeInclusive<usize>| {
        let numbers = match values {
            Values::Numbers(numbers) => numbers,
            Values::Text(_) => vec![f64::NAN],
        };
        let check = |&number: &f64| {
            let whole = number as usize;
            (whole as f64 == number && allowed.contains(&whole)).then_some(whole)
        };
        let found: Option<Vec<usize>> = numbers.iter().map(check).collect();
        found.ok_or_else(|| {
            let (least, most) = allowed.into_inner();
            let problem = format!("array `{name}` must hold integers of {least} to {most}");
            TaskError::file(path, problem)
        })
    };
    let classes = whole("y", npz.array("y")?.values, 0..=CLASSES - 1)?;
    let steps = inputs.shape().first().copied().unwrap_or(0);
    let lengths = whole("lengths", npz.array("lengths")?.values, 1..=steps.max(1))?;
    let mut summed = lengths.iter();
    let sum = summed.try_fold(0_usize, |sum, &length| sum.checked_add(length));
    let inputs = inputs.into_dimensionality::<Ix2>().ok().filter(|inputs| {
        sum == Some(steps) && lengths.len() == classes.len() && steps > 0 && inputs.ncols() > 0
    });
    let inputs = inputs.ok_or_else(|| {
        let problem = "the arrays must fit: `X` [steps, coefficients] with the sum of `lengths` for its steps, and one \
                       length per digit of `y`";
        TaskError::file(path, problem)
    })?;
    let mut start = 0;
    let samples = lengths.iter().zip(&classes).map(|(&length, &class)| {
        let inputs = inputs.slice(s![start..start + length, ..]).to_owned();
        start += length;
        Sample {
            scored: vec![length - 1],
            inputs,
            targets: one_hot(class, CLASSES),
        }
    });
    Ok((samples.collect(), classes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{npy, npz};
    use ndarray::array;
    use std::collections::BTreeMap;

    fn load(change: &[(&str, Vec<u8>)]) -> Result<Dataset, TaskError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("digits.npz");
        let mut arrays: BTreeMap<String, Vec<u8>> = [
            (
                "X".into(),
                npy::floats(&[6, 2], &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.]),
            ),
            ("y".into(), npy::integers(&[4, 4, 4])),
            ("lengths".into(), npy::integers(&[1, 2, 3])),
        ]
        .into();
        arrays.extend(
            change
                .iter()
                .map(|(name, bytes)| (name.to_string(), bytes.clone())),
        );
        npz::write(&path, &arrays).unwrap();
        SpokenDigitsConfig {
            from: Some(path),
            standardise: false,
            valid: 0.0,
            limit: None,
        }
        .load(0)
    }

    #[test]
    fn recordings_are_cut_out_by_their_lengths() {
        let dataset = load(&[]).unwrap();
        assert_eq!(
            (dataset.train.len(), dataset.test.len(), dataset.d_input),
            (2, 1, 2)
        );
        let mut all: Vec<_> = dataset.train.iter().chain(&dataset.test).collect();
        all.sort_by_key(|sample| sample.inputs.nrows());
        assert_eq!(all[1].inputs, array![[2.0, 3.0], [4.0, 5.0]]);
        assert_eq!(
            (all[1].scored.as_slice(), all[1].targets[[0, 4]]),
            (&[1][..], 1.0)
        );
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_with_a_sentence() {
        let rows: [(&str, Vec<u8>, &str); 5] = [
            (
                "y",
                npy::integers(&[4, 4, 10]),
                "array `y` must hold integers of 0 to 9",
            ),
            (
                "y",
                npy::text(&[3], &["a", "b", "c"]),
                "array `y` must hold integers",
            ),
            ("lengths", npy::integers(&[1, 2, 2]), "the arrays must fit"),
            (
                "lengths",
                npy::integers(&[0, 3, 3]),
                "array `lengths` must hold integers of 1 to 6",
            ),
            ("X", npy::floats(&[6], &[0.0; 6]), "the arrays must fit"),
        ];
        for (name, bytes, expected) in rows {
            let message = load(&[(name, bytes)]).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }
}

//! A user's own data, by path.

use crate::dataset::one_hot;
use crate::ts::{TsCase, TsFile, TsTarget};
use crate::{Category, Dataset, Sample, TaskError, split, ts};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A user's own data: a pair of `.ts` files as in the UEA/UCR archive.
///
/// Each sequence is scored at its last step: by its class, or under `@targetLabel true` by its number. Lengths
/// may differ. A missing value `?` is filled in by linear interpolation over time within its channel, and
/// before the first or after the last known value by the nearest known one.
///
/// ```toml
/// [task]
/// name = "files"
/// train = "BasicMotions_TRAIN.ts"
/// test = "BasicMotions_TEST.ts"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// The training sequences; a relative path is looked up from the current directory.
    pub train: PathBuf,
    /// The test sequences.
    pub test: PathBuf,
    /// Whether inputs are standardised with the training set's statistics (default true).
    #[serde(default = "yes")]
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, class by class (default 0).
    #[serde(default)]
    pub valid: f64,
}

fn yes() -> bool {
    true
}

impl FilesConfig {
    pub(crate) const NAME: &'static str = "files";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let (train, test) = (read_ts(&self.train)?, read_ts(&self.test)?);
        let mut dataset = from_ts(Self::NAME, train, &self.train, test, &self.test)?;
        split::split_off_valid(&mut dataset, Self::NAME, self.valid, seed)?;
        if self.standardise {
            dataset.standardise();
        }
        Ok(dataset)
    }
}

/// The data set of a training and a test file; paths are for messages only.
pub(crate) fn from_ts(
    name: &str,
    train: TsFile,
    train_path: &Path,
    test: TsFile,
    test_path: &Path,
) -> Result<Dataset, TaskError> {
    let (d_input, found) = (train.cases[0].inputs.ncols(), test.cases[0].inputs.ncols());
    if d_input != found {
        let line = test.cases[0].line;
        let problem = format!(
            "the case has {found} channels where those of {} have {d_input}; both files must agree",
            train_path.display()
        );
        return Err(TaskError::line(test_path, line, problem));
    }
    let (category, labels) = match (train.target, test.target) {
        (TsTarget::Class(declared), TsTarget::Class(_)) => {
            let labels = if declared.is_empty() {
                found_labels(&train.cases)
            } else {
                declared
            };
            check_labels(&train.cases, train_path, &test.cases, test_path)?;
            (Category::Classification, labels)
        }
        (TsTarget::Value, TsTarget::Value) => (Category::Regression, Vec::new()),
        _ => {
            let problem = format!(
                "one of this file and {} has @classLabel true, the other @targetLabel true; both must agree",
                train_path.display()
            );
            return Err(TaskError::file(test_path, problem));
        }
    };
    let samples = |cases: Vec<TsCase>, path: &Path| -> Result<Vec<Sample>, TaskError> {
        cases
            .into_iter()
            .map(|case| sample(case, category, &labels, path))
            .collect()
    };
    Ok(Dataset {
        name: name.into(),
        category,
        d_input,
        d_output: if category == Category::Regression {
            1
        } else {
            labels.len()
        },
        standardiser: None,
        train: samples(train.cases, train_path)?,
        valid: Vec::new(),
        test: samples(test.cases, test_path)?,
        labels,
    })
}

fn read_ts(path: &Path) -> Result<TsFile, TaskError> {
    let bytes = std::fs::read(path).map_err(|error| TaskError::read(path, error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        TaskError::line(
            path,
            line,
            "there is a byte that is not UTF-8; a .ts file is text",
        )
    })?;
    ts::parse(&text, path)
}

/// The labels that occur, by number if all are numbers, otherwise by alphabet.
fn found_labels(cases: &[TsCase]) -> Vec<String> {
    let mut labels: Vec<String> = cases.iter().map(|case| case.label.clone()).collect();
    labels.sort();
    labels.dedup();
    let numbers: Option<Vec<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<_> = numbers.into_iter().zip(labels).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        return pairs.into_iter().map(|(_, label)| label).collect();
    }
    labels
}

/// Refuses a class that is tested but never trained.
fn check_labels(
    train: &[TsCase],
    train_path: &Path,
    test: &[TsCase],
    test_path: &Path,
) -> Result<(), TaskError> {
    let known = found_labels(train);
    match test.iter().find(|case| !known.contains(&case.label)) {
        None => Ok(()),
        Some(case) => {
            let problem = format!(
                "class `{}` has no case in {}; its classes are {}",
                ts::excerpt(&case.label),
                train_path.display(),
                ts::excerpt(&known.join(", "))
            );
            Err(TaskError::line(test_path, case.line, problem))
        }
    }
}

fn sample(
    case: TsCase,
    category: Category,
    labels: &[String],
    path: &Path,
) -> Result<Sample, TaskError> {
    let targets = if category == Category::Regression {
        let value = ts::parse_number(&case.label)
            .map_err(|problem| TaskError::line(path, case.line, problem))?;
        Array2::from_elem((1, 1), value)
    } else {
        let class = labels
            .iter()
            .position(|label| *label == case.label)
            .ok_or_else(|| {
                let problem = format!("class `{}` is unknown", ts::excerpt(&case.label));
                TaskError::line(path, case.line, problem)
            })?;
        one_hot(class, labels.len())
    };
    Ok(Sample {
        scored: vec![case.inputs.nrows() - 1],
        inputs: case.inputs,
        targets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use std::fs;

    fn load(train: &[u8], test: &[u8]) -> Result<Dataset, TaskError> {
        let folder = tempfile::tempdir().unwrap();
        let paths = (
            folder.path().join("train.ts"),
            folder.path().join("test.ts"),
        );
        fs::write(&paths.0, train).unwrap();
        fs::write(&paths.1, test).unwrap();
        let config = FilesConfig {
            train: paths.0,
            test: paths.1,
            standardise: false,
            valid: 0.0,
        };
        config.load(0)
    }

    #[test]
    fn labels_come_from_the_header_or_else_from_the_training_data() {
        let test = b"@classLabel true\n@data\n1:10\n";
        let dataset = load(b"@classLabel true 10 9\n@data\n1,2:9\n3:10\n", test).unwrap();
        assert_eq!(dataset.labels, ["10", "9"]);
        let dataset = load(b"@classLabel true\n@data\n1,2:9\n3:10\n", test).unwrap();
        assert_eq!(dataset.labels, ["9", "10"]);
        assert_eq!(dataset.train[0].targets, array![[1.0, 0.0]]);
        assert_eq!(dataset.train[0].scored, [1]);
        assert_eq!(dataset.test[0].targets, array![[0.0, 1.0]]);
    }

    #[test]
    fn a_number_for_a_target_makes_a_regression() {
        let dataset = load(
            b"@targetLabel true\n@data\n1,2:9.5\n",
            b"@targetLabel true\n@data\n1:-2\n",
        )
        .unwrap();
        assert_eq!(
            (dataset.category, dataset.d_output),
            (Category::Regression, 1)
        );
        assert_eq!(dataset.train[0].targets, array![[9.5]]);
    }

    #[test]
    fn files_that_do_not_fit_each_other_are_refused_with_file_and_line() {
        let train = b"@classLabel true a b\n@data\n1:2:a\n";
        let rows: [(&[u8], &str); 6] = [
            (
                b"@classLabel true a b\n@data\n1:2:a\n1:2:b\n",
                "test.ts, line 4: class `b` has no case in",
            ),
            (
                b"@classLabel true a\n@data\n1:a\n",
                "test.ts, line 3: the case has 1 channels",
            ),
            (
                b"@targetLabel true\n@data\n1:2:3\n",
                "test.ts: one of this file and",
            ),
            (b"", "test.ts: there is no line @data"),
            (
                b"@classLabel true a\n@data\n1:2:\xff\n",
                "test.ts, line 3: there is a byte that is not UTF-8",
            ),
            (
                b"@classLabel true a\n@data\n1:NaN:a\n",
                "test.ts, line 3: channel 2: NaN is not allowed",
            ),
        ];
        for (test, expected) in rows {
            let message = load(train, test).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let config = FilesConfig {
            train: "no-such-folder/train.ts".into(),
            test: "test.ts".into(),
            standardise: true,
            valid: 0.0,
        };
        let message = config.load(0).unwrap_err().to_string();
        assert!(
            message.contains("no-such-folder/train.ts cannot be read"),
            "{message}"
        );
    }

    #[test]
    fn the_archives_own_files_give_what_the_embedded_ones_give() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/japanese-vowels");
        let config = FilesConfig {
            train: folder.join("JapaneseVowels_TRAIN.ts"),
            test: folder.join("JapaneseVowels_TEST.ts"),
            standardise: true,
            valid: 0.0,
        };
        let mut dataset = config.load(0).unwrap();
        dataset.name = "japanese-vowels".into();
        assert_eq!(
            dataset,
            crate::JapaneseVowelsConfig::default().load(0).unwrap()
        );
    }
}

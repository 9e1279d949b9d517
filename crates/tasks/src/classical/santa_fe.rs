//! Santa Fe: the intensity of a chaotic laser, measured.

use super::{Steps, check};
use crate::datasets::cached;
use crate::ts::parse_number;
use crate::{Dataset, TaskError, input, npy, npz};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The intensity of a far-infrared laser in a chaotic state, 10,093 values of 0 to 255, due `horizon` steps later.
///
/// The file is `from`, an `.npy` array or a text with one number per line; without it, that of the cache, where
/// `cargo xtask datasets fetch santa-fe` puts it. The seed changes nothing.
///
/// ```toml
/// [task]
/// name = "santa-fe"
/// horizon = 1
/// ```
///
/// Source: set A of the Santa Fe competition, Weigend and Gershenfeld, "Time series prediction" (1994).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SantaFeConfig {
    /// The file; a relative path is looked up from the current directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// How many steps later the intensity is due (default 1).
    pub horizon: usize,
    /// How many steps in front are not scored (default 100).
    pub warm_up: usize,
    /// How many training steps are scored (default 4,000).
    pub train: usize,
    /// How many validation steps are scored (default 1,000).
    pub valid: usize,
    /// How many test steps are scored (default 4,000).
    pub test: usize,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
}

impl Default for SantaFeConfig {
    fn default() -> Self {
        Self {
            from: None,
            horizon: 1,
            warm_up: 100,
            train: 4_000,
            valid: 1_000,
            test: 4_000,
            standardise: true,
        }
    }
}

impl SantaFeConfig {
    pub(crate) const NAME: &'static str = "santa-fe";

    /// The series is measured: nothing of it is drawn from the seed.
    pub(crate) fn load(&self, _seed: u64) -> Result<Dataset, TaskError> {
        let steps = Steps::of(Self::NAME, self.warm_up, self.train, self.valid, self.test)?;
        check(Self::NAME, "horizon", self.horizon, 1..=100_000)?;
        let (path, bytes) = match &self.from {
            Some(path) => (path.clone(), input::read(path)?),
            None => cached(Self::NAME, "santafe_laser.npy")?,
        };
        let values = read(&path, &bytes)?;
        let needed = steps.sum() + self.horizon;
        if values.nrows() < needed {
            let problem = format!(
                "it holds {} values where {needed} are needed: warm_up + train + valid + test + horizon",
                values.nrows()
            );
            return Err(TaskError::file(&path, problem));
        }
        Ok(steps.forecast(Self::NAME, &values, self.horizon, self.standardise))
    }
}

/// The values of the file, `[steps, 1]`.
fn read(path: &Path, bytes: &[u8]) -> Result<Array2<f64>, TaskError> {
    let refused = |problem: String| TaskError::file(path, problem);
    let values: Vec<f64> = if path.extension().is_some_and(|extension| extension == "npy") {
        let array = npy::parse_numbers(bytes)
            .and_then(npz::floats)
            .map_err(refused)?;
        if array.shape().iter().filter(|&&size| size != 1).count() > 1 {
            return Err(refused(format!(
                "it has shape {:?}; one series is needed",
                array.shape()
            )));
        }
        array.iter().map(|&value| f64::from(value)).collect()
    } else {
        let text = std::str::from_utf8(bytes).map_err(|_| {
            refused("there is a byte that is not UTF-8; one number per line is needed".into())
        })?;
        let lines = (1..).zip(text.lines().map(str::trim));
        let number = |(number, line): (usize, &str)| {
            parse_number(line).map_err(|problem| TaskError::line(path, number, problem))
        };
        let lines = lines.filter(|(_, line)| !line.is_empty());
        lines.map(number).collect::<Result<_, _>>()?
    };
    Ok(Array1::from(values).insert_axis(Axis(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;
    use std::fs;

    fn load(name: &str, bytes: &[u8]) -> Result<Dataset, TaskError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let config = SantaFeConfig {
            from: Some(path),
            horizon: 1,
            warm_up: 1,
            train: 2,
            valid: 0,
            test: 1,
            standardise: false,
        };
        config.load(0)
    }

    #[test]
    fn a_text_and_an_array_give_the_same() {
        let text = load("laser.txt", b"86\n141\n95\n41\n22\n").unwrap();
        assert_eq!(text.train[0].inputs, array![[86.0], [141.0], [95.0]]);
        assert_eq!(text.train[0].targets, array![[95.0], [41.0]]);
        assert_eq!(text.test[0].targets, array![[22.0]]);
        let array = npy::floats(&[5, 1], &[86.0, 141.0, 95.0, 41.0, 22.0]);
        assert_eq!(load("laser.npy", &array).unwrap(), text);
    }

    #[test]
    fn a_file_that_does_not_fit_is_refused_with_a_sentence() {
        let rows: [(&str, &[u8], &str); 4] = [
            (
                "laser.txt",
                b"1\n2\n3\n4\n",
                "laser.txt: it holds 4 values where 5 are needed",
            ),
            (
                "laser.txt",
                b"1\nx\n",
                "laser.txt, line 2: `x` is not a number",
            ),
            ("laser.npy", b"1\n2\n", "laser.npy: the first bytes are not"),
            (
                "laser.npy",
                &npy::floats(&[2, 3], &[0.0; 6]),
                "it has shape [2, 3]; one series is needed",
            ),
        ];
        for (name, bytes, expected) in rows {
            let message = load(name, bytes).unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_what_is_read_is_finite(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                "([0-9.e+-]{0,9}\n)*".prop_map(String::into_bytes),
            ],
        ) {
            for name in ["laser.txt", "laser.npy"] {
                if let Ok(values) = read(Path::new(name), &bytes) {
                    prop_assert!(values.iter().all(|value| value.is_finite()));
                }
            }
        }
    }
}

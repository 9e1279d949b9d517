//! Japanese Vowels: which of nine speakers says a vowel (Kudo, Toyama and Shimbo 1999).

use crate::{Dataset, TaskError, files, ts};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Japanese Vowels: 270 training and 370 test utterances of 7 to 29 steps, 12 linear-prediction
/// coefficients each, from 9 speakers. The data are part of the program.
///
/// Source: Kudo, Toyama and Shimbo, "Multidimensional curve classification using passing-through regions",
/// Pattern Recognition Letters 20 (1999), in the form of the UEA archive.
///
/// ```toml
/// [task]
/// name = "japanese-vowels"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JapaneseVowelsConfig {
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, speaker by speaker (default 0).
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for JapaneseVowelsConfig {
    fn default() -> Self {
        Self {
            standardise: true,
            valid: 0.0,
            limit: None,
        }
    }
}

const TRAIN: &str = include_str!("../../../datasets/japanese-vowels/JapaneseVowels_TRAIN.ts");
const TEST: &str = include_str!("../../../datasets/japanese-vowels/JapaneseVowels_TEST.ts");

impl JapaneseVowelsConfig {
    pub(crate) const NAME: &'static str = "japanese-vowels";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let read = |text, name: &str| {
            let path = Path::new(name);
            ts::parse(text, path).and_then(|file| files::of_ts(file, path))
        };
        let train = read(TRAIN, "JapaneseVowels_TRAIN.ts")?;
        let test = read(TEST, "JapaneseVowels_TEST.ts")?;
        let dataset = files::labelled::pair(Self::NAME, train, test)?;
        dataset.finish(Self::NAME, self.valid, self.limit, self.standardise, seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Category, Sample};
    use ndarray::Axis;

    fn load(standardise: bool, valid: f64) -> Dataset {
        JapaneseVowelsConfig {
            standardise,
            valid,
            limit: None,
        }
        .load(0)
        .unwrap()
    }

    #[test]
    fn it_has_the_published_shape_and_class_counts() {
        let dataset = load(true, 0.0);
        assert_eq!(dataset.category, Category::Classification);
        assert_eq!(
            (dataset.train.len(), dataset.valid.len(), dataset.test.len()),
            (270, 0, 370)
        );
        assert_eq!((dataset.d_input, dataset.d_output), (12, 9));
        let counts = |samples: &[Sample]| dataset.stack_targets(samples).sum_axis(Axis(0)).to_vec();
        assert_eq!(counts(&dataset.train), [30.0; 9]);
        let expected = [31.0, 35.0, 88.0, 44.0, 29.0, 24.0, 40.0, 50.0, 29.0];
        assert_eq!(counts(&dataset.test), expected);
        let lengths = dataset
            .train
            .iter()
            .chain(&dataset.test)
            .map(|s| s.inputs.nrows());
        assert_eq!((lengths.clone().min(), lengths.max()), (Some(7), Some(29)));
    }

    #[test]
    fn each_utterance_is_scored_at_its_last_step() {
        for sample in &load(true, 0.0).test {
            assert_eq!(sample.scored, [sample.inputs.nrows() - 1]);
        }
    }

    #[test]
    fn inputs_are_the_files_numbers_when_not_standardised() {
        let dataset = load(false, 0.0);
        assert_eq!(dataset.standardiser, None);
        assert_eq!(dataset.train[0].inputs[[0, 0]], 1.860936);
        assert_eq!(dataset.train[0].inputs[[1, 1]], -0.193249);
    }

    #[test]
    fn standardisation_is_fitted_on_the_training_set_alone() {
        let raw = load(false, 0.0);
        let dataset = load(true, 0.0);
        assert_eq!(
            dataset.standardiser,
            Some(crate::Standardiser::fit(&raw.train))
        );
        let refitted = crate::Standardiser::fit(&dataset.train);
        assert!(refitted.mean.iter().all(|mean| mean.abs() < 1e-5));
        assert!(
            refitted
                .deviation
                .iter()
                .all(|deviation| (deviation - 1.0).abs() < 1e-5)
        );
        let test = crate::Standardiser::fit(&dataset.test);
        assert!(
            test.mean.iter().any(|mean| mean.abs() > 0.01),
            "the test set must not be centred"
        );
    }

    #[test]
    fn validation_is_split_off_speaker_by_speaker() {
        let dataset = load(true, 0.2);
        assert_eq!(
            (dataset.train.len(), dataset.valid.len(), dataset.test.len()),
            (216, 54, 370)
        );
        assert_eq!(
            dataset
                .stack_targets(&dataset.valid)
                .sum_axis(Axis(0))
                .to_vec(),
            [6.0; 9]
        );
    }

    #[test]
    fn a_fraction_outside_its_range_is_refused_with_a_sentence() {
        for valid in [1.0, -0.1, f64::NAN] {
            let error = JapaneseVowelsConfig {
                standardise: true,
                valid,
                limit: None,
            }
            .load(0)
            .unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("`valid`") && message.contains("less than 1"),
                "{message}"
            );
        }
    }
}

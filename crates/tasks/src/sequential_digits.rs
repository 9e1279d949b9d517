//! Sequential digits: which digit an 8×8 image shows, read piece by piece (Alpaydin and Kaynak 1998).

use crate::pixels::{PixelOrder, permutation};
use crate::sample::{numbered, one_hot};
use crate::{Category, Dataset, Sample, TaskError, split};
use flate2::read::GzDecoder;
use ndarray::Array2;
use ran_seed::RngStream;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// Sequential digits: 1,797 images of 8×8 pixels with values 0 to 16, of which a fifth, drawn by the seed digit
/// by digit, is for testing. The data are part of the program; the task is small enough for quick tests.
///
/// One seed's test images are another's training images: scores of several seeds are not of independent data.
///
/// Source: Alpaydin and Kaynak, "Optical recognition of handwritten digits", UCI repository (1998).
///
/// ```toml
/// [task]
/// name = "sequential-digits"
/// order = "rows"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialDigitsConfig {
    /// In which order the image is read (default rows).
    pub order: PixelOrder,
    /// Whether inputs are standardised with the training set's statistics (default true).
    pub standardise: bool,
    /// The fraction of the training set that is split off for validation, digit by digit (default 0).
    pub valid: f64,
    /// How many of the training sequences stay; which ones follows from the seed, and classes keep their shares (default all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

impl Default for SequentialDigitsConfig {
    fn default() -> Self {
        Self {
            order: PixelOrder::Rows,
            standardise: true,
            valid: 0.0,
            limit: None,
        }
    }
}

const DIGITS: &[u8] = include_bytes!("../../../datasets/digits/digits.csv.gz");
const SIDE: usize = 8;
const CLASSES: usize = 10;
const TEST_FRACTION: f64 = 0.2;

impl SequentialDigitsConfig {
    pub(crate) const NAME: &'static str = "sequential-digits";

    pub(crate) fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let images = read_images()?;
        let classes: Vec<usize> = images.iter().map(|(_, class)| *class).collect();
        let (train, test) = split::stratified(&classes, TEST_FRACTION, seed, RngStream::TestSplit);
        let sample = |&at: &usize| self.sample(&images[at]);
        let train: Vec<Sample> = train.iter().map(sample).collect();
        let test = test.iter().map(sample).collect();
        let d_input = train[0].inputs.ncols();
        let dataset = Dataset {
            labels: numbered(CLASSES),
            train,
            test,
            ..Dataset::new(Self::NAME, Category::Classification, [d_input, CLASSES])
        };
        dataset.finish(Self::NAME, self.valid, self.limit, self.standardise, seed)
    }

    fn sample(&self, (image, class): &(Array2<f32>, usize)) -> Sample {
        let inputs = self.order.read(image.view(), &permutation(SIDE * SIDE));
        Sample {
            scored: vec![inputs.nrows() - 1],
            inputs,
            targets: one_hot(*class, CLASSES),
        }
    }
}

/// All images `[8, 8]` with their digits.
fn read_images() -> Result<Vec<(Array2<f32>, usize)>, TaskError> {
    let path = Path::new("digits.csv.gz");
    let mut text = String::new();
    GzDecoder::new(DIGITS)
        .read_to_string(&mut text)
        .map_err(|e| TaskError::read(path, e))?;
    let mut images = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let broken = || TaskError::line(path, index + 1, "64 pixels and a digit must be numbers");
        let numbers: Result<Vec<f32>, _> = line.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|_| broken())?;
        let (&digit, pixels) = numbers.split_last().ok_or_else(broken)?;
        let image = Array2::from_shape_vec((SIDE, SIDE), pixels.to_vec()).map_err(|_| broken())?;
        images.push((image, digit as usize));
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Axis;

    fn load(order: PixelOrder, seed: u64) -> Dataset {
        let config = SequentialDigitsConfig {
            order,
            standardise: false,
            valid: 0.0,
            limit: None,
        };
        config.load(seed).unwrap()
    }

    #[test]
    fn a_fifth_of_each_digit_is_for_testing() {
        let dataset = load(PixelOrder::Rows, 0);
        assert_eq!(dataset.train.len() + dataset.test.len(), 1797);
        let total = dataset.stack_targets(&dataset.train).sum_axis(Axis(0))
            + dataset.stack_targets(&dataset.test).sum_axis(Axis(0));
        // The digits' counts as scikit-learn's description of the subset gives them.
        let counts = [
            178.0, 182.0, 177.0, 183.0, 181.0, 182.0, 181.0, 179.0, 174.0, 180.0,
        ];
        assert_eq!(total.to_vec(), counts);
        let test = dataset.stack_targets(&dataset.test).sum_axis(Axis(0));
        for (test, total) in test.iter().zip(counts) {
            assert_eq!(*test, (total * 0.2).round());
        }
    }

    #[test]
    fn the_split_follows_the_seed() {
        assert_eq!(load(PixelOrder::Rows, 1), load(PixelOrder::Rows, 1));
        assert_ne!(
            load(PixelOrder::Rows, 1).test,
            load(PixelOrder::Rows, 2).test
        );
    }

    #[test]
    fn pixels_are_raw_when_not_standardised() {
        let dataset = load(PixelOrder::Rows, 0);
        let values = || {
            dataset
                .train
                .iter()
                .flat_map(|sample| sample.inputs.iter().copied())
        };
        assert_eq!(values().fold(f32::MAX, f32::min), 0.0);
        assert_eq!(values().fold(f32::MIN, f32::max), 16.0);
    }

    #[test]
    fn each_order_has_its_shape() {
        for (order, shape) in [
            (PixelOrder::Rows, [8, 8]),
            (PixelOrder::Columns, [8, 8]),
            (PixelOrder::Pixels, [64, 1]),
        ] {
            let dataset = load(order, 0);
            assert_eq!(dataset.train[0].inputs.shape(), shape);
            assert_eq!(dataset.train[0].scored, [shape[0] - 1]);
        }
    }
}

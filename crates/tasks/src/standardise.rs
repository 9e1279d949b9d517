//! Standardisation of inputs per channel, with statistics of the training set only.

use crate::Sample;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// The affine map (x − mean) / deviation per input channel.
///
/// Fitted on a training set, it makes every channel's mean 0 and its (population) standard deviation 1
/// over all steps of all sequences. A channel that is constant there is only centred.
///
/// ```
/// use ndarray::array;
/// use ran_tasks::{Sample, Standardiser};
/// let sample = Sample { inputs: array![[1.0], [3.0]], scored: vec![1], targets: array![[0.0]] };
/// let standardiser = Standardiser::fit(&[sample]);
/// let mut inputs = array![[5.0]];
/// standardiser.apply(&mut inputs);
/// assert_eq!(inputs, array![[3.0]]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardiser {
    /// The mean of each channel, `[d_input]`.
    pub mean: Vec<f32>,
    /// What each centred channel is divided by, `[d_input]`; 1 for a constant channel.
    pub deviation: Vec<f32>,
}

impl Standardiser {
    /// The mean and deviation of each channel over all steps of `samples`; empty when there are none.
    ///
    /// # Panics
    ///
    /// When the samples differ in their number of channels.
    #[must_use]
    pub fn fit(samples: &[Sample]) -> Self {
        let d_input = samples.first().map_or(0, |sample| sample.inputs.ncols());
        let mut count = 0.0_f64;
        let mut mean = vec![0.0_f64; d_input];
        let mut squares = vec![0.0_f64; d_input];
        // Welford's update: a channel far from zero keeps its digits.
        for row in samples.iter().flat_map(|sample| sample.inputs.rows()) {
            assert_eq!(
                row.len(),
                d_input,
                "every sample must have the channels of the first"
            );
            count += 1.0;
            for ((mean, squares), &x) in mean.iter_mut().zip(&mut squares).zip(row) {
                let before = f64::from(x) - *mean;
                *mean += before / count;
                *squares += before * (f64::from(x) - *mean);
            }
        }
        let deviation = mean.iter().zip(&squares).map(|(mean, squares)| {
            let deviation = (squares / count.max(1.0)).sqrt();
            // Rounding alone must not be blown up to unit variance.
            if deviation > 1e-7 * mean.abs() && deviation as f32 > 0.0 {
                deviation as f32
            } else {
                1.0
            }
        });
        let deviation = deviation.collect();
        Self {
            mean: mean.into_iter().map(|mean| mean as f32).collect(),
            deviation,
        }
    }

    /// What standardises as `self` and then `second` do.
    pub(crate) fn then(&self, second: &Self) -> Self {
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (mean, deviation) = (wide(&self.mean), wide(&self.deviation));
        let first = mean.iter().zip(&deviation);
        let means = first.zip(wide(&second.mean));
        let deviations = deviation.iter().zip(wide(&second.deviation));
        Self {
            mean: means.map(|((m, d), mean)| (m + d * mean) as f32).collect(),
            deviation: deviations
                .map(|(d, deviation)| (d * deviation) as f32)
                .collect(),
        }
    }

    /// Standardises `inputs`, `[steps, d_input]`, in place.
    ///
    /// # Panics
    ///
    /// When `inputs` has another number of channels than the data that this was fitted on.
    pub fn apply(&self, inputs: &mut Array2<f32>) {
        self.check(inputs);
        for mut row in inputs.rows_mut() {
            for ((x, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *x = (*x - mean) / deviation;
            }
        }
    }

    /// Gives standardised `inputs`, `[steps, d_input]`, their own unit back, in place.
    ///
    /// # Panics
    ///
    /// When `inputs` has another number of channels than the data that this was fitted on.
    pub fn invert(&self, inputs: &mut Array2<f32>) {
        self.check(inputs);
        for mut row in inputs.rows_mut() {
            for ((x, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *x = *x * deviation + mean;
            }
        }
    }

    fn check(&self, inputs: &Array2<f32>) {
        assert_eq!(
            inputs.ncols(),
            self.mean.len(),
            "inputs must have the channels of the training set"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::array;

    fn sample(inputs: Array2<f32>) -> Sample {
        Sample {
            inputs,
            scored: vec![0],
            targets: array![[0.0]],
        }
    }

    #[test]
    fn statistics_run_over_all_steps_of_all_sequences() {
        // Channel 0 holds 1, 3, 5: mean 3, variance (4 + 0 + 4) / 3.
        let samples = [
            sample(array![[1.0, 7.0], [3.0, 7.0]]),
            sample(array![[5.0, 7.0]]),
        ];
        let standardiser = Standardiser::fit(&samples);
        assert_eq!(standardiser.mean, [3.0, 7.0]);
        assert_relative_eq!(standardiser.deviation[0], (8.0_f32 / 3.0).sqrt());
    }

    #[test]
    fn a_constant_channel_is_only_centred() {
        let standardiser = Standardiser::fit(&[sample(array![[0.1], [0.1], [0.1]])]);
        assert_eq!(standardiser.deviation, [1.0]);
        let mut inputs = array![[2.1]];
        standardiser.apply(&mut inputs);
        assert_relative_eq!(inputs[[0, 0]], 2.0);
    }

    #[test]
    fn a_large_offset_does_not_swallow_a_small_variance() {
        let standardiser = Standardiser::fit(&[sample(array![[10_000.0], [10_001.0]])]);
        assert_relative_eq!(standardiser.deviation[0], 0.5);
    }

    #[test]
    fn inverting_undoes_applying() {
        let standardiser = Standardiser {
            mean: vec![3.0, -7.0],
            deviation: vec![2.0, 0.5],
        };
        let raw = array![[1.0, 2.0], [-3.0, 0.25]];
        let mut inputs = raw.clone();
        standardiser.apply(&mut inputs);
        assert_eq!(inputs, array![[-1.0, 18.0], [-3.0, 14.5]]);
        standardiser.invert(&mut inputs);
        assert_eq!(inputs, raw);
    }

    #[test]
    fn it_survives_being_written_and_read() {
        let standardiser = Standardiser {
            mean: vec![0.5, 1.0],
            deviation: vec![1.0, 2.0],
        };
        let text = toml::to_string(&standardiser).unwrap();
        assert_eq!(toml::from_str::<Standardiser>(&text).unwrap(), standardiser);
    }
}

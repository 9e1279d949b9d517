//! Standardisation of inputs per channel, with statistics of the training set only.

use crate::Sample;
use ndarray::{Array1, Array2, ArrayView1};
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
    pub mean: Vec<f64>,
    /// What each centred channel is divided by, `[d_input]`; 1 for a constant channel.
    pub deviation: Vec<f32>,
}

impl Standardiser {
    /// The mean and deviation of each channel over all steps of `samples`, but for missing values, which are NaN; empty when
    /// there are no samples.
    ///
    /// # Panics
    ///
    /// When the samples differ in their number of channels.
    #[must_use]
    pub fn fit(samples: &[Sample]) -> Self {
        let d_input = samples.first().map_or(0, |sample| sample.inputs.ncols());
        let mut count = vec![0.0_f64; d_input];
        let mut mean = vec![0.0_f64; d_input];
        let mut squares = vec![0.0_f64; d_input];
        // Welford's update: a channel far from zero keeps its digits.
        for row in samples.iter().flat_map(|sample| sample.inputs.rows()) {
            assert_eq!(
                row.len(),
                d_input,
                "every sample must have the channels of the first"
            );
            let sums = count.iter_mut().zip(&mut mean).zip(&mut squares);
            for (((count, mean), squares), &x) in sums.zip(row).filter(|(_, x)| !x.is_nan()) {
                *count += 1.0;
                let before = f64::from(x) - *mean;
                *mean += before / *count;
                *squares += before * (f64::from(x) - *mean);
            }
        }
        let spread = mean.iter().zip(&squares).zip(&count);
        let deviation = spread.map(|((mean, squares), count)| {
            let deviation = (squares / count.max(1.0)).sqrt();
            // Rounding alone must not be blown up to unit variance.
            if deviation > 1e-7 * mean.abs() && deviation as f32 > 0.0 {
                deviation as f32
            } else {
                1.0
            }
        });
        Self {
            deviation: deviation.collect(),
            mean: mean.iter().map(|&mean| f64::from(mean as f32)).collect(),
        }
    }

    /// What standardises as `self` and then `second` do.
    pub(crate) fn then(&self, second: &Self) -> Self {
        let first = self.mean.iter().zip(&self.deviation);
        let means = first.zip(&second.mean);
        let deviations = self.deviation.iter().zip(&second.deviation);
        let product = |(a, b): (&f32, &f32)| (f64::from(*a) * f64::from(*b)) as f32;
        Self {
            mean: means
                .map(|((mean, deviation), second)| mean + f64::from(*deviation) * second)
                .collect(),
            deviation: deviations.map(product).collect(),
        }
    }

    /// Standardises `inputs`, `[steps, d_input]`, in place.
    ///
    /// # Panics
    ///
    /// When `inputs` has another number of channels than the data that this was fitted on.
    pub fn apply(&self, inputs: &mut Array2<f32>) {
        self.check(inputs.ncols());
        for mut row in inputs.rows_mut() {
            for ((x, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *x = (f64::from(*x) - mean) as f32 / deviation;
            }
        }
    }

    /// One step of inputs, `[d_input]`, standardised; they are cut to 32 bits after their mean is taken from them.
    ///
    /// # Panics
    ///
    /// When the number of inputs is not that of the data that this was fitted on.
    #[must_use]
    pub fn step(&self, inputs: ArrayView1<'_, f64>) -> Array1<f32> {
        self.check(inputs.len());
        let channels = inputs.iter().zip(&self.mean).zip(&self.deviation);
        channels
            .map(|((x, mean), deviation)| (x - mean) as f32 / deviation)
            .collect()
    }

    /// Standardises `inputs`, `[steps, d_input]`, that another has standardised, in place.
    ///
    /// # Panics
    ///
    /// When `inputs` or `other` has another number of channels than the data that this was fitted on.
    pub fn apply_after(&self, other: &Self, inputs: &mut Array2<f32>) {
        self.check(inputs.ncols());
        other.check(inputs.ncols());
        for mut row in inputs.rows_mut() {
            for (channel, x) in row.iter_mut().enumerate() {
                let apart = other.mean[channel] - self.mean[channel];
                let raw = f64::from(*x) * f64::from(other.deviation[channel]) + apart;
                *x = raw as f32 / self.deviation[channel];
            }
        }
    }

    /// Gives standardised `inputs`, `[steps, d_input]`, their own unit back, in place.
    ///
    /// # Panics
    ///
    /// When `inputs` has another number of channels than the data that this was fitted on.
    pub fn invert(&self, inputs: &mut Array2<f32>) {
        self.check(inputs.ncols());
        for mut row in inputs.rows_mut() {
            for ((x, mean), deviation) in row.iter_mut().zip(&self.mean).zip(&self.deviation) {
                *x = (f64::from(*x * deviation) + mean) as f32;
            }
        }
    }

    fn check(&self, channels: usize) {
        assert_eq!(
            channels,
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
    fn missing_values_do_not_count() {
        let standardiser = Standardiser::fit(&[sample(array![
            [1.0, f32::NAN],
            [f32::NAN, f32::NAN],
            [5.0, f32::NAN]
        ])]);
        assert_eq!(standardiser.mean, [3.0, 0.0]);
        assert_eq!(standardiser.deviation, [2.0, 1.0]);
    }

    #[test]
    fn a_step_far_from_zero_keeps_its_digits() {
        let far = Standardiser {
            mean: vec![1e9],
            deviation: vec![0.5],
        };
        assert_eq!(far.step(array![1e9 + 0.25].view()), array![0.5]);
        let near = Standardiser {
            mean: vec![1e9 + 0.25],
            deviation: vec![0.25],
        };
        // 1e9 + 1, as the one has standardised it and as the other would.
        let mut inputs = array![[2.0]];
        near.apply_after(&far, &mut inputs);
        assert_eq!(inputs, array![[3.0]]);
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

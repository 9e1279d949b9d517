//! Mini-batches of sequences of different lengths, with the noise of training.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use ndarray::{Array2, s};
use ran_readout::Features;
use ran_tasks::{Dataset, Sample, stack_rows};
use ran_unit::RngStream;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::normal::normals;
use crate::states::{needed, pad};

/// Room for the random numbers of one epoch, in words of the generator.
const WORDS_PER_EPOCH: u128 = 1 << 48;

/// The generator of one epoch's randomness.
///
/// It is a function of the seed and the epoch, so that a run that is taken up again draws what it would have drawn.
pub(crate) fn epoch_rng(seed: u64, epoch: usize) -> ChaCha8Rng {
    let mut rng = RngStream::Training.rng(seed);
    rng.set_word_pos(epoch as u128 * WORDS_PER_EPOCH);
    rng
}

/// The sequences that have something to learn from, in a random order.
pub(crate) fn shuffled(samples: &[Sample], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples.len())
        .filter(|&index| !samples[index].scored.is_empty())
        .collect();
    order.shuffle(rng);
    order
}

/// Batches of `stripes` sequences, each of which follows the one at its place in the batch before; none where there are fewer
/// sequences than stripes.
pub(crate) fn stripes(sequences: usize, stripes: usize) -> Vec<Vec<usize>> {
    let length = sequences / stripes;
    let batch = |step| (0..stripes).map(|stripe| stripe * length + step).collect();
    (0..length).map(batch).collect()
}

/// Sequences that go through the network together.
pub(crate) struct Batch<B: Backend> {
    /// `[batch, longest, d_input]`, zeros after the ends of shorter ones. Steps after the last scored one are left out.
    pub(crate) inputs: Tensor<B, 3>,
    /// The scored steps of each sequence.
    pub(crate) scored: Vec<Vec<usize>>,
    /// `[rows, d_output]`, one row per row of features.
    pub(crate) targets: Array2<f32>,
}

impl<B: Backend> Batch<B> {
    /// Joins sequences of a data set that each have a scored step.
    pub(crate) fn new<'a>(
        dataset: &Dataset,
        samples: impl Iterator<Item = &'a Sample>,
        features: Features,
        noise: Option<(f64, &mut ChaCha8Rng)>,
        device: &B::Device,
    ) -> Self {
        let samples: Vec<_> = samples.collect();
        let longest = samples.iter().map(|sample| needed(sample)).max();
        let longest = longest.unwrap_or(0);
        let sequences = samples
            .iter()
            .map(|sample| sample.inputs.slice(s![..needed(sample), ..]));
        let (mut inputs, shape) = pad(sequences, longest);
        let d_input = shape[2];
        if let Some((deviation, rng)) = noise.filter(|(deviation, _)| *deviation > 0.0) {
            let mut drawn = normals(rng);
            // Padding stays zero: what is drawn for a sequence depends on its own length alone.
            for (into, sample) in inputs.chunks_mut(longest * d_input).zip(&samples) {
                for value in &mut into[..needed(sample) * d_input] {
                    *value += drawn() * deviation as f32;
                }
            }
        }
        Self {
            inputs: Tensor::from_data(TensorData::new(inputs, shape), device),
            scored: samples.iter().map(|sample| sample.scored.clone()).collect(),
            targets: targets(dataset, samples, features),
        }
    }
}

/// The targets of the rows of features of sequences, one sequence after another.
///
/// # Shapes
///
/// - output: `[rows, d_output]`
pub(crate) fn targets<'a>(
    dataset: &Dataset,
    samples: impl IntoIterator<Item = &'a Sample>,
    features: Features,
) -> Array2<f32> {
    let own = |sample: &Sample| {
        let steps = sample.inputs.nrows();
        features.targets(steps, &sample.scored, sample.targets.view())
    };
    let all: Vec<_> = samples.into_iter().map(own).collect();
    dataset.one_hot(stack_rows(&all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;
    use ndarray::array;
    use ran_tasks::Category;

    type B = NdArray<f32>;

    fn samples() -> [Sample; 2] {
        [
            Sample {
                inputs: array![[1.0], [2.0], [3.0], [4.0]],
                scored: vec![0, 2],
                targets: array![[1.0, 0.0], [0.0, 1.0]],
            },
            Sample {
                inputs: array![[5.0], [6.0]],
                scored: vec![1],
                targets: array![[0.5, 0.5]],
            },
        ]
    }

    fn batch(noise: Option<(f64, &mut ChaCha8Rng)>) -> Batch<B> {
        let dataset = Dataset::new("some", Category::Classification, [1, 2]);
        let samples = samples();
        Batch::new(
            &dataset,
            samples.iter(),
            Features::Last,
            noise,
            &Default::default(),
        )
    }

    #[test]
    fn shorter_sequences_are_padded_and_steps_that_are_never_scored_left_out() {
        let batch = batch(None);
        let inputs = batch.inputs.into_data();
        let expected = TensorData::from([[[1.0], [2.0], [3.0_f32]], [[5.0], [6.0], [0.0]]]);
        inputs.assert_eq(&expected, true);
        assert_eq!(batch.scored, [vec![0, 2], vec![1]]);
        let expected = array![[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]];
        assert_eq!(batch.targets, expected);
    }

    #[test]
    fn noise_is_normal_spares_padding_and_follows_the_seed_and_the_epoch() {
        let noisy = |seed, epoch| {
            let batch = batch(Some((0.5, &mut epoch_rng(seed, epoch))));
            batch.inputs.into_data().into_vec::<f32>().unwrap()
        };
        let inputs = noisy(1, 2);
        assert_eq!(inputs[5], 0.0);
        assert!(
            inputs[..5]
                .iter()
                .zip([1.0, 2.0, 3.0, 5.0, 6.0])
                .all(|(a, b)| *a != b)
        );
        assert_eq!(inputs, noisy(1, 2));
        assert_ne!(inputs, noisy(1, 3));
        assert_ne!(inputs, noisy(2, 2));

        let mut rng = epoch_rng(0, 0);
        let mut draw = normals(&mut rng);
        let drawn: Vec<f32> = (0..100_000).map(|_| draw()).collect();
        let moment = |power: i32| {
            drawn.iter().map(|x| f64::from(x.powi(power))).sum::<f64>() / drawn.len() as f64
        };
        // 0, 1, 0 and 3 for a normal law; four deviations of their estimates are 0.013, 0.018, 0.05 and 0.13.
        for (power, expected, margin) in [
            (1, 0.0, 0.013),
            (2, 1.0, 0.018),
            (3, 0.0, 0.05),
            (4, 3.0, 0.13),
        ] {
            let got = moment(power);
            assert!((got - expected).abs() < margin, "moment {power} is {got}");
        }
    }

    #[test]
    fn each_stripe_goes_through_its_part_in_order() {
        let expected = [[0, 3], [1, 4], [2, 5]].map(Vec::from);
        assert_eq!(stripes(7, 2), expected);
        assert!(stripes(3, 4).is_empty());
    }

    #[test]
    fn an_order_has_every_scored_sequence_once() {
        let mut many: Vec<Sample> = samples().into_iter().cycle().take(40).collect();
        many[7].scored.clear();
        let mut order = shuffled(&many, &mut epoch_rng(0, 1));
        assert!(!order.is_sorted());
        order.sort_unstable();
        let expected: Vec<usize> = (0..40).filter(|&index| index != 7).collect();
        assert_eq!(order, expected);
    }
}

//! From sequences to rows of features: padded batches through the reservoir.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, ArrayView2, ArrayView3, s};
use ran_readout::Features;
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::Sample;

/// Sequences that go through the reservoir together.
const BATCH: usize = 64;

/// The states of a batch of sequences.
///
/// # Shapes
///
/// - inputs: `[batch, steps, d_input]`
/// - output: `[batch, steps, d_state]`
pub(crate) fn scan<B: ScanBackend>(
    reservoir: &Reservoir<B>,
    inputs: Tensor<B, 3>,
    truncate: Option<usize>,
) -> Tensor<B, 3> {
    let start = reservoir.start(inputs.dims()[0], &inputs.device());
    reservoir.forward(inputs, start, truncate).0
}

/// Runs sequences through a reservoir, in batches of similar length, and hands over each one's rows of features.
///
/// `visit` gets the sequence's index and its features, `[rows, width]`, and can break the walk off. Sequences come
/// ordered by length, and in the same order every time.
pub(crate) fn walk_features<B: ScanBackend>(
    reservoir: &Reservoir<B>,
    features: Features,
    samples: &[Sample],
    device: &B::Device,
    visit: &mut dyn FnMut(usize, Array2<f32>) -> ControlFlow<()>,
) {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_key(|&index| samples[index].inputs.nrows());
    for batch in order.chunks(BATCH) {
        let sequences = batch.iter().map(|&index| samples[index].inputs.view());
        let longest = sequences.clone().map(|one| one.nrows()).max().unwrap_or(0);
        let inputs = pad(sequences, longest);
        let states = scan(reservoir, Tensor::from_data(inputs, device), None);
        let dims = states.dims();
        let states = states.into_data().convert::<f32>();
        let states = states.as_slice().expect("states were converted to f32");
        let states = ArrayView3::from_shape(dims, states).expect("states have their dims");
        for (place, &index) in batch.iter().enumerate() {
            let sample = &samples[index];
            let steps = sample.inputs.nrows();
            let own = states.slice(s![place, ..steps, ..]);
            if visit(index, features.rows(own, &sample.scored)).is_break() {
                return;
            }
        }
    }
}

/// Joins sequences of at most `longest` steps to one tensor, with zeros after the ends of the shorter ones.
///
/// # Shapes
///
/// - sequences: each `[steps, d_input]`
/// - output: `[batch, longest, d_input]`
pub(crate) fn pad<'a>(
    sequences: impl ExactSizeIterator<Item = ArrayView2<'a, f32>> + Clone,
    longest: usize,
) -> TensorData {
    let batch = sequences.len();
    let d_input = sequences.clone().map(|one| one.ncols()).next().unwrap_or(0);
    let mut padded = vec![0.0; batch * longest * d_input];
    for (into, sequence) in padded.chunks_mut(longest * d_input).zip(sequences) {
        for (into, &value) in into.iter_mut().zip(sequence.iter()) {
            *into = value;
        }
    }
    TensorData::new(padded, [batch, longest, d_input])
}

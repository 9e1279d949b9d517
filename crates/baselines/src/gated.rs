//! Layers whose gates each see the layer's inputs and its state: what a GRU and an LSTM have in common.

use burn::tensor::backend::Backend;
use rand::Rng;

use crate::parts::{Linear, linear_parameters};

/// How many numbers the maps of [`gated_layers`] have.
pub(crate) fn gated_parameters(gates: usize, d_input: usize, width: usize, layers: usize) -> usize {
    let wide = gates * width;
    let layer =
        |d_in| linear_parameters([d_in, wide], true) + linear_parameters([width, wide], true);
    layer(d_input) + (layers - 1) * layer(width)
}

/// For each layer of a network whose gates each see the layer's inputs and its state, the maps `[d_in, gates·width]` of the inputs and
/// `[width, gates·width]` of the state: weights and biases uniform in ±1/√width.
pub(crate) fn gated_layers<B: Backend>(
    gates: usize,
    d_input: usize,
    width: usize,
    layers: usize,
    rng: &mut impl Rng,
    device: &B::Device,
) -> Vec<[Linear<B>; 2]> {
    let bound = 1.0 / (width as f32).sqrt();
    let mut linear =
        |d_in| Linear::init([d_in, gates * width], bound, Some(bound), &mut *rng, device);
    (0..layers)
        .map(|layer| {
            let input = linear(if layer == 0 { d_input } else { width });
            [input, linear(width)]
        })
        .collect()
}

//! A reservoir whose weights are fitted before the readout: what its slots read while sequences go through it.

use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, ArrayView2};
use ran_reservoir::Reservoir;
use ran_topology::Slot;

use crate::LearningBackend;
use crate::backbone::Backbone;
use crate::backend::host;
use crate::core::Core;

/// The reservoir of a model whose units are fitted before the readout: a configuration with another network asks for no such thing.
pub(crate) fn fitted_reservoir<B: LearningBackend>(
    backbone: &mut Backbone<B>,
) -> &mut Reservoir<B> {
    match &mut backbone.core {
        Core::Reservoir(reservoir) => reservoir,
        Core::Network(_) => unreachable!("what fits units is refused of another network"),
    }
}

/// The states of a sequence, `[steps, d_state]`.
pub(crate) fn states<B: LearningBackend>(
    reservoir: &Reservoir<B>,
    inputs: ArrayView2<'_, f32>,
    device: &B::Device,
) -> Array2<f32> {
    let (steps, d_input) = inputs.dim();
    let data = TensorData::new(
        inputs.iter().copied().collect::<Vec<_>>(),
        [1, steps, d_input],
    );
    let start = reservoir.start(1, device);
    let (states, _) = reservoir.forward(Tensor::from_data(data, device), start, None);
    host(states.squeeze_dim(0))
}

/// What a slot reads at a step of a sequence.
pub(crate) fn read(
    slot: Slot<'_>,
    inputs: ArrayView2<'_, f32>,
    states: ArrayView2<'_, f32>,
    step: usize,
) -> f32 {
    let read = |source: usize| match source.checked_sub(inputs.ncols()) {
        None => inputs[[step, source]],
        Some(dim) => step
            .checked_sub(1)
            .map_or(0.0, |before| states[[before, dim]]),
    };
    let terms = slot.sources.iter().zip(slot.weights);
    terms
        .map(|(&source, weight)| weight * read(source as usize))
        .sum()
}

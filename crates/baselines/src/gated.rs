//! Layers whose gates each see the layer's inputs and its state: what a GRU and an LSTM have in common.

use burn::module::Module;
use burn::tensor::backend::Backend;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::BaselineError;
use crate::error::check_count;
use crate::parts::{Linear, linear_parameters};

/// What a GRU or an LSTM is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatedConfig {
    /// Width of a layer's state.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
}

impl Default for GatedConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 1,
        }
    }
}

impl GatedConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)
    }

    /// How many numbers are trained, where a layer maps to `maps` parts as wide as its state.
    pub(crate) fn parameters(&self, maps: usize, d_input: usize) -> usize {
        let &Self { width, layers } = self;
        let map = |d_in| linear_parameters([d_in, maps * width], true);
        map(d_input) + map(width) + (layers - 1) * 2 * map(width)
    }

    /// Draws weights and biases, all uniform in ±1/√width, layer after layer. The options must have been checked.
    pub(crate) fn init<B: Backend>(
        &self,
        maps: usize,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Vec<GatedLayer<B>> {
        let &Self { width, layers } = self;
        let bound = 1.0 / (width as f32).sqrt();
        let mut map =
            |d_in| Linear::init([d_in, maps * width], bound, Some(bound), &mut *rng, device);
        (0..layers)
            .map(|layer| GatedLayer {
                input: map(if layer == 0 { d_input } else { width }),
                hidden: map(width),
            })
            .collect()
    }
}

/// The maps of one layer of a [`Gru`](crate::Gru) or an [`Lstm`](crate::Lstm), which say what the parts are.
#[derive(Module, Debug)]
pub struct GatedLayer<B: Backend> {
    /// The map of the layer's inputs, `[d_in, maps·width]`.
    pub input: Linear<B>,
    /// The map of the layer's state, `[width, maps·width]`.
    pub hidden: Linear<B>,
}

impl<B: Backend> GatedLayer<B> {
    /// Width of the inputs.
    pub(crate) fn d_input(&self) -> usize {
        self.input.weight.dims()[0]
    }

    /// Width of the state.
    pub(crate) fn width(&self) -> usize {
        self.hidden.weight.dims()[0]
    }

    /// Multiply-adds of both products.
    pub(crate) fn multiply_adds(&self) -> u64 {
        self.input.multiply_adds() + self.hidden.multiply_adds()
    }
}

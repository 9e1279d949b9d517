//! The gated recurrent unit.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::check_count;
use crate::gated::{gated_layers, gated_parameters};
use crate::network::check;
use crate::parts::{over_time, sigmoid};
use crate::{BaselineError, Linear, Memory, Network, Slot};

const NAME: &str = "gru";

/// What a GRU is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GruConfig {
    /// Width of a layer's state.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
}

impl Default for GruConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 1,
        }
    }
}

impl GruConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        gated_parameters(3, d_input, self.width, self.layers)
    }

    /// Draws the weights and biases, all uniform in ±1/√width, layer after layer. The options must have been checked.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Gru<B> {
        let &Self { width, layers } = self;
        let layers = gated_layers(3, d_input, width, layers, rng, device).into_iter();
        Gru {
            layers: layers
                .map(|[input, hidden]| GruLayer { input, hidden })
                .collect(),
        }
    }
}

/// Layers of gated recurrent units (Cho et al. 2014), as in PyTorch: the reset gate comes after the product.
///
/// For each layer, with the rows x of the layer below,
///
/// - r, z, n = x·W + b, and r', z', n' = h·U + c, each in three parts
/// - h ← (1 − σ(z + z')) ⊙ tanh(n + σ(r + r') ⊙ n') + σ(z + z') ⊙ h
///
/// The features are the last layer's states. Not burn's own module, which multiplies each step's inputs within the loop over
/// time, gate by gate, and writes each step into one tensor of all.
#[derive(Module, Debug)]
pub struct Gru<B: Backend> {
    /// The layers, the lowest first.
    pub layers: Vec<GruLayer<B>>,
}

/// One layer of a [`Gru`].
#[derive(Module, Debug)]
pub struct GruLayer<B: Backend> {
    /// The map W and b of the layer's inputs, to r, z and n, `[d_in, 3·width]`.
    pub input: Linear<B>,
    /// The map U and c of the layer's state, to r', z' and n', `[width, 3·width]`.
    pub hidden: Linear<B>,
}

impl<B: Backend> GruLayer<B> {
    /// The state after a step.
    ///
    /// # Shapes
    ///
    /// - given, own: `[batch, 3·width]`, what the inputs and the state are mapped to
    /// - hidden: `[batch, width]`
    /// - output: `[batch, width]`
    fn next(given: Tensor<B, 2>, own: Tensor<B, 2>, hidden: Tensor<B, 2>) -> Tensor<B, 2> {
        let [_, width] = hidden.dims();
        let part = |of: &Tensor<B, 2>, at: usize, count: usize| {
            of.clone().narrow(1, at * width, count * width)
        };
        let gates = sigmoid(part(&given, 0, 2) + part(&own, 0, 2));
        let (reset, keep) = (part(&gates, 0, 1), part(&gates, 1, 1));
        let new = (part(&given, 2, 1) + reset * part(&own, 2, 1)).tanh();
        // The same as (1 − keep) ⊙ new + keep ⊙ hidden.
        new.clone() + keep * (hidden - new)
    }
}

impl<B: Backend> Network<B> for Gru<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn d_input(&self) -> usize {
        self.layers[0].input.weight.dims()[0]
    }

    fn d_features(&self) -> usize {
        self.layers[0].hidden.weight.dims()[0]
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let layers = 0..self.layers.len();
        let slot = |layer| Slot::new(hidden_of(layer), &[Network::<B>::d_features(self)]);
        layers.map(slot).collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            let name = hidden_of(at);
            let given = layer.input.forward(rows);
            let own = layer.hidden.ready();
            let (states, hidden) = over_time(given, memory.get(&name), |given, hidden| {
                let hidden = GruLayer::next(given, own(hidden.clone()), hidden);
                (hidden.clone(), hidden)
            });
            after = after.with(name, hidden);
            rows = states;
        }
        (rows, after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter();
        layers
            .map(|layer| layer.input.multiply_adds() + layer.hidden.multiply_adds())
            .sum()
    }
}

/// The name of a layer's state in the memory.
fn hidden_of(layer: usize) -> String {
    format!("layers.{layer}.hidden")
}

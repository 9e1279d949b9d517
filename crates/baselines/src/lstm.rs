//! The long short-term memory.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::check_count;
use crate::gated::{gated_layers, gated_parameters};
use crate::network::check;
use crate::parts::{over_time, sigmoid};
use crate::{BaselineError, Linear, Memory, Network, Slot};

const NAME: &str = "lstm";

/// What an LSTM is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LstmConfig {
    /// Width of a layer's state.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
}

impl Default for LstmConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 1,
        }
    }
}

impl LstmConfig {
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
        gated_parameters(4, d_input, self.width, self.layers)
    }

    /// Draws the weights and biases, all uniform in ±1/√width, layer after layer. The options must have been checked.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Lstm<B> {
        let &Self { width, layers } = self;
        let layers = gated_layers(4, d_input, width, layers, rng, device).into_iter();
        Lstm {
            layers: layers
                .map(|[input, hidden]| LstmLayer { input, hidden })
                .collect(),
        }
    }
}

/// Layers of long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000), as in PyTorch:
/// no peepholes.
///
/// For each layer, with the rows x of the layer below,
///
/// - i, f, g, o = x·W + b + h·U + c', each a quarter of the columns
/// - c ← σ(f) ⊙ c + σ(i) ⊙ tanh(g)
/// - h ← σ(o) ⊙ tanh(c)
///
/// The features are the last layer's h. Not burn's own module, which multiplies each step's inputs within the loop over time,
/// gate by gate, and writes each step into one tensor of all.
#[derive(Module, Debug)]
pub struct Lstm<B: Backend> {
    /// The layers, the lowest first.
    pub layers: Vec<LstmLayer<B>>,
}

/// One layer of an [`Lstm`].
#[derive(Module, Debug)]
pub struct LstmLayer<B: Backend> {
    /// The map W and b of the layer's inputs, to i, f, g and o, `[d_in, 4·width]`.
    pub input: Linear<B>,
    /// The map U and c' of the layer's h, to i, f, g and o, `[width, 4·width]`.
    pub hidden: Linear<B>,
}

impl<B: Backend> LstmLayer<B> {
    /// h and c after a step.
    ///
    /// # Shapes
    ///
    /// - sums: `[batch, 4·width]`, what the inputs and h are mapped to, added
    /// - cell: `[batch, width]`
    /// - output: `[batch, width]` and `[batch, width]`
    fn next(sums: Tensor<B, 2>, cell: Tensor<B, 2>) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let [_, width] = cell.dims();
        let part = |at: usize| sums.clone().narrow(1, at * width, width);
        let (write, forget, new, read) = (part(0), part(1), part(2), part(3));
        let cell = sigmoid(forget) * cell + sigmoid(write) * new.tanh();
        (sigmoid(read) * cell.clone().tanh(), cell)
    }
}

impl<B: Backend> Network<B> for Lstm<B> {
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
        let width = Network::<B>::d_features(self);
        let layers = (0..self.layers.len()).flat_map(names);
        layers.map(|name| Slot::new(name, &[width])).collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            let [hidden, cell] = names(at);
            let given = layer.input.forward(rows);
            let first = (memory.get(&hidden), memory.get(&cell));
            let own = layer.hidden.ready();
            let (outputs, last) = over_time(given, first, |given, (hidden, cell)| {
                let state = LstmLayer::next(given + own(hidden), cell);
                (state.0.clone(), state)
            });
            after = after.with(hidden, last.0).with(cell, last.1);
            rows = outputs;
        }
        (rows, after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let width = Network::<B>::d_features(self) as u64;
        let layers = self.layers.iter();
        layers
            .map(|layer| layer.input.multiply_adds() + layer.hidden.multiply_adds() + 2 * width)
            .sum()
    }
}

/// The names of a layer's h and c in the memory.
fn names(layer: usize) -> [String; 2] {
    ["hidden", "cell"].map(|part| format!("layers.{layer}.{part}"))
}

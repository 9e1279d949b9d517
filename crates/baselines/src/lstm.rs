//! The long short-term memory.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::gated::GatedLayer;
use crate::network::{check, name_of};
use crate::parts::{over_time, sigmoid};
use crate::{Memory, Network, Slot};

const NAME: &str = "lstm";

/// The parts i, f, g and o.
pub(crate) const MAPS: usize = 4;

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
    pub layers: Vec<GatedLayer<B>>,
}

/// h and c after a step.
///
/// # Shapes
///
/// - sums: `[batch, 4·width]`, what the inputs and h are mapped to, added
/// - cell: `[batch, width]`
/// - output: `[batch, width]` and `[batch, width]`
fn next<B: Backend>(sums: Tensor<B, 2>, cell: Tensor<B, 2>) -> (Tensor<B, 2>, Tensor<B, 2>) {
    let [_, width] = cell.dims();
    let part = |at: usize| sums.clone().narrow(1, at * width, width);
    let (write, forget, new, read) = (part(0), part(1), part(2), part(3));
    let cell = sigmoid(forget) * cell + sigmoid(write) * new.tanh();
    (sigmoid(read) * cell.clone().tanh(), cell)
}

impl<B: Backend> Network<B> for Lstm<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        [self.layers[0].d_input(), self.layers[0].width()]
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(at, layer)| names(at).map(|name| Slot::new(name, &[layer.width()])))
            .collect()
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
                let state = next(given + own(hidden), cell);
                (state.0.clone(), state)
            });
            after = after.with(hidden, last.0).with(cell, last.1);
            rows = outputs;
        }
        (rows, after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter();
        layers
            .map(|layer| layer.multiply_adds() + 2 * layer.width() as u64)
            .sum()
    }
}

/// The names of a layer's h and c in the memory.
fn names(layer: usize) -> [String; 2] {
    ["hidden", "cell"].map(|part| name_of(layer, part))
}

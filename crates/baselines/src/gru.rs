//! The gated recurrent unit.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::gated::GatedLayer;
use crate::network::{check, name_of};
use crate::parts::{over_time, sigmoid};
use crate::{Memory, Network, Slot};

const NAME: &str = "gru";

/// The name of a layer's state in the memory.
const HIDDEN: &str = "hidden";

/// The parts r, z and n.
pub(crate) const MAPS: usize = 3;

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
    pub layers: Vec<GatedLayer<B>>,
}

/// The state after a step.
///
/// # Shapes
///
/// - given, own: `[batch, 3·width]`, what the inputs and the state are mapped to
/// - hidden: `[batch, width]`
/// - output: `[batch, width]`
fn next<B: Backend>(given: Tensor<B, 2>, own: Tensor<B, 2>, hidden: Tensor<B, 2>) -> Tensor<B, 2> {
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

impl<B: Backend> Network<B> for Gru<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        [self.layers[0].d_input(), self.layers[0].width()]
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let layers = self.layers.iter().enumerate();
        layers
            .map(|(at, layer)| Slot::new(name_of(at, HIDDEN), &[layer.width()]))
            .collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            let name = name_of(at, HIDDEN);
            let given = layer.input.forward(rows);
            let own = layer.hidden.ready();
            let (states, hidden) = over_time(given, memory.get(&name), |given, hidden| {
                let hidden = next(given, own(hidden.clone()), hidden);
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
            .map(|layer| layer.multiply_adds() + 2 * layer.width() as u64)
            .sum()
    }
}

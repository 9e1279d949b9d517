//! The trait that every network implements.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use rand::Rng;

use crate::{BaselineError, Memory, MemoryData, Slot};

/// A network that turns a sequence of inputs into a sequence of features, step by step or whole.
///
/// It holds weights and no state: the [`Memory`] belongs to the caller. Outside training, whatever form a call takes, and wherever a sequence
/// is cut, the features are the same.
pub trait Network<B: Backend>: Module<B> {
    /// The network's name, as in configurations.
    fn name(&self) -> &'static str;

    /// Width of the inputs, and of the features.
    fn widths(&self) -> [usize; 2];

    /// Width of the inputs.
    fn d_input(&self) -> usize {
        self.widths()[0]
    }

    /// Width of the features.
    fn d_features(&self) -> usize {
        self.widths()[1]
    }

    /// What is remembered after `steps` steps, in the memory's order. A part without numbers is left out.
    fn slots(&self, steps: usize) -> Vec<Slot>;

    /// The memory before the first step.
    fn start(&self, batch: usize, device: &B::Device) -> Memory<B> {
        Memory::zeros(self.name(), 0, &self.slots(0), batch, device)
    }

    /// Brings a saved memory back.
    ///
    /// # Errors
    ///
    /// If it is another network's, its shapes are not this network's, or its numbers are no floats or do not fill their
    /// shapes.
    fn restore(&self, saved: &MemoryData, device: &B::Device) -> Result<Memory<B>, BaselineError> {
        Memory::from_data(self.name(), |steps| self.slots(steps), saved, device)
    }

    /// The features of every step, and the memory after the last: in parallel over steps where the network has such a form.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    /// - output: `[batch, steps, d_features]`
    ///
    /// # Panics
    ///
    /// If the inputs or the memory are not of this network's shapes, or there is no step.
    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>);

    /// As [`forward`](Network::forward), in training: what a network hides then, by chance, is drawn from `rng`.
    fn forward_in_training(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        rng: &mut dyn Rng,
    ) -> (Tensor<B, 3>, Memory<B>) {
        let _ = rng;
        self.forward(inputs, memory)
    }

    /// The features of one step, in the recurrent form.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, d_input]`
    /// - output: `[batch, d_features]`
    ///
    /// # Panics
    ///
    /// As [`forward`](Network::forward).
    fn step(&self, inputs: Tensor<B, 2>, memory: Memory<B>) -> (Tensor<B, 2>, Memory<B>) {
        let (features, memory) = self.forward(inputs.unsqueeze_dim(1), memory);
        (features.squeeze_dim(1), memory)
    }

    /// Multiply-adds of one sequence's step that has `position` steps before it: of products of matrices, and of what
    /// reads and writes the memory entry by entry. Norms and activations do not count.
    fn multiply_adds_at(&self, position: usize) -> u64;

    /// Numbers that one sequence remembers after the step that has `position` steps before it.
    fn memory_floats_at(&self, position: usize) -> u64 {
        self.slots(position + 1).iter().map(Slot::floats).sum()
    }
}

/// The name of a layer's state in the memory.
pub(crate) const STATE: &str = "state";

/// The name of a layer's part in the memory.
pub(crate) fn name_of(layer: usize, part: &str) -> String {
    format!("layers.{layer}.{part}")
}

/// Checks inputs and memory before a pass.
///
/// # Panics
///
/// If they are not of the network's shapes, naming expected and got.
pub(crate) fn check<B: Backend, N: Network<B>>(
    network: &N,
    inputs: &Tensor<B, 3>,
    memory: &Memory<B>,
) {
    let [batch, steps, d_input] = inputs.dims();
    assert!(steps > 0, "inputs must have at least one step, got none");
    assert_eq!(
        d_input,
        network.d_input(),
        "inputs must be [batch, steps, d_input] with d_input = {}, got {:?}",
        network.d_input(),
        inputs.dims()
    );
    memory.check(network.name(), &network.slots(memory.position()), batch);
}

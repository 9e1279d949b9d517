//! A population of attention blocks.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_memory_unit::{MemoryUnit, MemoryUnitConfig};
use ran_qkv_unit::{QkvUnit, QkvUnitConfig};
use ran_unit::{Activation, Initializer, Output, Unit, UnitShape};
use rand::Rng;

/// What a population of attention blocks is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionBlockConfig {
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D.
    pub d_unit: usize,
    /// Number of heads that D is split into; the poster's is 1.
    pub heads: usize,
    /// Whether a row sees no newer rows. It matters only where all rows are kept (`rewritten` memory).
    pub causal: bool,
    /// The function between the two feed-forward layers.
    pub activation: Activation,
    /// Whether each half adds its input to its answer.
    pub residual: bool,
    /// Whether each half is layer-normalised after the sum (Vaswani et al. 2017).
    pub layer_norm: bool,
    /// The last function on each row, after the second half.
    pub output: Output,
    /// How weights are drawn.
    pub initializer: Initializer,
}

impl AttentionBlockConfig {
    /// The poster's unit: one head, ReLU, no mask, no residual, no norm, output as it is.
    pub fn new(units: usize, d_unit: usize) -> Self {
        Self {
            units,
            d_unit,
            heads: 1,
            causal: false,
            activation: Activation::Relu,
            residual: false,
            layer_norm: false,
            output: Output::Identity,
            initializer: Initializer::Reservoir,
        }
    }

    /// Draws the population's weights: first the QKV half's, then the memory half's.
    ///
    /// # Panics
    ///
    /// If `heads` does not divide `d_unit`.
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> AttentionBlock<B> {
        let &Self {
            units,
            d_unit,
            heads,
            causal,
            activation,
            residual,
            layer_norm,
            output,
            initializer,
        } = self;
        let qkv = QkvUnitConfig {
            units,
            d_unit,
            heads,
            causal,
            residual,
            layer_norm,
            output: Output::Identity,
            initializer,
        };
        let memory = MemoryUnitConfig {
            units,
            d_unit,
            activation,
            residual,
            layer_norm,
            output,
            initializer,
        };
        AttentionBlock {
            qkv: qkv.init(rng, device),
            memory: memory.init(rng, device),
        }
    }
}

/// U units that attend over their windows and then retrieve from their memories: the poster's unit.
#[derive(Module, Debug)]
pub struct AttentionBlock<B: Backend> {
    /// Steps 1 and 2: attention over the window.
    pub qkv: QkvUnit<B>,
    /// Step 3: retrieval, row by row.
    pub memory: MemoryUnit<B>,
}

impl<B: Backend> Unit<B> for AttentionBlock<B> {
    fn shape(&self) -> UnitShape {
        self.qkv.shape()
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        self.memory.forward(self.qkv.forward(window))
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        let attended = self.qkv.newest(window).unsqueeze_dim(2); // [batch, units, 1, d_unit]
        self.memory.newest(attended)
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        self.qkv.multiply_adds(context, rows) + self.memory.multiply_adds(context, rows)
    }
}

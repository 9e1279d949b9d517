//! A population of attention blocks in burn operations: equations 1 to 4 of docs/model.md#units.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_memory_unit::{MemoryUnit, MemoryUnitConfig};
use ran_qkv_unit::{QkvUnit, QkvUnitConfig};
use ran_unit::{Fused, Output, Unit, UnitShape};
use rand::Rng;

use crate::AttentionBlockKernel;

/// What a population of attention blocks is made of: the configurations of its halves.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionBlockConfig {
    /// Attention over the window. Its last function is the identity where the scan is to be fused.
    pub qkv: QkvUnitConfig,
    /// What each attended row retrieves; its last function is the block's.
    pub memory: MemoryUnitConfig,
}

impl AttentionBlockConfig {
    /// The poster's unit: one head, ReLU, no mask, no residual, no norm, output as it is.
    pub fn new(units: usize, d_unit: usize) -> Self {
        Self {
            qkv: QkvUnitConfig::new(units, d_unit),
            memory: MemoryUnitConfig::new(units, d_unit),
        }
    }

    /// Draws the population's weights: first the QKV half's, then the memory half's.
    ///
    /// # Panics
    ///
    /// If the halves differ in the number or the width of units, or `heads` does not divide `d_unit`.
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> AttentionBlock<B> {
        let Self { qkv, memory } = self;
        let sizes = [[qkv.units, qkv.d_unit], [memory.units, memory.d_unit]];
        assert_eq!(
            sizes[0], sizes[1],
            "units and d_unit must be the same in both halves of an attention block"
        );
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

    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>> {
        Some(self.qkv.weights(window, queries))
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        self.qkv.multiply_adds(context, rows) + self.memory.multiply_adds(context, rows)
    }

    /// The kernel bounds the second half's rows alone: halves put together otherwise have none.
    fn fused(&self) -> Option<Fused<B>> {
        let bounds_once = self.qkv.output() == Output::Identity;
        bounds_once.then(|| {
            let kernel = AttentionBlockKernel {
                attention: self.qkv.kernel(),
                memory: self.memory.kernel(),
            };
            Fused {
                kernel: kernel.into(),
                output: self.memory.output(),
                weights: [self.qkv.tensors(), self.memory.tensors()].concat(),
            }
        })
    }
}

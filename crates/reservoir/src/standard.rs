//! Any of the kinds of unit that come with the project.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_attention_block::AttentionBlock;
use ran_memory_unit::MemoryUnit;
use ran_qkv_unit::QkvUnit;
use ran_tanh_unit::TanhUnit;
use ran_unit::{Fused, Unit, UnitShape};

/// A population of one of the project's kinds, so that a configuration can mix them in one reservoir.
///
/// A kind of your own goes into a reservoir directly (`Reservoir<B, MyUnit<B>>`), or through an enum like this one.
#[derive(Module, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a reservoir has a few populations, made once"
)]
pub enum StandardUnit<B: Backend> {
    /// Attention, then feed-forward.
    AttentionBlock(AttentionBlock<B>),
    /// Attention only.
    QkvUnit(QkvUnit<B>),
    /// Feed-forward only.
    MemoryUnit(MemoryUnit<B>),
    /// The classical neuron.
    TanhUnit(TanhUnit<B>),
}

/// Calls a method of whichever kind it is.
macro_rules! delegate {
    ($unit:expr, $inner:ident => $call:expr) => {
        match $unit {
            StandardUnit::AttentionBlock($inner) => $call,
            StandardUnit::QkvUnit($inner) => $call,
            StandardUnit::MemoryUnit($inner) => $call,
            StandardUnit::TanhUnit($inner) => $call,
        }
    };
}

impl<B: Backend> Unit<B> for StandardUnit<B> {
    fn shape(&self) -> UnitShape {
        delegate!(self, unit => unit.shape())
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        delegate!(self, unit => unit.forward(window))
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        delegate!(self, unit => unit.newest(window))
    }

    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>> {
        delegate!(self, unit => unit.attention(window, queries))
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        delegate!(self, unit => unit.multiply_adds(context, rows))
    }

    fn fused(&self) -> Option<Fused<B>> {
        delegate!(self, unit => unit.fused())
    }
}

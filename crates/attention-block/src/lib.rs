//! The attention block: a QKV unit, then a memory unit of the same width.
//!
//! The unit of the Recurrent Attention Network's first architecture (equations 1, 2 and 3 of docs/model.md#units):
//! A = softmax(Q·Kᵀ/√D)·V over the window, then F = act(A·FF_in + b_in)·FF_out + b_out.

mod kernel;
mod unit;

pub use kernel::AttentionBlockKernel;
pub use unit::{AttentionBlock, AttentionBlockConfig};

//! The QKV unit: attention without a feed-forward part.
//!
//! Each unit projects the rows of its window to queries, keys and values and mixes the values (equations 1 and 2 of
//! docs/model.md#units):
//!
//! Q = Z·W_q + b_q, K = Z·W_k + b_k, V = Z·W_v + b_v, A = softmax(Q·Kᵀ/√D)·V.
//!
//! It is the "attention only" unit of the Recurrent Attention Network's second architecture, and the first half of an
//! attention block.

mod kernel;
mod unit;

pub use kernel::{QkvKernel, QkvRoom, QkvTrace};
pub use unit::{QkvUnit, QkvUnitConfig};

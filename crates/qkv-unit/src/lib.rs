//! The QKV unit: attention without a feed-forward part.
//!
//! Each unit projects the rows of its window to queries, keys and values and mixes the values (equations 1 and 2 of
//! docs/model.md#units):
//!
//! Q = Z·W_q + b_q, K = Z·W_k + b_k, V = Z·W_v + b_v, A = softmax(Q·Kᵀ/√D)·V.
//!
//! What queries, keys and values read of a row may differ ([`Roles`]): a role's matrix is then zero where it does not read.
//! Scores may have a bias by lag ([`LagBias`], equation 10).
//!
//! It is the "attention only" unit of the Recurrent Attention Network's second architecture, and the first half of an
//! attention block.

mod kernel;
mod lag_bias;
mod roles;
mod unit;

pub use kernel::{QkvKernel, QkvRoom, QkvTrace};
pub use lag_bias::{LagBias, LagBiasConfig, LagLaw};
pub use roles::{Gate, GateLaw, Qk, Roles, Value};
pub use unit::{QkvUnit, QkvUnitConfig};

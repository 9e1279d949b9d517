//! The memory unit: feed-forward without attention.
//!
//! F = act(Z·FF_in + b_in)·FF_out + b_out, with FF_in D×4D and FF_out 4D×D (equation 3 of docs/model.md#units). Feed-forward layers of
//! Transformers act as key-value memories (Geva et al. 2020): the columns of FF_in are keys that a row is compared
//! with, the rows of FF_out the values that come back. It is the "memory only" unit of the Recurrent Attention
//! Network's second architecture, and the second half of an attention block.

mod activation;
mod kernel;
mod unit;

pub use activation::Activation;
pub use kernel::{MemoryKernel, MemoryRoom, MemoryTrace};
pub use unit::{EXPANSION, MemoryUnit, MemoryUnitConfig};

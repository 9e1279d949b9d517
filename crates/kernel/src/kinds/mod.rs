//! The kinds of units.

mod block;
mod memory;
mod qkv;
mod tanh;

pub use block::AttentionBlock;
pub use memory::FeedForward;
pub use qkv::Qkv;
pub use tanh::Tanh;

//! The kinds of units.

mod block;
mod memory;
mod qkv;
mod tanh;

use std::sync::Arc;

pub use block::AttentionBlock;
pub use memory::FeedForward;
pub use qkv::Qkv;
pub use tanh::Tanh;

use crate::kernel::Kernel;

/// A kind becomes a kernel here and not where it is used: code of a generic implementation is compiled in the crate that
/// asks for it, with that crate's profile, and the kernels' loops need this crate's.
macro_rules! kernels {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Arc<dyn Kernel> {
            #[inline(never)]
            fn from(kind: $kind) -> Self {
                Arc::new(kind)
            }
        }
    )*};
}

kernels!(AttentionBlock, Qkv, FeedForward, Tanh);

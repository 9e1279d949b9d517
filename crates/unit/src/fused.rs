//! A population as the fused scan computes it.

use std::sync::Arc;

use burn::tensor::{Tensor, backend::Backend};
use ran_scan::{Kernel, Output};

/// What a kind of unit brings so that a reservoir's whole scan can run as one operation.
///
/// The kernel computes what [`Unit::forward`](crate::Unit::forward) does, but for the last function `output`.
#[derive(Clone, Debug)]
pub struct Fused<B: Backend> {
    /// The kind's kernel, with its options.
    pub kernel: Arc<dyn Kernel>,
    /// The last function on each row.
    pub output: Output,
    /// The tensors of the weights in the kernel's order ([`Kernel::tensors`]), each flat, with the units first.
    pub weights: Vec<Tensor<B, 1>>,
}

//! The softmax of rows, in burn operations.

use burn::tensor::{Tensor, backend::Backend};

/// exp(s) / Σ exp(s) over the last dimension.
///
/// Not burn's own, which divides by the sum: burn's backward pass through a division takes a reciprocal, which
/// burn-ndarray approximates with 12 to 14 bits.
pub fn softmax<B: Backend, const R: usize>(scores: Tensor<B, R>) -> Tensor<B, R> {
    // The largest score changes nothing but keeps the exponentials finite.
    let largest = scores.clone().detach().max_dim(R - 1);
    let raised = (scores - largest).exp();
    // Twice the root of the reciprocal, as burn takes the power of −1 for a reciprocal too.
    let root = raised.clone().sum_dim(R - 1).powf_scalar(-0.5);
    raised * root.clone() * root
}

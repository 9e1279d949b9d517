//! What bounds the rows that a unit returns, in burn operations: equation 5 of docs/model.md#units.

use burn::tensor::{Tensor, backend::Backend};
use ran_scan::Output;

use crate::norm::normalise;

/// Applies the function to the last dimension's rows.
pub fn bound<B: Backend, const R: usize>(output: Output, rows: Tensor<B, R>) -> Tensor<B, R> {
    match output {
        Output::Identity => rows,
        Output::Tanh => rows.tanh(),
        Output::LayerNorm => normalise(rows),
    }
}

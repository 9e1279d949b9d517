//! What can be wrong with a scan's description or with the slices handed to it.

use thiserror::Error;

/// A sentence that says which part is wrong, what it was, and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KernelError {
    /// A slice has another length than the specification gives it.
    #[error("{name} has {got} numbers, expected {expected} = {shape}")]
    Length {
        /// Which slice.
        name: &'static str,
        /// Its length.
        got: usize,
        /// The length that it must have.
        expected: usize,
        /// Where that length comes from.
        shape: String,
    },
    /// The weights are not the populations' tensors.
    #[error(
        "the tensors of the weights have {got:?} numbers, expected {expected:?}, population after population"
    )]
    Tensors {
        /// Numbers in each tensor.
        got: Vec<usize>,
        /// Numbers that each must have.
        expected: Vec<usize>,
    },
    /// The wiring is not a wiring of this state.
    #[error("wiring: {0}")]
    Wiring(String),
    /// A population is not possible as described.
    #[error("population {index}: {what}")]
    Population {
        /// Its place in the reservoir, from 0.
        index: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A single number is out of its range.
    #[error("{name} is {got}, expected {allowed}")]
    Range {
        /// Which number.
        name: &'static str,
        /// What it was.
        got: String,
        /// What is allowed.
        allowed: &'static str,
    },
}

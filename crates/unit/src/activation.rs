//! The non-linearity between the two layers of a memory unit.

use burn::tensor::{Tensor, activation, backend::Backend};
use serde::{Deserialize, Serialize};

/// The function act of F = act(A·FF_in + b_in)·FF_out + b_out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0): the poster's.
    #[default]
    Relu,
    /// x·Φ(x), exact (through erf), as in later Transformers.
    Gelu,
    /// tanh(x).
    Tanh,
}

impl Activation {
    /// Applies the function to every entry.
    pub fn forward<B: Backend, const R: usize>(self, x: Tensor<B, R>) -> Tensor<B, R> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Gelu => activation::gelu(x),
            Self::Tanh => x.tanh(),
        }
    }
}

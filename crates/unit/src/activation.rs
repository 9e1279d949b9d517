//! The non-linearity between the two layers of a memory unit, in burn operations.

use burn::tensor::{Tensor, activation, backend::Backend};
use ran_kernel::Activation;

/// Applies the function to every entry.
pub fn activate<B: Backend, const R: usize>(function: Activation, x: Tensor<B, R>) -> Tensor<B, R> {
    match function {
        Activation::Relu => activation::relu(x),
        // Not burn's own, whose gradient is that of an approximation (burn 0.21, gelu_backward).
        Activation::Gelu => {
            let below = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
            x * below
        }
        Activation::Tanh => x.tanh(),
    }
}

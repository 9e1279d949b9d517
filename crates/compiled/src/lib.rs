//! Burn's generic code on the processor, compiled once for benchmarks and tests.
//!
//! Burn is generic over the backend. Its operations are compiled in each crate that names one, which takes minutes. But rustc links
//! generic code that a dependency has compiled already, where both crates are compiled at level 0, 1, `"s"` or `"z"` (by default; at 2 and 3
//! each has its own). This crate has what a reservoir needs forward and backward. A program that names a backend has this line at its root:
//!
//! ```text
//! use ran_compiled as _;
//! ```
//!
//! What is measured and has to be fast lies in the kernels' crates. `ran-experiment` runs other networks in burn's operations, is compiled
//! at level 3 and has its own.

use burn::backend::Autodiff;
use burn::tensor::{Tensor, TensorData};
use ran_reservoir::{Initializer, NdArray, Reservoir, ReservoirConfig, ReservoirError};

/// The backend on which training by gradient runs on the processor.
type Training = Autodiff<NdArray>;

/// Runs a reservoir over two sequences of three steps of three inputs: the mean of the squares of its states, and of those of the
/// gradient of the inputs.
///
/// What it uses, and all that this needs in turn, is what is compiled here.
///
/// # Errors
///
/// When the reservoir's configuration is wrong.
pub fn forward_and_backward(config: &ReservoirConfig) -> Result<[f32; 2], ReservoirError> {
    let device = Default::default();
    let reservoir = Reservoir::<Training>::init(config, 3, Initializer::Trained, 0, &device)?;
    let inputs: Vec<f32> = (0..18_u8).map(|at| f32::from(at) / 9.0 - 1.0).collect();
    let inputs = TensorData::new(inputs, [2, 3, 3]);
    let inputs = Tensor::<Training, 3>::from_data(inputs, &device).require_grad();
    let (states, _) = reservoir.forward(inputs.clone(), reservoir.start(2, &device), None);
    let loss = states.powi_scalar(2).mean();
    let gradients = loss.backward();
    let gradient = inputs.grad(&gradients).expect("the inputs have one");
    let gradient = gradient.powi_scalar(2).mean();
    Ok([loss.into_scalar(), gradient.into_scalar()])
}

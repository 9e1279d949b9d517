//! Burn's generic code on the processor, compiled once for what need not be fast.
//!
//! Burn is generic over the backend, so that its operations are compiled in each crate that names one, which takes minutes. What
//! rustc has compiled of generic code in a crate at optimisation level 0 or 1, it links into crates at these levels that use this one,
//! in place of compiling it again (at levels 2 and 3 it shares nothing). So benchmarks and tests have the line
//!
//! ```
//! use ran_compiled as _;
//! ```
//!
//! `ran-experiment`, which runs other networks in burn's operations, is compiled at level 3 and has its own.

use burn::backend::Autodiff;
use burn::tensor::{Distribution, Tensor};
use ran_reservoir::{Initializer, NdArray, Reservoir, ReservoirConfig, ReservoirError};

/// The backend on which training by gradient runs on the processor.
type Training = Autodiff<NdArray>;

/// Runs a reservoir of random weights over random inputs, `[2, 3, 3]` (batch, steps, inputs): the mean of the squares of its states,
/// and of those of the gradient of the inputs.
///
/// What it uses, and all that this needs in turn, is what is compiled here.
///
/// # Errors
///
/// When the reservoir's configuration is wrong.
pub fn forward_and_backward(config: &ReservoirConfig) -> Result<[f32; 2], ReservoirError> {
    let device = Default::default();
    let reservoir = Reservoir::<Training>::init(config, 3, Initializer::Trained, 0, &device)?;
    let inputs = Tensor::<Training, 3>::random([2, 3, 3], Distribution::Normal(0.0, 1.0), &device);
    let inputs = inputs.require_grad();
    let (states, _) = reservoir.forward(inputs.clone(), reservoir.start(2, &device), None);
    let loss = states.powi_scalar(2).mean();
    let gradient = inputs
        .grad(&loss.backward())
        .expect("the inputs have a gradient");
    Ok([
        loss.into_scalar(),
        gradient.powi_scalar(2).mean().into_scalar(),
    ])
}

#[cfg(test)]
mod tests {
    use ran_reservoir::{PopulationConfig, UnitKind};

    use super::*;

    #[test]
    fn what_is_compiled_computes() {
        let block = PopulationConfig::new(UnitKind::AttentionBlock, 2, 4);
        let [loss, gradient] = forward_and_backward(&ReservoirConfig::new(2, vec![block])).unwrap();
        assert!(loss > 0.0 && loss.is_finite(), "{loss}");
        assert!(gradient > 0.0 && gradient.is_finite(), "{gradient}");
    }
}

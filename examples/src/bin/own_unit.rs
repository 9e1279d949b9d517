//! A unit of your own in a reservoir.
//!
//! Run it with `cargo run --package ran-examples --bin own_unit`.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_reservoir::{PopulationConfig, Reservoir, ReservoirConfig, ReservoirError, UnitKind};
use ran_unit::{RngStream, Unit, UnitShape, uniform};

/// Answers, row by row, with tanh(g ⊙ m), where m leaks over the rows of the window, m_i = (m_{i−1} + z_i)/2 from
/// m_{−1} = 0, and the gain g is drawn once and stays.
#[derive(Module, Debug)]
struct LeakyMean<B: Backend> {
    /// The gains g, `[units, d_unit]`: a plain tensor, not a parameter, so that no regime trains it.
    gain: Tensor<B, 2>,
}

impl<B: Backend> LeakyMean<B> {
    /// Draws gains uniform in ±1.
    fn init(units: usize, d_unit: usize, seed: u64, device: &B::Device) -> Self {
        let gains = uniform(units * d_unit, 1.0, &mut RngStream::Weights(0).rng(seed));
        let gains = TensorData::new(gains, [units, d_unit]);
        Self {
            gain: Tensor::from_data(gains, device),
        }
    }
}

impl<B: Backend> Unit<B> for LeakyMean<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit] = self.gain.dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let context = window.dims()[2];
        let mut mean = window.clone().narrow(2, 0, 1) * 0.5; // [batch, units, 1, d_unit]
        let mut rows = vec![mean.clone()];
        for row in 1..context {
            mean = (mean + window.clone().narrow(2, row, 1)) * 0.5;
            rows.push(mean.clone());
        }
        let gain = self.gain.clone().unsqueeze_dims(&[0, 2]); // [1, units, 1, d_unit]
        (Tensor::cat(rows, 2) * gain).tanh()
    }

    // `newest` is given: the last row of `forward`.

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        rows * context * self.shape().d_unit
    }
}

/// The states of one sequence of 20 steps, `[batch, steps, d_state]` = `[1, 20, 12]`.
///
/// # Errors
///
/// If the wiring and the units do not fit.
pub(crate) fn states() -> Result<Tensor<NdArray<f32>, 3>, ReservoirError> {
    let device = NdArrayDevice::Cpu;
    let (units, d_unit, d_input, seed) = (3, 4, 2, 1);

    // The wiring is drawn from a configuration; its populations say only how many slots there are.
    let slots = PopulationConfig::new(UnitKind::TanhUnit, units, d_unit);
    let config = ReservoirConfig::new(5, vec![slots]);
    let wiring = config.wire(d_input, &mut RngStream::Wiring.rng(seed))?;

    let population = LeakyMean::init(units, d_unit, seed, &device);
    let reservoir = Reservoir::assemble(&config, wiring, vec![population], &device)?;

    let signal: Vec<f32> = (0..20 * d_input)
        .map(|at| (at as f32 * 0.3).sin())
        .collect();
    let inputs = Tensor::from_data(TensorData::new(signal, [1, 20, d_input]), &device);
    let (states, _memory) = reservoir.forward(inputs, reservoir.start(1, &device), None);
    Ok(states)
}

/// Runs the reservoir and prints the shape of its states.
pub(crate) fn main() -> Result<(), ReservoirError> {
    let states = states()?;
    println!("states: [batch, steps, d_state] = {:?}", states.dims());
    Ok(())
}

//! A population of tanh units in burn operations: equation 6 of docs/model.md#units.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_unit::{Fused, Output, Unit, UnitShape, uniform};
use rand::Rng;

use crate::TanhKernel;

/// What a population of tanh units is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct TanhUnitConfig {
    /// Number of units, U.
    pub units: usize,
    /// Slots of one unit, D; a classical neuron has one.
    pub d_unit: usize,
    /// Biases are drawn uniform in ± this; zero for none.
    pub bias: f64,
    /// Whether tanh is left out: the neurons then add what they read, for delay lines and accumulators.
    pub linear: bool,
}

impl TanhUnitConfig {
    /// Neurons without bias.
    pub fn new(units: usize, d_unit: usize) -> Self {
        Self {
            units,
            d_unit,
            bias: 0.0,
            linear: false,
        }
    }

    /// Draws the population's biases.
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> TanhUnit<B> {
        let &Self { units, d_unit, .. } = self;
        let bias = uniform(units * d_unit, self.bias as f32, rng);
        TanhUnit {
            bias: Param::from_data(TensorData::new(bias, [units, d_unit]), device),
            linear: self.linear,
        }
    }
}

/// U units that answer with tanh(z + b), or with z + b where they are linear.
#[derive(Module, Debug)]
pub struct TanhUnit<B: Backend> {
    /// The biases b, `[units, d_unit]`.
    pub bias: Param<Tensor<B, 2>>,
    linear: bool,
}

impl<B: Backend> Unit<B> for TanhUnit<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit] = self.bias.shape().dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let bias = self.bias.val().unsqueeze_dims(&[0, 2]); // [1, units, 1, d_unit]
        let sum = window + bias;
        match self.linear {
            true => sum,
            false => sum.tanh(),
        }
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        let context = window.dims()[2];
        self.forward(window.narrow(2, context - 1, 1))
            .squeeze_dim(2)
    }

    fn multiply_adds(&self, _context: usize, _rows: usize) -> usize {
        0
    }

    fn fused(&self) -> Option<Fused<B>> {
        Some(Fused {
            kernel: TanhKernel {
                linear: self.linear,
            }
            .into(),
            output: Output::Identity,
            weights: vec![self.bias.val().flatten(0, 1)],
        })
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use burn_ndarray::{NdArray, NdArrayDevice};
    use ran_unit::RngStream;

    use super::*;

    type B = NdArray<f32>;

    const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

    fn drawn(config: &TanhUnitConfig) -> TanhUnit<B> {
        config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
    }

    fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
        tensor.into_data().into_vec().expect("numbers are f32")
    }

    #[test]
    fn every_slot_answers_with_tanh_of_itself_and_its_bias() {
        // Two units of one slot with biases 0 and 1, each with the rows 0.5 and −1.
        let mut unit = drawn(&TanhUnitConfig::new(2, 1));
        unit.bias = Param::from_data(TensorData::new(vec![0.0_f32, 1.0], [2, 1]), &DEVICE);
        let rows = TensorData::new(vec![0.5_f32, -1.0, 0.5, -1.0], [1, 2, 2, 1]);
        let rows = Tensor::from_data(rows, &DEVICE);
        let expected = [0.462_117_2, -0.761_594_2, 0.905_148_3, 0.0];
        for (got, expected) in numbers(unit.forward(rows.clone())).iter().zip(expected) {
            assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        }
        for (got, expected) in numbers(unit.newest(rows)).iter().zip([-0.761_594_2, 0.0]) {
            assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        }
    }

    #[test]
    fn a_linear_unit_answers_with_its_slots_and_their_biases() {
        let mut unit = drawn(&TanhUnitConfig {
            linear: true,
            ..TanhUnitConfig::new(2, 1)
        });
        unit.bias = Param::from_data(TensorData::new(vec![0.0_f32, 1.0], [2, 1]), &DEVICE);
        let rows = TensorData::new(vec![7.0_f32, -30.0, 0.5, -1.0], [1, 2, 2, 1]);
        let rows = Tensor::from_data(rows, &DEVICE);
        let all = numbers(unit.forward(rows.clone()));
        assert_eq!(all, [7.0, -30.0, 1.5, 0.0]);
        assert_eq!(numbers(unit.newest(rows)), [-30.0, 0.0]);
    }

    #[test]
    fn biases_are_one_per_slot_and_drawn_within_their_bound() {
        let (units, d_unit) = (50, 2);
        let none = drawn(&TanhUnitConfig::new(units, d_unit));
        assert_eq!(none.num_params(), units * d_unit);
        assert_eq!(Unit::<B>::shape(&none), UnitShape { units, d_unit });
        assert!(numbers(none.bias.val()).iter().all(|&bias| bias == 0.0));
        let some = drawn(&TanhUnitConfig {
            bias: 0.2,
            ..TanhUnitConfig::new(units, d_unit)
        });
        let biases = numbers(some.bias.val());
        assert!(biases.iter().all(|bias| bias.abs() <= 0.2));
        assert!(biases.iter().any(|bias| bias.abs() > 0.15));
    }
}

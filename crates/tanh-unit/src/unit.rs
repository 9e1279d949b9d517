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

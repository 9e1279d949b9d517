//! A linear layer of each unit's own.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use rand::Rng;

use crate::initializer::{Initializer, uniform};

/// One linear map per unit: y = x·W + b.
#[derive(Module, Debug)]
pub struct UnitLinear<B: Backend> {
    /// The weights W, `[units, d_in, d_out]`.
    pub weight: Param<Tensor<B, 3>>,
    /// The biases b, `[units, d_out]`.
    pub bias: Param<Tensor<B, 2>>,
}

impl<B: Backend> UnitLinear<B> {
    /// Draws the weights by `initializer`, the biases uniform in ±`bias_bound`.
    pub fn init(
        [units, d_in, d_out]: [usize; 3],
        initializer: Initializer,
        bias_bound: f32,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let bound = initializer.weight_bound(d_in, d_out);
        let weight = uniform(units * d_in * d_out, bound, rng);
        let bias = uniform(units * d_out, bias_bound, rng);
        Self {
            weight: Param::from_data(TensorData::new(weight, [units, d_in, d_out]), device),
            bias: Param::from_data(TensorData::new(bias, [units, d_out]), device),
        }
    }

    /// The weights, then the biases, each flat.
    pub fn tensors(&self) -> [Tensor<B, 1>; 2] {
        [
            self.weight.val().flatten(0, 2),
            self.bias.val().flatten(0, 1),
        ]
    }

    /// Maps each unit's rows.
    ///
    /// # Shapes
    ///
    /// - rows: `[units, rows, d_in]`
    /// - output: `[units, rows, d_out]`
    pub fn forward(&self, rows: Tensor<B, 3>) -> Tensor<B, 3> {
        rows.matmul(self.weight.val()) + self.bias.val().unsqueeze_dim(1)
    }
}

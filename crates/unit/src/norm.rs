//! Layer normalisation with a gain and a bias of each unit's own, in burn operations: equation 4 of docs/model.md#units.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_scan::norm::EPSILON;

/// Centres every row and divides it by its deviation: (x − mean)/√(var + ε), over the last dimension.
pub fn normalise<B: Backend, const R: usize>(rows: Tensor<B, R>) -> Tensor<B, R> {
    let centred = rows.clone() - rows.mean_dim(R - 1);
    let variance = centred.clone().powi_scalar(2).mean_dim(R - 1);
    // Not divided by the root: burn's backward pass through a division takes a reciprocal, which burn-ndarray approximates.
    centred * (variance + EPSILON).powf_scalar(-0.5)
}

/// Layer normalisation (Ba, Kiros & Hinton 2016) of each unit's rows: y = g ⊙ (x − mean)/√(var + ε) + b.
#[derive(Module, Debug)]
pub struct UnitNorm<B: Backend> {
    /// The gain g, `[units, d_unit]`, one at first.
    pub gain: Param<Tensor<B, 2>>,
    /// The bias b, `[units, d_unit]`, zero at first.
    pub bias: Param<Tensor<B, 2>>,
}

impl<B: Backend> UnitNorm<B> {
    /// A normalisation that changes nothing but mean and scale.
    pub fn new(units: usize, d_unit: usize, device: &B::Device) -> Self {
        let filled = |value: f32| {
            let data = TensorData::new(vec![value; units * d_unit], [units, d_unit]);
            Param::from_data(data, device)
        };
        Self {
            gain: filled(1.0),
            bias: filled(0.0),
        }
    }

    /// The gain, then the bias, each flat.
    pub fn tensors(&self) -> [Tensor<B, 1>; 2] {
        [self.gain.val().flatten(0, 1), self.bias.val().flatten(0, 1)]
    }

    /// Normalises each row.
    ///
    /// # Shapes
    ///
    /// - rows: `[units, rows, d_unit]`
    /// - output: `[units, rows, d_unit]`
    pub fn forward(&self, rows: Tensor<B, 3>) -> Tensor<B, 3> {
        let gain = self.gain.val().unsqueeze_dim(1); // [units, 1, d_unit]
        let bias = self.bias.val().unsqueeze_dim(1);
        normalise(rows) * gain + bias
    }
}

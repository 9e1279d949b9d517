//! A linear readout as a module, for gradients and for any backend.

use crate::{ProductBackend, product};
use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Element, Tensor, TensorCreationOptions, TensorData, backend::Backend};
use ndarray::{Array1, Array2};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The shape of a [`LinearReadout`].
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub struct LinearReadoutConfig {
    /// Width of a row of features.
    pub d_features: usize,
    /// Width of a row of outputs, O.
    pub d_output: usize,
}

/// A linear readout: output = features·W + b.
#[derive(Module, Debug)]
pub struct LinearReadout<B: Backend> {
    /// W, `[d_features, d_output]`.
    pub weight: Param<Tensor<B, 2>>,
    /// b, `[d_output]`.
    pub bias: Param<Tensor<B, 1>>,
}

impl LinearReadoutConfig {
    /// Draws W from a uniform distribution over ±1/√d_features, row by row, and sets b to zero.
    ///
    /// Weights are drawn on the host, by ChaCha with 8 rounds, so that a seed gives the same ones on every backend.
    pub fn init<B: Backend>(&self, seed: u64, device: &B::Device) -> LinearReadout<B> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let bound = 1.0 / (self.d_features.max(1) as f32).sqrt();
        let weights: Vec<f32> = (0..self.d_features * self.d_output)
            .map(|_| random.random_range(-bound..=bound))
            .collect();
        let weights = TensorData::new(weights, [self.d_features, self.d_output]);
        let bias = TensorData::zeros::<f32, _>([self.d_output]);
        LinearReadout::from_host(weights, bias, device)
    }
}

impl<B: Backend> LinearReadout<B> {
    /// The outputs for rows of features.
    ///
    /// # Shapes
    ///
    /// - features: `[rows, d_features]`
    /// - output: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// If the features are of another width.
    pub fn forward(&self, features: Tensor<B, 2>) -> Tensor<B, 2>
    where
        B: ProductBackend,
    {
        product(features, self.weight.val()) + self.bias.val().unsqueeze()
    }

    /// The readout with these weights, rounded to the backend's numbers.
    ///
    /// # Shapes
    ///
    /// - weights: `[d_features, d_output]`
    /// - bias: `[d_output]`
    ///
    /// # Panics
    ///
    /// If there is not one bias per output.
    pub fn from_weights(weights: &Array2<f64>, bias: &Array1<f64>, device: &B::Device) -> Self {
        let (d_features, d_output) = weights.dim();
        assert_eq!(
            bias.len(),
            d_output,
            "expected {d_output} biases, got {}",
            bias.len()
        );
        let weights: Vec<f64> = weights.iter().copied().collect();
        let weights = TensorData::new(weights, [d_features, d_output]);
        let bias = TensorData::new(bias.to_vec(), [d_output]);
        Self::from_host(weights, bias, device)
    }

    fn from_host(weight: TensorData, bias: TensorData, device: &B::Device) -> Self {
        // The type of number is stated, for the default belongs to the device, where another backend may have set it.
        let options = TensorCreationOptions::<B>::new(device.clone())
            .with_dtype(<B::FloatElem as Element>::dtype());
        LinearReadout {
            weight: Param::from_tensor(Tensor::from_data(weight, options.clone())),
            bias: Param::from_tensor(Tensor::from_data(bias, options)),
        }
    }
}

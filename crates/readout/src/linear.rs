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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_ndarray::NdArray;
    use ndarray::array;

    type Host = NdArray<f32>;

    fn by_hand<B: ProductBackend>(device: &B::Device) -> LinearReadout<B> {
        let weights = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        LinearReadout::from_weights(&weights, &array![0.5, -0.5], device)
    }

    #[test]
    fn forward_equals_values_worked_by_hand() {
        let device = Default::default();
        let readout = by_hand::<Host>(&device);
        let features = Tensor::from_data([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]], &device);
        let outputs = readout.forward(features).into_data();
        // 1·1 + 2·5 + ½, 1·2 + 2·6 − ½; −3 + ½, −4 − ½.
        let expected = TensorData::from([[11.5, 13.5], [-2.5, -4.5_f32]]);
        outputs.assert_eq(&expected, true);
    }

    #[test]
    fn a_seed_gives_the_same_weights_and_another_seed_others() {
        let device = Default::default();
        let config = LinearReadoutConfig::new(16, 3);
        let draw = |seed| {
            let readout = config.init::<Host>(seed, &device);
            readout.weight.val().into_data().to_vec::<f32>().unwrap()
        };
        let weights = draw(7);
        assert_eq!(weights, draw(7));
        assert_ne!(weights, draw(8));
        assert!(weights.iter().all(|w| w.abs() <= 0.25));
        assert!(weights.iter().any(|w| w.abs() > 0.2));
        let wide: Vec<f64> = config
            .init::<NdArray<f64>>(7, &device)
            .weight
            .val()
            .into_data()
            .to_vec()
            .unwrap();
        assert!(wide.iter().zip(&weights).all(|(a, b)| *a == f64::from(*b)));
    }

    #[test]
    fn weight_and_bias_are_trained_by_the_gradient() {
        let device = Default::default();
        let readout = by_hand::<Autodiff<Host>>(&device);
        assert_eq!(readout.num_params(), 8);
        let features = Tensor::from_data([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]], &device);
        let gradients = readout.forward(features).sum().backward();
        let of_weight = readout.weight.val().grad(&gradients).unwrap().into_data();
        let of_bias = readout.bias.val().grad(&gradients).unwrap().into_data();
        // The gradient of the sum is the sum of the features, in either output.
        let expected = TensorData::from([[1.0, 1.0], [-1.0, -1.0], [2.0, 2.0_f32]]);
        of_weight.assert_eq(&expected, true);
        of_bias.assert_eq(&TensorData::from([2.0, 2.0_f32]), true);
    }
}

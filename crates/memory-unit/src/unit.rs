//! A population of memory units in burn operations: equation 3 of docs/model.md#units.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_scan::add_norm::AddNorm;
use ran_unit::{
    Fused, Initializer, Output, Unit, UnitLinear, UnitNorm, UnitShape, bound, rows_by_unit,
    window_of_rows,
};
use rand::Rng;

use crate::{Activation, MemoryKernel};

/// How many times wider than the unit its hidden layer is (Vaswani et al. 2017, §3.3, and the poster).
pub const EXPANSION: usize = 4;

/// What a population of memory units is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryUnitConfig {
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D; the hidden layer has 4·D.
    pub d_unit: usize,
    /// The function between the two layers.
    pub activation: Activation,
    /// Whether the window's row is added to what the layers return.
    pub residual: bool,
    /// Whether the sum is layer-normalised, as in a Transformer block (Vaswani et al. 2017, norm after the sum).
    pub layer_norm: bool,
    /// The last function on each row.
    pub output: Output,
    /// How weights are drawn.
    pub initializer: Initializer,
}

impl MemoryUnitConfig {
    /// The poster's unit: ReLU, no residual, no norm, output as it is.
    pub fn new(units: usize, d_unit: usize) -> Self {
        Self {
            units,
            d_unit,
            activation: Activation::Relu,
            residual: false,
            layer_norm: false,
            output: Output::Identity,
            initializer: Initializer::Reservoir,
        }
    }

    /// Draws the population's weights.
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> MemoryUnit<B> {
        let &Self {
            units,
            d_unit,
            initializer,
            ..
        } = self;
        let d_hidden = EXPANSION * d_unit;
        let bound = initializer.activation_bias_bound();
        MemoryUnit {
            up: UnitLinear::init([units, d_unit, d_hidden], initializer, bound, rng, device),
            down: UnitLinear::init([units, d_hidden, d_unit], initializer, 0.0, rng, device),
            norm: self
                .layer_norm
                .then(|| UnitNorm::new(units, d_unit, device)),
            activation: self.activation,
            residual: self.residual,
            output: self.output,
        }
    }
}

/// U units that answer row by row with F = act(Z·FF_in + b_in)·FF_out + b_out.
#[derive(Module, Debug)]
pub struct MemoryUnit<B: Backend> {
    /// FF_in and b_in, `[units, d_unit, 4·d_unit]`.
    pub up: UnitLinear<B>,
    /// FF_out and b_out, `[units, 4·d_unit, d_unit]`.
    pub down: UnitLinear<B>,
    /// The norm after the layers, where there is one.
    pub norm: Option<UnitNorm<B>>,
    #[module(skip)]
    activation: Activation,
    residual: bool,
    #[module(skip)]
    output: Output,
}

impl<B: Backend> MemoryUnit<B> {
    /// The last function on each row.
    pub fn output(&self) -> Output {
        self.output
    }

    /// The fused scan's kernel, which computes all but the last function.
    pub fn kernel(&self) -> MemoryKernel {
        MemoryKernel {
            activation: self.activation,
            end: AddNorm {
                residual: self.residual,
                layer_norm: self.norm.is_some(),
            },
        }
    }

    /// The kernel's weights, each tensor flat.
    pub fn tensors(&self) -> Vec<Tensor<B, 1>> {
        let linears = [&self.up, &self.down].map(UnitLinear::tensors);
        let norm = self.norm.iter().flat_map(UnitNorm::tensors);
        linears.into_iter().flatten().chain(norm).collect()
    }

    /// Retrieves a row for each row.
    ///
    /// # Shapes
    ///
    /// - rows: `[units, rows, d_unit]`
    /// - output: `[units, rows, d_unit]`
    pub fn retrieve(&self, rows: Tensor<B, 3>) -> Tensor<B, 3> {
        let hidden = self.activation.apply(self.up.forward(rows.clone()));
        let found = self.down.forward(hidden);
        let found = if self.residual { found + rows } else { found };
        let found = match &self.norm {
            Some(norm) => norm.forward(found),
            None => found,
        };
        bound(self.output, found)
    }
}

impl<B: Backend> Unit<B> for MemoryUnit<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit, _] = self.up.weight.shape().dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let batch = window.dims()[0];
        window_of_rows(self.retrieve(rows_by_unit(window)), batch)
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        let context = window.dims()[2];
        let rows = rows_by_unit(window.narrow(2, context - 1, 1)); // [units, batch, d_unit]
        self.retrieve(rows).swap_dims(0, 1) // [batch, units, d_unit]
    }

    fn multiply_adds(&self, _context: usize, rows: usize) -> usize {
        let d_unit = self.shape().d_unit;
        rows * 2 * EXPANSION * d_unit * d_unit
    }

    fn fused(&self) -> Option<Fused<B>> {
        Some(Fused {
            kernel: self.kernel().into(),
            output: self.output,
            weights: self.tensors(),
        })
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use burn::module::Param;
    use burn::tensor::TensorData;
    use burn_ndarray::{NdArray, NdArrayDevice};
    use ran_unit::RngStream;

    use super::*;

    type B = NdArray<f32>;

    const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

    fn drawn(config: &MemoryUnitConfig) -> MemoryUnit<B> {
        config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
    }

    fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
        tensor.into_data().into_vec().expect("numbers are f32")
    }

    /// One unit of width 1 with FF_in = (1, −1, 2, 0), b_in = (0, 0, −1, 0.5), FF_out = (1, 10, 100, 1000)ᵀ,
    /// b_out = 0.25.
    fn worked_unit(config: MemoryUnitConfig) -> MemoryUnit<B> {
        let mut unit = drawn(&config);
        let matrix = |values: [f32; 4], shape: [usize; 3]| {
            Param::from_data(TensorData::new(values.to_vec(), shape), &DEVICE)
        };
        let bias = |values: &[f32]| {
            Param::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &DEVICE)
        };
        unit.up.weight = matrix([1.0, -1.0, 2.0, 0.0], [1, 1, 4]);
        unit.up.bias = bias(&[0.0, 0.0, -1.0, 0.5]);
        unit.down.weight = matrix([1.0, 10.0, 100.0, 1000.0], [1, 4, 1]);
        unit.down.bias = bias(&[0.25]);
        unit
    }

    fn answers(config: MemoryUnitConfig) -> Vec<f32> {
        let rows = TensorData::new(vec![2.0_f32, -3.0], [1, 1, 2, 1]);
        numbers(worked_unit(config).forward(Tensor::from_data(rows, &DEVICE)))
    }

    #[test]
    fn retrieval_equals_values_worked_by_hand() {
        // For 2: max(2, 0) + 10·max(−2, 0) + 100·max(3, 0) + 1000·0.5 + 0.25.
        // For −3: max(−3, 0) + 10·max(3, 0) + 100·max(−7, 0) + 1000·0.5 + 0.25.
        let plain = MemoryUnitConfig::new(1, 1);
        assert_eq!(answers(plain.clone()), [802.25, 530.25]);
        let residual = MemoryUnitConfig {
            residual: true,
            ..plain.clone()
        };
        assert_eq!(answers(residual), [804.25, 527.25]);
        let tanh = MemoryUnitConfig {
            activation: Activation::Tanh,
            ..plain
        };
        let expected = |z: f32| {
            z.tanh() + 10.0 * (-z).tanh() + 100.0 * (2.0 * z - 1.0).tanh() + 1000.0 * 0.462_117_2
        };
        let got = answers(tanh);
        assert_abs_diff_eq!(got[0], expected(2.0) + 0.25, epsilon = 1e-3);
        assert_abs_diff_eq!(got[1], expected(-3.0) + 0.25, epsilon = 1e-3);
    }

    #[test]
    fn a_normalised_row_has_mean_zero_and_deviation_one_and_takes_gain_and_bias() {
        let mut unit = drawn(&MemoryUnitConfig {
            layer_norm: true,
            ..MemoryUnitConfig::new(1, 2)
        });
        // Of two different entries, norm leaves −1 and 1.
        unit.up.bias = Param::from_tensor(Tensor::ones([1, 8], &DEVICE));
        let norm = unit.norm.as_mut().expect("the unit was given a norm");
        let filled =
            |values: [f32; 2]| Param::from_data(TensorData::new(values.to_vec(), [1, 2]), &DEVICE);
        norm.gain = filled([2.0, 3.0]);
        norm.bias = filled([0.5, 0.0]);
        let rows = Tensor::from_data(TensorData::new(vec![1.0_f32, -2.0], [1, 1, 1, 2]), &DEVICE);
        let got = numbers(unit.forward(rows));
        let sign = (got[0] - 0.5).signum();
        assert_abs_diff_eq!(got[0], 0.5 + 2.0 * sign, epsilon = 1e-3);
        assert_abs_diff_eq!(got[1], -3.0 * sign, epsilon = 1e-3);
    }

    #[test]
    fn the_newest_row_is_the_last_of_all_rows_whatever_the_options() {
        for activation in [Activation::Relu, Activation::Gelu, Activation::Tanh] {
            for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
                for (residual, layer_norm) in
                    [(false, false), (true, false), (false, true), (true, true)]
                {
                    let config = MemoryUnitConfig {
                        activation,
                        residual,
                        layer_norm,
                        output,
                        ..MemoryUnitConfig::new(3, 4)
                    };
                    let unit = drawn(&config);
                    let values = (0..2 * 3 * 5 * 4).map(|at| (at as f32 * 0.7).sin());
                    let values = TensorData::new(values.collect::<Vec<_>>(), [2, 3, 5, 4]);
                    let rows = Tensor::from_data(values, &DEVICE);
                    let all = unit.forward(rows.clone());
                    assert_eq!(all.dims(), [2, 3, 5, 4]);
                    let last = all.narrow(2, 4, 1).squeeze_dim::<3>(2);
                    let largest: f32 = (unit.newest(rows) - last).abs().max().into_scalar();
                    assert!(largest < 1e-5, "{config:?}: differ by {largest}");
                }
            }
        }
    }

    #[test]
    fn a_unit_has_8d2_weights_and_5d_biases() {
        let (units, d_unit) = (5, 4);
        let unit = drawn(&MemoryUnitConfig::new(units, d_unit));
        assert_eq!(
            unit.num_params(),
            units * (8 * d_unit * d_unit + 5 * d_unit)
        );
        assert_eq!(Unit::<B>::shape(&unit), UnitShape { units, d_unit });
        assert_eq!(unit.multiply_adds(7, 2), 2 * 8 * 16);
    }

    #[test]
    fn only_biases_before_the_activation_of_a_reservoirs_unit_are_drawn() {
        let config = MemoryUnitConfig::new(20, 8);
        let unit = drawn(&config);
        let up = numbers(unit.up.bias.val());
        assert!(up.iter().all(|bias| bias.abs() <= 0.5));
        assert!(up.iter().any(|&bias| bias > 0.4) && up.iter().any(|&bias| bias < -0.4));
        assert!(numbers(unit.down.bias.val()).iter().all(|&b| b == 0.0));
        let trained = drawn(&MemoryUnitConfig {
            initializer: Initializer::Trained,
            ..config
        });
        assert!(numbers(trained.up.bias.val()).iter().all(|&b| b == 0.0));
    }
}

//! The unit in burn operations: the reference, and the path of any backend; and the kind, as configurations know it.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_reservoir::Kind;
use ran_unit::{Fused, Initializer, Output, Unit, UnitShape, bound, uniform};
use rand::Rng;
use serde::Deserialize;

use crate::MeanKernel;

/// U units that answer with tanh(g ⊙ mean + b), the mean over the rows of the window.
#[derive(Module, Debug)]
pub struct MeanUnit<B: Backend> {
    /// The gains g, `[units, d_unit]`.
    pub gain: Param<Tensor<B, 2>>,
    /// The biases b, `[units, d_unit]`.
    pub bias: Param<Tensor<B, 2>>,
}

/// The last function on each row. The scan applies it after the kernel.
const OUTPUT: Output = Output::Tanh;

impl<B: Backend> MeanUnit<B> {
    /// A population with these gains and biases, unit after unit.
    ///
    /// # Panics
    ///
    /// Unless both have `units * d_unit` numbers.
    pub fn new(
        UnitShape { units, d_unit }: UnitShape,
        gain: Vec<f32>,
        bias: Vec<f32>,
        device: &B::Device,
    ) -> Self {
        let parameter = |numbers| {
            let data = TensorData::new(numbers, [units, d_unit]);
            Param::from_data(data, device)
        };
        Self {
            gain: parameter(gain),
            bias: parameter(bias),
        }
    }
}

impl<B: Backend> Unit<B> for MeanUnit<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit] = self.gain.shape().dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let context = window.dims()[2];
        let gain = self.gain.val().unsqueeze_dims(&[0, 2]); // [1, units, 1, d_unit]
        let bias = self.bias.val().unsqueeze_dims(&[0, 2]);
        let row = window.mean_dim(2) * gain + bias;
        bound(OUTPUT, row).repeat_dim(2, context)
    }

    fn multiply_adds(&self, context: usize, _rows: usize) -> usize {
        (context + 1) * self.shape().d_unit
    }

    /// The tensors are in the order of the kernel's.
    fn fused(&self) -> Option<Fused<B>> {
        Some(Fused {
            kernel: MeanKernel.into(),
            output: OUTPUT,
            weights: vec![self.gain.val().flatten(0, 1), self.bias.val().flatten(0, 1)],
        })
    }
}

/// The kind `mean`, for configurations: `ran_reservoir::register::<Mean>()` makes it known.
#[derive(Debug)]
pub struct Mean;

/// The options of a population of kind `mean`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeanOptions {
    /// Gains are drawn uniform in ± this.
    pub gain: f32,
}

impl Default for MeanOptions {
    fn default() -> Self {
        Self { gain: 2.0 }
    }
}

impl Kind for Mean {
    const NAME: &'static str = "mean";
    type Options = MeanOptions;
    type Unit<B: Backend> = MeanUnit<B>;

    fn check(options: &MeanOptions, _shape: UnitShape) -> Result<(), String> {
        match options.gain {
            gain if gain > 0.0 && gain.is_finite() => Ok(()),
            gain => Err(format!("must have a gain above 0, got {gain}")),
        }
    }

    fn init<B: Backend>(
        options: &MeanOptions,
        shape: UnitShape,
        initializer: Initializer,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> MeanUnit<B> {
        let gain = uniform(shape.d_state(), options.gain, rng);
        let bias = uniform(shape.d_state(), initializer.activation_bias_bound(), rng);
        MeanUnit::new(shape, gain, bias, device)
    }
}

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

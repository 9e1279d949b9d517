//! A population of QKV units.

use burn::module::Module;
use burn::tensor::{Bool, Tensor, activation::softmax, backend::Backend};
use ran_unit::{
    Initializer, Output, Unit, UnitLinear, UnitNorm, UnitShape, rows_by_unit, window_of_rows,
};
use rand::Rng;

/// What a population of QKV units is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct QkvUnitConfig {
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D.
    pub d_unit: usize,
    /// Number of heads that D is split into; the poster's is 1.
    pub heads: usize,
    /// Whether a row sees no newer rows. It matters only where all rows are kept (`rewritten` memory).
    pub causal: bool,
    /// Whether the window's row is added to what attention returns.
    pub residual: bool,
    /// Whether the sum is layer-normalised, as in a Transformer block (Vaswani et al. 2017, norm after the sum).
    pub layer_norm: bool,
    /// The last function on each row.
    pub output: Output,
    /// How weights are drawn.
    pub initializer: Initializer,
}

impl QkvUnitConfig {
    /// The poster's unit: one head, no mask, no residual, no norm, output as it is.
    pub fn new(units: usize, d_unit: usize) -> Self {
        Self {
            units,
            d_unit,
            heads: 1,
            causal: false,
            residual: false,
            layer_norm: false,
            output: Output::Identity,
            initializer: Initializer::Reservoir,
        }
    }

    /// Draws the population's weights.
    ///
    /// # Panics
    ///
    /// If `heads` does not divide `d_unit`.
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> QkvUnit<B> {
        let &Self { units, d_unit, .. } = self;
        assert!(
            self.heads > 0 && d_unit.is_multiple_of(self.heads),
            "heads must divide d_unit, got {} heads for a width of {d_unit}",
            self.heads
        );
        let mut linear = || {
            let shape = [units, d_unit, d_unit];
            UnitLinear::init(shape, self.initializer, 0.0, rng, device)
        };
        QkvUnit {
            query: linear(),
            key: linear(),
            value: linear(),
            norm: self
                .layer_norm
                .then(|| UnitNorm::new(units, d_unit, device)),
            heads: self.heads,
            causal: self.causal,
            residual: self.residual,
            output: self.output,
        }
    }
}

/// U units that answer with attention over their windows: A = softmax(Q·Kᵀ/√D)·V (Vaswani et al. 2017, eq. 1),
/// without an output projection.
///
/// With several heads, each attends with its own D/heads columns, scaled by √(D/heads).
#[derive(Module, Debug)]
pub struct QkvUnit<B: Backend> {
    /// Z to Q, `[units, d_unit, d_unit]`.
    pub query: UnitLinear<B>,
    /// Z to K, `[units, d_unit, d_unit]`.
    pub key: UnitLinear<B>,
    /// Z to V, `[units, d_unit, d_unit]`.
    pub value: UnitLinear<B>,
    /// The norm after the attention, where there is one.
    pub norm: Option<UnitNorm<B>>,
    heads: usize,
    causal: bool,
    residual: bool,
    #[module(skip)]
    output: Output,
}

impl<B: Backend> QkvUnit<B> {
    /// Attention of the newest `queries` rows over all rows.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`
    /// - output: `[units, batch·queries, d_unit]`
    fn attend(&self, window: Tensor<B, 4>, queries: usize) -> Tensor<B, 3> {
        let [batch, units, context, d_unit] = window.dims();
        let d_head = d_unit / self.heads;
        let asking = window.clone().narrow(2, context - queries, queries);
        let asking = rows_by_unit(asking); // [units, batch·queries, d_unit]
        let rows = rows_by_unit(window); // [units, batch·context, d_unit]
        let by_head = |rows: Tensor<B, 3>, count: usize| {
            rows.reshape([units * batch, count, self.heads, d_head])
                .swap_dims(1, 2) // [units·batch, heads, count, d_head]
        };
        let query = by_head(self.query.forward(asking.clone()), queries);
        let key = by_head(self.key.forward(rows.clone()), context);
        let value = by_head(self.value.forward(rows), context);

        let mut scores = query.matmul(key.transpose()) / (d_head as f64).sqrt();
        if self.causal && queries > 1 {
            let newer = Tensor::<B, 2, Bool>::tril_mask(
                [queries, context],
                (context - queries) as i64,
                &scores.device(),
            );
            scores = scores.mask_fill(newer.unsqueeze(), f32::NEG_INFINITY);
        }
        let mixed = softmax(scores, 3)
            .matmul(value) // [units·batch, heads, queries, d_head]
            .swap_dims(1, 2)
            .reshape([units, batch * queries, d_unit]);
        let mixed = if self.residual { mixed + asking } else { mixed };
        let mixed = match &self.norm {
            Some(norm) => norm.forward(mixed),
            None => mixed,
        };
        self.output.forward(mixed)
    }
}

impl<B: Backend> Unit<B> for QkvUnit<B> {
    fn shape(&self) -> UnitShape {
        let [units, d_unit, _] = self.query.weight.shape().dims();
        UnitShape { units, d_unit }
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        let [batch, _, context, _] = window.dims();
        window_of_rows(self.attend(window, context), batch)
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        self.attend(window, 1).swap_dims(0, 1) // [batch, units, d_unit]
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        let d_unit = self.shape().d_unit;
        rows * (3 * d_unit * d_unit + 2 * context * d_unit)
    }
}

//! A population of QKV units in burn operations: equations 1 and 2 of docs/model.md#units.

use burn::module::Module;
use burn::tensor::{Bool, Tensor, backend::Backend};
use ran_scan::add_norm::AddNorm;
use ran_unit::{
    Fused, Initializer, Output, Unit, UnitLinear, UnitNorm, UnitShape, bound, rows_by_unit,
    softmax, window_of_rows,
};
use rand::Rng;

use crate::roles::Drawing;
use crate::{Gate, LagBias, LagBiasConfig, Qk, QkvKernel, Roles, Value};

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
    /// Which slots queries, keys and values read at first; none where each reads all.
    pub roles: Option<Roles>,
    /// How the first weights of keys follow from those of queries.
    pub qk: Qk,
    /// How wide the noise of [`Qk::Mimetic`] is, in widths of the weights.
    pub qk_noise: f64,
    /// What the first weights of queries are multiplied by.
    pub qk_gain: f64,
    /// How strongly the gate of the roles opens a row, where they have one.
    pub gate: Gate,
    /// What the first weights of values are.
    pub value: Value,
    /// The bias of scores by lag, where there is one.
    pub lag_bias: Option<LagBiasConfig>,
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
            roles: None,
            qk: Qk::Independent,
            qk_noise: 0.3,
            qk_gain: 1.0,
            gate: Gate::default(),
            value: Value::Random,
            lag_bias: None,
        }
    }

    /// Draws the population's weights.
    ///
    /// # Panics
    ///
    /// If `heads` does not divide `d_unit`, or roles do not fit the unit ([`Roles::check`]).
    pub fn init<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> QkvUnit<B> {
        let &Self { units, d_unit, .. } = self;
        assert!(
            self.heads > 0 && d_unit.is_multiple_of(self.heads),
            "heads must divide d_unit, got {} heads for a width of {d_unit}",
            self.heads
        );
        let drawing = Drawing::new(self);
        let [query, key, value] = drawing.layers(rng);
        let lag = self.lag_bias.as_ref();
        let lag = lag.map(|lag| LagBias::init(lag, [units, self.heads], rng, device));
        QkvUnit {
            query: query.on(device),
            key: key.on(device),
            value: value.on(device),
            lag,
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
    /// The bias of scores by lag, where there is one.
    pub lag: Option<LagBias<B>>,
    /// The norm after the attention, where there is one.
    pub norm: Option<UnitNorm<B>>,
    heads: usize,
    causal: bool,
    residual: bool,
    #[module(skip)]
    output: Output,
}

impl<B: Backend> QkvUnit<B> {
    /// The last function on each row.
    pub fn output(&self) -> Output {
        self.output
    }

    /// The fused scan's kernel, which computes all but the last function.
    pub fn kernel(&self) -> QkvKernel {
        QkvKernel {
            heads: self.heads,
            causal: self.causal,
            lags: self.lag.as_ref().map_or(0, LagBias::lags),
            end: AddNorm {
                residual: self.residual,
                layer_norm: self.norm.is_some(),
            },
        }
    }

    /// The kernel's weights, each tensor flat.
    pub fn tensors(&self) -> Vec<Tensor<B, 1>> {
        let linears = [&self.query, &self.key, &self.value].map(UnitLinear::tensors);
        let norm = self.norm.iter().flat_map(UnitNorm::tensors);
        let lag = self.lag.iter().map(LagBias::tensor);
        linears
            .into_iter()
            .flatten()
            .chain(lag)
            .chain(norm)
            .collect()
    }

    /// The weights of attention of the newest `queries` rows over all rows, softmax(Q·Kᵀ/√D), head by head.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`
    /// - output: `[batch, units, heads, queries, context]`
    pub fn weights(&self, window: Tensor<B, 4>, queries: usize) -> Tensor<B, 5> {
        let [batch, units, context, _] = window.dims();
        let (asking, rows) = asking_and_all(window, queries);
        self.weights_of(asking, &rows, queries, context)
            .reshape([units, batch, self.heads, queries, context])
            .swap_dims(0, 1)
    }

    /// The same from rows by unit.
    ///
    /// # Shapes
    ///
    /// - asking: `[units, batch·queries, d_unit]`
    /// - rows: `[units, batch·context, d_unit]`
    /// - output: `[units·batch, heads, queries, context]`
    fn weights_of(
        &self,
        asking: Tensor<B, 3>,
        rows: &Tensor<B, 3>,
        queries: usize,
        context: usize,
    ) -> Tensor<B, 4> {
        let query = self.by_head(self.query.forward(asking), queries);
        let key = self.by_head(self.key.forward(rows.clone()), context);
        let d_head = query.dims()[3];
        let mut scores = dots(query, key) / (d_head as f64).sqrt();
        if let Some(lag) = &self.lag {
            scores = lag.add(scores);
        }
        if self.causal && queries > 1 {
            let newer = Tensor::<B, 2, Bool>::tril_mask(
                [queries, context],
                (context - queries) as i64,
                &scores.device(),
            );
            scores = scores.mask_fill(newer.unsqueeze(), f32::NEG_INFINITY);
        }
        softmax(scores)
    }

    /// Splits rows into heads.
    ///
    /// # Shapes
    ///
    /// - rows: `[units, batch·count, d_unit]`
    /// - output: `[units·batch, heads, count, d_head]`
    fn by_head(&self, rows: Tensor<B, 3>, count: usize) -> Tensor<B, 4> {
        let [units, all_rows, d_unit] = rows.dims();
        let both = units * all_rows / count; // units·batch
        match self.heads {
            1 => rows.reshape([both, 1, count, d_unit]),
            heads => rows
                .reshape([both, count, heads, d_unit / heads])
                .swap_dims(1, 2),
        }
    }

    /// Attention of the newest `queries` rows over all rows.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`
    /// - output: `[units, batch·queries, d_unit]`
    fn attend(&self, window: Tensor<B, 4>, queries: usize) -> Tensor<B, 3> {
        let [batch, units, context, d_unit] = window.dims();
        let (asking, rows) = asking_and_all(window, queries);
        let weights = self.weights_of(asking.clone(), &rows, queries, context);
        let value = self.by_head(self.value.forward(rows), context);
        let mixed = mix(weights, value); // [units·batch, heads, queries, d_head]
        let mixed = match self.heads {
            1 => mixed,
            _ => mixed.swap_dims(1, 2),
        };
        let mixed = mixed.reshape([units, batch * queries, d_unit]);
        let mixed = if self.residual { mixed + asking } else { mixed };
        let mixed = match &self.norm {
            Some(norm) => norm.forward(mixed),
            None => mixed,
        };
        bound(self.output, mixed)
    }
}

/// The newest `queries` rows, and all rows, by unit.
///
/// # Shapes
///
/// - window: `[batch, units, context, d_unit]`
/// - output: `[units, batch·queries, d_unit]` and `[units, batch·context, d_unit]`
fn asking_and_all<B: Backend>(
    window: Tensor<B, 4>,
    queries: usize,
) -> (Tensor<B, 3>, Tensor<B, 3>) {
    let context = window.dims()[2];
    // Every copy that is saved here is a call of the device at every step.
    if queries == context {
        let rows = rows_by_unit(window);
        return (rows.clone(), rows);
    }
    let asking = window.clone().narrow(2, context - queries, queries);
    (rows_by_unit(asking), rows_by_unit(window))
}

/// Rows of context that are multiplied entry by entry and summed. Products of matrices as small as a short window's took
/// wgpu's device in software eight times as long; the entries of a long window would take too much memory.
const SHORT: usize = 8;

/// The product of each query with each key.
///
/// # Shapes
///
/// - query: `[units·batch, heads, queries, d_head]`
/// - key: `[units·batch, heads, context, d_head]`
/// - output: `[units·batch, heads, queries, context]`
fn dots<B: Backend>(query: Tensor<B, 4>, key: Tensor<B, 4>) -> Tensor<B, 4> {
    match key.dims()[2] <= SHORT {
        true => {
            let (query, key) = (query.unsqueeze_dim::<5>(3), key.unsqueeze_dim::<5>(2));
            (query * key).sum_dim(4).squeeze_dim(4)
        }
        false => query.matmul(key.transpose()),
    }
}

/// The mean of values with the weights of attention, for each query.
///
/// # Shapes
///
/// - weights: `[units·batch, heads, queries, context]`
/// - value: `[units·batch, heads, context, d_head]`
/// - output: `[units·batch, heads, queries, d_head]`
fn mix<B: Backend>(weights: Tensor<B, 4>, value: Tensor<B, 4>) -> Tensor<B, 4> {
    match value.dims()[2] <= SHORT {
        true => {
            let (weights, value) = (weights.unsqueeze_dim::<5>(4), value.unsqueeze_dim::<5>(2));
            (weights * value).sum_dim(3).squeeze_dim(3)
        }
        false => weights.matmul(value),
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

    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>> {
        Some(self.weights(window, queries))
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        let d_unit = self.shape().d_unit;
        rows * (3 * d_unit * d_unit + 2 * context * d_unit)
    }

    fn fused(&self) -> Option<Fused<B>> {
        Some(Fused {
            kernel: self.kernel().into(),
            output: self.output,
            weights: self.tensors(),
        })
    }
}

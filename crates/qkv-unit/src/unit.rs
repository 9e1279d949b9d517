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

    fn drawn(config: &QkvUnitConfig) -> QkvUnit<B> {
        config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
    }

    fn window(values: Vec<f32>, shape: [usize; 4]) -> Tensor<B, 4> {
        Tensor::from_data(TensorData::new(values, shape), &DEVICE)
    }

    fn wavy(shape: [usize; 4]) -> Tensor<B, 4> {
        let count = shape.iter().product::<usize>();
        window(
            (0..count).map(|at| (at as f32 * 0.7).sin()).collect(),
            shape,
        )
    }

    fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
        tensor.into_data().into_vec().expect("numbers are f32")
    }

    /// One unit whose weights are identity matrices: Q = K = V = Z.
    fn identity_unit(config: &QkvUnitConfig) -> QkvUnit<B> {
        let mut unit = drawn(config);
        let eye = Tensor::<B, 2>::eye(config.d_unit, &DEVICE).unsqueeze::<3>();
        for linear in [&mut unit.query, &mut unit.key, &mut unit.value] {
            linear.weight = Param::from_tensor(eye.clone());
        }
        unit
    }

    /// Every combination of the options.
    fn every_config() -> Vec<QkvUnitConfig> {
        let mut configs = Vec::new();
        for heads in [1, 2, 4] {
            for flags in 0..8 {
                for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
                    configs.push(QkvUnitConfig {
                        heads,
                        causal: flags & 1 != 0,
                        residual: flags & 2 != 0,
                        layer_norm: flags & 4 != 0,
                        output,
                        ..QkvUnitConfig::new(3, 4)
                    });
                }
            }
        }
        configs
    }

    #[test]
    fn attention_equals_values_worked_by_hand() {
        // D = 1, rows 0 and ln 3: the row 0 weighs both alike, (0 + ln 3)/2; the row ln 3 weighs them
        // 1 : e^(ln² 3).
        let unit = identity_unit(&QkvUnitConfig::new(1, 1));
        let ln3 = 3.0_f32.ln();
        let got = numbers(unit.forward(window(vec![0.0, ln3], [1, 1, 2, 1])));
        let weight = (ln3 * ln3).exp();
        assert_abs_diff_eq!(got[0], 0.549_306_1, epsilon = 1e-6);
        assert_abs_diff_eq!(got[1], ln3 * weight / (1.0 + weight), epsilon = 1e-6);
    }

    #[test]
    fn scores_are_divided_by_the_root_of_the_heads_width() {
        // D = 2, rows (1, 0) and (0, 1): a row scores 1/√2 with itself and 0 with the other.
        let rows = window(vec![1.0, 0.0, 0.0, 1.0], [1, 1, 2, 2]);
        let one = identity_unit(&QkvUnitConfig::new(1, 2));
        let own = 0.669_761_5; // e^(1/√2)/(1 + e^(1/√2))
        let got = numbers(one.forward(rows.clone()));
        for (got, expected) in got.iter().zip([own, 1.0 - own, 1.0 - own, own]) {
            assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        }
        // Two heads of width 1: a 1 scores 1 with itself, a 0 weighs all alike.
        let config = QkvUnitConfig {
            heads: 2,
            ..QkvUnitConfig::new(1, 2)
        };
        let got = numbers(identity_unit(&config).forward(rows));
        let own = 0.731_058_6; // e/(1 + e)
        for (got, expected) in got.iter().zip([own, 0.5, 0.5, own]) {
            assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        }
    }

    #[test]
    fn the_newest_row_is_the_last_of_all_rows_whatever_the_options() {
        for config in every_config() {
            let unit = drawn(&config);
            for context in [1, 5] {
                let rows = wavy([2, 3, context, 4]);
                let all = unit.forward(rows.clone());
                assert_eq!(all.dims(), [2, 3, context, 4]);
                let last = all.narrow(2, context - 1, 1).squeeze_dim::<3>(2);
                let newest = unit.newest(rows);
                let largest: f32 = (newest - last).abs().max().into_scalar();
                assert!(largest < 1e-5, "{config:?}: differ by {largest}");
            }
        }
    }

    #[test]
    fn a_row_sees_newer_rows_only_without_the_mask() {
        for config in every_config() {
            let unit = drawn(&config);
            let rows = wavy([1, 3, 4, 4]);
            let older = rows.clone().narrow(2, 0, 3);
            let changed = rows.clone().narrow(2, 3, 1) * -2.0 + 1.0;
            let first = |rows| unit.forward(rows).narrow(2, 0, 3);
            let before = first(rows);
            let after = first(Tensor::cat(vec![older, changed], 2));
            let largest: f32 = (before - after).abs().max().into_scalar();
            if config.causal {
                assert!(largest < 1e-6, "{config:?}: older rows moved by {largest}");
            } else {
                assert!(largest > 1e-4, "{config:?}: moved by {largest} alone");
            }
        }
    }

    #[test]
    fn units_of_a_population_and_sequences_of_a_batch_are_apart() {
        let unit = drawn(&QkvUnitConfig::new(3, 4));
        let rows = wavy([2, 3, 5, 4]);
        let whole = unit.forward(rows.clone());
        let other = rows.clone().slice_fill([1..2, 2..3, 0..5, 0..4], 9.0);
        let changed = (unit.forward(other) - whole).abs().max_dim(3).max_dim(2);
        for (at, moved) in numbers(changed).into_iter().enumerate() {
            assert_eq!(moved > 0.0, at == 5, "sequence and unit {at} moved {moved}");
        }
    }

    #[test]
    fn a_unit_has_three_matrices_and_three_biases_that_start_at_zero() {
        let (units, d_unit) = (5, 4);
        let unit = drawn(&QkvUnitConfig::new(units, d_unit));
        assert_eq!(
            unit.num_params(),
            units * (3 * d_unit * d_unit + 3 * d_unit)
        );
        for linear in [&unit.query, &unit.key, &unit.value] {
            assert!(numbers(linear.bias.val()).iter().all(|&bias| bias == 0.0));
        }
        assert_eq!(Unit::<B>::shape(&unit), UnitShape { units, d_unit });
        assert_eq!(unit.multiply_adds(7, 2), 2 * (3 * 16 + 2 * 7 * 4));
    }

    #[test]
    #[should_panic(expected = "heads must divide d_unit, got 3 heads for a width of 4")]
    fn heads_that_do_not_divide_the_width_panic() {
        drawn(&QkvUnitConfig {
            heads: 3,
            ..QkvUnitConfig::new(1, 4)
        });
    }

    #[test]
    fn weights_sum_to_one_and_mix_the_values_to_what_is_answered() {
        for (heads, causal, queries) in [(1, false, 1), (2, false, 5), (2, true, 5), (4, true, 1)] {
            let unit = drawn(&QkvUnitConfig {
                heads,
                causal,
                ..QkvUnitConfig::new(3, 8)
            });
            let rows = wavy([2, 3, 5, 8]);
            let weights = unit.weights(rows.clone(), queries);
            assert_eq!(weights.dims(), [2, 3, heads, queries, 5]);
            for sum in numbers(weights.clone().sum_dim(4)) {
                assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-6);
            }
            let newer = numbers(weights.clone().narrow(3, 0, 1).narrow(4, 1, 4));
            let hidden = newer.iter().all(|&weight| weight == 0.0);
            assert_eq!(hidden, causal && queries > 1);
            let values = unit.value.forward(rows_by_unit(rows.clone()));
            let values = window_of_rows(values, 2) // [batch, units, context, d_unit]
                .reshape([2, 3, 5, heads, 8 / heads])
                .swap_dims(2, 3);
            let mixed = weights
                .matmul(values)
                .swap_dims(2, 3)
                .reshape([2, 3, queries, 8]);
            let answered = unit.forward(rows).narrow(2, 5 - queries, queries);
            for (got, expected) in numbers(mixed).into_iter().zip(numbers(answered)) {
                assert_abs_diff_eq!(got, expected, epsilon = 1e-5);
            }
        }
    }
}

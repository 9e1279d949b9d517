//! Time mixing of RWKV-7: a memory of keys and values, rewritten by a generalised delta rule.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, backend::Backend};
use rand::Rng;

use crate::parts::{filled, given, linear_parameters, sigmoid};
use crate::pieces::steps;
use crate::{LayerNorm, Linear};

/// What the norm of each head adds to the variance, in the authors' code.
const HEAD_NORM_ADDS: f64 = 64e-5;

/// What is added to the squared length of a key that is normed.
const KEY_LENGTH_ADDS: f64 = 1e-24;

/// What each step's decay is raised to at most: −exp(−1/2).
const FASTEST: f64 = -0.606_530_659_712_633_4;

/// A layer's place, on which first values depend.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The layer, counted from 0.
    pub(super) layer: usize,
    /// How many there are.
    pub(super) layers: usize,
}

impl Place {
    /// The share of layers that are not below: 1 for the lowest.
    pub(super) fn above(self) -> f64 {
        1.0 - self.layer as f64 / self.layers as f64
    }

    /// How far up it is: 0 for the lowest, 1 for the highest of several.
    fn height(self) -> f64 {
        self.layer as f64 / (self.layers.max(2) - 1) as f64
    }

    /// How much of the step before is mixed in at first, column by column.
    pub(super) fn mix(self, width: usize, power: f64) -> Vec<f32> {
        let columns = (0..width).map(|at| at as f64 / width as f64);
        columns
            .map(|share| (1.0 - share.powf(power)) as f32)
            .collect()
    }
}

/// The ranks of the maps to what is specific to a step.
pub(super) struct Ranks {
    decay: usize,
    rate: usize,
    value: usize,
    gate: usize,
}

impl Ranks {
    /// One rank for all, or those that the authors' training code suggests for the width: multiples of 32.
    pub(super) fn new(width: usize, rank: Option<usize>) -> Self {
        let suggested = |factor: f64| {
            let multiple = (factor * (width as f64).sqrt() / 32.0).round_ties_even();
            32 * (multiple as usize).max(1)
        };
        let rank = |factor| rank.unwrap_or_else(|| suggested(factor));
        Self {
            decay: rank(2.5),
            rate: rank(2.5),
            value: rank(1.7),
            gate: rank(5.0),
        }
    }

    /// How many numbers a layer's time mixing has, with or without the gate of values.
    pub(super) fn parameters(&self, width: usize, mixes_values: bool) -> usize {
        let low_rank = |rank, bias| {
            linear_parameters([width, rank], false) + linear_parameters([rank, width], bias)
        };
        let value = match mixes_values {
            true => low_rank(self.value, true),
            false => 0,
        };
        // Six mixtures, then the two scales of keys, the bonus, and the norm's gain and bias.
        6 * width
            + 4 * linear_parameters([width, width], false)
            + low_rank(self.decay, true)
            + low_rank(self.rate, true)
            + value
            + low_rank(self.gate, false)
            + 5 * width
    }
}

/// A map of low rank: f(x·A)·B + b.
#[derive(Module, Debug)]
pub struct LowRank<B: Backend> {
    /// The map A down, `[width, rank]`.
    pub down: Linear<B>,
    /// The map B and b up, `[rank, width]`.
    pub up: Linear<B>,
}

impl<B: Backend> LowRank<B> {
    /// A map that gives its biases at first: A is zero.
    fn init(
        [width, rank]: [usize; 2],
        bias: Option<Vec<f32>>,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let down = Linear::init([width, rank], 0.0, None, rng, device);
        // The authors' matrix is orthogonal times 0.1, whose entries have this variance, too.
        let bound = 0.1 * (3.0 / width as f32).sqrt();
        let mut up = Linear::init([rank, width], bound, None, rng, device);
        up.bias = bias.map(|bias| given(bias, [width], device));
        Self { down, up }
    }

    fn forward(
        &self,
        rows: Tensor<B, 3>,
        between: impl Fn(Tensor<B, 3>) -> Tensor<B, 3>,
    ) -> Tensor<B, 3> {
        self.up.forward(between(self.down.forward(rows)))
    }

    fn multiply_adds(&self) -> u64 {
        self.down.multiply_adds() + self.up.multiply_adds()
    }
}

/// The part of an [`Rwkv`](crate::Rwkv) that remembers (section 4 of the paper).
///
/// With the normed row x and the row x₋₁ of the step before, each map reads x + m ⊙ (x₋₁ − x) with an m of its own, written
/// x_r, x_w, x_k, x_v, x_a and x_g:
///
/// - r = x_r·R, k = x_k·K, v = x_v·V
/// - w = exp(−exp(−1/2)·σ(tanh(x_w·A)·B + b)), the decay; a = σ(x_a·A·B + b), the rate; g = σ(x_g·A)·B, the gate
/// - v ← v + (v₀ − v) ⊙ σ(x_v·A·B + b) in all layers but the lowest, whose v is v₀
/// - κ = k ⊙ ξ, to length 1 head by head; k ← k ⊙ (1 + (a − 1) ⊙ α)
///
/// and, head by head, with rows and columns of the state S for values and keys,
///
/// - S ← S·diag(w) − (S·κ)·(κ ⊙ a)ᵀ + v·kᵀ
/// - y = LN(S·r) + (Σ r ⊙ k ⊙ ρ)·v
///
/// The output is (y ⊙ g)·O. The paper's heads are 64 wide; LN's ε of 64·10⁻⁵ stays for other widths.
#[derive(Module, Debug)]
pub struct TimeMixing<B: Backend> {
    /// How much of the step before is mixed in, m for r, w, k, v, a and g, `[6, width]`.
    pub mix: Param<Tensor<B, 2>>,
    /// The map R to receptances, `[width, width]`.
    pub receptance: Linear<B>,
    /// The map K to keys, `[width, width]`.
    pub key: Linear<B>,
    /// The map V to values, `[width, width]`.
    pub value: Linear<B>,
    /// The map O of the output, `[width, width]`.
    pub output: Linear<B>,
    /// The map to the decays w.
    pub decay: LowRank<B>,
    /// The map to the rates a.
    pub rate: LowRank<B>,
    /// The map to the gate of the lowest layer's values, in all layers but the lowest.
    pub first_value: Option<LowRank<B>>,
    /// The map to the gate g.
    pub gate: LowRank<B>,
    /// What keys are multiplied by before they are normed, ξ, `[width]`.
    pub key_scale: Param<Tensor<B, 1>>,
    /// How much keys are multiplied by the rate, α, `[width]`.
    pub key_rate: Param<Tensor<B, 1>>,
    /// What a step's own key counts beside the memory, ρ, `[heads, d_head]`.
    pub bonus: Param<Tensor<B, 2>>,
    /// The gain and bias of the norm of what is read, `[width]`.
    pub norm: LayerNorm<B>,
}

/// What time mixing returns.
pub(super) struct Mixed<B: Backend> {
    /// What is added to the rows, `[batch, steps, width]`.
    pub(super) rows: Tensor<B, 3>,
    /// The values before the lowest layer's are mixed in, `[batch, steps, width]`.
    pub(super) values: Tensor<B, 3>,
    /// The state after the last step, `[batch, heads, d_head, d_head]`.
    pub(super) state: Tensor<B, 4>,
}

impl<B: Backend> TimeMixing<B> {
    /// Draws the maps; the other first values follow from the place and the column.
    pub(super) fn init(
        place: Place,
        [width, heads]: [usize; 2],
        ranks: &Ranks,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let d_head = width / heads;
        // From −1/2 to 1/2 over all columns, and from −1 to 1 over each head's, with its square in place of the size.
        let along = |at: usize| at as f64 / (width.max(2) - 1) as f64;
        let slope = |at: usize| along(at) - 0.5;
        let zigzag = |at: usize| {
            let middle = (d_head.max(2) - 1) as f64 / 2.0;
            let place = ((at % d_head) as f64 - middle) / middle;
            place * place.abs()
        };
        let columns = |value: &dyn Fn(usize) -> f64| -> Vec<f32> {
            (0..width).map(|at| value(at) as f32).collect()
        };

        let powers = [0.2, 0.9, 0.7, 0.7, 0.9, 0.2].map(|power| power * place.above());
        let mix = powers.map(|power| place.mix(width, power)).concat();
        let decay = |at| {
            let curve = 1.0 + place.height().powf(0.3);
            -6.0 + 6.0 * along(at).powf(curve) + 0.5 + 2.5 * zigzag(at)
        };
        let rate = |at| -0.19 + 0.3 * zigzag(at) + 0.4 * slope(at);
        let value = |at| 0.73 - 0.4 * slope(at);

        let bound = 0.5 / (width as f32).sqrt();
        let mut square = |bound| Linear::init([width, width], bound, None, &mut *rng, device);
        let receptance = square(bound);
        let key = square(0.1 * bound);
        let value_map = square(bound);
        let output = square(0.0);
        let mut low_rank = |rank, bias| LowRank::init([width, rank], bias, &mut *rng, device);
        Self {
            mix: given(mix, [6, width], device),
            receptance,
            key,
            value: value_map,
            output,
            decay: low_rank(ranks.decay, Some(columns(&decay))),
            rate: low_rank(ranks.rate, Some(columns(&rate))),
            first_value: (place.layer > 0).then(|| low_rank(ranks.value, Some(columns(&value)))),
            gate: low_rank(ranks.gate, None),
            key_scale: given(columns(&|at| 0.71 - 0.1 * slope(at)), [width], device),
            key_rate: filled([width], 1.02, device),
            bonus: filled([heads, d_head], -0.04, device),
            norm: LayerNorm::new(width, device),
        }
    }

    /// # Shapes
    ///
    /// - rows, shifted: `[batch, steps, width]`
    /// - first_values: `[batch, steps, width]`, in all layers but the lowest
    /// - state: `[batch, heads, d_head, d_head]`
    pub(super) fn forward(
        &self,
        rows: Tensor<B, 3>,
        shifted: Tensor<B, 3>,
        first_values: Option<Tensor<B, 3>>,
        state: Tensor<B, 4>,
    ) -> Mixed<B> {
        let [batch, count, width] = rows.dims();
        let [heads, d_head] = self.bonus.dims();
        let change = shifted - rows.clone();
        let mix = self.mix.val();
        let mixed = |at| {
            let mix: Tensor<B, 2> = mix.clone().narrow(0, at, 1);
            rows.clone() + change.clone() * mix.unsqueeze()
        };
        let receptance = self.receptance.forward(mixed(0));
        let decay = sigmoid(self.decay.forward(mixed(1), Tensor::tanh));
        let decay = (decay * FASTEST).exp();
        let key = self.key.forward(mixed(2));
        let for_value = mixed(3);
        let values = self.value.forward(for_value.clone());
        let value = match (&self.first_value, first_values) {
            (Some(gate), Some(first)) => {
                let gate = sigmoid(gate.forward(for_value, |rows| rows));
                values.clone() + (first - values.clone()) * gate
            }
            _ => values.clone(),
        };
        let rate = sigmoid(self.rate.forward(mixed(4), |rows| rows));
        let gate = self.gate.forward(mixed(5), sigmoid);

        let by_head = |rows: Tensor<B, 3>| rows.reshape([batch, count, heads, d_head]);
        let erased = by_head(key.clone() * self.key_scale.val().unsqueeze());
        let length = erased.clone().powi_scalar(2).sum_dim(3) + KEY_LENGTH_ADDS;
        // Not divided by the length: burn-ndarray approximates the reciprocal that the backward pass would take.
        let erased = erased * length.powf_scalar(-0.5);
        let key = key.clone() + key * (rate.clone() - 1.0) * self.key_rate.val().unsqueeze();
        let (receptance, key, value) = (by_head(receptance), by_head(key), by_head(value));

        let written = Written {
            decay: by_head(decay),
            rate: by_head(rate),
            erased,
            key: key.clone(),
            value: value.clone(),
        };
        let (read, state) = remember(written, receptance.clone(), state);
        let bonus = (receptance * key * self.bonus.val().unsqueeze()).sum_dim(3) * value;
        let read = head_norm(read).reshape([batch, count, width]);
        let read = read * self.norm.gain.val().unsqueeze() + self.norm.bias.val().unsqueeze();
        let rows = (read + bonus.reshape([batch, count, width])) * gate;
        Mixed {
            rows: self.output.forward(rows),
            values,
            state,
        }
    }

    pub(super) fn multiply_adds(&self) -> u64 {
        let maps = [&self.receptance, &self.key, &self.value, &self.output];
        let maps: u64 = maps.into_iter().map(Linear::multiply_adds).sum();
        let low_ranks = [&self.decay, &self.rate, &self.gate];
        let low_ranks = low_ranks.into_iter().chain(&self.first_value);
        let low_ranks: u64 = low_ranks.map(LowRank::multiply_adds).sum();
        let [heads, d_head] = self.bonus.dims();
        // Six mixtures with the step before; decay, S·κ, two outer products, S·r.
        let width = heads * d_head;
        maps + low_ranks + (6 * width + 5 * width * d_head) as u64
    }
}

/// What each step writes to the state, `[batch, steps, heads, d_head]` each.
struct Written<B: Backend> {
    decay: Tensor<B, 4>,
    rate: Tensor<B, 4>,
    erased: Tensor<B, 4>,
    key: Tensor<B, 4>,
    value: Tensor<B, 4>,
}

/// The loop over time: what each step reads of the state that it has written to, and the last state.
///
/// # Shapes
///
/// - receptance: `[batch, steps, heads, d_head]`
/// - state: `[batch, heads, d_head, d_head]`
/// - output: `[batch, steps, heads, d_head]` and the state's
fn remember<B: Backend>(
    written: Written<B>,
    receptance: Tensor<B, 4>,
    mut state: Tensor<B, 4>,
) -> (Tensor<B, 4>, Tensor<B, 4>) {
    let Written {
        decay,
        rate,
        erased,
        key,
        value,
    } = written;
    // Time first, so that each step's numbers lie together; as rows over keys or as columns.
    let row = |rows: Tensor<B, 4>| rows.swap_dims(0, 1).unsqueeze_dim::<5>(3);
    let column = |rows: Tensor<B, 4>| rows.swap_dims(0, 1).unsqueeze_dim::<5>(4);
    // Both outer products are one product of matrices: columns −S·κ and v, rows κ ⊙ a and k.
    let rows = Tensor::cat(vec![row(-(erased.clone() * rate)), row(key)], 3);
    let each = steps::<B, 5, 4>(row(decay), 0).into_iter();
    let each = each.zip(steps(rows, 0)).zip(steps(column(erased), 0));
    let each = each.zip(steps(column(value), 0));
    let each = each.zip(steps(column(receptance), 0));
    let mut read = Vec::with_capacity(each.len());
    for ((((decay, rows), erased), value), receptance) in each {
        let found: Tensor<B, 4> = state.clone().matmul(erased);
        let columns = Tensor::cat(vec![found, value], 3); // [batch, heads, d_head, 2]
        state = state * decay + columns.matmul(rows);
        read.push(state.clone().matmul(receptance));
    }
    let read: Tensor<B, 5> = Tensor::stack(read, 1);
    (read.squeeze_dim(4), state)
}

/// Centres each head's numbers and divides them by their deviation.
fn head_norm<B: Backend>(rows: Tensor<B, 4>) -> Tensor<B, 4> {
    let centred = rows.clone() - rows.mean_dim(3);
    let variance = centred.clone().powi_scalar(2).mean_dim(3);
    centred * (variance + HEAD_NORM_ADDS).powf_scalar(-0.5)
}

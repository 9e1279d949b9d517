//! Multi-scale retention: attention without softmax, whose memory decays.

use burn::module::Module;
use burn::tensor::{DType, Tensor, TensorData, backend::Backend};
use ran_unit::normalise;
use rand::Rng;

use crate::Linear;
use crate::parts::{by_head, glorot, side_by_side, silu};
use crate::rotary::Turns;

/// Steps that are computed at once.
const CHUNK: usize = 64;

/// Multi-scale retention with a gate (Sun et al. 2023, equations 5 to 8).
///
/// With q = x·W_Q, k = x·W_K/√d_key, v = x·W_V, split into heads, and q and k turned by their positions, pair i of P by
/// position·10000^(−i/(P − 1)), head h (from 0) with decay γ = 1 − 2^(−5−h) answers step n with
///
/// - o_n = Σ_{m ≤ n} γ^(n−m)·(q_n·k_m)·v_m / √(Σ_{m ≤ n} γ^(n−m))
/// - in the recurrent form: S ← γ·S + kᵀ·v, o = q·S / √(Σ_{m ≤ n} γ^(n−m))
///
/// and the output is (swish(x·W_G) ⊙ GN(o))·W_O. Of the paper's three normalisations, those of the scores by √d_key and of the
/// decays by the root of their sum are here; the third, by the sum of a step's scores, has no recurrent form, and the group norm
/// takes it out again (but for its ε). The group norm GN centres each head's answer and divides it by its deviation, without
/// gain or bias. Positions turn as in torchscale; the scale of xPos is the decay.
#[derive(Module, Debug)]
pub struct Retention<B: Backend> {
    /// The map W_Q, `[width, width]`.
    pub query: Linear<B>,
    /// The map W_K, `[width, width]`.
    pub key: Linear<B>,
    /// The map W_V, `[width, d_values]`.
    pub value: Linear<B>,
    /// The map W_G, `[width, d_values]`.
    pub gate: Linear<B>,
    /// The map W_O, `[d_values, width]`.
    pub output: Linear<B>,
    heads: usize,
}

/// How much of the past is left, for each head: γ to the power of the number of steps between.
pub(crate) struct Decays<B: Backend> {
    /// γ^(n−m) of query n and key m of a chunk, 0 for later keys, `[1, heads, chunk, chunk]`.
    within: Tensor<B, 4>,
    /// γ^(n+1) of query n and the state before the chunk, `[1, heads, chunk, 1]`.
    before: Tensor<B, 4>,
    /// γ^(chunk−1−m) of key m and the state after the chunk, `[1, heads, chunk, 1]`.
    after: Tensor<B, 4>,
    /// 1/√(Σ γ^…) of each step, `[1, heads, steps, 1]`.
    norm: Tensor<B, 4>,
}

/// 1 − γ of a head.
fn loss(head: usize) -> f64 {
    (-5.0 - head as f64).exp2()
}

/// γ of a head to a power.
fn power(head: usize, steps: usize) -> f64 {
    (steps as f64 * (-loss(head)).ln_1p()).exp()
}

/// 1/√(1 + γ + … + γ^(steps−1)).
fn norm(head: usize, steps: usize) -> f64 {
    let sum = -(steps as f64 * (-loss(head)).ln_1p()).exp_m1() / loss(head);
    sum.powf(-0.5)
}

/// A number for each head and each of `rows` and `columns`, `[1, heads, rows, columns]`.
fn table<B: Backend>(
    [heads, rows, columns]: [usize; 3],
    of: (&B::Device, DType),
    entry: impl Fn(usize, usize, usize) -> f64,
) -> Tensor<B, 4> {
    let mut numbers = Vec::with_capacity(heads * rows * columns);
    for head in 0..heads {
        for row in 0..rows {
            numbers.extend((0..columns).map(|column| entry(head, row, column)));
        }
    }
    Tensor::from_data(TensorData::new(numbers, [1, heads, rows, columns]), of)
}

impl<B: Backend> Decays<B> {
    /// The decays of `steps` steps from `position` on.
    pub(crate) fn new(
        heads: usize,
        position: usize,
        steps: usize,
        of: (&B::Device, DType),
    ) -> Self {
        let chunk = CHUNK.min(steps);
        let within = |head, query: usize, key: usize| match query.checked_sub(key) {
            Some(between) => power(head, between),
            None => 0.0,
        };
        Self {
            within: table([heads, chunk, chunk], of, within),
            before: table([heads, chunk, 1], of, |head, query, _| {
                power(head, query + 1)
            }),
            after: table([heads, chunk, 1], of, |head, key, _| {
                power(head, chunk - 1 - key)
            }),
            norm: table([heads, steps, 1], of, |head, step, _| {
                norm(head, position + step + 1)
            }),
        }
    }
}

impl<B: Backend> Retention<B> {
    /// Draws the weights by Glorot's law, all but the output's times 2^−2.5.
    pub(crate) fn init(
        [width, values]: [usize; 2],
        heads: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let mut linear =
            |shape, gain: f32| Linear::init(shape, gain * glorot(shape), None, &mut *rng, device);
        let small = (-2.5_f32).exp2();
        Self {
            query: linear([width, width], small),
            key: linear([width, width], small),
            value: linear([width, values], small),
            gate: linear([width, values], small),
            output: linear([values, width], 1.0),
            heads,
        }
    }

    pub(crate) fn heads(&self) -> usize {
        self.heads
    }

    /// The shape of the state S of one sequence, `[heads, d_key, d_value]`.
    pub(crate) fn state_shape(&self) -> [usize; 3] {
        let [width, values] = self.value.weight.dims();
        [self.heads, width / self.heads, values / self.heads]
    }

    /// The angles by which pairs turn from step to step.
    pub(crate) fn angles(&self) -> Vec<f64> {
        let pairs = self.state_shape()[1] / 2;
        let last = (pairs - 1).max(1) as f64;
        (0..pairs)
            .map(|pair| 10_000_f64.powf(-(pair as f64) / last))
            .collect()
    }

    pub(crate) fn multiply_adds(&self) -> u64 {
        let maps = [
            &self.query,
            &self.key,
            &self.value,
            &self.gate,
            &self.output,
        ];
        let maps: u64 = maps.iter().map(|map| map.multiply_adds()).sum();
        let state: u64 = self
            .state_shape()
            .iter()
            .map(|&length| length as u64)
            .product();
        maps + 3 * state // γ·S, kᵀ·v and q·S
    }

    /// Queries, keys and values by head, queries and keys turned.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, steps, width]`
    /// - output: `[batch, heads, steps, d_key]` twice, and `[batch, heads, steps, d_value]`
    fn project(&self, rows: &Tensor<B, 3>, turns: &Turns<B>) -> [Tensor<B, 4>; 3] {
        let [_, d_key, _] = self.state_shape();
        let map = |map: &Linear<B>| by_head(map.forward(rows.clone()), self.heads);
        let key = map(&self.key) / (d_key as f64).sqrt();
        [
            turns.apply(map(&self.query)),
            turns.apply(key),
            map(&self.value),
        ]
    }

    /// Normalises, gates and maps what the heads answer.
    ///
    /// # Shapes
    ///
    /// - answers: `[batch, heads, steps, d_value]`
    /// - output: `[batch, steps, width]`
    fn close(&self, answers: Tensor<B, 4>, rows: Tensor<B, 3>) -> Tensor<B, 3> {
        let gate = silu(self.gate.forward(rows));
        self.output.forward(gate * side_by_side(normalise(answers)))
    }

    /// Chunk by chunk: in parallel within a chunk, recurrently from one to the next.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, steps, width]`
    /// - state: `[batch, heads, d_key, d_value]`
    /// - output: `[batch, steps, width]` and the state after the last step
    pub(crate) fn by_chunks(
        &self,
        rows: Tensor<B, 3>,
        mut state: Tensor<B, 4>,
        turns: &Turns<B>,
        decays: &Decays<B>,
    ) -> (Tensor<B, 3>, Tensor<B, 4>) {
        let [_, steps, _] = rows.dims();
        let [query, key, value] = self.project(&rows, turns);
        let chunk = decays.before.dims()[2];
        let mut answers = Vec::with_capacity(steps.div_ceil(chunk));
        for start in (0..steps).step_by(chunk) {
            let count = chunk.min(steps - start);
            let part = |of: &Tensor<B, 4>| of.clone().narrow(2, start, count);
            let (query, key, value) = (part(&query), part(&key), part(&value));
            let within = decays
                .within
                .clone()
                .narrow(2, 0, count)
                .narrow(3, 0, count);
            let before = decays.before.clone().narrow(2, 0, count);
            let after = decays.after.clone().narrow(2, chunk - count, count);
            let left = before.clone().narrow(2, count - 1, 1); // [1, heads, 1, 1]
            let scores = query.clone().matmul(key.clone().swap_dims(2, 3)) * within;
            let answer = scores.matmul(value.clone()) + query.matmul(state.clone()) * before;
            answers.push(answer);
            state = state * left + (key * after).swap_dims(2, 3).matmul(value);
        }
        let answers = Tensor::cat(answers, 2) * decays.norm.clone();
        (self.close(answers, rows), state)
    }

    /// One step in the recurrent form.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, 1, width]`
    /// - state: `[batch, heads, d_key, d_value]`
    /// - output: `[batch, 1, width]` and the state after the step
    pub(crate) fn recurrently(
        &self,
        rows: Tensor<B, 3>,
        state: Tensor<B, 4>,
        turns: &Turns<B>,
        position: usize,
    ) -> (Tensor<B, 3>, Tensor<B, 4>) {
        let [query, key, value] = self.project(&rows, turns);
        let of_heads = |of: fn(usize, usize) -> f64, steps| {
            table(
                [self.heads, 1, 1],
                (&rows.device(), rows.dtype()),
                |head, _, _| of(head, steps),
            )
        };
        let state = state * of_heads(power, 1) + key.swap_dims(2, 3) * value;
        let answer = query.matmul(state.clone()) * of_heads(norm, position + 1);
        (self.close(answer, rows), state)
    }
}

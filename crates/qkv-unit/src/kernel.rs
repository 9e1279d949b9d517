//! The fused QKV unit, forward: equations 1 and 2 of docs/model.md#units.

mod back;
mod single;

use std::ops::Range;
use std::sync::Arc;

pub use back::QkvRoom;
use ran_scan::UnitKernel;
use ran_scan::add_norm::{AddNorm, Affine, NormTrace};
use ran_scan::arch::Lanes;
use ran_scan::attention::Window;
use ran_scan::linear::{Linear, LinearWeights};
use ran_scan::parts::{LaneSums, Parts, length};
use ran_scan::product::Then;
use ran_scan::unit::{Lane, LaneBack, Memory, Shape, Single};
use ran_scan::weights::{Tensor, UnitGradient, UnitWeights};

/// A = softmax(Q·Kᵀ/√d)·V with Q = Z·W_q + b_q, K = Z·W_k + b_k, V = Z·W_v + b_v.
///
/// Tensors of the weights: query weight `[U, D, D]` (in × out) and bias `[U, D]`, key weight and
/// bias, value weight and bias; with lags then their biases, `[U, heads, lags]`; with layer norm then gain and bias,
/// `[U, D]` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QkvKernel {
    /// Heads that share the width.
    pub heads: usize,
    /// Whether row i of the window sees rows up to i only.
    pub causal: bool,
    /// Lags of keys that have a bias, which is added to their scores: the context, or 0 for no biases.
    pub lags: usize,
    /// What ends the rows of A.
    pub end: AddNorm,
}

impl Default for QkvKernel {
    fn default() -> Self {
        Self {
            heads: 1,
            causal: false,
            lags: 0,
            end: AddNorm::default(),
        }
    }
}

/// The weights of one unit.
struct Weights<'a> {
    query: LinearWeights<'a>,
    key: LinearWeights<'a>,
    value: LinearWeights<'a>,
    /// `[heads, lags]`.
    lag_bias: &'a [f32],
    end: Affine<&'a [f32]>,
}

/// What the backward pass needs of the forward pass; all in scratch.
#[derive(Debug)]
pub struct QkvTrace<P> {
    query: P,
    /// Keys then values of the whole window, in rewritten memory.
    rows: P,
    attention: P,
    end: NormTrace<P>,
}

/// The layer from z to the queries, and those to the keys and the values.
#[inline(always)]
fn layer(d: usize) -> Linear {
    Linear { ins: d, outs: d }
}

impl QkvKernel {
    /// Cuts one unit's weights off those of this half and of what follows.
    #[inline(always)]
    fn weights<'a>(&self, d: usize, weights: &mut UnitWeights<'a>) -> Weights<'a> {
        Weights {
            query: layer(d).weights(weights),
            key: layer(d).weights(weights),
            value: layer(d).weights(weights),
            lag_bias: weights.next(self.lag_biases()),
            end: self.end.weights(d, weights),
        }
    }

    /// How many biases of lags a unit has.
    #[inline(always)]
    fn lag_biases(&self) -> usize {
        self.heads * self.lags
    }

    /// The weights that follow this half's.
    #[inline(always)]
    pub fn weights_after<'a>(&self, shape: Shape, mut weights: UnitWeights<'a>) -> UnitWeights<'a> {
        self.weights(shape.d_unit, &mut weights);
        weights
    }

    #[inline(always)]
    fn window(&self, shape: Shape, slot: usize) -> Window {
        Window {
            queries: shape.memory.rows(shape.context),
            context: shape.context,
            heads: self.heads,
            width: shape.d_unit,
            stride: shape.abreast * shape.d_unit,
            causal: self.causal && shape.memory == Memory::Rewritten,
            newest: (shape.memory == Memory::Sliding).then_some(slot),
        }
    }

    /// Keys and values of the rows that a step computes anew.
    #[inline(always)]
    fn new_rows_len(shape: Shape) -> usize {
        match shape.memory {
            Memory::Sliding => 0,
            Memory::Rewritten => 2 * shape.context * shape.d_unit,
        }
    }

    /// Cuts what [`attend`](Self::attend) keeps off the scratch.
    #[inline(always)]
    pub fn trace<P: Parts>(&self, shape: Shape, scratch: &mut P) -> QkvTrace<P::Part> {
        let (rows, d) = (shape.rows(), shape.d_unit);
        QkvTrace {
            query: scratch.part(rows * d),
            rows: scratch.part(Self::new_rows_len(shape)),
            attention: scratch.part(shape.abreast * self.window(shape, 0).weights_len()),
            end: self.end.trace(rows, d, scratch),
        }
    }

    /// Cuts that and the rows that it computes off the scratch.
    #[inline(always)]
    fn trace_and_rows<P: Parts>(
        &self,
        shape: Shape,
        scratch: &mut P,
    ) -> (QkvTrace<P::Part>, P::Part) {
        let trace = self.trace(shape, scratch);
        (trace, scratch.part(shape.rows() * shape.d_unit))
    }

    /// Where a row lies among the keys of the window, or among its values: `[context, abreast, d_unit]`.
    #[inline(always)]
    fn row(shape: Shape, slot: usize) -> Range<usize> {
        let len = shape.abreast * shape.d_unit;
        slot * len..(slot + 1) * len
    }

    /// Sets keys and values of one row of the window.
    #[inline(always)]
    fn remember_row<S: Lanes>(
        &self,
        simd: S,
        shape: Shape,
        weights: &Weights<'_>,
        slot: usize,
        z: &[S::f32s],
        window: &mut [S::f32s],
    ) {
        let d = shape.d_unit;
        let (keys, values) = window.split_at_mut(window.len() / 2);
        let row = Self::row(shape, slot);
        layer(d).forward(simd, weights.key, z, Then::Same, &mut keys[row.clone()]);
        layer(d).forward(simd, weights.value, z, Then::Same, &mut values[row]);
    }

    /// Computes the rows A and keeps what the backward pass needs.
    ///
    /// `again` says that the window holds the newest row already.
    #[inline(always)]
    pub fn attend<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        z: &[S::f32s],
        trace: &mut QkvTrace<&mut [S::f32s]>,
        again: bool,
        out: &mut [S::f32s],
    ) {
        let (shape, d) = (lane.shape, lane.shape.d_unit);
        let weights = self.weights(d, &mut { lane.weights });
        let (keys, values): (&[S::f32s], &[S::f32s]) = match shape.memory {
            Memory::Sliding => {
                if !again {
                    self.remember_row(simd, shape, &weights, lane.slot, z, lane.window);
                }
                lane.window.split_at(lane.window.len() / 2)
            }
            Memory::Rewritten => {
                let (keys, values) = trace.rows.split_at_mut(shape.context * d);
                layer(d).forward(simd, weights.key, z, Then::Same, keys);
                layer(d).forward(simd, weights.value, z, Then::Same, values);
                (keys, values)
            }
        };
        layer(d).forward(simd, weights.query, z, Then::Same, trace.query);
        let window = self.window(shape, lane.slot);
        let (queries, weights_len) = (window.queries * d, window.weights_len());
        for strip in 0..shape.abreast {
            let rows = strip * queries..(strip + 1) * queries;
            simd.attend(
                window,
                &trace.query[rows.clone()],
                (&keys[strip * d..], &values[strip * d..]),
                weights.lag_bias,
                &mut trace.attention[strip * weights_len..][..weights_len],
                &mut out[rows],
            );
        }
        self.end.forward(simd, weights.end, z, &mut trace.end, out);
    }
}

impl From<QkvKernel> for Arc<dyn ran_scan::Kernel> {
    #[inline(never)]
    fn from(kind: QkvKernel) -> Self {
        Arc::new(kind)
    }
}

impl UnitKernel for QkvKernel {
    fn name(&self) -> &'static str {
        "qkv-unit"
    }

    fn check(&self, d_unit: usize) -> Result<(), String> {
        match self.heads > 0 && d_unit.is_multiple_of(self.heads) {
            true => Ok(()),
            false => Err(format!(
                "{} heads share a width of {d_unit}, expected a number that divides the width",
                self.heads
            )),
        }
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        let layers = [layer(d_unit); 3].map(Linear::tensors);
        let lags = (self.lags > 0).then(|| Tensor::Vector(self.lag_biases()));
        let end = self.end.tensors(d_unit);
        let layers = layers.into_iter().flatten();
        layers.chain(lags).chain(end).collect()
    }

    fn window_len(&self, shape: Shape) -> usize {
        match shape.memory {
            Memory::Sliding => 2 * shape.context * shape.abreast * shape.d_unit,
            Memory::Rewritten => 0,
        }
    }

    fn takes_abreast(&self, _shape: Shape) -> bool {
        true
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        assert!(
            self.lags == 0 || self.lags == shape.context,
            "a unit must have as many biases of lags as rows of context, {}, got {}",
            shape.context,
            self.lags
        );
        let lanes = length(|scratch| {
            self.trace_and_rows(shape, scratch);
            self.back_room(shape, lanes, scratch);
        });
        let single = length(|scratch| {
            self.single_room(shape, scratch);
        });
        lanes.max(single)
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        length(|sums| {
            self.sums(shape, lanes, sums);
        })
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s]) {
        let weights = self.weights(lane.shape.d_unit, &mut { lane.weights });
        self.remember_row(simd, lane.shape, &weights, lane.slot, z, lane.window);
    }

    #[inline(always)]
    fn forward<S: Lanes>(
        &self,
        simd: S,
        mut lane: Lane<'_, S>,
        z: &[S::f32s],
        out: &mut [S::f32s],
    ) {
        let mut scratch = std::mem::take(&mut lane.scratch);
        let mut trace = self.trace(lane.shape, &mut scratch);
        self.attend(simd, &mut lane, z, &mut trace, false, out);
    }

    #[inline(always)]
    fn remember_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]) {
        self.remember_row_single(simd, single, z);
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        self.attend_single(simd, single, z, out);
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, mut lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let mut scratch = std::mem::take(&mut lane.scratch);
        let (mut trace, attended) = self.trace_and_rows(lane.shape, &mut scratch);
        self.attend(simd, &mut lane, back.z, &mut trace, true, attended);
        lane.scratch = scratch;
        self.attend_back(simd, &mut lane, &mut trace, back);
    }

    #[inline(always)]
    fn settle<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        self.settle_row(simd, lane, back);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        self.collect_sums(shape, &mut LaneSums { sums, lanes }, &mut gradient);
    }
}

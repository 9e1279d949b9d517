//! The QKV unit: attention over the window (equations 1 and 2 of the model).

mod back;
mod single;

use crate::arch::Lanes;
use crate::attention::Window;
use crate::buffer::take;
use crate::norm;
use crate::outer::{Outer, add_rows};
use crate::packed::{Matrix, Tensor, UnitWeights};
use crate::product::{Sizes, Start, product};
use crate::unit::{Lane, LaneBack, Memory, Shape, Single, UnitGradient, UnitKernel};

/// A = softmax(Q·Kᵀ/√d)·V with Q = Z·W_q + b_q, K = Z·W_k + b_k, V = Z·W_v + b_v.
///
/// Tensors of the weights: query weight `[U, D, D]` (in × out) and bias `[U, D]`, key weight and
/// bias, value weight and bias; with layer norm then gain and bias, `[U, D]` each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qkv {
    /// Heads that share the width.
    pub heads: usize,
    /// Whether row i of the window sees rows up to i only.
    pub causal: bool,
    /// A += Z.
    pub residual: bool,
    /// Normalise the rows of A, with a gain and a bias per unit.
    pub layer_norm: bool,
}

impl Default for Qkv {
    fn default() -> Self {
        Self {
            heads: 1,
            causal: false,
            residual: false,
            layer_norm: false,
        }
    }
}

/// The tensors of one unit.
pub(crate) struct Tensors<'a> {
    query: (Matrix<'a>, &'a [f32]),
    key: (Matrix<'a>, &'a [f32]),
    value: (Matrix<'a>, &'a [f32]),
    norm: (&'a [f32], &'a [f32]),
}

/// What the way back needs of the way forward; all in scratch.
pub(crate) struct Trace<'a, S: Lanes> {
    query: &'a mut [S::f32s],
    /// Keys then values of the whole window, in rewritten memory.
    rows: &'a mut [S::f32s],
    attention: &'a mut [S::f32s],
    normalised: &'a mut [S::f32s],
    scales: &'a mut [S::f32s],
}

/// The product of rows with a matrix `[d_unit, d_unit]`, and its bias.
#[inline(always)]
fn linear<S: Lanes>(
    simd: S,
    (weights, bias): (Matrix<'_>, &[f32]),
    z: &[S::f32s],
    out: &mut [S::f32s],
) {
    let (sizes, start) = (square(z.len(), bias.len()), Start::Bias(bias));
    product(simd, sizes, z, weights.weights, start, |x| x, out);
}

/// As many rows as `len` entries are, of width d on either side.
fn square(len: usize, d: usize) -> Sizes {
    Sizes {
        rows: len / d,
        ins: d,
        outs: d,
    }
}

impl Qkv {
    /// Cuts the tensors off the unit's weights.
    #[inline(always)]
    pub(crate) fn tensors<'a>(&self, d: usize, weights: &mut UnitWeights<'a>) -> Tensors<'a> {
        let mut pair = || (weights.next_matrix(d, d), weights.next(d));
        Tensors {
            query: pair(),
            key: pair(),
            value: pair(),
            norm: match self.layer_norm {
                true => (weights.next(d), weights.next(d)),
                false => (&[], &[]),
            },
        }
    }

    fn window(&self, shape: Shape) -> Window {
        Window {
            queries: shape.rows(),
            context: shape.context,
            heads: self.heads,
            width: shape.d_unit,
            causal: self.causal && shape.memory == Memory::Rewritten,
        }
    }

    fn outer(&self, shape: Shape, lanes: usize) -> Outer {
        Outer::new(shape.d_unit, 3 * shape.d_unit, lanes)
    }

    fn trace_len(&self, shape: Shape) -> usize {
        let size = shape.rows() * shape.d_unit;
        let rows = if shape.memory == Memory::Rewritten {
            2 * size
        } else {
            0
        };
        2 * size + rows + self.window(shape).weights_len() + shape.rows()
    }

    /// Cuts the trace off the scratch.
    #[inline(always)]
    pub(crate) fn trace<'a, S: Lanes>(
        &self,
        shape: Shape,
        scratch: &mut &'a mut [S::f32s],
    ) -> Trace<'a, S> {
        let size = shape.rows() * shape.d_unit;
        let rows = if shape.memory == Memory::Rewritten {
            2 * size
        } else {
            0
        };
        Trace {
            query: take(scratch, size),
            rows: take(scratch, rows),
            attention: take(scratch, self.window(shape).weights_len()),
            normalised: take(scratch, size),
            scales: take(scratch, shape.rows()),
        }
    }

    /// Sets keys and values of one row of the window.
    #[inline(always)]
    fn remember_row<S: Lanes>(
        &self,
        simd: S,
        shape: Shape,
        tensors: &Tensors<'_>,
        slot: usize,
        z: &[S::f32s],
        window: &mut [S::f32s],
    ) {
        let d = shape.d_unit;
        let (keys, values) = window.split_at_mut(shape.context * d);
        let row = slot * d..(slot + 1) * d;
        linear(simd, tensors.key, z, &mut keys[row.clone()]);
        linear(simd, tensors.value, z, &mut values[row]);
    }

    /// Computes the rows A and keeps what the way back needs.
    ///
    /// `again` says that the window holds the newest row already.
    #[inline(always)]
    pub(crate) fn attend<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        z: &[S::f32s],
        trace: &mut Trace<'_, S>,
        again: bool,
        out: &mut [S::f32s],
    ) {
        let shape = lane.shape;
        let d = shape.d_unit;
        let tensors = self.tensors(d, &mut { lane.weights });
        let (keys, values): (&[S::f32s], &[S::f32s]) = match shape.memory {
            Memory::Sliding => {
                if !again {
                    self.remember_row(simd, shape, &tensors, lane.slot, z, lane.window);
                }
                lane.window.split_at(shape.context * d)
            }
            Memory::Rewritten => {
                let (keys, values) = trace.rows.split_at_mut(shape.context * d);
                linear(simd, tensors.key, z, keys);
                linear(simd, tensors.value, z, values);
                (keys, values)
            }
        };
        linear(simd, tensors.query, z, trace.query);
        let window = self.window(shape);
        window.attend(simd, trace.query, keys, values, trace.attention, out);
        if self.residual {
            add_rows(simd, z, out);
        }
        if self.layer_norm {
            norm::layer_norm(simd, tensors.norm, out, trace.normalised, trace.scales);
        }
    }
}

impl UnitKernel for Qkv {
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
        let matrix = Tensor::Matrix {
            ins: d_unit,
            outs: d_unit,
        };
        let mut tensors = [matrix, Tensor::Vector(d_unit)].repeat(3);
        if self.layer_norm {
            tensors.extend([Tensor::Vector(d_unit); 2]);
        }
        tensors
    }

    fn window_len(&self, shape: Shape) -> usize {
        match shape.memory {
            Memory::Sliding => 2 * shape.context * shape.d_unit,
            Memory::Rewritten => 0,
        }
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        let size = shape.rows() * shape.d_unit;
        let outer = self
            .outer(shape, lanes)
            .scratch_len(shape.rows())
            .div_ceil(lanes);
        self.trace_len(shape) + 7 * size + outer
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        let norm = if self.layer_norm { 2 * shape.d_unit } else { 0 };
        self.outer(shape, lanes).sum_len() / lanes + 3 * shape.d_unit + norm
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s]) {
        let tensors = self.tensors(lane.shape.d_unit, &mut { lane.weights });
        self.remember_row(simd, lane.shape, &tensors, lane.slot, z, lane.window);
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
        let mut trace = self.trace::<S>(lane.shape, &mut scratch);
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
        let mut trace = self.trace::<S>(lane.shape, &mut scratch);
        let attended = take(&mut scratch, back.z.len());
        self.attend(simd, &mut lane, back.z, &mut trace, true, attended);
        lane.scratch = scratch;
        self.attend_back(simd, &mut lane, &mut trace, back);
    }

    #[inline(always)]
    fn settle<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        self.settle_row(simd, lane, back);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: UnitGradient<'_>) {
        self.collect_sums(shape, lanes, sums, gradient);
    }
}

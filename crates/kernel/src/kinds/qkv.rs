//! The QKV unit: attention over the window (equations 1 and 2 of the model).

use crate::arch::Lanes;
use crate::attention::{Back, Window};
use crate::buffer::take;
use crate::matvec::{add_scaled, layer_norm, matvec};
use crate::norm;
use crate::outer::{Outer, add_rows, collect_rows};
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
        let sizes = Sizes {
            rows: 1,
            ins: d,
            outs: d,
        };
        let (keys, values) = window.split_at_mut(shape.context * d);
        let row = slot * d..(slot + 1) * d;
        let (weights, bias) = tensors.key;
        product(
            simd,
            sizes,
            z,
            weights.weights,
            Start::Bias(bias),
            |x| x,
            &mut keys[row.clone()],
        );
        let (weights, bias) = tensors.value;
        product(
            simd,
            sizes,
            z,
            weights.weights,
            Start::Bias(bias),
            |x| x,
            &mut values[row],
        );
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
        let sizes = Sizes {
            rows: shape.rows(),
            ins: d,
            outs: d,
        };
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
                let (weights, bias) = tensors.key;
                product(
                    simd,
                    sizes,
                    z,
                    weights.weights,
                    Start::Bias(bias),
                    |x| x,
                    keys,
                );
                let (weights, bias) = tensors.value;
                product(
                    simd,
                    sizes,
                    z,
                    weights.weights,
                    Start::Bias(bias),
                    |x| x,
                    values,
                );
                (keys, values)
            }
        };
        let (weights, bias) = tensors.query;
        product(
            simd,
            sizes,
            z,
            weights.weights,
            Start::Bias(bias),
            |x| x,
            trace.query,
        );
        let window = self.window(shape);
        window.attend(simd, trace.query, keys, values, trace.attention, out);
        if self.residual {
            add_rows(simd, z, out);
        }
        if self.layer_norm {
            norm::normalise(simd, d, out, trace.scales);
            trace.normalised.copy_from_slice(out);
            let (gain, bias) = tensors.norm;
            norm::affine(simd, gain, bias, out);
        }
    }

    /// Goes back through [`attend`](Self::attend), from the gradient of A to that of z.
    #[inline(always)]
    pub(crate) fn attend_back<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        trace: &mut Trace<'_, S>,
        back: LaneBack<'_, S>,
    ) {
        let shape = lane.shape;
        let d = shape.d_unit;
        let size = shape.rows() * d;
        let tensors = self.tensors(d, &mut { lane.weights });
        let mut scratch = &mut *lane.scratch;
        let LaneBack {
            z,
            out,
            z_gradient,
            window,
            sums,
        } = back;
        if self.layer_norm {
            let (gain, _) = tensors.norm;
            let at = sums.len().saturating_sub(2 * d);
            norm::affine_back(simd, gain, trace.normalised, out, &mut sums[at..]);
            norm::normalise_back(simd, d, trace.normalised, trace.scales, out);
        }
        let query_gradient = take(&mut scratch, size);
        let row_gradients = take(&mut scratch, trace.rows.len());
        let (keys, values, key_gradient, value_gradient) = match shape.memory {
            Memory::Sliding => {
                let (keys, values) = lane.window.split_at(shape.context * d);
                let (key_gradient, value_gradient) = window.split_at_mut(shape.context * d);
                (keys, values, key_gradient, value_gradient)
            }
            Memory::Rewritten => {
                row_gradients.fill(simd.splat_f32s(0.0));
                let (keys, values) = trace.rows.split_at(shape.context * d);
                let (key_gradient, value_gradient) = row_gradients.split_at_mut(shape.context * d);
                (keys, values, key_gradient, value_gradient)
            }
        };
        let pass = Back {
            queries: trace.query,
            keys,
            values,
            weights: trace.attention,
            attended: out,
            query_gradient,
            key_gradient: &mut *key_gradient,
            value_gradient: &mut *value_gradient,
        };
        self.window(shape).attend_back(simd, pass);
        let newest = match shape.memory {
            Memory::Sliding => lane.slot * d..(lane.slot + 1) * d,
            Memory::Rewritten => 0..size,
        };
        let key_gradient = &mut key_gradient[newest.clone()];
        let value_gradient = &mut value_gradient[newest];
        match self.residual {
            true => z_gradient.copy_from_slice(out),
            false => z_gradient.fill(simd.splat_f32s(0.0)),
        }
        self.rows_back(
            simd,
            shape,
            &tensors,
            scratch,
            [query_gradient, key_gradient, value_gradient],
            z,
            z_gradient,
            sums,
        );
        if shape.memory == Memory::Sliding {
            key_gradient.fill(simd.splat_f32s(0.0));
            value_gradient.fill(simd.splat_f32s(0.0));
        }
    }

    /// From the gradients of queries, keys and values to those of z and of the weights.
    #[inline(always)]
    #[expect(
        clippy::too_many_arguments,
        reason = "a step of attend_back, shared with settle"
    )]
    fn rows_back<S: Lanes>(
        &self,
        simd: S,
        shape: Shape,
        tensors: &Tensors<'_>,
        mut scratch: &mut [S::f32s],
        gradients: [&mut [S::f32s]; 3],
        z: &[S::f32s],
        z_gradient: &mut [S::f32s],
        sums: &mut [S::f32s],
    ) {
        let d = shape.d_unit;
        let rows = z.len() / d;
        let sizes = Sizes {
            rows,
            ins: d,
            outs: d,
        };
        let weights = [tensors.query.0, tensors.key.0, tensors.value.0];
        for (gradient, weights) in gradients.iter().zip(weights) {
            if !gradient.is_empty() {
                let weights = weights.transposed;
                product(
                    simd,
                    sizes,
                    gradient,
                    weights,
                    Start::Add,
                    |x| x,
                    z_gradient,
                );
            }
        }
        if sums.is_empty() {
            return;
        }
        let joint = take(&mut scratch, 3 * rows * d);
        for (part, gradient) in gradients.iter().enumerate() {
            for row in 0..rows {
                let to = &mut joint[(row * 3 + part) * d..][..d];
                match gradient.is_empty() {
                    true => to.fill(simd.splat_f32s(0.0)),
                    false => to.copy_from_slice(&gradient[row * d..][..d]),
                }
            }
        }
        let outer = self.outer(shape, S::F32_LANES);
        let (products, rest) = sums.split_at_mut(outer.sum_len() / S::F32_LANES);
        outer.add(simd, rows, z, joint, scratch, products);
        add_rows(simd, joint, &mut rest[..3 * d]);
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
        let shape = single.shape;
        let d = shape.d_unit;
        let tensors = self.tensors(d, &mut { single.weights });
        let sizes = Sizes {
            rows: 1,
            ins: d,
            outs: d,
        };
        let (keys, values) = single.window.split_at_mut(shape.context * d);
        let row = single.slot * d..(single.slot + 1) * d;
        for ((weights, bias), row) in [
            (tensors.key, &mut keys[row.clone()]),
            (tensors.value, &mut values[row]),
        ] {
            matvec(
                simd,
                sizes,
                z,
                weights.weights,
                Start::Bias(bias),
                |x| x,
                row,
            );
        }
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let Single {
            shape,
            weights,
            window,
            slot,
            mut scratch,
        } = single;
        let d = shape.d_unit;
        let rows = shape.rows();
        let tensors = self.tensors(d, &mut { weights });
        let sizes = Sizes {
            rows,
            ins: d,
            outs: d,
        };
        let linear = |(weights, bias): (Matrix<'_>, &[f32]), y: &mut [f32]| {
            matvec(simd, sizes, z, weights.weights, Start::Bias(bias), |x| x, y);
        };
        let query = take(&mut scratch, rows * d);
        linear(tensors.query, query);
        let window = match shape.memory {
            Memory::Sliding => {
                let newest = Single {
                    shape,
                    weights,
                    window: &mut *window,
                    slot,
                    scratch: &mut [],
                };
                UnitKernel::remember_single(self, simd, newest, z);
                window
            }
            Memory::Rewritten => {
                let window = take(&mut scratch, 2 * rows * d);
                let (keys, values) = window.split_at_mut(rows * d);
                linear(tensors.key, keys);
                linear(tensors.value, values);
                window
            }
        };
        let (keys, values) = window.split_at(shape.context * d);
        let weights = take(&mut scratch, shape.context);
        self.window(shape)
            .attend_single(simd, query, keys, values, weights, out);
        if self.residual {
            add_scaled(simd, 1.0, z, out);
        }
        if self.layer_norm {
            layer_norm(simd, tensors.norm, out);
        }
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
        let shape = lane.shape;
        let d = shape.d_unit;
        let tensors = self.tensors(d, &mut { lane.weights });
        let (keys, values) = back.window.split_at_mut(shape.context * d);
        let row = lane.slot * d..(lane.slot + 1) * d;
        let (key, value) = (&mut keys[row.clone()], &mut values[row]);
        back.z_gradient.fill(simd.splat_f32s(0.0));
        self.rows_back(
            simd,
            shape,
            &tensors,
            lane.scratch,
            [&mut [], key, value],
            back.z,
            back.z_gradient,
            back.sums,
        );
        key.fill(simd.splat_f32s(0.0));
        value.fill(simd.splat_f32s(0.0));
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        let d = shape.d_unit;
        let outer = self.outer(shape, lanes);
        let (products, rest) = sums.split_at(outer.sum_len());
        let mut joint = vec![0.0; 3 * d * d];
        outer.collect(products, &mut joint);
        for part in 0..3 {
            let weight = gradient.next(d * d);
            for (weight, joint) in weight.chunks_exact_mut(d).zip(joint.chunks_exact(3 * d)) {
                for (weight, joint) in weight.iter_mut().zip(&joint[part * d..]) {
                    *weight += joint;
                }
            }
            collect_rows(lanes, &rest[part * d * lanes..], gradient.next(d));
        }
        if self.layer_norm {
            collect_rows(lanes, &rest[3 * d * lanes..], gradient.next(d));
            collect_rows(lanes, &rest[4 * d * lanes..], gradient.next(d));
        }
    }
}

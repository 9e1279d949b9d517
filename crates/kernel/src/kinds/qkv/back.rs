//! The way back through a QKV unit.

use super::{Qkv, Tensors, Trace};
use crate::arch::Lanes;
use crate::attention::Back;
use crate::buffer::take;
use crate::norm;
use crate::outer::{add_rows, collect_rows};
use crate::product::{Sizes, Start, product};
use crate::unit::{Lane, LaneBack, Memory, Shape, UnitGradient};

impl Qkv {
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
            norm::layer_norm_back(simd, gain, trace.normalised, trace.scales, out, sums);
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

    /// Goes back through the keys and values of a row that was remembered without an output.
    #[inline(always)]
    pub(super) fn settle_row<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
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

    /// Adds the sums of the gradients of weights, which lie side by side for queries, keys and values, to the gradient.
    pub(super) fn collect_sums(
        &self,
        shape: Shape,
        lanes: usize,
        sums: &[f32],
        mut gradient: UnitGradient<'_>,
    ) {
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

//! The fused QKV unit of a single sequence, its width in the lanes: equations 1 and 2 of docs/model.md#units.

use ran_scan::arch::Lanes;
use ran_scan::parts::Parts;
use ran_scan::unit::{Memory, Shape, Single};

use super::{QkvKernel, Weights, layer};

/// Scratch of a step.
pub(super) struct SingleRoom<P> {
    query: P,
    /// Keys then values of the whole window, in rewritten memory.
    rows: P,
    /// The weights of attention of one query.
    attention: P,
}

impl QkvKernel {
    #[inline(always)]
    pub(super) fn single_room<P: Parts>(
        &self,
        shape: Shape,
        scratch: &mut P,
    ) -> SingleRoom<P::Part> {
        SingleRoom {
            query: scratch.part(shape.rows() * shape.d_unit),
            rows: scratch.part(Self::new_rows_len(shape)),
            attention: scratch.part(shape.context),
        }
    }

    /// Sets keys and values of one row of the window.
    #[inline(always)]
    pub(super) fn remember_row_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]) {
        let weights = self.weights(single.shape.d_unit, &mut { single.weights });
        remember_row(simd, single.shape, &weights, single.slot, z, single.window);
    }

    /// Computes the rows A.
    #[inline(always)]
    pub(super) fn attend_single<S: Lanes>(
        &self,
        simd: S,
        single: Single<'_>,
        z: &[f32],
        out: &mut [f32],
    ) {
        let Single {
            shape,
            weights,
            window,
            slot,
            mut scratch,
        } = single;
        let d = shape.d_unit;
        let room = self.single_room(shape, &mut scratch);
        let weights = self.weights(d, &mut { weights });
        layer(d).forward_single(simd, weights.query, z, |x| x, room.query);
        let window = match shape.memory {
            Memory::Sliding => {
                remember_row(simd, shape, &weights, slot, z, window);
                window
            }
            Memory::Rewritten => {
                let (keys, values) = room.rows.split_at_mut(shape.context * d);
                layer(d).forward_single(simd, weights.key, z, |x| x, keys);
                layer(d).forward_single(simd, weights.value, z, |x| x, values);
                room.rows
            }
        };
        self.window(shape, slot).attend_single(
            simd,
            room.query,
            window.split_at(shape.context * d),
            weights.lag_bias,
            room.attention,
            out,
        );
        self.end.forward_single(simd, weights.end, z, out);
    }
}

#[inline(always)]
fn remember_row<S: Lanes>(
    simd: S,
    shape: Shape,
    weights: &Weights<'_>,
    slot: usize,
    z: &[f32],
    window: &mut [f32],
) {
    let d = shape.d_unit;
    let (keys, values) = window.split_at_mut(shape.context * d);
    let row = slot * d..(slot + 1) * d;
    layer(d).forward_single(simd, weights.key, z, |x| x, &mut keys[row.clone()]);
    layer(d).forward_single(simd, weights.value, z, |x| x, &mut values[row]);
}

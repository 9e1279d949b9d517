//! The fused memory unit, backward: equation 3 of docs/model.md#units.

use ran_scan::arch::Lanes;
use ran_scan::parts::{LaneSums, Parts};
use ran_scan::unit::{Lane, LaneBack, Shape};
use ran_scan::weights::UnitGradient;

use super::{MemoryKernel, MemoryTrace, Sums, down, up};
use crate::unit::EXPANSION;

/// Scratch of the backward pass.
#[derive(Debug)]
pub struct MemoryRoom<P> {
    up_gradient: P,
    /// What the sums of products need for themselves, one after the other.
    sum: P,
}

impl MemoryKernel {
    /// Cuts what [`recall_back`](Self::recall_back) needs for itself off the scratch.
    #[inline(always)]
    pub fn back_room<P: Parts>(
        &self,
        shape: Shape,
        lanes: usize,
        scratch: &mut P,
    ) -> MemoryRoom<P::Part> {
        let (rows, d) = (shape.rows(), shape.d_unit);
        let sum_lens = [up(d), down(d)].map(|layer| layer.room_len(rows, lanes));
        MemoryRoom {
            up_gradient: scratch.part(rows * EXPANSION * d),
            sum: scratch.part(sum_lens[0].max(sum_lens[1])),
        }
    }

    /// Cuts the sums of weight gradients.
    #[inline(always)]
    pub(super) fn sums<P: Parts>(&self, shape: Shape, lanes: usize, sums: &mut P) -> Sums<P::Part> {
        let d = shape.d_unit;
        Sums {
            up: up(d).sums(lanes, sums),
            down: down(d).sums(lanes, sums),
            end: self.end.sums(d, sums),
        }
    }

    /// The backward pass of [`recall`](Self::recall), from the gradient of F to that of z.
    #[inline(always)]
    pub fn recall_back<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        trace: &mut MemoryTrace<&mut [S::f32s]>,
        back: LaneBack<'_, S>,
    ) {
        let (shape, d) = (lane.shape, lane.shape.d_unit);
        let weights = self.weights(d, lane.weights);
        let room = self.back_room(shape, S::F32_LANES, &mut &mut *lane.scratch);
        let LaneBack {
            z,
            out,
            z_gradient,
            mut sums,
            ..
        } = back;
        let (layer_sums, end_sums) = if sums.is_empty() {
            (None, None)
        } else {
            let Sums { up, down, end } = self.sums(shape, S::F32_LANES, &mut sums);
            (Some((up, down)), Some(end))
        };
        self.end
            .backward(simd, weights.end, &trace.end, out, end_sums);
        down(d).backward(simd, weights.down, out, false, room.up_gradient);
        let known = if self.activation.needs_argument() {
            &*trace.argument
        } else {
            &*trace.up
        };
        self.activation.back(simd, known, room.up_gradient);
        if self.end.residual {
            z_gradient.copy_from_slice(out);
        }
        up(d).backward(
            simd,
            weights.up,
            room.up_gradient,
            self.end.residual,
            z_gradient,
        );
        if let Some((up_sums, down_sums)) = layer_sums {
            up(d).add(simd, z, room.up_gradient, room.sum, up_sums);
            down(d).add(simd, trace.up, out, room.sum, down_sums);
        }
    }

    /// Adds the sums of weight gradients to the gradient.
    pub fn collect_sums(
        &self,
        shape: Shape,
        sums: &mut LaneSums<'_>,
        gradient: &mut UnitGradient<'_>,
    ) {
        let d = shape.d_unit;
        up(d).collect(sums, gradient);
        down(d).collect(sums, gradient);
        self.end.collect(d, sums, gradient);
    }
}

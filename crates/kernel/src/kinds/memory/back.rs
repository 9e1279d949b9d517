//! The way back through a memory unit.

use super::{EXPANSION, FeedForward, Trace};
use crate::arch::Lanes;
use crate::buffer::take;
use crate::norm;
use crate::outer::{add_rows, collect_rows};
use crate::product::{Sizes, Start, product};
use crate::unit::{Lane, LaneBack, Shape, UnitGradient};

impl FeedForward {
    /// Goes back through [`recall`](Self::recall), from the gradient of F to that of z.
    #[inline(always)]
    pub(crate) fn recall_back<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        trace: &mut Trace<'_, S>,
        back: LaneBack<'_, S>,
    ) {
        let d = lane.shape.d_unit;
        let wide = EXPANSION * d;
        let rows = lane.shape.rows();
        let tensors = self.tensors(d, lane.weights);
        let mut scratch = &mut *lane.scratch;
        let LaneBack {
            z,
            out,
            z_gradient,
            sums,
            ..
        } = back;
        if self.layer_norm {
            let (gain, _) = tensors.norm;
            norm::layer_norm_back(simd, gain, trace.normalised, trace.scales, out, sums);
        }
        let up_gradient = take(&mut scratch, rows * wide);
        let sizes = Sizes {
            rows,
            ins: d,
            outs: wide,
        };
        let weights = tensors.down.0.transposed;
        product(simd, sizes, out, weights, Start::Zero, |x| x, up_gradient);
        let known = if self.activation.needs_argument() {
            &*trace.argument
        } else {
            &*trace.up
        };
        self.activation.back(simd, known, up_gradient);
        let start = match self.residual {
            true => {
                z_gradient.copy_from_slice(out);
                Start::Add
            }
            false => Start::Zero,
        };
        let sizes = Sizes {
            rows,
            ins: wide,
            outs: d,
        };
        let weights = tensors.up.0.transposed;
        product(simd, sizes, up_gradient, weights, start, |x| x, z_gradient);
        if sums.is_empty() {
            return;
        }
        let (up, down) = self.outers(d, S::F32_LANES);
        let (up_sums, rest) = sums.split_at_mut(up.sum_len() / S::F32_LANES);
        let (down_sums, rest) = rest.split_at_mut(down.sum_len() / S::F32_LANES);
        up.add(simd, rows, z, up_gradient, scratch, up_sums);
        down.add(simd, rows, trace.up, out, scratch, down_sums);
        add_rows(simd, up_gradient, &mut rest[..wide]);
        add_rows(simd, out, &mut rest[wide..wide + d]);
    }

    /// Adds the sums of the gradients of weights to the gradient.
    pub(super) fn collect_sums(
        &self,
        shape: Shape,
        lanes: usize,
        sums: &[f32],
        mut gradient: UnitGradient<'_>,
    ) {
        let d = shape.d_unit;
        let wide = EXPANSION * d;
        let (up, down) = self.outers(d, lanes);
        let (up_sums, rest) = sums.split_at(up.sum_len());
        let (down_sums, rest) = rest.split_at(down.sum_len());
        let (up_bias, rest) = rest.split_at(wide * lanes);
        let (down_bias, norm) = rest.split_at(d * lanes);
        up.collect(up_sums, gradient.next(d * wide));
        collect_rows(lanes, up_bias, gradient.next(wide));
        down.collect(down_sums, gradient.next(wide * d));
        collect_rows(lanes, down_bias, gradient.next(d));
        if self.layer_norm {
            let (gain, bias) = norm.split_at(d * lanes);
            collect_rows(lanes, gain, gradient.next(d));
            collect_rows(lanes, bias, gradient.next(d));
        }
    }
}

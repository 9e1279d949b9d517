//! The fused tanh unit, forward and backward: equation 6 of docs/model.md#units.

use std::sync::Arc;

use ran_scan::arch::Lanes;
use ran_scan::outer::{add_rows, collect_rows};
use ran_scan::unit::{Lane, LaneBack, Shape, Single};
use ran_scan::weights::{Tensor, UnitGradient};
use ran_scan::{UnitKernel, math, matvec};

/// out = tanh(z + b), or z + b.
///
/// Tensors of the weights: bias `[U, D]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TanhKernel {
    /// Whether tanh is left out.
    pub linear: bool,
}

impl From<TanhKernel> for Arc<dyn ran_scan::Kernel> {
    #[inline(never)]
    fn from(kind: TanhKernel) -> Self {
        Arc::new(kind)
    }
}

impl UnitKernel for TanhKernel {
    fn name(&self) -> &'static str {
        "tanh-unit"
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        vec![Tensor::Vector(d_unit)]
    }

    fn sums_len(&self, shape: Shape, _lanes: usize) -> usize {
        shape.d_unit
    }

    #[inline(always)]
    fn forward<S: Lanes>(
        &self,
        simd: S,
        mut lane: Lane<'_, S>,
        z: &[S::f32s],
        out: &mut [S::f32s],
    ) {
        let d = lane.shape.d_unit;
        let bias = lane.weights.next(d);
        for (z, out) in z.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for ((&z, &bias), out) in z.iter().zip(bias).zip(out) {
                let sum = simd.add_f32s(z, simd.splat_f32s(bias));
                *out = match self.linear {
                    true => sum,
                    false => math::tanh(simd, sum),
                };
            }
        }
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let d = single.shape.d_unit;
        let bias = { single.weights }.next(d);
        for (z, out) in z.chunks_exact(d).zip(out.chunks_exact_mut(d)) {
            for ((z, bias), out) in z.iter().zip(bias).zip(out) {
                *out = z + bias;
            }
        }
        if !self.linear {
            matvec::apply(simd, out, math::Tanh);
        }
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let LaneBack {
            z,
            out,
            z_gradient,
            sums,
            ..
        } = back;
        if self.linear {
            z_gradient.copy_from_slice(out);
        } else {
            self.forward(simd, lane, z, z_gradient);
            let one = simd.splat_f32s(1.0);
            for (y, &gradient) in z_gradient.iter_mut().zip(out.iter()) {
                *y = simd.mul_f32s(gradient, simd.sub_f32s(one, simd.mul_f32s(*y, *y)));
            }
        }
        if !sums.is_empty() {
            add_rows(simd, z_gradient, sums);
        }
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        collect_rows(lanes, sums, gradient.next(shape.d_unit));
    }
}

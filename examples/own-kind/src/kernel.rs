//! The kernel: the same for a whole batch of sequences in the lanes of vectors, forward and backward.

use std::sync::Arc;

use ran_scan::UnitKernel;
use ran_scan::arch::Lanes;
use ran_scan::outer::collect_rows;
use ran_scan::parts::{LaneSums, Parts, length};
use ran_scan::unit::{Lane, LaneBack, Memory, Shape};
use ran_scan::weights::{Tensor, UnitGradient};

/// g ⊙ mean + b of the window, without the last function.
///
/// Tensors of the weights: the gain `[U, D]`, then the bias `[U, D]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeanKernel;

/// The kernel is compiled where it becomes a `dyn Kernel`: here, with this crate's profile.
impl From<MeanKernel> for Arc<dyn ran_scan::Kernel> {
    #[inline(never)]
    fn from(kind: MeanKernel) -> Self {
        Arc::new(kind)
    }
}

/// The parts of the scratch.
struct Room<P> {
    mean: P,
    /// The gradient of the mean, divided by the number of rows.
    share: P,
}

/// The sums of weight gradients.
struct Sums<P> {
    gain: P,
    bias: P,
}

/// What says how long the parts are cuts them, too.
#[inline(always)]
fn room<P: Parts>(d: usize, scratch: &mut P) -> Room<P::Part> {
    Room {
        mean: scratch.part(d),
        share: scratch.part(d),
    }
}

#[inline(always)]
fn sums<P: Parts>(d: usize, parts: &mut P) -> Sums<P::Part> {
    Sums {
        gain: parts.part(d),
        bias: parts.part(d),
    }
}

/// Sets the mean of rows.
#[inline(always)]
fn mean<S: Lanes>(simd: S, rows: &[S::f32s], mean: &mut [S::f32s]) {
    let d = mean.len();
    let share = simd.splat_f32s(d as f32 / rows.len() as f32);
    mean.fill(simd.splat_f32s(0.0));
    for row in rows.chunks_exact(d) {
        for (mean, &z) in mean.iter_mut().zip(row) {
            *mean = simd.mul_add_e_f32s(share, z, *mean);
        }
    }
}

impl UnitKernel for MeanKernel {
    fn name(&self) -> &'static str {
        "mean-unit"
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        vec![Tensor::Vector(d_unit), Tensor::Vector(d_unit)]
    }

    /// In sliding memory a step is given the newest row alone: the others are remembered.
    fn window_len(&self, shape: Shape) -> usize {
        match shape.memory {
            Memory::Sliding => shape.context * shape.d_unit,
            Memory::Rewritten => 0,
        }
    }

    fn scratch_len(&self, shape: Shape, _lanes: usize) -> usize {
        length(|count| {
            room(shape.d_unit, count);
        })
    }

    fn sums_len(&self, shape: Shape, _lanes: usize) -> usize {
        length(|count| {
            sums(shape.d_unit, count);
        })
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, _simd: S, lane: Lane<'_, S>, z: &[S::f32s]) {
        lane.window[lane.slot * z.len()..][..z.len()].copy_from_slice(z);
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
        let (gain, bias) = (lane.weights.next(d), lane.weights.next(d));
        let room = room(d, &mut lane.scratch);
        match lane.shape.memory {
            Memory::Sliding => {
                lane.window[lane.slot * d..][..d].copy_from_slice(z);
                mean(simd, lane.window, room.mean);
            }
            Memory::Rewritten => mean(simd, z, room.mean),
        }
        for row in out.chunks_exact_mut(d) {
            for i in 0..d {
                let (gain, bias) = (simd.splat_f32s(gain[i]), simd.splat_f32s(bias[i]));
                row[i] = simd.mul_add_e_f32s(gain, room.mean[i], bias);
            }
        }
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, mut lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let d = lane.shape.d_unit;
        let gain = lane.weights.next(d);
        let room = room(d, &mut lane.scratch);
        let LaneBack {
            z,
            out,
            z_gradient,
            window,
            sums: mut wanted,
        } = back;
        match lane.shape.memory {
            Memory::Sliding => mean(simd, lane.window, room.mean),
            Memory::Rewritten => mean(simd, z, room.mean),
        }
        room.share.fill(simd.splat_f32s(0.0));
        for row in out.chunks_exact(d) {
            for (share, &gradient) in room.share.iter_mut().zip(row) {
                *share = simd.add_f32s(*share, gradient);
            }
        }
        if !wanted.is_empty() {
            let sums = sums(d, &mut wanted);
            for i in 0..d {
                let gradient = room.share[i];
                sums.gain[i] = simd.mul_add_e_f32s(gradient, room.mean[i], sums.gain[i]);
                sums.bias[i] = simd.add_f32s(sums.bias[i], gradient);
            }
        }
        for (share, &gain) in room.share.iter_mut().zip(gain) {
            let each = simd.splat_f32s(gain / lane.shape.context as f32);
            *share = simd.mul_f32s(*share, each);
        }
        match lane.shape.memory {
            Memory::Rewritten => {
                for row in z_gradient.chunks_exact_mut(d) {
                    row.copy_from_slice(room.share);
                }
            }
            Memory::Sliding => {
                for row in window.chunks_exact_mut(d) {
                    for (sum, &share) in row.iter_mut().zip(&*room.share) {
                        *sum = simd.add_f32s(*sum, share);
                    }
                }
                settled(simd, lane.slot, window, z_gradient);
            }
        }
    }

    #[inline(always)]
    fn settle<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        settled(simd, lane.slot, back.window, back.z_gradient);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        let d = shape.d_unit;
        let sums = self::sums(d, &mut LaneSums { sums, lanes });
        collect_rows(lanes, sums.gain, gradient.next(d));
        collect_rows(lanes, sums.bias, gradient.next(d));
    }
}

/// The gradient of a row of the window is complete with the step that remembered it: hands it over, and leaves zero.
#[inline(always)]
fn settled<S: Lanes>(simd: S, slot: usize, window: &mut [S::f32s], z_gradient: &mut [S::f32s]) {
    let row = &mut window[slot * z_gradient.len()..][..z_gradient.len()];
    z_gradient.copy_from_slice(row);
    row.fill(simd.splat_f32s(0.0));
}

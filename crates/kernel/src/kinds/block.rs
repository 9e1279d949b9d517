//! The attention block: a QKV unit, then a memory unit on its rows.

use crate::arch::Lanes;
use crate::buffer::take;
use crate::kinds::{FeedForward, Qkv};
use crate::packed::{Tensor, UnitWeights};
use crate::unit::{Lane, LaneBack, Shape, Single, UnitGradient, UnitKernel};

/// A from the window as in [`Qkv`], then F from A as in [`FeedForward`].
///
/// Tensors of the weights: those of the one, then those of the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionBlock {
    /// Equations 1 and 2.
    pub attention: Qkv,
    /// Equation 3.
    pub memory: FeedForward,
}

impl AttentionBlock {
    /// The weights of the memory part.
    #[inline(always)]
    fn memory_weights<'a>(&self, shape: Shape, mut weights: UnitWeights<'a>) -> UnitWeights<'a> {
        self.attention.tensors(shape.d_unit, &mut weights);
        weights
    }
}

impl UnitKernel for AttentionBlock {
    fn name(&self) -> &'static str {
        "attention-block"
    }

    fn check(&self, d_unit: usize) -> Result<(), String> {
        UnitKernel::check(&self.attention, d_unit)
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        let mut tensors = UnitKernel::tensors(&self.attention, d_unit);
        tensors.extend(UnitKernel::tensors(&self.memory, d_unit));
        tensors
    }

    fn window_len(&self, shape: Shape) -> usize {
        UnitKernel::window_len(&self.attention, shape)
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        UnitKernel::scratch_len(&self.attention, shape, lanes)
            + UnitKernel::scratch_len(&self.memory, shape, lanes)
            + 2 * shape.rows() * shape.d_unit
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        UnitKernel::sums_len(&self.attention, shape, lanes)
            + UnitKernel::sums_len(&self.memory, shape, lanes)
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s]) {
        UnitKernel::remember(&self.attention, simd, lane, z);
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
        let mut attention = self.attention.trace::<S>(lane.shape, &mut scratch);
        let mut memory = self.memory.trace::<S>(lane.shape, &mut scratch);
        let attended = take(&mut scratch, z.len());
        self.attention
            .attend(simd, &mut lane, z, &mut attention, false, attended);
        lane.weights = self.memory_weights(lane.shape, lane.weights);
        self.memory
            .recall(simd, &lane, attended, &mut memory, Some(out));
    }

    #[inline(always)]
    fn remember_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]) {
        UnitKernel::remember_single(&self.attention, simd, single, z);
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let (shape, weights) = (single.shape, single.weights);
        let mut scratch = single.scratch;
        let attended = take(&mut scratch, z.len());
        let attention = Single {
            scratch: &mut *scratch,
            ..single
        };
        UnitKernel::forward_single(&self.attention, simd, attention, z, attended);
        let memory = Single {
            shape,
            weights: self.memory_weights(shape, weights),
            window: &mut [],
            slot: 0,
            scratch,
        };
        UnitKernel::forward_single(&self.memory, simd, memory, attended, out);
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, mut lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let (shape, weights) = (lane.shape, lane.weights);
        let memory_weights = self.memory_weights(shape, weights);
        let mut scratch = std::mem::take(&mut lane.scratch);
        let mut attention = self.attention.trace::<S>(shape, &mut scratch);
        let mut memory = self.memory.trace::<S>(shape, &mut scratch);
        let attended = take(&mut scratch, back.z.len());
        let attended_gradient = take(&mut scratch, back.z.len());
        self.attention
            .attend(simd, &mut lane, back.z, &mut attention, true, attended);
        lane.weights = memory_weights;
        // The gradient's place is free until the way back begins.
        let out = if self.memory.needs_out() {
            Some(&mut *attended_gradient)
        } else {
            None
        };
        self.memory.recall(simd, &lane, attended, &mut memory, out);
        lane.scratch = scratch;
        let split = match back.sums.is_empty() {
            true => 0,
            false => UnitKernel::sums_len(&self.attention, shape, S::F32_LANES),
        };
        let (attention_sums, memory_sums) = back.sums.split_at_mut(split);
        let memory_back = LaneBack {
            z: attended,
            out: back.out,
            z_gradient: attended_gradient,
            window: &mut [],
            sums: memory_sums,
        };
        self.memory
            .recall_back(simd, &mut lane, &mut memory, memory_back);
        lane.weights = weights;
        let attention_back = LaneBack {
            z: back.z,
            out: attended_gradient,
            z_gradient: back.z_gradient,
            window: back.window,
            sums: attention_sums,
        };
        self.attention
            .attend_back(simd, &mut lane, &mut attention, attention_back);
    }

    #[inline(always)]
    fn settle<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, mut back: LaneBack<'_, S>) {
        if !back.sums.is_empty() {
            let len = UnitKernel::sums_len(&self.attention, lane.shape, S::F32_LANES);
            back.sums = &mut back.sums[..len];
        }
        UnitKernel::settle(&self.attention, simd, lane, back);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: UnitGradient<'_>) {
        let UnitGradient {
            gradient,
            units,
            unit,
        } = gradient;
        let tensors = UnitKernel::tensors(&self.attention, shape.d_unit);
        let split = units * tensors.into_iter().map(Tensor::len).sum::<usize>();
        let (attention, memory) = gradient.split_at_mut(split);
        let at = UnitKernel::sums_len(&self.attention, shape, lanes) * lanes;
        let (attention_sums, memory_sums) = sums.split_at(at);
        let gradient = UnitGradient {
            gradient: attention,
            units,
            unit,
        };
        UnitKernel::collect(&self.attention, shape, lanes, attention_sums, gradient);
        let gradient = UnitGradient {
            gradient: memory,
            units,
            unit,
        };
        UnitKernel::collect(&self.memory, shape, lanes, memory_sums, gradient);
    }
}

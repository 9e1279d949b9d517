//! The fused attention block, forward and backward: equations 1 to 4 of docs/model.md#units.

use std::sync::Arc;

use ran_memory_unit::{MemoryKernel, MemoryTrace};
use ran_qkv_unit::{QkvKernel, QkvTrace};
use ran_scan::UnitKernel;
use ran_scan::arch::Lanes;
use ran_scan::parts::{LaneSums, Parts, length};
use ran_scan::unit::{Lane, LaneBack, Shape, Single};
use ran_scan::weights::{Tensor, UnitGradient};

/// A from the window as in [`QkvKernel`], then F from A as in [`MemoryKernel`].
///
/// Tensors of the weights: those of the one, then those of the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AttentionBlockKernel {
    /// Equations 1 and 2.
    pub attention: QkvKernel,
    /// Equation 3.
    pub memory: MemoryKernel,
}

/// What the halves keep, and the rows between them.
struct Trace<P> {
    attention: QkvTrace<P>,
    memory: MemoryTrace<P>,
    /// The rows A.
    attended: P,
}

impl AttentionBlockKernel {
    #[inline(always)]
    fn trace<P: Parts>(&self, shape: Shape, scratch: &mut P) -> Trace<P::Part> {
        Trace {
            attention: self.attention.trace(shape, scratch),
            memory: self.memory.trace(shape, scratch),
            attended: scratch.part(shape.rows() * shape.d_unit),
        }
    }

    /// Cuts that and the gradient of the rows A off the scratch.
    #[inline(always)]
    fn trace_and_gradient<P: Parts>(
        &self,
        shape: Shape,
        scratch: &mut P,
    ) -> (Trace<P::Part>, P::Part) {
        let trace = self.trace(shape, scratch);
        (trace, scratch.part(shape.rows() * shape.d_unit))
    }
}

impl From<AttentionBlockKernel> for Arc<dyn ran_scan::Kernel> {
    #[inline(never)]
    fn from(kind: AttentionBlockKernel) -> Self {
        Arc::new(kind)
    }
}

impl UnitKernel for AttentionBlockKernel {
    fn name(&self) -> &'static str {
        "attention-block"
    }

    fn check(&self, d_unit: usize) -> Result<(), String> {
        self.attention.check(d_unit)
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        let mut tensors = self.attention.tensors(d_unit);
        tensors.extend(self.memory.tensors(d_unit));
        tensors
    }

    fn window_len(&self, shape: Shape) -> usize {
        self.attention.window_len(shape)
    }

    fn takes_abreast(&self, _shape: Shape) -> bool {
        true
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        let size = shape.rows() * shape.d_unit;
        let kept = length(|scratch| {
            self.trace_and_gradient(shape, scratch);
        });
        let attention = length(|scratch| {
            self.attention.back_room(shape, lanes, scratch);
        });
        let memory = length(|scratch| {
            self.memory.back_room(shape, lanes, scratch);
        });
        // Of a single sequence, each half begins anew behind the rows A.
        let halves = [
            self.attention.scratch_len(shape, lanes),
            self.memory.scratch_len(shape, lanes),
        ];
        let single = size + halves[0].max(halves[1]);
        single.max(kept + attention.max(memory))
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        self.attention.sums_len(shape, lanes) + self.memory.sums_len(shape, lanes)
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s]) {
        self.attention.remember(simd, lane, z);
    }

    #[inline(always)]
    fn forward<S: Lanes>(
        &self,
        simd: S,
        mut lane: Lane<'_, S>,
        z: &[S::f32s],
        out: &mut [S::f32s],
    ) {
        let shape = lane.shape;
        let mut scratch = std::mem::take(&mut lane.scratch);
        let Trace {
            mut attention,
            mut memory,
            attended,
        } = self.trace(shape, &mut scratch);
        self.attention
            .attend(simd, &mut lane, z, &mut attention, false, attended);
        lane.weights = self.attention.weights_after(shape, lane.weights);
        self.memory
            .recall(simd, &lane, attended, &mut memory, Some(out));
    }

    #[inline(always)]
    fn remember_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]) {
        self.attention.remember_single(simd, single, z);
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let (shape, weights) = (single.shape, single.weights);
        let mut scratch = single.scratch;
        let attended = scratch.part(z.len());
        let attention = Single {
            scratch: &mut *scratch,
            ..single
        };
        self.attention.forward_single(simd, attention, z, attended);
        let memory = Single {
            shape,
            weights: self.attention.weights_after(shape, weights),
            window: &mut [],
            slot: 0,
            scratch,
        };
        self.memory.forward_single(simd, memory, attended, out);
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, mut lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let (shape, weights) = (lane.shape, lane.weights);
        let mut scratch = std::mem::take(&mut lane.scratch);
        let (trace, attended_gradient) = self.trace_and_gradient(shape, &mut scratch);
        let Trace {
            mut attention,
            mut memory,
            attended,
        } = trace;
        self.attention
            .attend(simd, &mut lane, back.z, &mut attention, true, attended);
        lane.weights = self.attention.weights_after(shape, weights);
        // The gradient's place is free until the backward pass begins.
        let out = if self.memory.needs_out() {
            Some(&mut *attended_gradient)
        } else {
            None
        };
        self.memory.recall(simd, &lane, attended, &mut memory, out);
        lane.scratch = scratch;
        let split = match back.sums.is_empty() {
            true => 0,
            false => self.attention.sums_len(shape, S::F32_LANES),
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
            let len = self.attention.sums_len(lane.shape, S::F32_LANES);
            back.sums = &mut back.sums[..len];
        }
        self.attention.settle(simd, lane, back);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        let mut sums = LaneSums { sums, lanes };
        self.attention.collect_sums(shape, &mut sums, &mut gradient);
        self.memory.collect_sums(shape, &mut sums, &mut gradient);
    }
}

//! The fused memory unit, forward: equation 3 of docs/model.md#units.

mod back;

use std::sync::Arc;

use ran_scan::add_norm::{AddNorm, Affine, NormTrace};
use ran_scan::arch::Lanes;
use ran_scan::linear::{Linear, LinearSums, LinearWeights};
use ran_scan::matvec::apply;
use ran_scan::parts::{LaneSums, Parts, length};
use ran_scan::product::Then;
use ran_scan::unit::{Lane, LaneBack, Shape, Single};
use ran_scan::weights::{Tensor, UnitGradient, UnitWeights};
use ran_scan::{UnitKernel, math};

pub use back::MemoryRoom;

use crate::activation::Activation;
use crate::unit::EXPANSION;

/// F = act(Z·FF_in + b_in)·FF_out + b_out.
///
/// Tensors of the weights: up weight `[U, D, 4D]` and bias `[U, 4D]`, down weight `[U, 4D, D]` and
/// bias `[U, D]`; with layer norm then gain and bias, `[U, D]` each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryKernel {
    /// The function between the layers.
    pub activation: Activation,
    /// What ends the rows of F.
    pub end: AddNorm,
}

/// The weights of one unit.
struct Weights<'a> {
    up: LinearWeights<'a>,
    down: LinearWeights<'a>,
    end: Affine<&'a [f32]>,
}

/// What the backward pass needs of the forward pass; all in scratch.
#[derive(Debug)]
pub struct MemoryTrace<P> {
    /// act(…).
    up: P,
    /// Its argument, where the derivative needs it.
    argument: P,
    end: NormTrace<P>,
}

/// The sums of weight gradients.
struct Sums<P> {
    up: LinearSums<P>,
    down: LinearSums<P>,
    end: Affine<P>,
}

/// The layer up.
#[inline(always)]
fn up(d: usize) -> Linear {
    Linear {
        ins: d,
        outs: EXPANSION * d,
    }
}

/// The layer down.
#[inline(always)]
fn down(d: usize) -> Linear {
    Linear {
        ins: EXPANSION * d,
        outs: d,
    }
}

impl MemoryKernel {
    #[inline(always)]
    fn weights<'a>(&self, d: usize, mut weights: UnitWeights<'a>) -> Weights<'a> {
        Weights {
            up: up(d).weights(&mut weights),
            down: down(d).weights(&mut weights),
            end: self.end.weights(d, &mut weights),
        }
    }

    /// Cuts what [`recall`](Self::recall) keeps off the scratch.
    #[inline(always)]
    pub fn trace<P: Parts>(&self, shape: Shape, scratch: &mut P) -> MemoryTrace<P::Part> {
        let wide = shape.rows() * EXPANSION * shape.d_unit;
        let argument = if self.activation.needs_argument() {
            wide
        } else {
            0
        };
        MemoryTrace {
            up: scratch.part(wide),
            argument: scratch.part(argument),
            end: self.end.trace(shape.rows(), shape.d_unit, scratch),
        }
    }

    /// Cuts that and the rows that it computes off the scratch.
    #[inline(always)]
    fn trace_and_rows<P: Parts>(
        &self,
        shape: Shape,
        scratch: &mut P,
    ) -> (MemoryTrace<P::Part>, P::Part) {
        let trace = self.trace(shape, scratch);
        (trace, scratch.part(shape.rows() * shape.d_unit))
    }

    /// Computes what the backward pass needs, and the rows F unless they are not asked for.
    #[inline(always)]
    pub fn recall<S: Lanes>(
        &self,
        simd: S,
        lane: &Lane<'_, S>,
        z: &[S::f32s],
        trace: &mut MemoryTrace<&mut [S::f32s]>,
        out: Option<&mut [S::f32s]>,
    ) {
        let d = lane.shape.d_unit;
        let weights = self.weights(d, lane.weights);
        if self.activation == Activation::Relu {
            up(d).forward(simd, weights.up, z, Then::Relu, trace.up);
        } else {
            up(d).forward(simd, weights.up, z, Then::Same, trace.up);
            if self.activation.needs_argument() {
                trace.argument.copy_from_slice(trace.up);
            }
            for x in trace.up.iter_mut() {
                *x = self.activation.value(simd, *x);
            }
        }
        let Some(out) = out else { return };
        down(d).forward(simd, weights.down, trace.up, Then::Same, out);
        self.end.forward(simd, weights.end, z, &mut trace.end, out);
    }

    /// Whether the backward pass needs the rows F computed again.
    pub fn needs_out(&self) -> bool {
        self.end.layer_norm
    }
}

impl From<MemoryKernel> for Arc<dyn ran_scan::Kernel> {
    #[inline(never)]
    fn from(kind: MemoryKernel) -> Self {
        Arc::new(kind)
    }
}

impl UnitKernel for MemoryKernel {
    fn name(&self) -> &'static str {
        "memory-unit"
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        let layers = [up(d_unit), down(d_unit)].map(Linear::tensors);
        let end = self.end.tensors(d_unit);
        layers.into_iter().flatten().chain(end).collect()
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        length(|scratch| {
            self.trace_and_rows(shape, scratch);
            self.back_room(shape, lanes, scratch);
        })
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        length(|sums| {
            self.sums(shape, lanes, sums);
        })
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
        let mut trace = self.trace(lane.shape, &mut scratch);
        self.recall(simd, &lane, z, &mut trace, Some(out));
    }

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let d = single.shape.d_unit;
        let weights = self.weights(d, single.weights);
        let mut scratch = single.scratch;
        let wide = scratch.part(single.shape.rows() * EXPANSION * d);
        if self.activation == Activation::Relu {
            up(d).forward_single(simd, weights.up, z, |x| math::relu(simd, x), wide);
        } else {
            up(d).forward_single(simd, weights.up, z, |x| x, wide);
            apply(simd, wide, self.activation);
        }
        down(d).forward_single(simd, weights.down, wide, |x| x, out);
        self.end.forward_single(simd, weights.end, z, out);
    }

    #[inline(always)]
    fn backward<S: Lanes>(&self, simd: S, mut lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let mut scratch = std::mem::take(&mut lane.scratch);
        let (mut trace, out) = self.trace_and_rows(lane.shape, &mut scratch);
        let out = if self.needs_out() { Some(out) } else { None };
        self.recall(simd, &lane, back.z, &mut trace, out);
        lane.scratch = scratch;
        self.recall_back(simd, &mut lane, &mut trace, back);
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], mut gradient: UnitGradient<'_>) {
        self.collect_sums(shape, &mut LaneSums { sums, lanes }, &mut gradient);
    }
}

//! The memory unit: a feed-forward layer that acts as a key-value memory (equation 3).

mod back;

use crate::activation::{Activation, relu};
use crate::arch::Lanes;
use crate::buffer::take;
use crate::matvec::{add_scaled, apply, layer_norm, matvec};
use crate::norm;
use crate::outer::{Outer, add_rows};
use crate::packed::{Matrix, Tensor, UnitWeights};
use crate::product::{Sizes, Start, product};
use crate::unit::{Lane, LaneBack, Shape, Single, UnitGradient, UnitKernel};

/// F = act(Z·FF_in + b_in)·FF_out + b_out.
///
/// Tensors of the weights: up weight `[U, D, 4D]` and bias `[U, 4D]`, down weight `[U, 4D, D]` and
/// bias `[U, D]`; with layer norm then gain and bias, `[U, D]` each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedForward {
    /// The function between the layers.
    pub activation: Activation,
    /// F += Z.
    pub residual: bool,
    /// Normalise the rows of F, with a gain and a bias per unit.
    pub layer_norm: bool,
}

/// How many times wider the layer between is.
const EXPANSION: usize = 4;

/// The tensors of one unit.
struct Tensors<'a> {
    up: (Matrix<'a>, &'a [f32]),
    down: (Matrix<'a>, &'a [f32]),
    norm: (&'a [f32], &'a [f32]),
}

/// What the way back needs of the way forward; all in scratch.
pub(crate) struct Trace<'a, S: Lanes> {
    /// act(…).
    up: &'a mut [S::f32s],
    /// Its argument, where the derivative needs it.
    argument: &'a mut [S::f32s],
    normalised: &'a mut [S::f32s],
    scales: &'a mut [S::f32s],
}

impl FeedForward {
    fn tensors<'a>(&self, d: usize, mut weights: UnitWeights<'a>) -> Tensors<'a> {
        let wide = EXPANSION * d;
        Tensors {
            up: (weights.next_matrix(d, wide), weights.next(wide)),
            down: (weights.next_matrix(wide, d), weights.next(d)),
            norm: match self.layer_norm {
                true => (weights.next(d), weights.next(d)),
                false => (&[], &[]),
            },
        }
    }

    fn outers(&self, d: usize, lanes: usize) -> (Outer, Outer) {
        let wide = EXPANSION * d;
        (Outer::new(d, wide, lanes), Outer::new(wide, d, lanes))
    }

    fn argument_len(&self, size: usize) -> usize {
        if self.activation.needs_argument() {
            EXPANSION * size
        } else {
            0
        }
    }

    fn trace_len(&self, shape: Shape) -> usize {
        let size = shape.rows() * shape.d_unit;
        EXPANSION * size + self.argument_len(size) + size + shape.rows()
    }

    /// Cuts the trace off the scratch.
    #[inline(always)]
    pub(crate) fn trace<'a, S: Lanes>(
        &self,
        shape: Shape,
        scratch: &mut &'a mut [S::f32s],
    ) -> Trace<'a, S> {
        let size = shape.rows() * shape.d_unit;
        Trace {
            up: take(scratch, EXPANSION * size),
            argument: take(scratch, self.argument_len(size)),
            normalised: take(scratch, size),
            scales: take(scratch, shape.rows()),
        }
    }

    /// Computes what the way back needs, and the rows F unless the way back needs them not.
    #[inline(always)]
    pub(crate) fn recall<S: Lanes>(
        &self,
        simd: S,
        lane: &Lane<'_, S>,
        z: &[S::f32s],
        trace: &mut Trace<'_, S>,
        out: Option<&mut [S::f32s]>,
    ) {
        let d = lane.shape.d_unit;
        let wide = EXPANSION * d;
        let rows = lane.shape.rows();
        let tensors = self.tensors(d, lane.weights);
        let sizes = Sizes {
            rows,
            ins: d,
            outs: wide,
        };
        let (weights, bias) = tensors.up;
        let start = Start::Bias(bias);
        if self.activation == Activation::Relu {
            product(
                simd,
                sizes,
                z,
                weights.weights,
                start,
                |x| relu(simd, x),
                trace.up,
            );
        } else {
            product(simd, sizes, z, weights.weights, start, |x| x, trace.up);
            if self.activation.needs_argument() {
                trace.argument.copy_from_slice(trace.up);
            }
            for x in trace.up.iter_mut() {
                *x = self.activation.value(simd, *x);
            }
        }
        let Some(out) = out else { return };
        let sizes = Sizes {
            rows,
            ins: wide,
            outs: d,
        };
        let (weights, bias) = tensors.down;
        product(
            simd,
            sizes,
            trace.up,
            weights.weights,
            Start::Bias(bias),
            |x| x,
            out,
        );
        if self.residual {
            add_rows(simd, z, out);
        }
        if self.layer_norm {
            norm::layer_norm(simd, tensors.norm, out, trace.normalised, trace.scales);
        }
    }

    /// Whether the way back needs the rows F.
    pub(crate) fn needs_out(&self) -> bool {
        self.layer_norm
    }
}

impl UnitKernel for FeedForward {
    fn name(&self) -> &'static str {
        "memory-unit"
    }

    fn check(&self, _d_unit: usize) -> Result<(), String> {
        Ok(())
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        let (ins, outs) = (d_unit, EXPANSION * d_unit);
        let (up, down) = (
            Tensor::Matrix { ins, outs },
            Tensor::Matrix {
                ins: outs,
                outs: ins,
            },
        );
        let mut tensors = vec![up, Tensor::Vector(outs), down, Tensor::Vector(ins)];
        if self.layer_norm {
            tensors.extend([Tensor::Vector(d_unit); 2]);
        }
        tensors
    }

    fn window_len(&self, _shape: Shape) -> usize {
        0
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        let rows = shape.rows();
        let (up, down) = self.outers(shape.d_unit, lanes);
        let outer = up
            .scratch_len(rows)
            .max(down.scratch_len(rows))
            .div_ceil(lanes);
        self.trace_len(shape) + (1 + EXPANSION) * rows * shape.d_unit + outer
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        let d = shape.d_unit;
        let (up, down) = self.outers(d, lanes);
        let norm = if self.layer_norm { 2 * d } else { 0 };
        (up.sum_len() + down.sum_len()) / lanes + (EXPANSION + 1) * d + norm
    }

    #[inline(always)]
    fn remember<S: Lanes>(&self, _: S, _: Lane<'_, S>, _: &[S::f32s]) {}

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
        self.recall(simd, &lane, z, &mut trace, Some(out));
    }

    #[inline(always)]
    fn remember_single<S: Lanes>(&self, _: S, _: Single<'_>, _: &[f32]) {}

    #[inline(always)]
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        let d = single.shape.d_unit;
        let wide = EXPANSION * d;
        let rows = single.shape.rows();
        let tensors = self.tensors(d, single.weights);
        let mut scratch = single.scratch;
        let up = take(&mut scratch, rows * wide);
        let (weights, bias) = (tensors.up.0.weights, Start::Bias(tensors.up.1));
        let sizes = Sizes {
            rows,
            ins: d,
            outs: wide,
        };
        if self.activation == Activation::Relu {
            matvec(simd, sizes, z, weights, bias, |x| relu(simd, x), up);
        } else {
            matvec(simd, sizes, z, weights, bias, |x| x, up);
            apply(simd, up, self.activation);
        }
        let (weights, bias) = (tensors.down.0.weights, Start::Bias(tensors.down.1));
        let sizes = Sizes {
            rows,
            ins: wide,
            outs: d,
        };
        matvec(simd, sizes, up, weights, bias, |x| x, out);
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
        let out = take(&mut scratch, back.z.len());
        let out = if self.needs_out() { Some(out) } else { None };
        self.recall(simd, &lane, back.z, &mut trace, out);
        lane.scratch = scratch;
        self.recall_back(simd, &mut lane, &mut trace, back);
    }

    #[inline(always)]
    fn settle<S: Lanes>(&self, _: S, _: Lane<'_, S>, _: LaneBack<'_, S>) {}

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: UnitGradient<'_>) {
        self.collect_sums(shape, lanes, sums, gradient);
    }
}

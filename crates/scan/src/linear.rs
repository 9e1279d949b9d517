//! A linear layer of each unit's own, y = x·W + b: forward, its gradients, and the sums that they are collected from.

use crate::arch::Lanes;
use crate::matvec::matvec;
use crate::outer::{Outer, add_rows, collect_rows};
use crate::parts::{LaneSums, Parts};
use crate::product::{Sizes, Start, Then};
use crate::weights::{Matrix, Tensor, UnitGradient, UnitWeights};

/// The widths of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Width of x.
    pub ins: usize,
    /// Width of y.
    pub outs: usize,
}

/// One unit's W and b.
#[derive(Clone, Copy, Debug)]
pub struct LinearWeights<'a> {
    /// W, `[ins, outs]`.
    pub matrix: Matrix<'a>,
    /// b, `[outs]`.
    pub bias: &'a [f32],
}

/// The sums of a layer's weight gradients.
#[derive(Clone, Copy, Debug)]
pub struct LinearSums<P> {
    /// Those of W, as [`Outer`] sums them.
    pub products: P,
    /// Those of b, lane by lane.
    pub bias: P,
}

impl Linear {
    /// W, then b.
    pub fn tensors(self) -> [Tensor; 2] {
        let Self { ins, outs } = self;
        [Tensor::Matrix { ins, outs }, Tensor::Vector(outs)]
    }

    /// Cuts W and b off a unit's weights.
    #[inline(always)]
    pub fn weights<'a>(self, weights: &mut UnitWeights<'a>) -> LinearWeights<'a> {
        LinearWeights {
            matrix: weights.next_matrix(self.ins, self.outs),
            bias: weights.next(self.outs),
        }
    }

    /// y = `then`(x·W + b).
    ///
    /// # Shapes
    ///
    /// - x: `[rows, ins]` vectors
    /// - y: `[rows, outs]` vectors
    #[inline(always)]
    pub fn forward<S: Lanes>(
        self,
        simd: S,
        weights: LinearWeights<'_>,
        x: &[S::f32s],
        then: Then,
        y: &mut [S::f32s],
    ) {
        let (sizes, start) = (self.sizes(x.len()), Start::Bias(weights.bias));
        simd.product(sizes, x, weights.matrix.weights, start, then, y);
    }

    /// As [`forward`](Self::forward) for a single sequence, the width in the lanes; compiled for each caller, `then` with it.
    ///
    /// # Shapes
    ///
    /// - x: `[rows, ins]`
    /// - y: `[rows, outs]`
    #[inline(always)]
    pub fn forward_single<S: Lanes>(
        self,
        simd: S,
        weights: LinearWeights<'_>,
        x: &[f32],
        then: impl Fn(S::f32s) -> S::f32s + Copy,
        y: &mut [f32],
    ) {
        let (sizes, start) = (self.sizes(x.len()), Start::Bias(weights.bias));
        matvec(simd, sizes, x, weights.matrix.weights, start, then, y);
    }

    /// The gradient of x from that of y, added to what it holds where `add`.
    ///
    /// # Shapes
    ///
    /// - gradient: `[rows, outs]` vectors
    /// - x_gradient: `[rows, ins]` vectors
    #[inline(always)]
    pub fn backward<S: Lanes>(
        self,
        simd: S,
        weights: LinearWeights<'_>,
        gradient: &[S::f32s],
        add: bool,
        x_gradient: &mut [S::f32s],
    ) {
        let flipped = Self {
            ins: self.outs,
            outs: self.ins,
        };
        let start = if add { Start::Add } else { Start::Zero };
        simd.product(
            flipped.sizes(gradient.len()),
            gradient,
            weights.matrix.transposed,
            start,
            Then::Same,
            x_gradient,
        );
    }

    /// The sums, on vectors of `lanes` numbers.
    #[inline(always)]
    pub fn sums<P: Parts>(self, lanes: usize, parts: &mut P) -> LinearSums<P::Part> {
        LinearSums {
            products: parts.part(self.outer(lanes).sum_len()),
            bias: parts.part(self.outs),
        }
    }

    /// Length of the room that [`add`](Self::add) needs for itself, on vectors of `lanes` numbers.
    #[inline]
    pub fn room_len(self, rows: usize, lanes: usize) -> usize {
        self.outer(lanes).room_len(rows)
    }

    /// Adds the gradients of W and b at one step to their sums.
    ///
    /// # Shapes
    ///
    /// - x: `[rows, ins]` vectors
    /// - gradient: `[rows, outs]` vectors, that of y
    #[inline(always)]
    pub fn add<S: Lanes>(
        self,
        simd: S,
        x: &[S::f32s],
        gradient: &[S::f32s],
        room: &mut [S::f32s],
        sums: LinearSums<&mut [S::f32s]>,
    ) {
        let (outer, rows) = (self.outer(S::F32_LANES), x.len() / self.ins);
        simd.add_outer(outer, rows, (x, gradient), room, sums.products);
        add_rows(simd, gradient, sums.bias);
    }

    /// Adds the sums to the gradients of W and b.
    pub fn collect(self, sums: &mut LaneSums<'_>, gradient: &mut UnitGradient<'_>) {
        let lanes = sums.lanes;
        let LinearSums { products, bias } = self.sums(lanes, sums);
        let matrix = gradient.next(self.ins * self.outs);
        self.outer(lanes).collect(products, matrix);
        collect_rows(lanes, bias, gradient.next(self.outs));
    }

    /// How the gradient of W is summed, on vectors of `lanes` numbers.
    #[inline]
    pub fn outer(self, lanes: usize) -> Outer {
        Outer::new(self.ins, self.outs, lanes)
    }

    /// Those of a product with `len` entries on the side of x.
    #[inline(always)]
    fn sizes(self, len: usize) -> Sizes {
        Sizes {
            rows: len / self.ins,
            ins: self.ins,
            outs: self.outs,
        }
    }
}

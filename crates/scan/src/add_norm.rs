//! What ends each half of an attention block: the sum with its input, then layer normalisation (Vaswani et al. 2017).
//!
//! Equation 4 of docs/model.md#units; in burn operations it is in `ran-unit`, `norm.rs`.

use crate::arch::Lanes;
use crate::matvec::add_scaled;
use crate::norm;
use crate::outer::{add_rows, collect_rows};
use crate::parts::{LaneSums, Parts};
use crate::weights::{Tensor, UnitGradient, UnitWeights};

/// y ← y + z where `residual`, then gain ⊙ (y − mean)/√(var + ε) + bias where `layer_norm`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddNorm {
    /// Whether the input is added.
    pub residual: bool,
    /// Whether the rows are normalised, with a gain and a bias per unit.
    pub layer_norm: bool,
}

/// What the backward pass needs; empty without layer normalisation.
#[derive(Debug)]
pub struct NormTrace<P> {
    /// Rows before gain and bias.
    normalised: P,
    /// 1/√(var + ε) of each row.
    scales: P,
}

/// The gain and the bias of one unit, or the sums of their gradients; empty without layer normalisation.
#[derive(Clone, Copy, Debug)]
pub struct Affine<P> {
    /// The gain, `[width]`.
    pub gain: P,
    /// The bias, `[width]`.
    pub bias: P,
}

impl AddNorm {
    /// Gain and bias, `[width]` each, where there are any.
    pub fn tensors(self, width: usize) -> impl Iterator<Item = Tensor> {
        let count = if self.layer_norm { 2 } else { 0 };
        std::iter::repeat_n(Tensor::Vector(width), count)
    }

    /// Cuts gain and bias off a unit's weights.
    #[inline(always)]
    pub fn weights<'a>(self, width: usize, weights: &mut UnitWeights<'a>) -> Affine<&'a [f32]> {
        let len = self.len(width);
        Affine {
            gain: weights.next(len),
            bias: weights.next(len),
        }
    }

    /// What [`forward`](Self::forward) keeps of `rows` rows.
    #[inline(always)]
    pub fn trace<P: Parts>(self, rows: usize, width: usize, parts: &mut P) -> NormTrace<P::Part> {
        NormTrace {
            normalised: parts.part(rows * self.len(width)),
            scales: parts.part(self.len(rows)),
        }
    }

    /// Ends the rows y, in place.
    ///
    /// # Shapes
    ///
    /// - z, y: `[rows, width]` vectors
    #[inline(always)]
    pub fn forward<S: Lanes>(
        self,
        simd: S,
        affine: Affine<&[f32]>,
        z: &[S::f32s],
        trace: &mut NormTrace<&mut [S::f32s]>,
        y: &mut [S::f32s],
    ) {
        if self.residual {
            add_rows(simd, z, y);
        }
        if self.layer_norm {
            let Affine { gain, bias } = affine;
            norm::layer_norm(simd, (gain, bias), y, trace.normalised, trace.scales);
        }
    }

    /// As [`forward`](Self::forward) for a single sequence.
    ///
    /// # Shapes
    ///
    /// - z, y: `[rows, width]`
    #[inline(always)]
    pub fn forward_single<S: Lanes>(
        self,
        simd: S,
        affine: Affine<&[f32]>,
        z: &[f32],
        y: &mut [f32],
    ) {
        if self.residual {
            add_scaled(simd, 1.0, z, y);
        }
        if self.layer_norm {
            norm::layer_norm_single(simd, (affine.gain, affine.bias), y);
        }
    }

    /// Turns the gradient of the ended rows into that of y and, where `residual`, into a part of that of z.
    #[inline(always)]
    pub fn backward<S: Lanes>(
        self,
        simd: S,
        affine: Affine<&[f32]>,
        trace: &NormTrace<&mut [S::f32s]>,
        gradient: &mut [S::f32s],
        sums: Option<Affine<&mut [S::f32s]>>,
    ) {
        if self.layer_norm {
            let sums = match sums {
                Some(Affine { gain, bias }) => (gain, bias),
                None => (&mut [][..], &mut [][..]),
            };
            let (normalised, scales) = (&*trace.normalised, &*trace.scales);
            norm::layer_norm_back(simd, affine.gain, normalised, scales, gradient, sums);
        }
    }

    /// The sums of the gradients of gain and bias.
    #[inline(always)]
    pub fn sums<P: Parts>(self, width: usize, parts: &mut P) -> Affine<P::Part> {
        let len = self.len(width);
        Affine {
            gain: parts.part(len),
            bias: parts.part(len),
        }
    }

    /// Adds the sums to the gradients of gain and bias.
    pub fn collect(self, width: usize, sums: &mut LaneSums<'_>, gradient: &mut UnitGradient<'_>) {
        let lanes = sums.lanes;
        let Affine { gain, bias } = self.sums(width, sums);
        let len = self.len(width);
        collect_rows(lanes, gain, gradient.next(len));
        collect_rows(lanes, bias, gradient.next(len));
    }

    /// That length where rows are normalised, else none.
    #[inline(always)]
    fn len(self, len: usize) -> usize {
        if self.layer_norm { len } else { 0 }
    }
}

//! What bounds the rows that a population returns, fused, forward and backward: equation 5 of docs/model.md#units.

use serde::{Deserialize, Serialize};

use crate::arch::{Lanes, WithLanes};
use crate::math;
use crate::matvec;
use crate::norm;

/// The last function of a population, applied to each of its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The row itself: the poster's.
    #[default]
    Identity,
    /// tanh of every entry. A random untrained reservoir needs a bounded output.
    Tanh,
    /// The row, centred and divided by its deviation (Ba, Kiros & Hinton 2016), without gain or bias.
    LayerNorm,
}

/// Applies the function to rows of `width` vectors, in place.
pub(crate) struct Bound<'a> {
    pub(crate) output: Output,
    pub(crate) width: usize,
    pub(crate) rows: &'a mut [f32],
    /// One per row where the rows are normalised.
    pub(crate) scales: &'a mut [f32],
}

impl WithLanes for Bound<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let rows = S::as_mut_simd_f32s(self.rows).0;
        match self.output {
            Output::Identity => {}
            Output::Tanh => {
                for x in rows {
                    *x = math::tanh(simd, *x);
                }
            }
            Output::LayerNorm => {
                let scales = S::as_mut_simd_f32s(self.scales).0;
                norm::normalise(simd, self.width, rows, scales);
            }
        }
    }
}

/// Applies the function to rows of `width` numbers of a single sequence, in place.
pub(crate) struct BoundSingle<'a> {
    pub(crate) output: Output,
    pub(crate) width: usize,
    pub(crate) rows: &'a mut [f32],
}

impl WithLanes for BoundSingle<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        match self.output {
            Output::Identity => {}
            Output::Tanh => matvec::apply(simd, self.rows, math::Tanh),
            Output::LayerNorm => {
                for row in self.rows.chunks_exact_mut(self.width) {
                    norm::normalise_single(simd, row);
                }
            }
        }
    }
}

/// Turns the gradient of the function's values into that of its arguments, in place.
pub(crate) struct BoundBack<'a> {
    pub(crate) output: Output,
    pub(crate) width: usize,
    /// The values.
    pub(crate) rows: &'a [f32],
    pub(crate) scales: &'a [f32],
    pub(crate) gradient: &'a mut [f32],
}

impl WithLanes for BoundBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let rows = S::as_simd_f32s(self.rows).0;
        let gradient = S::as_mut_simd_f32s(self.gradient).0;
        match self.output {
            Output::Identity => {}
            Output::Tanh => {
                let one = simd.splat_f32s(1.0);
                for (&y, g) in rows.iter().zip(gradient) {
                    *g = simd.mul_f32s(*g, simd.sub_f32s(one, simd.mul_f32s(y, y)));
                }
            }
            Output::LayerNorm => {
                let scales = S::as_simd_f32s(self.scales).0;
                norm::normalise_back(simd, self.width, rows, scales, gradient);
            }
        }
    }
}

//! The non-linearity between the two layers of a memory unit, in burn operations and fused: act in equation 3 of
//! docs/model.md#units.

use burn::tensor::{Tensor, activation, backend::Backend};
use ran_scan::{Simd, math};
use serde::{Deserialize, Serialize};

/// The function act of F = act(A·FF_in + b_in)·FF_out + b_out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0): the poster's.
    #[default]
    Relu,
    /// x·Φ(x), exact, as in later Transformers.
    Gelu,
    /// tanh(x).
    Tanh,
}

impl Activation {
    /// Applies the function to every entry.
    pub(crate) fn apply<B: Backend, const R: usize>(self, x: Tensor<B, R>) -> Tensor<B, R> {
        match self {
            Self::Relu => activation::relu(x),
            // Not burn's own, whose gradient is that of an approximation (burn 0.21, gelu_backward).
            Self::Gelu => {
                let below = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
                x * below
            }
            Self::Tanh => x.tanh(),
        }
    }

    /// Whether the derivative needs the argument: for the others the value is enough.
    pub(crate) fn needs_argument(self) -> bool {
        self == Self::Gelu
    }

    /// The value.
    #[inline(always)]
    pub(crate) fn value<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        match self {
            Self::Relu => math::relu(simd, x),
            Self::Gelu => simd.mul_f32s(x, math::normal(simd, x).0),
            Self::Tanh => math::tanh(simd, x),
        }
    }

    /// Multiplies gradients by the derivatives.
    ///
    /// `known` holds the values, or the arguments where [`needs_argument`](Self::needs_argument).
    #[inline(always)]
    pub(crate) fn back<S: Simd>(self, simd: S, known: &[S::f32s], gradient: &mut [S::f32s]) {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        for (&known, g) in known.iter().zip(gradient) {
            let slope = match self {
                Self::Relu => {
                    let on = simd.greater_than_f32s(known, zero);
                    simd.select_f32s(on, one, zero)
                }
                Self::Gelu => {
                    let (below, density) = math::normal(simd, known);
                    simd.mul_add_e_f32s(known, density, below)
                }
                Self::Tanh => simd.sub_f32s(one, simd.mul_f32s(known, known)),
            };
            *g = simd.mul_f32s(*g, slope);
        }
    }
}

impl math::Function for Activation {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        self.value(simd, x)
    }
}

//! A QKV unit of a single sequence, its width in the lanes.

use super::{Qkv, square};
use crate::arch::Lanes;
use crate::buffer::take;
use crate::matvec::{add_scaled, layer_norm, matvec};
use crate::packed::Matrix;
use crate::product::Start;
use crate::unit::{Memory, Single};

impl Qkv {
    /// Sets keys and values of one row of the window.
    #[inline(always)]
    pub(super) fn remember_row_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]) {
        let shape = single.shape;
        let d = shape.d_unit;
        let tensors = self.tensors(d, &mut { single.weights });
        let (keys, values) = single.window.split_at_mut(shape.context * d);
        let row = single.slot * d..(single.slot + 1) * d;
        linear_single(simd, tensors.key, z, &mut keys[row.clone()]);
        linear_single(simd, tensors.value, z, &mut values[row]);
    }

    /// Computes the rows A.
    #[inline(always)]
    pub(super) fn attend_single<S: Lanes>(
        &self,
        simd: S,
        single: Single<'_>,
        z: &[f32],
        out: &mut [f32],
    ) {
        let Single {
            shape,
            weights,
            window,
            slot,
            mut scratch,
        } = single;
        let d = shape.d_unit;
        let rows = shape.rows();
        let tensors = self.tensors(d, &mut { weights });
        let query = take(&mut scratch, rows * d);
        linear_single(simd, tensors.query, z, query);
        let window = match shape.memory {
            Memory::Sliding => {
                let newest = Single {
                    shape,
                    weights,
                    window: &mut *window,
                    slot,
                    scratch: &mut [],
                };
                self.remember_row_single(simd, newest, z);
                window
            }
            Memory::Rewritten => {
                let window = take(&mut scratch, 2 * rows * d);
                let (keys, values) = window.split_at_mut(rows * d);
                linear_single(simd, tensors.key, z, keys);
                linear_single(simd, tensors.value, z, values);
                window
            }
        };
        let (keys, values) = window.split_at(shape.context * d);
        let weights = take(&mut scratch, shape.context);
        self.window(shape)
            .attend_single(simd, query, keys, values, weights, out);
        if self.residual {
            add_scaled(simd, 1.0, z, out);
        }
        if self.layer_norm {
            layer_norm(simd, tensors.norm, out);
        }
    }
}

/// The product of rows with a matrix `[d_unit, d_unit]`, and its bias.
#[inline(always)]
fn linear_single<S: Lanes>(
    simd: S,
    (weights, bias): (Matrix<'_>, &[f32]),
    z: &[f32],
    out: &mut [f32],
) {
    let (sizes, start) = (square(z.len(), bias.len()), Start::Bias(bias));
    matvec(simd, sizes, z, weights.weights, start, |x| x, out);
}

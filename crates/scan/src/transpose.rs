//! Square tiles of vectors transposed.

#[cfg(target_arch = "x86_64")]
mod x86;

use pulp::{Scalar, Simd};

#[cfg(target_arch = "aarch64")]
use pulp::aarch64::Neon;

/// Vectors of which as many as they have lanes can be transposed.
pub trait Transpose: Simd {
    /// Transposes a square tile: one vector per lane.
    ///
    /// # Panics
    ///
    /// The tile has another number of vectors.
    #[inline(always)]
    fn transpose(self, tile: &mut [Self::f32s]) {
        let lanes = Self::F32_LANES;
        assert_eq!(tile.len(), lanes, "a tile is square");
        let numbers: &mut [f32] = pulp::bytemuck::cast_slice_mut(tile);
        for row in 0..lanes {
            for column in 0..row {
                numbers.swap(row * lanes + column, column * lanes + row);
            }
        }
    }
}

impl Transpose for Scalar {}

#[cfg(target_arch = "aarch64")]
impl Transpose for Neon {}

#[cfg(test)]
mod tests {
    use crate::arch::{Arch, Lanes, WithLanes};

    struct Transpose;

    impl WithLanes for Transpose {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) {
            let lanes = S::F32_LANES;
            let mut numbers: Vec<f32> = (0..lanes * lanes).map(|i| i as f32).collect();
            simd.transpose(S::as_mut_simd_f32s(&mut numbers).0);
            for row in 0..lanes {
                for column in 0..lanes {
                    let expected = (column * lanes + row) as f32;
                    assert_eq!(numbers[row * lanes + column], expected);
                }
            }
        }
    }

    #[test]
    fn transpose_swaps_rows_and_columns_on_every_instruction_set() {
        for arch in Arch::available() {
            arch.run(Transpose);
        }
    }
}

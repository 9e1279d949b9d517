//! Which vectors the processor has, found at run time, and how work is run on them.

use pulp::{Scalar, Simd, WithSimd};

use crate::vectors::limit;

#[cfg(target_arch = "aarch64")]
use pulp::aarch64::Neon;
#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};

/// A vector instruction set that this processor has.
#[derive(Debug, Clone, Copy)]
pub struct Arch(Set);

#[derive(Debug, Clone, Copy)]
enum Set {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(V4),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// Work that is written once for every vector width.
///
/// `run` and all that it calls must be `#[inline(always)]`: only then are they compiled for the
/// instruction set that runs them.
pub trait WithLanes {
    /// What the work returns.
    type Output;

    /// Runs the work with vectors of the instruction set that `simd` stands for.
    fn run<S: Lanes>(self, simd: S) -> Self::Output;
}

/// Vectors of single-precision numbers.
pub trait Lanes: Simd {
    /// Transposes a square tile of as many vectors as a vector has lanes.
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

impl Lanes for Scalar {}

#[cfg(target_arch = "aarch64")]
impl Lanes for Neon {}

/// Runs `work` compiled for the instruction set of `simd`, as a function of its own.
#[inline(always)]
pub fn vectorize<S: Lanes, W: WithLanes>(simd: S, work: W) -> W::Output {
    struct Bound<S, W>(S, W);

    impl<S: Lanes, W: WithLanes> WithSimd for Bound<S, W> {
        type Output = W::Output;

        #[inline(always)]
        fn with_simd<T: Simd>(self, _: T) -> W::Output {
            self.1.run(self.0)
        }
    }

    simd.vectorize(Bound(simd, work))
}

impl Arch {
    /// Every instruction set of this processor that there is code for, the widest first, up to the limit that
    /// [`Vectors`](crate::Vectors) sets.
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(V4::try_new().map(|simd| Self(Set::Avx512(simd))));
            found.extend(V3::try_new().map(|simd| Self(Set::Avx2(simd))));
        }
        #[cfg(target_arch = "aarch64")]
        found.extend(Neon::try_new().map(|simd| Self(Set::Neon(simd))));
        found.push(Self(Set::Scalar));
        let limit = limit();
        found.retain(|arch| arch.lanes() <= limit);
        found
    }

    /// The widest instruction set of this processor.
    pub fn widest() -> Self {
        Self::available()[0]
    }

    /// The instruction set for a batch whose sequences fill the lanes of vectors.
    ///
    /// It is the one whose blocks two threads do in the fewest rounds, and of those the narrowest: a
    /// batch that fills half of the widest vectors is better cut in two, one half per thread. How
    /// many threads there are must not matter, for gradients are summed block by block.
    pub fn for_batch(batch: usize) -> Self {
        let rounds = |arch: &Self| batch.div_ceil(arch.lanes()).div_ceil(2);
        let mut vectors = Self::available();
        if vectors.len() > 1 {
            vectors.pop();
        }
        let best = vectors
            .into_iter()
            .min_by_key(|arch| (rounds(arch), arch.lanes()));
        best.unwrap_or(Self(Set::Scalar))
    }

    /// How many single-precision numbers a vector holds.
    pub fn lanes(self) -> usize {
        match self.0 {
            Set::Scalar => 1,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => 8,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => 16,
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => 4,
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => "NEON",
        }
    }

    /// Runs work on the vectors of this instruction set.
    #[inline]
    pub fn run<W: WithLanes>(self, work: W) -> W::Output {
        match self.0 {
            Set::Scalar => vectorize(Scalar::new(), work),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(simd) => vectorize(simd, work),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(simd) => vectorize(simd, work),
            #[cfg(target_arch = "aarch64")]
            Set::Neon(simd) => vectorize(simd, work),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

    use super::Lanes;
    use pulp::cast;
    use pulp::x86::{V3, V4};

    impl Lanes for V3 {
        #[inline(always)]
        fn transpose(self, tile: &mut [Self::f32s]) {
            let tile: &mut [Self::f32s; 8] = tile.try_into().expect("a tile is square");
            let avx = self.avx;
            let mut pairs: [__m256d; 8] = [cast(tile[0]); 8];
            for i in (0..8).step_by(2) {
                let (a, b): (__m256, __m256) = (cast(tile[i]), cast(tile[i + 1]));
                pairs[i] = cast(avx._mm256_unpacklo_ps(a, b));
                pairs[i + 1] = cast(avx._mm256_unpackhi_ps(a, b));
            }
            // After this, half h of quad 4g + j holds column 4h + j of rows 4g..4g + 4.
            let mut quads: [__m256; 8] = [cast(tile[0]); 8];
            for i in [0, 1, 4, 5] {
                let to = i + (i & 1);
                quads[to] = cast(avx._mm256_unpacklo_pd(pairs[i], pairs[i + 2]));
                quads[to + 1] = cast(avx._mm256_unpackhi_pd(pairs[i], pairs[i + 2]));
            }
            for j in 0..4 {
                let (a, b) = (quads[j], quads[4 + j]);
                tile[j] = cast(avx._mm256_permute2f128_ps::<0x20>(a, b));
                tile[4 + j] = cast(avx._mm256_permute2f128_ps::<0x31>(a, b));
            }
        }
    }

    impl Lanes for V4 {
        #[inline(always)]
        fn transpose(self, tile: &mut [Self::f32s]) {
            let tile: &mut [Self::f32s; 16] = tile.try_into().expect("a tile is square");
            let avx = self.avx512f;
            let mut pairs: [__m512d; 16] = [cast(tile[0]); 16];
            for i in (0..16).step_by(2) {
                let (a, b): (__m512, __m512) = (cast(tile[i]), cast(tile[i + 1]));
                pairs[i] = cast(avx._mm512_unpacklo_ps(a, b));
                pairs[i + 1] = cast(avx._mm512_unpackhi_ps(a, b));
            }
            // After this, quarter h of quad 4g + j holds column 4h + j of rows 4g..4g + 4.
            let mut quads: [__m512; 16] = [cast(tile[0]); 16];
            for i in [0, 1, 4, 5, 8, 9, 12, 13] {
                let to = i + (i & 1);
                quads[to] = cast(avx._mm512_unpacklo_pd(pairs[i], pairs[i + 2]));
                quads[to + 1] = cast(avx._mm512_unpackhi_pd(pairs[i], pairs[i + 2]));
            }
            for j in 0..4 {
                let (a, b, c, d) = (quads[j], quads[4 + j], quads[8 + j], quads[12 + j]);
                let low_ab = avx._mm512_shuffle_f32x4::<0x44>(a, b);
                let low_cd = avx._mm512_shuffle_f32x4::<0x44>(c, d);
                let high_ab = avx._mm512_shuffle_f32x4::<0xEE>(a, b);
                let high_cd = avx._mm512_shuffle_f32x4::<0xEE>(c, d);
                tile[j] = cast(avx._mm512_shuffle_f32x4::<0x88>(low_ab, low_cd));
                tile[4 + j] = cast(avx._mm512_shuffle_f32x4::<0xDD>(low_ab, low_cd));
                tile[8 + j] = cast(avx._mm512_shuffle_f32x4::<0x88>(high_ab, high_cd));
                tile[12 + j] = cast(avx._mm512_shuffle_f32x4::<0xDD>(high_ab, high_cd));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_batch_goes_to_the_vectors_that_need_the_fewest_rounds() {
        for batch in [1, 5, 8, 16, 32, 33, 100] {
            let chosen = Arch::for_batch(batch);
            let rounds = |arch: Arch| batch.div_ceil(arch.lanes()).div_ceil(2);
            assert!(
                Arch::available()
                    .into_iter()
                    .all(|arch| rounds(arch) >= rounds(chosen))
            );
        }
    }
}

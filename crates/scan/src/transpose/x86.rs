//! Tiles of vectors transposed on AVX2 and AVX-512.

use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

use super::Transpose;
use pulp::cast;
use pulp::x86::{V3, V4};

impl Transpose for V3 {
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

impl Transpose for V4 {
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

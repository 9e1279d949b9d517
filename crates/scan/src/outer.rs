//! Gradients of weights: products over rows and sequences, summed in the backward pass.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::transpose::Transpose;

/// How the gradient of one weight matrix `[ins, outs]` is summed.
///
/// Sequences lie in the lanes of x and of the gradient of y, and the sum runs over them. So one of
/// the two is transposed, its width then lies in the lanes of the sums, and the numbers of the
/// other are multiplied in one by one. The one that fills its vectors better is transposed.
/// [`Lanes::add_outer`](crate::Lanes::add_outer) adds to it.
#[derive(Clone, Copy, Debug)]
pub struct Outer {
    ins: usize,
    outs: usize,
    lanes: usize,
    along_outs: bool,
}

impl Outer {
    /// A sum for weights of `ins` × `outs`, on vectors of `lanes` numbers.
    #[inline]
    pub fn new(ins: usize, outs: usize, lanes: usize) -> Self {
        let padded = |width: usize| width.div_ceil(lanes) * lanes;
        let costs = (padded(outs) * ins, padded(ins) * outs);
        let along_outs = costs.0 < costs.1 || (costs.0 == costs.1 && outs <= ins);
        Self {
            ins,
            outs,
            lanes,
            along_outs,
        }
    }

    /// Vectors in the sum.
    #[inline]
    pub fn sum_len(self) -> usize {
        self.short() * self.vectors()
    }

    /// Vectors that adding to the sum needs for itself.
    #[inline]
    pub fn room_len(self, rows: usize) -> usize {
        rows * self.lanes * self.vectors()
    }

    #[inline]
    fn short(self) -> usize {
        if self.along_outs { self.ins } else { self.outs }
    }

    #[inline]
    fn long(self) -> usize {
        if self.along_outs { self.outs } else { self.ins }
    }

    #[inline]
    fn vectors(self) -> usize {
        self.long().div_ceil(self.lanes)
    }

    /// What [`Lanes::add_outer`](crate::Lanes::add_outer) runs.
    #[inline(always)]
    pub(crate) fn add<S: Transpose>(
        self,
        simd: S,
        rows: usize,
        x: &[S::f32s],
        y: &[S::f32s],
        room: &mut [S::f32s],
        sums: &mut [S::f32s],
    ) {
        let (numbers, flipped) = if self.along_outs { (x, y) } else { (y, x) };
        assert_eq!(numbers.len(), rows * self.short(), "the width of the one");
        assert_eq!(flipped.len(), rows * self.long(), "the width of the other");
        let (short, vectors) = (self.short(), self.vectors());
        let room = &mut room[..rows * self.lanes * vectors];
        for (row, out) in flipped
            .chunks_exact(self.long())
            .zip(room.chunks_exact_mut(self.lanes * vectors))
        {
            simd.vectorize(Flip { simd, row, out });
        }
        simd.vectorize(Sum {
            simd,
            numbers,
            flipped: room,
            sums,
            rows,
            short,
            vectors,
        });
    }

    /// Adds the sum to the gradient `[ins, outs]` of the weights.
    pub fn collect(self, sums: &[f32], gradient: &mut [f32]) {
        let Self { outs, lanes, .. } = self;
        let mut tiles = sums;
        self.each_tile(|Tile { numbers, vectors }| {
            for number in numbers {
                for vector in vectors.clone() {
                    let (sums, rest) = tiles.split_at(lanes);
                    tiles = rest;
                    let along = vector * lanes..self.long().min((vector + 1) * lanes);
                    if self.along_outs {
                        let line = &mut gradient[number * outs..][along];
                        line.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
                    } else {
                        for (i, sum) in along.zip(sums) {
                            gradient[i * outs + number] += sum;
                        }
                    }
                }
            }
        });
    }

    /// Calls `tile` with each tile in the order in which they lie in the sums, which is that of [`Sum`].
    fn each_tile(self, mut tile: impl FnMut(Tile)) {
        let held = sums_held(self.lanes);
        let pairs = self.vectors() / 2 * 2;
        for (width, strips) in [(2, 0..pairs), (1, pairs..self.vectors())] {
            let mut number = 0;
            for count in [16, 8, 4, 2, 1] {
                while width * count <= held && number + count <= self.short() {
                    for vector in strips.clone().step_by(width) {
                        tile(Tile {
                            numbers: number..number + count,
                            vectors: vector..vector + width,
                        });
                    }
                    number += count;
                }
            }
        }
    }
}

/// Sums that are held in registers at a time: `numbers` of the one side times `vectors` of the other.
struct Tile {
    numbers: Range<usize>,
    vectors: Range<usize>,
}

/// How many sums a tile may have: half of the registers, which number 32 with AVX-512 and NEON.
#[inline(always)]
fn sums_held(lanes: usize) -> usize {
    match lanes {
        4 | 16 => 16,
        _ => 8,
    }
}

/// Adds the rows of y, lane by lane, to the sums from which a bias has its gradient.
#[inline(always)]
pub fn add_rows<S: Simd>(simd: S, y: &[S::f32s], sums: &mut [S::f32s]) {
    for row in y.chunks_exact(sums.len()) {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum = simd.add_f32s(*sum, value);
        }
    }
}

/// Adds the sums over lanes to the gradient of a bias.
pub fn collect_rows(lanes: usize, sums: &[f32], gradient: &mut [f32]) {
    for (value, lanes) in gradient.iter_mut().zip(sums.chunks_exact(lanes)) {
        *value += lanes.iter().sum::<f32>();
    }
}

/// `[width]` vectors of lanes become `[lanes]` rows of width, filled up with zeros.
struct Flip<'a, S: Simd> {
    simd: S,
    row: &'a [S::f32s],
    out: &'a mut [S::f32s],
}

impl<S: Transpose> WithSimd for Flip<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(self, _: T) {
        let lanes = S::F32_LANES;
        let vectors = self.out.len() / lanes;
        let mut tile = [self.simd.splat_f32s(0.0); 16];
        for (v, chunk) in self.row.chunks(lanes).enumerate() {
            tile[..chunk.len()].copy_from_slice(chunk);
            tile[chunk.len()..].fill(self.simd.splat_f32s(0.0));
            self.simd.transpose(&mut tile[..lanes]);
            for (lane, &vector) in tile[..lanes].iter().enumerate() {
                self.out[lane * vectors + v] = vector;
            }
        }
    }
}

/// Adds up tile by tile. The sums of a tile lie side by side, and tiles in the order in which they are computed: of what a step
/// reads these are the most, and the processor fetches ahead what is read in order.
struct Sum<'a, S: Simd> {
    simd: S,
    numbers: &'a [S::f32s],
    flipped: &'a [S::f32s],
    sums: &'a mut [S::f32s],
    rows: usize,
    short: usize,
    vectors: usize,
}

impl<S: Simd> WithSimd for Sum<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(mut self, _: T) {
        let held = sums_held(S::F32_LANES);
        let pairs = self.vectors / 2 * 2;
        macro_rules! strips {
            ($width:literal, $strips:expr, $($count:literal),*) => {
                let mut number = 0;
                $(while $width * $count <= held && number + $count <= self.short {
                    let mut vector = $strips.start;
                    while vector < $strips.end {
                        self.tile::<$count, $width>(number, vector);
                        vector += $width;
                    }
                    number += $count;
                })*
            };
        }
        strips!(2, 0..pairs, 8, 4, 2, 1);
        strips!(1, pairs..self.vectors, 16, 8, 4, 2, 1);
    }
}

impl<S: Simd> Sum<'_, S> {
    #[inline(always)]
    fn tile<const N: usize, const V: usize>(&mut self, n: usize, v: usize) {
        let (simd, lanes) = (self.simd, S::F32_LANES);
        let mut sums = [[simd.splat_f32s(0.0); V]; N];
        let (tile, rest) = std::mem::take(&mut self.sums).split_at_mut(N * V);
        self.sums = rest;
        for (sum, kept) in sums.iter_mut().zip(tile.chunks_exact(V)) {
            sum.copy_from_slice(kept);
        }
        for row in 0..self.rows {
            let numbers: &[f32] =
                pulp::bytemuck::cast_slice(&self.numbers[row * self.short + n..][..N]);
            let mut lines: [&[f32]; N] = [&[]; N];
            for i in 0..N {
                lines[i] = &numbers[i * lanes..][..lanes];
            }
            let flipped = &self.flipped[row * lanes * self.vectors..][..lanes * self.vectors];
            for (lane, vectors) in flipped.chunks_exact(self.vectors).enumerate() {
                let vectors: [S::f32s; V] = vectors[v..v + V].try_into().expect("a tile's width");
                for i in 0..N {
                    let number = simd.splat_f32s(lines[i][lane]);
                    for j in 0..V {
                        sums[i][j] = simd.mul_add_e_f32s(number, vectors[j], sums[i][j]);
                    }
                }
            }
        }
        for (sum, kept) in sums.iter().zip(tile.chunks_exact_mut(V)) {
            kept.copy_from_slice(sum);
        }
    }
}

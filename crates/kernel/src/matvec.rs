//! Products of a unit's weights with the rows of a single sequence, the width in the lanes.

use crate::arch::{Lanes, WithLanes, vectorize};
use crate::product::{Sizes, Start};

/// y = start + x·W, then `then` of every entry.
///
/// # Shapes
///
/// - x: `[rows, ins]`
/// - weights: `[ins, outs]`
/// - y: `[rows, outs]`
#[inline(always)]
pub fn matvec<S: Lanes>(
    simd: S,
    sizes: Sizes,
    x: &[f32],
    weights: &[f32],
    start: Start<'_>,
    then: impl Fn(S::f32s) -> S::f32s + Copy,
    y: &mut [f32],
) {
    assert_eq!(x.len(), sizes.rows * sizes.ins, "the width of x");
    assert_eq!(
        weights.len(),
        sizes.ins * sizes.outs,
        "the number of weights"
    );
    assert_eq!(y.len(), sizes.rows * sizes.outs, "the width of y");
    vectorize(
        simd,
        Matvec {
            simd,
            sizes,
            x,
            weights,
            start,
            then,
            y,
        },
    );
}

struct Matvec<'a, S, F> {
    simd: S,
    sizes: Sizes,
    x: &'a [f32],
    weights: &'a [f32],
    start: Start<'a>,
    then: F,
    y: &'a mut [f32],
}

impl<S: Lanes, F: Fn(S::f32s) -> S::f32s + Copy> WithLanes for Matvec<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn run<T: Lanes>(mut self, _: T) {
        let mut row = 0;
        macro_rules! rows {
            ($count:literal, $(($vectors:literal, $chains:literal)),*) => {
                while row + $count <= self.sizes.rows {
                    let mut column = 0;
                    $(while column + $vectors * S::F32_LANES <= self.sizes.outs {
                        self.tile::<$count, $vectors, $chains>(row, column);
                        column += $vectors * S::F32_LANES;
                    })*
                    if column < self.sizes.outs {
                        self.tail::<$count>(row, column);
                    }
                    row += $count;
                }
            };
        }
        // Enough sums at a time to hide the latency of a multiply-add.
        rows!(4, (2, 1), (1, 2));
        rows!(1, (8, 1), (4, 2), (2, 4), (1, 8));
    }
}

impl<S: Lanes, F: Fn(S::f32s) -> S::f32s + Copy> Matvec<'_, S, F> {
    #[inline(always)]
    fn tile<const R: usize, const V: usize, const CHAINS: usize>(
        &mut self,
        row: usize,
        column: usize,
    ) {
        let (simd, lanes) = (self.simd, S::F32_LANES);
        let Sizes { ins, outs, .. } = self.sizes;
        let width = V * lanes;
        let mut sums = [[[simd.splat_f32s(0.0); V]; R]; CHAINS];
        for r in 0..R {
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => load::<S, V>(&bias[column..][..width], &mut sums[0][r]),
                Start::Add => {
                    let y = &self.y[(row + r) * outs + column..][..width];
                    load::<S, V>(y, &mut sums[0][r]);
                }
            }
        }
        let mut x: [&[f32]; R] = [&[]; R];
        for r in 0..R {
            x[r] = &self.x[(row + r) * ins..][..ins];
        }
        let mut k = 0;
        macro_rules! steps {
            ($chains:expr) => {
                while k + $chains <= ins {
                    for (chain, sums) in sums[..$chains].iter_mut().enumerate() {
                        let mut weights = [simd.splat_f32s(0.0); V];
                        let line = &self.weights[(k + chain) * outs + column..][..width];
                        load::<S, V>(line, &mut weights);
                        for r in 0..R {
                            let x = simd.splat_f32s(x[r][k + chain]);
                            for v in 0..V {
                                sums[r][v] = simd.mul_add_e_f32s(x, weights[v], sums[r][v]);
                            }
                        }
                    }
                    k += $chains;
                }
            };
        }
        steps!(CHAINS);
        steps!(1);
        for r in 0..R {
            let y = S::as_mut_simd_f32s(&mut self.y[(row + r) * outs + column..][..width]).0;
            for (v, y) in y.iter_mut().enumerate() {
                let mut sum = sums[0][r][v];
                for sums in &sums[1..] {
                    sum = simd.add_f32s(sum, sums[r][v]);
                }
                *y = (self.then)(sum);
            }
        }
    }

    /// The last columns, fewer than a vector has lanes.
    #[inline(always)]
    fn tail<const R: usize>(&mut self, row: usize, column: usize) {
        let simd = self.simd;
        let Sizes { ins, outs, .. } = self.sizes;
        let width = outs - column;
        let mut sums = [simd.splat_f32s(0.0); R];
        for (r, sum) in sums.iter_mut().enumerate() {
            match self.start {
                Start::Zero => {}
                Start::Bias(bias) => *sum = simd.partial_load_f32s(&bias[column..][..width]),
                Start::Add => {
                    *sum = simd.partial_load_f32s(&self.y[(row + r) * outs + column..][..width]);
                }
            }
        }
        for k in 0..ins {
            let weights = simd.partial_load_f32s(&self.weights[k * outs + column..][..width]);
            for (r, sum) in sums.iter_mut().enumerate() {
                let x = simd.splat_f32s(self.x[(row + r) * ins + k]);
                *sum = simd.mul_add_e_f32s(x, weights, *sum);
            }
        }
        for (r, &sum) in sums.iter().enumerate() {
            let y = &mut self.y[(row + r) * outs + column..][..width];
            simd.partial_store_f32s(y, (self.then)(sum));
        }
    }
}

#[inline(always)]
fn load<S: Lanes, const V: usize>(from: &[f32], to: &mut [S::f32s; V]) {
    to.copy_from_slice(S::as_simd_f32s(from).0);
}

/// Applies a function to every number, in place.
#[inline(always)]
pub fn apply<S: Lanes>(simd: S, numbers: &mut [f32], function: impl Fn(S::f32s) -> S::f32s) {
    let (vectors, rest) = S::as_mut_simd_f32s(numbers);
    for vector in vectors {
        *vector = function(*vector);
    }
    if !rest.is_empty() {
        let value = function(simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest, value);
    }
}

/// Σ x·y.
#[inline(always)]
pub fn dot<S: Lanes>(simd: S, x: &[f32], y: &[f32]) -> f32 {
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_simd_f32s(y));
    let mut sum = simd.splat_f32s(0.0);
    for (&x, &y) in x.iter().zip(y) {
        sum = simd.mul_add_e_f32s(x, y, sum);
    }
    if !x_rest.is_empty() {
        let (x, y) = (
            simd.partial_load_f32s(x_rest),
            simd.partial_load_f32s(y_rest),
        );
        sum = simd.mul_add_e_f32s(x, y, sum);
    }
    simd.reduce_sum_f32s(sum)
}

/// y += p·x.
#[inline(always)]
pub fn add_scaled<S: Lanes>(simd: S, p: f32, x: &[f32], y: &mut [f32]) {
    let p = simd.splat_f32s(p);
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_mut_simd_f32s(y));
    for (&x, y) in x.iter().zip(y) {
        *y = simd.mul_add_e_f32s(p, x, *y);
    }
    if !x_rest.is_empty() {
        let (x, y) = (
            simd.partial_load_f32s(x_rest),
            simd.partial_load_f32s(y_rest),
        );
        simd.partial_store_f32s(y_rest, simd.mul_add_e_f32s(p, x, y));
    }
}

/// Layer normalisation of one row, in place: (x − mean)/√(var + ε).
#[inline(always)]
pub fn normalise<S: Lanes>(simd: S, row: &mut [f32]) {
    let share = 1.0 / row.len() as f32;
    let mean = row.iter().sum::<f32>() * share;
    row.iter_mut().for_each(|x| *x -= mean);
    let variance = dot(simd, row, row) * share;
    let scale = 1.0 / (variance + crate::norm::EPSILON).sqrt();
    row.iter_mut().for_each(|x| *x *= scale);
}

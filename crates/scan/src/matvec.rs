//! Products of a unit's weights with the rows of a single sequence, the width in the lanes.

use pulp::{Simd, WithSimd};

use crate::math::Function;
use crate::product::{Sizes, Start};
use crate::weights::{HALF_PANEL, PANEL};

/// y = start + x·W, then `then` of every entry. It is compiled for each caller: a call of what serves all takes a tenth of the time
/// of narrow units.
///
/// # Shapes
///
/// - x: `[rows, ins]`
/// - weights: `[ins, outs]`, packed in panels
/// - y: `[rows, outs]`
#[inline(always)]
pub fn matvec<S: Simd>(
    simd: S,
    sizes: Sizes,
    x: &[f32],
    weights: &[f32],
    start: Start<'_>,
    then: impl Fn(S::f32s) -> S::f32s + Copy,
    y: &mut [f32],
) {
    let Sizes { rows, ins, outs } = sizes;
    assert_eq!(x.len(), rows * ins, "the width of x");
    assert_eq!(weights.len(), ins * outs, "the number of weights");
    assert_eq!(y.len(), rows * outs, "the width of y");
    let work = Matvec {
        simd,
        sizes,
        x,
        weights,
        start,
        then,
        y,
    };
    simd.vectorize(work);
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

impl<S: Simd, F: Fn(S::f32s) -> S::f32s + Copy> WithSimd for Matvec<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(mut self, _: T) {
        let Sizes { rows, outs, .. } = self.sizes;
        let many = S::REGISTER_COUNT >= 32;
        let mut row = 0;
        // Several rows share the load of a weight, and several sums hide the latency of an addition.
        macro_rules! rows {
            ($rows:literal: $chains:literal, $pair_chains:literal) => {
                while row + $rows <= rows {
                    let mut column = 0;
                    while many && $rows > 1 && column + 4 * PANEL <= outs {
                        self.tile::<PANEL, $rows, 4, $pair_chains>(row, column);
                        column += 4 * PANEL;
                    }
                    while many && column + 2 * PANEL <= outs {
                        self.tile::<PANEL, $rows, 2, $pair_chains>(row, column);
                        column += 2 * PANEL;
                    }
                    while column + PANEL <= outs {
                        self.tile::<PANEL, $rows, 1, $chains>(row, column);
                        column += PANEL;
                    }
                    if outs - column == HALF_PANEL && S::F32_LANES <= HALF_PANEL {
                        self.tile::<HALF_PANEL, $rows, 1, $chains>(row, column);
                        column = outs;
                    }
                    while column < outs {
                        let lanes = S::F32_LANES.min(outs - column);
                        self.edge::<$rows>(row, column, lanes);
                        column += lanes;
                    }
                    row += $rows;
                }
            };
        }
        rows!(4: 1, 1);
        rows!(1: 4, 4);
    }
}

impl<'a, S: Simd, F: Fn(S::f32s) -> S::f32s + Copy> Matvec<'a, S, F> {
    /// The rows of x from `row` on.
    #[inline(always)]
    fn rows<const R: usize>(&self, row: usize) -> [&'a [f32]; R] {
        let (x, ins) = (self.x, self.sizes.ins);
        let mut rows: [&[f32]; R] = [&[]; R];
        for r in 0..R {
            rows[r] = &x[(row + r) * ins..][..ins];
        }
        rows
    }

    /// P panels of W columns, for R rows.
    #[inline(always)]
    fn tile<const W: usize, const R: usize, const P: usize, const CHAINS: usize>(
        &mut self,
        row: usize,
        column: usize,
    ) {
        let simd = self.simd;
        let Sizes { ins, outs, .. } = self.sizes;
        let mut panels: [&[[f32; W]]; P] = [&[]; P];
        for p in 0..P {
            let weights = self.weights;
            let panel = &weights[(column + p * W) * ins..][..W * ins];
            panels[p] = &panel.as_chunks::<W>().0[..ins];
        }
        let x = self.rows::<R>(row);
        // Of each sixteen, the first are used: one per vector of a panel.
        let vectors = W / S::F32_LANES;
        let mut sums = [[[[simd.splat_f32s(0.0); PANEL]; P]; R]; CHAINS];
        for r in 0..R {
            let start = match self.start {
                Start::Zero => continue,
                Start::Bias(bias) => &bias[column..],
                Start::Add => &self.y[(row + r) * outs + column..],
            };
            for p in 0..P {
                let start = S::as_simd_f32s(&start[p * W..][..W]).0;
                sums[0][r][p][..vectors].copy_from_slice(&start[..vectors]);
            }
        }
        macro_rules! line {
            ($k:expr, $chain:expr) => {
                for p in 0..P {
                    let weights = S::as_simd_f32s(&panels[p][$k]).0;
                    for r in 0..R {
                        let x = simd.splat_f32s(x[r][$k]);
                        for v in 0..vectors {
                            let sum = &mut sums[$chain][r][p][v];
                            *sum = simd.mul_add_e_f32s(x, weights[v], *sum);
                        }
                    }
                }
            };
        }
        let whole = ins / CHAINS * CHAINS;
        for k in (0..whole).step_by(CHAINS) {
            for chain in 0..CHAINS {
                line!(k + chain, chain);
            }
        }
        for k in whole..ins {
            line!(k, 0);
        }
        for r in 0..R {
            for p in 0..P {
                let y = &mut self.y[(row + r) * outs + column + p * W..][..W];
                let y = S::as_mut_simd_f32s(y).0;
                for v in 0..vectors {
                    let mut sum = sums[0][r][p][v];
                    for sums in &sums[1..] {
                        sum = simd.add_f32s(sum, sums[r][p][v]);
                    }
                    y[v] = (self.then)(sum);
                }
            }
        }
    }

    /// R rows of columns of a last panel that vectors do not fill.
    #[inline(always)]
    fn edge<const R: usize>(&mut self, row: usize, column: usize, lanes: usize) {
        let simd = self.simd;
        let Sizes { ins, outs, .. } = self.sizes;
        let first = column / PANEL * PANEL;
        let width = outs - first;
        let panel = &self.weights[first * ins..][..width * ins];
        let x = self.rows::<R>(row);
        let mut sums = [simd.splat_f32s(0.0); R];
        for r in 0..R {
            let start = match self.start {
                Start::Zero => continue,
                Start::Bias(bias) => &bias[column..],
                Start::Add => &self.y[(row + r) * outs + column..],
            };
            sums[r] = simd.partial_load_f32s(&start[..lanes]);
        }
        for (k, line) in panel.chunks_exact(width).enumerate() {
            let weights = simd.partial_load_f32s(&line[column - first..][..lanes]);
            for r in 0..R {
                let x = simd.splat_f32s(x[r][k]);
                sums[r] = simd.mul_add_e_f32s(x, weights, sums[r]);
            }
        }
        for r in 0..R {
            let y = &mut self.y[(row + r) * outs + column..][..lanes];
            simd.partial_store_f32s(y, (self.then)(sums[r]));
        }
    }
}

/// Applies a function to every number, in place.
#[inline(always)]
pub fn apply<S: Simd>(simd: S, numbers: &mut [f32], function: impl Function) {
    let (vectors, rest) = S::as_mut_simd_f32s(numbers);
    for vector in vectors {
        *vector = function.of(simd, *vector);
    }
    if !rest.is_empty() {
        let value = function.of(simd, simd.partial_load_f32s(rest));
        simd.partial_store_f32s(rest, value);
    }
}

/// Σ x·y.
#[inline(always)]
pub fn dot<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> f32 {
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_simd_f32s(y));
    let mut sum = simd.splat_f32s(0.0);
    for (&x, &y) in x.iter().zip(y) {
        sum = simd.mul_add_e_f32s(x, y, sum);
    }
    if !x_rest.is_empty() {
        let x = simd.partial_load_f32s(x_rest);
        sum = simd.mul_add_e_f32s(x, simd.partial_load_f32s(y_rest), sum);
    }
    simd.reduce_sum_f32s(sum)
}

/// y += p·x.
#[inline(always)]
pub fn add_scaled<S: Simd>(simd: S, p: f32, x: &[f32], y: &mut [f32]) {
    let p = simd.splat_f32s(p);
    let ((x, x_rest), (y, y_rest)) = (S::as_simd_f32s(x), S::as_mut_simd_f32s(y));
    for (&x, y) in x.iter().zip(y) {
        *y = simd.mul_add_e_f32s(p, x, *y);
    }
    if !x_rest.is_empty() {
        let x = simd.partial_load_f32s(x_rest);
        let value = simd.mul_add_e_f32s(p, x, simd.partial_load_f32s(y_rest));
        simd.partial_store_f32s(y_rest, value);
    }
}

/// y = share·Σ p_c·row_c, rows `stride` apart.
#[inline(always)]
pub fn mix<S: Simd>(simd: S, p: &[f32], share: f32, rows: &[f32], stride: usize, y: &mut [f32]) {
    let share = simd.splat_f32s(share);
    let (vectors, rest) = S::as_mut_simd_f32s(y);
    let mut first = 0;
    for y in vectors {
        let mut sum = simd.splat_f32s(0.0);
        for (c, &p) in p.iter().enumerate() {
            let row = &rows[c * stride + first..][..S::F32_LANES];
            sum = simd.mul_add_e_f32s(simd.splat_f32s(p), S::as_simd_f32s(row).0[0], sum);
        }
        *y = simd.mul_f32s(sum, share);
        first += S::F32_LANES;
    }
    if !rest.is_empty() {
        let mut sum = simd.splat_f32s(0.0);
        for (c, &p) in p.iter().enumerate() {
            let row = simd.partial_load_f32s(&rows[c * stride + first..][..rest.len()]);
            sum = simd.mul_add_e_f32s(simd.splat_f32s(p), row, sum);
        }
        simd.partial_store_f32s(rest, simd.mul_f32s(sum, share));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Arch, Lanes, WithLanes};
    use crate::weights::pack_matrix;

    struct Run<'a>(Sizes, &'a [f32], &'a [f32], &'a [f32], &'a mut [f32]);

    impl WithLanes for Run<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, simd: S) {
            let Self(sizes, x, weights, bias, y) = self;
            matvec(simd, sizes, x, weights, Start::Bias(bias), |x| x, y);
        }
    }

    #[test]
    fn products_of_any_size_equal_those_by_hand_on_every_instruction_set() {
        let noise = |len: usize| -> Vec<f32> {
            let at = |i: usize| ((i * 7919 + len) % 1009) as f32 / 504.0 - 1.0;
            (0..len).map(at).collect()
        };
        for rows in [1, 2, 4, 5, 9] {
            for ins in [1, 5, 8, 33] {
                for outs in [1, 7, 8, 16, 24, 31, 32, 33, 64, 72, 100, 132] {
                    let (x, weights, bias) = (noise(rows * ins), noise(ins * outs), noise(outs));
                    let mut packed = vec![0.0; ins * outs];
                    pack_matrix(ins, outs, &weights, &mut packed);
                    for arch in Arch::available() {
                        let mut y = vec![0.0; rows * outs];
                        let sizes = Sizes { rows, ins, outs };
                        arch.run(Run(sizes, &x, &packed, &bias, &mut y));
                        for (at, &y) in y.iter().enumerate() {
                            let (row, out) = (at / outs, at % outs);
                            let terms =
                                (0..ins).map(|k| x[row * ins + k] * weights[k * outs + out]);
                            let expected = bias[out] + terms.sum::<f32>();
                            let name = arch.name();
                            assert!(
                                (y - expected).abs() < 1e-5 * (1.0 + ins as f32),
                                "{name}: {rows} rows, {ins} × {outs}, at {at}: {y}, {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}

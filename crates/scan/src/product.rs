//! Products of a unit's weights with rows whose every entry is a vector of sequences.

use crate::arch::{Lanes, WithLanes, vectorize};
use crate::weights::PANEL;

/// What a product is added to.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// Nothing.
    Zero,
    /// One number per column.
    Bias(&'a [f32]),
    /// What the result holds already.
    Add,
}

/// The sizes of a product.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Rows of x and y.
    pub rows: usize,
    /// Width of x.
    pub ins: usize,
    /// Width of y.
    pub outs: usize,
}

/// y = start + x·W, then `then` of every entry.
///
/// # Shapes
///
/// - x: `[rows, ins]` vectors
/// - weights: `[ins, outs]` numbers, packed in panels
/// - y: `[rows, outs]` vectors
#[inline(always)]
pub fn product<S: Lanes>(
    simd: S,
    sizes: Sizes,
    x: &[S::f32s],
    weights: &[f32],
    start: Start<'_>,
    then: impl Fn(S::f32s) -> S::f32s + Copy,
    y: &mut [S::f32s],
) {
    let work = Product::<S, _> {
        simd,
        sizes,
        x,
        weights,
        start,
        then,
        y,
    };
    work.check();
    vectorize(simd, work);
}

struct Product<'a, S: Lanes, F> {
    simd: S,
    sizes: Sizes,
    x: &'a [S::f32s],
    weights: &'a [f32],
    start: Start<'a>,
    then: F,
    y: &'a mut [S::f32s],
}

impl<S, F> WithLanes for Product<'_, S, F>
where
    S: Lanes,
    F: Fn(S::f32s) -> S::f32s + Copy,
{
    type Output = ();

    #[inline(always)]
    fn run<T: Lanes>(mut self, _: T) {
        // The vectors are of `S`, which is `T`: a caller that has `S` in hand asked for it.
        let mut row = 0;
        macro_rules! rows {
            ($($count:literal),*) => {$(
                while row + $count <= self.sizes.rows && fits::<S>($count, self.sizes.rows - row) {
                    self.columns::<$count>(row);
                    row += $count;
                }
            )*};
        }
        rows!(5, 4, 3, 2, 1);
    }
}

/// Whether a tile of this many rows is a good choice when `left` rows are left.
///
/// A weight that serves several rows is loaded once for them, as far as the registers go.
#[inline(always)]
fn fits<S: Lanes>(rows: usize, left: usize) -> bool {
    match (S::REGISTER_COUNT >= 32, rows) {
        (true, 5) => left == 5,
        (false, 4 | 5) => false,
        (_, 3) => left != 4,
        _ => true,
    }
}

/// How many columns a tile of this many rows has room for.
#[inline(always)]
fn widest<S: Lanes>(rows: usize) -> usize {
    match (S::REGISTER_COUNT >= 32, rows) {
        (true, 1) => 16,
        (true, 2 | 3) => 8,
        (true, _) => 4,
        (false, 1) => 8,
        (false, _) => 4,
    }
}

impl<S, F> Product<'_, S, F>
where
    S: Lanes,
    F: Fn(S::f32s) -> S::f32s + Copy,
{
    fn check(&self) {
        let Sizes { rows, ins, outs } = self.sizes;
        assert_eq!(self.x.len(), rows * ins, "the width of x");
        assert_eq!(self.weights.len(), ins * outs, "the number of weights");
        assert_eq!(self.y.len(), rows * outs, "the width of y");
    }

    #[inline(always)]
    fn columns<const R: usize>(&mut self, row: usize) {
        let Sizes { ins, outs, .. } = self.sizes;
        let mut first = 0;
        while first < outs {
            let width = PANEL.min(outs - first);
            let panel = &self.weights[first * ins..][..width * ins];
            let mut column = 0;
            macro_rules! columns {
                ($($count:literal),*) => {$(
                    while $count <= widest::<S>(R) && column + $count <= width {
                        self.tile::<R, $count>(row, first + column, width, &panel[column..]);
                        column += $count;
                    }
                )*};
            }
            columns!(16, 8, 4, 2, 1);
            first += PANEL;
        }
    }

    #[inline(always)]
    fn tile<const R: usize, const O: usize>(
        &mut self,
        row: usize,
        column: usize,
        width: usize,
        panel: &[f32],
    ) {
        let simd = self.simd;
        let Sizes { ins, outs, .. } = self.sizes;
        let mut sums = [[simd.splat_f32s(0.0); O]; R];
        match self.start {
            Start::Zero => {}
            Start::Bias(bias) => {
                let bias = &bias[column..column + O];
                for o in 0..O {
                    let value = simd.splat_f32s(bias[o]);
                    for sum in &mut sums {
                        sum[o] = value;
                    }
                }
            }
            Start::Add => {
                for (r, sum) in sums.iter_mut().enumerate() {
                    sum.copy_from_slice(&self.y[(row + r) * outs + column..][..O]);
                }
            }
        }
        let mut rows: [&[S::f32s]; R] = [&[]; R];
        for r in 0..R {
            rows[r] = &self.x[(row + r) * ins..][..ins];
        }
        for (k, line) in panel.chunks(width).enumerate() {
            let mut x = [simd.splat_f32s(0.0); R];
            for r in 0..R {
                x[r] = rows[r][k];
            }
            let weights: &[f32; O] = line[..O].try_into().expect("a tile's width");
            for o in 0..O {
                let weight = simd.splat_f32s(weights[o]);
                for r in 0..R {
                    sums[r][o] = simd.mul_add_e_f32s(weight, x[r], sums[r][o]);
                }
            }
        }
        for (r, sum) in sums.iter().enumerate() {
            let y = &mut self.y[(row + r) * outs + column..][..O];
            for (y, &sum) in y.iter_mut().zip(sum) {
                *y = (self.then)(sum);
            }
        }
    }
}

//! Products of a unit's weights with rows whose every entry is a vector of sequences.

use pulp::{Simd, WithSimd};

use crate::math::{self, Function};
use crate::weights::{HALF_PANEL, PANEL};

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

/// What becomes of every entry of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing: it stays.
    Same,
    /// max(x, 0).
    Relu,
}

#[derive(Clone, Copy)]
struct Same;

impl Function for Same {
    #[inline(always)]
    fn of<S: Simd>(self, _: S, x: S::f32s) -> S::f32s {
        x
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        math::relu(simd, x)
    }
}

/// What [`Lanes::product`](crate::Lanes::product) runs.
#[inline(always)]
pub(crate) fn product<S: Simd>(
    simd: S,
    sizes: Sizes,
    x: &[S::f32s],
    weights: &[f32],
    start: Start<'_>,
    then: Then,
    y: &mut [S::f32s],
) {
    assert_eq!(x.len(), sizes.rows * sizes.ins, "the width of x");
    assert_eq!(
        weights.len(),
        sizes.ins * sizes.outs,
        "the number of weights"
    );
    assert_eq!(y.len(), sizes.rows * sizes.outs, "the width of y");
    macro_rules! compiled {
        ($then:expr) => {
            simd.vectorize(Product {
                simd,
                sizes,
                x,
                weights,
                start,
                then: $then,
                y,
            })
        };
    }
    // Each is a function of its own, which does not ask entry by entry.
    match then {
        Then::Same => compiled!(Same),
        Then::Relu => compiled!(Relu),
    }
}

/// Adds the product of one line of weights with one column of rows to the sums of a tile.
///
/// A macro, for a closure would not be compiled for the instruction set of its caller.
macro_rules! add_line {
    ($simd:expr, $sums:ident, $rows:ident, $k:ident, $weights:ident) => {
        for o in 0..$weights.len() {
            let weight = $simd.splat_f32s($weights[o]);
            for r in 0..R {
                $sums[r][o] = $simd.mul_add_e_f32s(weight, $rows[r][$k], $sums[r][o]);
            }
        }
    };
}

struct Product<'a, S: Simd, F> {
    simd: S,
    sizes: Sizes,
    x: &'a [S::f32s],
    weights: &'a [f32],
    start: Start<'a>,
    then: F,
    y: &'a mut [S::f32s],
}

impl<S: Simd, F: Function> WithSimd for Product<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(mut self, _: T) {
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
fn fits<S: Simd>(rows: usize, left: usize) -> bool {
    match (S::REGISTER_COUNT >= 32, rows) {
        (true, 5) => left == 5,
        (false, 4 | 5) => false,
        (_, 3) => left != 4,
        _ => true,
    }
}

/// How many columns a tile of this many rows has room for.
#[inline(always)]
fn widest<S: Simd>(rows: usize) -> usize {
    match (S::REGISTER_COUNT >= 32, rows) {
        (true, 1) => 16,
        (true, 2 | 3) => 8,
        (true, _) => 4,
        (false, 1) => 8,
        (false, _) => 4,
    }
}

impl<'a, S: Simd, F: Function> Product<'a, S, F> {
    #[inline(always)]
    fn columns<const R: usize>(&mut self, row: usize) {
        let outs = self.sizes.outs;
        let whole = outs / PANEL * PANEL;
        let mut first = 0;
        while first < whole {
            self.panel::<R, PANEL>(row, first);
            first += PANEL;
        }
        if outs - whole == HALF_PANEL {
            self.panel::<R, HALF_PANEL>(row, whole);
        } else if outs > whole {
            self.odd_panel::<R>(row, whole);
        }
    }

    /// The columns of a panel whose width W the compiler knows: a step along it is a constant, and no access is checked.
    #[inline(always)]
    fn panel<const R: usize, const W: usize>(&mut self, row: usize, first: usize) {
        let panel = &self.weights[first * self.sizes.ins..];
        let lines = &panel.as_chunks::<W>().0[..self.sizes.ins];
        let mut column = 0;
        macro_rules! columns {
            ($($count:literal),*) => {$(
                while $count <= widest::<S>(R) && column + $count <= W {
                    let mut sums = self.start::<R, $count>(row, first + column);
                    let rows = self.rows::<R>(row);
                    for k in 0..lines.len() {
                        let weights = &lines[k][column..column + $count];
                        add_line!(self.simd, sums, rows, k, weights);
                    }
                    self.end(row, first + column, sums);
                    column += $count;
                }
            )*};
        }
        columns!(16, 8, 4, 2, 1);
    }

    /// The columns of a last panel of any other width. For a single row all at once, as far as the registers go: each sum waits
    /// for its own last addition, so that few sums take as long as many.
    #[inline(always)]
    fn odd_panel<const R: usize>(&mut self, row: usize, first: usize) {
        let Sizes { ins, outs, .. } = self.sizes;
        let width = outs - first;
        let panel = &self.weights[first * ins..][..width * ins];
        let mut column = 0;
        macro_rules! columns {
            ($($count:literal),*) => {$(
                while (R == 1 || matches!($count, 1 | 2 | 4 | 8))
                    && $count <= widest::<S>(R)
                    && column + $count <= width
                {
                    let mut sums = self.start::<R, $count>(row, first + column);
                    let rows = self.rows::<R>(row);
                    for (k, line) in panel.chunks_exact(width).enumerate() {
                        let weights = &line[column..column + $count];
                        add_line!(self.simd, sums, rows, k, weights);
                    }
                    self.end(row, first + column, sums);
                    column += $count;
                }
            )*};
        }
        columns!(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1);
    }

    /// R rows of x.
    #[inline(always)]
    fn rows<const R: usize>(&self, row: usize) -> [&'a [S::f32s]; R] {
        let (x, ins) = (self.x, self.sizes.ins);
        let mut rows: [&[S::f32s]; R] = [&[]; R];
        for r in 0..R {
            rows[r] = &x[(row + r) * ins..][..ins];
        }
        rows
    }

    /// What the sums of a tile of R rows and O columns start from.
    #[inline(always)]
    fn start<const R: usize, const O: usize>(
        &self,
        row: usize,
        column: usize,
    ) -> [[S::f32s; O]; R] {
        let mut sums = [[self.simd.splat_f32s(0.0); O]; R];
        match self.start {
            Start::Zero => {}
            Start::Bias(bias) => {
                let bias = &bias[column..column + O];
                for o in 0..O {
                    let value = self.simd.splat_f32s(bias[o]);
                    for sum in &mut sums {
                        sum[o] = value;
                    }
                }
            }
            Start::Add => {
                for (r, sum) in sums.iter_mut().enumerate() {
                    let y = &self.y[(row + r) * self.sizes.outs + column..];
                    sum.copy_from_slice(&y[..O]);
                }
            }
        }
        sums
    }

    /// Takes the sums of a tile to y.
    #[inline(always)]
    fn end<const R: usize, const O: usize>(
        &mut self,
        row: usize,
        column: usize,
        sums: [[S::f32s; O]; R],
    ) {
        for (r, sum) in sums.iter().enumerate() {
            let y = &mut self.y[(row + r) * self.sizes.outs + column..][..O];
            for (y, &sum) in y.iter_mut().zip(sum) {
                *y = self.then.of(self.simd, sum);
            }
        }
    }
}

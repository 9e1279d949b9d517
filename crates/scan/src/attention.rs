//! softmax(Q·Kᵀ/√d + b)·V over a short window, head by head, and its backward pass: equation 2 of docs/model.md#units. The bias by
//! lag b is equation 10 of docs/model.md#roles.

use pulp::{Simd, WithSimd};

use crate::math;
use crate::matvec;

/// The sizes of attention over a window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Rows of queries: 1, or the whole context.
    pub queries: usize,
    /// Rows of keys and values.
    pub context: usize,
    /// How many heads share the width.
    pub heads: usize,
    /// Width of a row, all heads together.
    pub width: usize,
    /// How far a row of keys or values is from the next: the width, or more where those of other sequences lie between.
    pub stride: usize,
    /// Whether query i sees keys up to i only.
    pub causal: bool,
    /// The row of the newest key where the rows lie in a ring, so that those behind it are the oldest and it is the
    /// query's own; none where query i is as old as key i.
    pub newest: Option<usize>,
}

impl Window {
    /// Weights of attention for all heads and queries.
    #[inline]
    pub fn weights_len(self) -> usize {
        self.heads * self.queries * self.context
    }

    #[inline]
    fn head(self) -> usize {
        self.width / self.heads
    }

    #[inline]
    fn scale(self) -> f32 {
        1.0 / (self.head() as f32).sqrt()
    }

    #[inline]
    fn seen(self, query: usize) -> usize {
        if self.causal { query + 1 } else { self.context }
    }

    /// How many rows a key is older than a query; none where it is newer.
    #[inline(always)]
    fn lag(self, query: usize, key: usize) -> Option<usize> {
        match self.newest {
            Some(newest) if key > newest => Some(newest + self.context - key),
            Some(newest) => Some(newest - key),
            None => query.checked_sub(key),
        }
    }

    /// The biases of a head's lags, of those of all heads; empty where there are none.
    #[inline(always)]
    fn of_head(self, head: usize, biases: &[f32]) -> &[f32] {
        match biases.is_empty() {
            true => biases,
            false => &biases[head * self.context..][..self.context],
        }
    }

    /// What [`Lanes::attend`](crate::Lanes::attend) runs.
    #[inline(always)]
    pub(crate) fn attend<S: Simd>(
        self,
        simd: S,
        queries: &[S::f32s],
        (keys, values): (&[S::f32s], &[S::f32s]),
        lag_bias: &[f32],
        weights: &mut [S::f32s],
        attended: &mut [S::f32s],
    ) {
        simd.vectorize(Attend {
            simd,
            window: self,
            queries,
            keys,
            values,
            lag_bias,
            weights,
            attended,
        });
    }

    /// Attends for a single sequence, the width in the lanes; rows lie side by side.
    ///
    /// # Shapes
    ///
    /// - queries, attended: `[queries, width]`
    /// - keys, values: `[context, width]`
    /// - lag_bias: `[heads, context]`, or empty
    /// - weights: `[context]`, room for those of one query
    #[inline(always)]
    pub fn attend_single<S: Simd>(
        self,
        simd: S,
        queries: &[f32],
        (keys, values): (&[f32], &[f32]),
        lag_bias: &[f32],
        weights: &mut [f32],
        attended: &mut [f32],
    ) {
        let Self { width, .. } = self;
        let (head, scale) = (self.head(), self.scale());
        for (at, first) in (0..width).step_by(head).enumerate() {
            let bias = self.of_head(at, lag_bias);
            for query in 0..self.queries {
                let weights = &mut weights[..self.seen(query)];
                let part = query * width + first..query * width + first + head;
                for (weight, key) in weights.iter_mut().zip(keys.chunks_exact(width)) {
                    let key = &key[first..first + head];
                    *weight = scale * matvec::dot(simd, &queries[part.clone()], key);
                }
                if !bias.is_empty() {
                    for (key, weight) in weights.iter_mut().enumerate() {
                        if let Some(lag) = self.lag(query, key) {
                            *weight += bias[lag];
                        }
                    }
                }
                let top = weights
                    .iter()
                    .fold(f32::MIN, |top, &weight| top.max(weight));
                weights.iter_mut().for_each(|weight| *weight -= top);
                matvec::apply(simd, weights, math::Exp);
                let share = 1.0 / weights.iter().sum::<f32>();
                let values = &values[first..];
                matvec::mix(simd, weights, share, values, width, &mut attended[part]);
            }
        }
    }

    /// What [`Lanes::attend_back`](crate::Lanes::attend_back) runs.
    #[inline(always)]
    pub(crate) fn attend_back<S: Simd>(self, simd: S, pass: Back<'_, S>) {
        simd.vectorize(AttendBack {
            simd,
            window: self,
            pass,
        });
    }
}

/// What attention's backward pass reads and writes; shapes as in [`Lanes::attend`](crate::Lanes::attend).
pub struct Back<'a, S: Simd> {
    /// The queries.
    pub queries: &'a [S::f32s],
    /// The keys.
    pub keys: &'a [S::f32s],
    /// The values.
    pub values: &'a [S::f32s],
    /// The weights of attention; overwritten with the gradient of the scores.
    pub weights: &'a mut [S::f32s],
    /// The gradient of the attended rows.
    pub attended: &'a [S::f32s],
    /// Set to the gradient of the queries.
    pub query_gradient: &'a mut [S::f32s],
    /// The gradient of the keys is added here.
    pub key_gradient: &'a mut [S::f32s],
    /// The gradient of the values is added here.
    pub value_gradient: &'a mut [S::f32s],
    /// The gradient of the biases of lags is added here, `[heads, context]` vectors; empty where nobody wants it.
    pub lag_gradient: &'a mut [S::f32s],
}

struct Attend<'a, S: Simd> {
    simd: S,
    window: Window,
    queries: &'a [S::f32s],
    keys: &'a [S::f32s],
    values: &'a [S::f32s],
    lag_bias: &'a [f32],
    weights: &'a mut [S::f32s],
    attended: &'a mut [S::f32s],
}

impl<S: Simd> WithSimd for Attend<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(self, _: T) {
        let Self {
            simd,
            window,
            queries,
            keys,
            values,
            lag_bias,
            weights,
            attended,
        } = self;
        let Window {
            context,
            width,
            stride,
            ..
        } = window;
        let head = window.head();
        let scale = simd.splat_f32s(window.scale());
        let mut rows = weights.chunks_exact_mut(context);
        for (place, first) in (0..width).step_by(head).enumerate() {
            let bias = window.of_head(place, lag_bias);
            for query in 0..window.queries {
                let row = rows.next().expect("one row of weights per head and query");
                let seen = window.seen(query);
                let at = query * width + first;
                dots(
                    simd,
                    &queries[at..at + head],
                    &keys[first..],
                    stride,
                    &mut row[..seen],
                );
                if bias.is_empty() {
                    softmax(simd, scale, &mut row[..seen]);
                } else {
                    for (key, score) in row[..seen].iter_mut().enumerate() {
                        let bias = match window.lag(query, key) {
                            Some(lag) => bias[lag],
                            None => 0.0,
                        };
                        *score = simd.mul_add_e_f32s(*score, scale, simd.splat_f32s(bias));
                    }
                    softmax(simd, simd.splat_f32s(1.0), &mut row[..seen]);
                }
                row[seen..].fill(simd.splat_f32s(0.0));
                let out = &mut attended[at..at + head];
                mix(simd, &row[..seen], &values[first..], stride, out);
            }
        }
    }
}

struct AttendBack<'a, S: Simd> {
    simd: S,
    window: Window,
    pass: Back<'a, S>,
}

impl<S: Simd> WithSimd for AttendBack<'_, S> {
    type Output = ();

    #[inline(always)]
    fn with_simd<T: Simd>(self, _: T) {
        let Self { simd, window, pass } = self;
        let Window {
            context,
            width,
            stride,
            ..
        } = window;
        let head = window.head();
        let scale = simd.splat_f32s(window.scale());
        let mut rows = pass.weights.chunks_exact_mut(context);
        // The stack holds the gradient of one row of weights, a piece at a time.
        let mut piece = [simd.splat_f32s(0.0); PIECE];
        for (place, first) in (0..width).step_by(head).enumerate() {
            for query in 0..window.queries {
                let row =
                    &mut rows.next().expect("one row per head and query")[..window.seen(query)];
                let at = query * width + first;
                let gradient = &pass.attended[at..at + head];
                spread(
                    simd,
                    row,
                    gradient,
                    &mut pass.value_gradient[first..],
                    stride,
                );
                // With p the weights and g their gradient, the scores' is p ⊙ (g − p·g)/√d.
                let mut along = simd.splat_f32s(0.0);
                for (c, weights) in row.chunks(PIECE).enumerate() {
                    let piece = &mut piece[..weights.len()];
                    dots(
                        simd,
                        gradient,
                        &pass.values[c * PIECE * stride + first..],
                        stride,
                        piece,
                    );
                    for (&p, &g) in weights.iter().zip(piece.iter()) {
                        along = simd.mul_add_e_f32s(p, g, along);
                    }
                }
                for (c, weights) in row.chunks_mut(PIECE).enumerate() {
                    let piece = &mut piece[..weights.len()];
                    if window.context > PIECE {
                        let values = &pass.values[c * PIECE * stride + first..];
                        dots(simd, gradient, values, stride, piece);
                    }
                    for (p, &g) in weights.iter_mut().zip(piece.iter()) {
                        let centred = simd.mul_f32s(simd.sub_f32s(g, along), scale);
                        *p = simd.mul_f32s(*p, centred);
                    }
                }
                if !pass.lag_gradient.is_empty() {
                    let gradient = &mut pass.lag_gradient[place * context..][..context];
                    let unscaled = simd.splat_f32s(1.0 / window.scale());
                    for (key, &score) in row.iter().enumerate() {
                        if let Some(lag) = window.lag(query, key) {
                            gradient[lag] = simd.mul_add_e_f32s(score, unscaled, gradient[lag]);
                        }
                    }
                }
                let out = &mut pass.query_gradient[at..at + head];
                mix(simd, row, &pass.keys[first..], stride, out);
                let queries = &pass.queries[at..at + head];
                spread(simd, row, queries, &mut pass.key_gradient[first..], stride);
            }
        }
    }
}

/// Rows of values of attention whose gradient is held at a time.
const PIECE: usize = 16;

/// out[c] = Σ_d x[d]·rows[c][d], rows `stride` apart.
#[inline(always)]
fn dots<S: Simd>(simd: S, x: &[S::f32s], rows: &[S::f32s], stride: usize, out: &mut [S::f32s]) {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        simd: S,
        x: &[S::f32s],
        rows: &[S::f32s],
        stride: usize,
        out: &mut [S::f32s],
    ) {
        let mut lines: [&[S::f32s]; N] = [&[]; N];
        for c in 0..N {
            lines[c] = &rows[c * stride..][..x.len()];
        }
        let mut sums = [simd.splat_f32s(0.0); N];
        for d in 0..x.len() {
            for c in 0..N {
                sums[c] = simd.mul_add_e_f32s(x[d], lines[c][d], sums[c]);
            }
        }
        out.copy_from_slice(&sums);
    }
    let mut c = 0;
    macro_rules! tiles {
        ($($count:literal),*) => {$(
            while c + $count <= out.len() {
                tile::<S, $count>(simd, x, &rows[c * stride..], stride, &mut out[c..c + $count]);
                c += $count;
            }
        )*};
    }
    tiles!(8, 5, 4, 2, 1);
}

/// out[d] = Σ_c p[c]·rows[c][d], rows `stride` apart.
#[inline(always)]
fn mix<S: Simd>(simd: S, p: &[S::f32s], rows: &[S::f32s], stride: usize, out: &mut [S::f32s]) {
    let width = out.len();
    let mut d = 0;
    macro_rules! tiles {
        ($($count:literal),*) => {$(
            while d + $count <= width {
                let mut sums = [simd.splat_f32s(0.0); $count];
                for (c, &p) in p.iter().enumerate() {
                    let row: &[S::f32s; $count] =
                        rows[c * stride + d..][..$count].try_into().expect("a tile's width");
                    for i in 0..$count {
                        sums[i] = simd.mul_add_e_f32s(p, row[i], sums[i]);
                    }
                }
                out[d..d + $count].copy_from_slice(&sums);
                d += $count;
            }
        )*};
    }
    tiles!(8, 4, 2, 1);
}

/// rows[c][d] += p[c]·x[d], rows `stride` apart.
#[inline(always)]
fn spread<S: Simd>(simd: S, p: &[S::f32s], x: &[S::f32s], rows: &mut [S::f32s], stride: usize) {
    for (c, &p) in p.iter().enumerate() {
        for (sum, &x) in rows[c * stride..][..x.len()].iter_mut().zip(x) {
            *sum = simd.mul_add_e_f32s(p, x, *sum);
        }
    }
}

/// softmax(scale·scores), in place.
#[inline(always)]
fn softmax<S: Simd>(simd: S, scale: S::f32s, scores: &mut [S::f32s]) {
    let mut top = scores[0];
    for &score in &scores[1..] {
        top = simd.max_f32s(top, score);
    }
    let mut sum = simd.splat_f32s(0.0);
    for score in scores.iter_mut() {
        *score = math::exp(simd, simd.mul_f32s(simd.sub_f32s(*score, top), scale));
        sum = simd.add_f32s(sum, *score);
    }
    let share = simd.div_f32s(simd.splat_f32s(1.0), sum);
    for score in scores {
        *score = simd.mul_f32s(*score, share);
    }
}

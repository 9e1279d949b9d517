//! Which vectors the processor has, found at run time, how work is run on them, and what kernels spend their time in, compiled for each.

use pulp::{Scalar, Simd, WithSimd};

use crate::attention::{Back, Window};
use crate::outer::Outer;
use crate::product::{Sizes, Start, Then, product};
use crate::transpose::Transpose;
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
/// instruction set that runs them. The methods of [`Lanes`] are already.
pub trait WithLanes {
    /// What the work returns.
    type Output;

    /// Runs the work with vectors of the instruction set that `simd` stands for.
    fn run<S: Lanes>(self, simd: S) -> Self::Output;
}

/// Vectors of single-precision numbers, and what kernels spend their time in. That is compiled once, here, and not again in
/// the crate of each kind.
pub trait Lanes: Transpose {
    /// y = start + x·W, then `then` of every entry.
    ///
    /// # Shapes
    ///
    /// - x: `[rows, ins]` vectors
    /// - weights: `[ins, outs]` numbers, packed in panels
    /// - y: `[rows, outs]` vectors
    fn product(
        self,
        sizes: Sizes,
        x: &[Self::f32s],
        weights: &[f32],
        start: Start<'_>,
        then: Then,
        y: &mut [Self::f32s],
    );

    /// Adds Σ x ⊗ y over rows and sequences to the sums.
    ///
    /// # Shapes
    ///
    /// - x: `[rows, ins]` vectors
    /// - y: `[rows, outs]` vectors
    /// - room: [`Outer::room_len`] vectors
    /// - sums: [`Outer::sum_len`] vectors
    fn add_outer(
        self,
        outer: Outer,
        rows: usize,
        x_and_y: (&[Self::f32s], &[Self::f32s]),
        room: &mut [Self::f32s],
        sums: &mut [Self::f32s],
    );

    /// Attends: sets the weights of attention and the attended rows.
    ///
    /// # Shapes
    ///
    /// - queries, attended: `[queries, width]` vectors
    /// - keys, values: `[context, width]` vectors, rows `stride` apart
    /// - lag_bias: `[heads, context]`, what is added to the score of a key by its lag; empty for nothing
    /// - weights: `[heads, queries, context]` vectors
    fn attend(
        self,
        window: Window,
        queries: &[Self::f32s],
        keys_and_values: (&[Self::f32s], &[Self::f32s]),
        lag_bias: &[f32],
        weights: &mut [Self::f32s],
        attended: &mut [Self::f32s],
    );

    /// The backward pass of [`attend`](Self::attend): sets the gradient of the queries, adds to those of keys and values.
    fn attend_back(self, window: Window, pass: Back<'_, Self>);
}

// For each set by name, and not for all `S: Transpose`: only functions without generic types are compiled in this crate.
macro_rules! lanes {
    ($set:ty) => {
        impl Lanes for $set {
            #[inline(never)]
            fn product(
                self,
                sizes: Sizes,
                x: &[Self::f32s],
                weights: &[f32],
                start: Start<'_>,
                then: Then,
                y: &mut [Self::f32s],
            ) {
                product(self, sizes, x, weights, start, then, y);
            }

            #[inline(never)]
            fn add_outer(
                self,
                outer: Outer,
                rows: usize,
                (x, y): (&[Self::f32s], &[Self::f32s]),
                room: &mut [Self::f32s],
                sums: &mut [Self::f32s],
            ) {
                outer.add(self, rows, x, y, room, sums);
            }

            #[inline(never)]
            fn attend(
                self,
                window: Window,
                queries: &[Self::f32s],
                keys_and_values: (&[Self::f32s], &[Self::f32s]),
                lag_bias: &[f32],
                weights: &mut [Self::f32s],
                attended: &mut [Self::f32s],
            ) {
                window.attend(self, queries, keys_and_values, lag_bias, weights, attended);
            }

            #[inline(never)]
            fn attend_back(self, window: Window, pass: Back<'_, Self>) {
                window.attend_back(self, pass);
            }
        }
    };
}

lanes!(Scalar);
#[cfg(target_arch = "x86_64")]
lanes!(V3);
#[cfg(target_arch = "x86_64")]
lanes!(V4);
#[cfg(target_arch = "aarch64")]
lanes!(Neon);

/// Runs `work` compiled for the instruction set of `simd`, as a function of its own.
#[inline(always)]
fn vectorize<S: Lanes, W: WithLanes>(simd: S, work: W) -> W::Output {
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
    /// Every instruction set of this processor that the kernels are compiled for, the widest first, up to the limit that
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

    /// How many vectors of a batch's sequences go through a step side by side where it has one row: 1 or 2.
    ///
    /// Two share each weight that is loaded, and take 1.6 times as long as one: they are worthwhile where the threads have at most
    /// three fifths of the rounds to do. Where 32 registers hold the sums of a row of 16 columns, one goes by itself.
    pub(crate) fn abreast(self, batch: usize, threads: usize) -> usize {
        let rounds = |abreast: usize| batch.div_ceil(self.lanes() * abreast).div_ceil(threads);
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => 1,
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => 1,
            _ if 5 * rounds(2) <= 3 * rounds(1) => 2,
            _ => 1,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_vectors_go_abreast_where_that_leaves_three_fifths_of_the_rounds() {
        for arch in Arch::available() {
            let abreast = |vectors: usize| arch.abreast(vectors * arch.lanes(), 2);
            let two = match arch.name() {
                "AVX-512" | "NEON" => 1,
                _ => 2,
            };
            let found = [1, 2, 3, 4, 5, 16].map(abreast);
            assert_eq!(found, [1, 1, two, two, 1, two], "on {}", arch.name());
            assert_eq!(arch.abreast(4 * arch.lanes(), 4), 1, "four threads");
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

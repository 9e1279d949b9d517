//! What the processor can do: fused multiply-adds of vectors that depend on nothing else.

use std::hint::black_box;
use std::time::Instant;

use ran_scan::{Arch, Lanes, WithLanes};

/// Billions of operations a second, by the name of the instruction set, the widest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak(pub Vec<(&'static str, f64)>);

/// Sums that are added to in turns, so that none waits for the addition before; they fit the registers of any processor.
const SUMS: usize = 12;

/// Multiply-adds of each sum in a run: less than a millisecond's work.
const ROUNDS: usize = 1 << 14;

/// Runs, the fastest of which counts: other programs only ever make one slower.
const RUNS: usize = 200;

struct MultiplyAdds;

#[inline(always)]
fn more<S: Lanes>(simd: S, sum: S::f32s, factor: S::f32s) -> S::f32s {
    simd.mul_add_e_f32s(sum, factor, factor)
}

impl WithLanes for MultiplyAdds {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let factor = simd.splat_f32s(black_box(0.5));
        let first = simd.splat_f32s(black_box(1.0));
        // One variable each, and no iterator: at level 1, at which this crate is compiled, an array would lie in memory, and an
        // iterator would be called, and both be measured.
        let [mut a, mut b, mut c, mut d, mut e, mut f] = [first; SUMS / 2];
        let [mut g, mut h, mut i, mut j, mut k, mut l] = [first; SUMS / 2];
        let mut round = 0;
        while round < ROUNDS {
            (a, b, c, d, e, f) = (
                more(simd, a, factor),
                more(simd, b, factor),
                more(simd, c, factor),
                more(simd, d, factor),
                more(simd, e, factor),
                more(simd, f, factor),
            );
            (g, h, i, j, k, l) = (
                more(simd, g, factor),
                more(simd, h, factor),
                more(simd, i, factor),
                more(simd, j, factor),
                more(simd, k, factor),
                more(simd, l, factor),
            );
            round += 1;
        }
        let sums = [a, b, c, d, e, f, g, h, i, j, k, l];
        let total = sums
            .into_iter()
            .fold(factor, |total, sum| simd.add_f32s(total, sum));
        black_box(simd.reduce_sum_f32s(total));
    }
}

impl Peak {
    /// Measures each instruction set that the scan may use, on as many threads as it has. One that multiplies and adds
    /// apart is measured so.
    #[must_use]
    pub fn measure() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match std::env::var("RAYON_NUM_THREADS").map(|text| text.parse()) {
            Ok(Ok(asked @ 1..)) => threads.min(asked),
            _ => threads,
        };
        let of = |arch: Arch| {
            let fastest = || {
                let run = |_| {
                    let begin = Instant::now();
                    arch.run(MultiplyAdds);
                    begin.elapsed().as_secs_f64()
                };
                (0..RUNS).map(run).fold(f64::MAX, f64::min)
            };
            let each = std::thread::scope(|scope| {
                let all: Vec<_> = (0..threads).map(|_| scope.spawn(fastest)).collect();
                let seconds = all.into_iter().map(|one| one.join().unwrap_or(f64::MAX));
                let operations = (2 * SUMS * ROUNDS * arch.lanes()) as f64;
                seconds
                    .map(|seconds| operations / seconds / 1e9)
                    .sum::<f64>()
            });
            (arch.name(), (each * 100.0).round() / 100.0)
        };
        Self(Arch::available().into_iter().map(of).collect())
    }

    /// The widest instruction set that the scan may use, and its operations.
    pub fn fastest(&self) -> Option<(&'static str, f64)> {
        self.0.first().copied()
    }

    /// Each instruction set and its operations, the widest first.
    pub fn each(&self) -> &[(&'static str, f64)] {
        &self.0
    }
}

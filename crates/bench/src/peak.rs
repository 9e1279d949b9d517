//! What the processor can do: fused multiply-adds of vectors that depend on nothing else.

use std::hint::black_box;
use std::time::Instant;

use ran_scan::{Arch, multiply_adds};

/// Billions of operations a second, by the name of the instruction set, the widest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Peak(pub Vec<(&'static str, f64)>);

/// Rounds of a run: less than a millisecond's work.
const ROUNDS: usize = 1 << 14;

/// Runs, the fastest of which counts: other programs only ever make one slower.
const RUNS: usize = 200;

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
                    let (sum, count) = multiply_adds(arch, ROUNDS);
                    black_box(sum);
                    begin.elapsed().as_secs_f64() / (2 * count) as f64
                };
                1e-9 / (0..RUNS).map(run).fold(f64::MAX, f64::min)
            };
            let each = std::thread::scope(|scope| {
                let all: Vec<_> = (0..threads).map(|_| scope.spawn(fastest)).collect();
                all.into_iter()
                    .map(|one| one.join().unwrap_or(0.0))
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

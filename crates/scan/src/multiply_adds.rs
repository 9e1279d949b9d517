//! Fused multiply-adds that depend on nothing else: what a processor can do at most, for benchmarks to compare with.

use std::hint::black_box;

use crate::{Arch, Lanes, WithLanes};

/// Sums that are added to in turns, so that none waits for the addition before; they fit the registers of any processor.
const SUMS: usize = 12;

struct MultiplyAdds {
    rounds: usize,
}

impl WithLanes for MultiplyAdds {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) -> f32 {
        let factor = simd.splat_f32s(black_box(0.5));
        let mut sums = [simd.splat_f32s(black_box(0.0)); SUMS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, factor);
            }
        }
        let total = sums
            .into_iter()
            .fold(simd.splat_f32s(0.0), |total, sum| simd.add_f32s(total, sum));
        simd.reduce_sum_f32s(total)
    }
}

/// Multiplies twelve vectors by ½ and adds ½, `rounds` times, from zero on: the sum of all their numbers, each `1 − 2^−rounds`,
/// and the number of multiply-adds. An instruction set that multiplies and adds apart does so here.
///
/// It stands here since this crate is compiled to run fast: at a lower level the sums would lie in memory.
#[must_use]
pub fn multiply_adds(arch: Arch, rounds: usize) -> (f32, usize) {
    let sum = arch.run(MultiplyAdds { rounds });
    (sum, SUMS * rounds * arch.lanes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_multiplied_and_added_to_in_every_round() {
        for arch in Arch::available() {
            let numbers = (SUMS * arch.lanes()) as f32;
            let name = arch.name();
            assert_eq!(multiply_adds(arch, 0), (0.0, 0), "{name}");
            let (sum, count) = multiply_adds(arch, 3);
            assert_eq!(
                (sum, count),
                (numbers * 0.875, SUMS * 3 * arch.lanes()),
                "{name}"
            );
        }
    }
}

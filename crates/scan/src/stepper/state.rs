//! The numbers of a state that threads share.

use std::sync::atomic::{AtomicU32, Ordering};

/// A number of a state, which threads share: the barrier after each step orders reading and writing.
pub(super) fn read(number: &AtomicU32) -> f32 {
    f32::from_bits(number.load(Ordering::Relaxed))
}

/// As many numbers as there is room for.
pub(super) fn read_all(from: &[AtomicU32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = read(from);
    }
}

//! Normal numbers.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};

/// Standard normal numbers, two from each pair of uniform ones (Box & Muller 1958).
pub(crate) fn normals(rng: &mut impl Rng) -> impl FnMut() -> f32 {
    let mut second = None;
    move || {
        second.take().unwrap_or_else(|| {
            // 1 − u lies in (0, 1], so that its logarithm is finite.
            let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
            let angle = TAU * rng.random::<f32>();
            second = Some(radius * angle.sin());
            radius * angle.cos()
        })
    }
}

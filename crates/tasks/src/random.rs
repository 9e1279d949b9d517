//! Seeded random numbers: one independent stream per purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. Each purpose has a stream of its own, so that changing how many
/// numbers one takes leaves the others as they were.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Which sequences are for testing.
    TestSplit = 1,
    /// Which training sequences are for validation.
    ValidSplit = 2,
    /// The generated training sequences, or the one series of a forecasting task.
    Train = 3,
    /// The generated validation sequences.
    Valid = 4,
    /// The generated test sequences.
    Test = 5,
    /// The fixed order of permuted pixels.
    Permutation = 6,
}

/// The generator of `seed` for one purpose.
pub(crate) fn rng(seed: u64, stream: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream as u64);
    rng
}

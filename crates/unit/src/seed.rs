//! Seeded randomness: one seed, and a stream of its own for each purpose.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for. Streams of one seed are independent, so that drawing more for one
/// purpose never changes what another gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The wiring of a reservoir.
    Wiring,
    /// The weights of the population with this index.
    Weights(usize),
    /// The first weights of a readout that is trained by gradient.
    Readout,
    /// Order of batches, noise, dropout: whatever changes from epoch to epoch.
    Training,
}

impl Stream {
    /// The generator of this purpose for a seed: ChaCha with 8 rounds, the same on every platform.
    pub fn rng(self, seed: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(match self {
            Self::Wiring => 0,
            Self::Readout => 1,
            Self::Training => 2,
            Self::Weights(population) => 16 + population as u64,
        });
        rng
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng;

    use super::*;

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let first = |stream: Stream, seed| stream.rng(seed).next_u64();
        assert_eq!(first(Stream::Weights(1), 7), first(Stream::Weights(1), 7));
        assert_ne!(first(Stream::Weights(1), 7), first(Stream::Weights(0), 7));
        assert_ne!(first(Stream::Weights(1), 7), first(Stream::Weights(1), 8));
        assert_ne!(first(Stream::Wiring, 7), first(Stream::Readout, 7));
    }
}

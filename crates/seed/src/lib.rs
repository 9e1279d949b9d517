//! Seeds: which to run ([`Seeds`]), and the random-number streams of one seed, all in one list ([`RngStream`]).
//!
//! An experiment has one seed. Each purpose that draws random numbers has a stream of its own, so that drawing more
//! for one purpose never changes what another gets, and no two purposes draw the same numbers.
//!
//! ```
//! use rand::RngExt;
//! use ran_seed::RngStream;
//! let weight: f64 = RngStream::Weights(0).rng(7).random();
//! assert_eq!(weight, RngStream::Weights(0).rng(7).random::<f64>());
//! assert_ne!(weight, RngStream::Weights(1).rng(7).random::<f64>());
//! ```

mod seeds;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use seeds::{SeedRanges, Seeds, SeedsError};

/// What random numbers are drawn for. Streams of one seed are independent.
///
/// A stream's number is part of what a seed means: it never changes, and a new purpose gets a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RngStream {
    /// The wiring of a reservoir.
    Wiring,
    /// Which sequences are for testing.
    TestSplit,
    /// Which training sequences are for validation.
    ValidSplit,
    /// The generated training sequences, or the one series of a forecasting task.
    TrainData,
    /// The generated validation sequences.
    ValidData,
    /// The generated test sequences.
    TestData,
    /// The fixed order of permuted pixels.
    Permutation,
    /// The first weights of a readout that is trained by gradient.
    Readout,
    /// Order of batches, noise, dropout: whatever changes from epoch to epoch.
    Training,
    /// Which training sequences stay where their number is limited.
    Limit,
    /// The first weights of a map in front of the units.
    InputMap,
    /// A text that a model goes on with.
    Generation,
    /// Which quantiles neurons have their biases from.
    Biases,
    /// The weights of the population with this index.
    Weights(usize),
}

/// The number of the first population's stream; the others follow it, so that none stands after it in the list.
const WEIGHTS: u64 = 16;

impl RngStream {
    /// The generator of this purpose for a seed: ChaCha with 8 rounds, the same on every platform.
    #[must_use]
    pub fn rng(self, seed: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(self.number());
        rng
    }

    fn number(self) -> u64 {
        match self {
            Self::Wiring => 0,
            Self::TestSplit => 1,
            Self::ValidSplit => 2,
            Self::TrainData => 3,
            Self::ValidData => 4,
            Self::TestData => 5,
            Self::Permutation => 6,
            Self::Readout => 7,
            Self::Training => 8,
            Self::Limit => 9,
            Self::InputMap => 10,
            Self::Generation => 11,
            Self::Biases => 12,
            Self::Weights(population) => WEIGHTS + population as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;

    /// The purpose after another in the list; three populations stand for all.
    fn next(stream: RngStream) -> Option<RngStream> {
        // Without a wildcard, so that the compiler asks for a new purpose here.
        Some(match stream {
            RngStream::Wiring => RngStream::TestSplit,
            RngStream::TestSplit => RngStream::ValidSplit,
            RngStream::ValidSplit => RngStream::TrainData,
            RngStream::TrainData => RngStream::ValidData,
            RngStream::ValidData => RngStream::TestData,
            RngStream::TestData => RngStream::Permutation,
            RngStream::Permutation => RngStream::Readout,
            RngStream::Readout => RngStream::Training,
            RngStream::Training => RngStream::Limit,
            RngStream::Limit => RngStream::InputMap,
            RngStream::InputMap => RngStream::Generation,
            RngStream::Generation => RngStream::Biases,
            RngStream::Biases => RngStream::Weights(0),
            RngStream::Weights(2..) => return None,
            RngStream::Weights(population) => RngStream::Weights(population + 1),
        })
    }

    fn all() -> Vec<RngStream> {
        std::iter::successors(Some(RngStream::Wiring), |&stream| next(stream)).collect()
    }

    #[test]
    fn no_two_purposes_share_a_stream() {
        let all = all();
        assert_eq!(all.len(), 16);
        let numbers: BTreeSet<u64> = all.iter().map(|stream| stream.number()).collect();
        assert_eq!(numbers.len(), all.len());
        for seed in [0, 7, u64::MAX] {
            let first: BTreeSet<u64> = all.iter().map(|one| one.rng(seed).next_u64()).collect();
            assert_eq!(first.len(), all.len(), "seed {seed}");
        }
    }

    #[test]
    fn only_populations_have_the_numbers_from_theirs_on() {
        for stream in all() {
            let population = matches!(stream, RngStream::Weights(_));
            assert_eq!(stream.number() >= WEIGHTS, population, "{stream:?}");
        }
    }

    #[test]
    fn a_stream_repeats_with_its_seed_and_differs_with_another() {
        for stream in all() {
            let first = |seed| stream.rng(seed).next_u64();
            assert_eq!(first(7), first(7), "{stream:?}");
            assert_ne!(first(7), first(8), "{stream:?}");
        }
    }
}

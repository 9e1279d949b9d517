//! The poster's fixed identity connections.

use std::ops::Range;

use rand::Rng;
use rand::seq::{SliceRandom, index::sample};

use crate::{Projections, TopologyError, Wiring};

/// The shape of an identity wiring.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Width of the inputs, I.
    pub d_input: usize,
    /// Number of slots and width of the state, N.
    pub d_state: usize,
    /// Slots that each input feeds; the poster's is 1.
    pub input_copies: usize,
    /// What inputs are multiplied by; the poster's is 1.
    pub input_scale: f64,
    /// How strongly populations project to one another; `None` leaves it to chance.
    pub projections: Option<Projections>,
}

/// Draws an identity wiring: every slot is a copy of one input or of one state dimension.
///
/// As a 0/1 matrix of shape (I+N)×N, every column has exactly one 1, every input row has `input_copies`, and the
/// remaining N − I·`input_copies` columns read as many distinct state dimensions (Bendi-Ouis & Hinaut 2024). Which
/// slot reads what is drawn from `rng`.
///
/// With projections, strengths share out the slots that inputs feed over the populations, and each population's other
/// slots over the populations that they read. A population that projects more strongly than it is wide is read more
/// than once, its dimensions as equally often as can be.
///
/// # Errors
///
/// If the inputs leave no slot for recurrence, a number is out of range, or projections leave a slot nothing to read.
pub fn identity(shape: &Identity, rng: &mut impl Rng) -> Result<Wiring, TopologyError> {
    let fed = check(shape)?;
    let sources = match &shape.projections {
        None => by_chance(shape, fed, rng),
        Some(projections) => projected(shape, projections, fed, rng)?,
    };
    Wiring::copies(shape.d_input, sources, shape.input_scale as f32)
}

/// Checks a shape of copies; how many slots inputs feed.
pub(crate) fn check(shape: &Identity) -> Result<usize, TopologyError> {
    let &Identity {
        d_input,
        d_state,
        input_copies,
        input_scale,
        ref projections,
    } = shape;
    if d_input == 0 {
        return Err(TopologyError::out_of_range("d_input", "at least 1", 0));
    }
    if input_copies == 0 {
        return Err(TopologyError::out_of_range("input_copies", "at least 1", 0));
    }
    if !input_scale.is_finite() {
        let error = TopologyError::out_of_range("input_scale", "a finite number", input_scale);
        return Err(error);
    }
    let fed = d_input.saturating_mul(input_copies);
    if fed >= d_state {
        return Err(TopologyError::NoRoomForRecurrence {
            d_input,
            input_copies,
            d_state,
        });
    }
    if let Some(projections) = projections {
        projections.check_width(d_state)?;
    }
    Ok(fed)
}

/// What each slot reads, of inputs and distinct state dimensions.
fn by_chance(shape: &Identity, fed: usize, rng: &mut impl Rng) -> Vec<usize> {
    let (d_input, d_state) = (shape.d_input, shape.d_state);
    let mut order: Vec<usize> = (0..d_state).collect();
    order.shuffle(rng);
    let recurrent = sample(rng, d_state, d_state - fed);
    let inputs = (0..fed).map(|copy| copy % d_input);
    let states = recurrent.iter().map(|dim| d_input + dim);
    let mut sources = vec![0; d_state];
    for (slot, source) in order.into_iter().zip(inputs.chain(states)) {
        sources[slot] = source;
    }
    sources
}

/// What each slot reads, where populations project to one another more or less strongly.
fn projected(
    shape: &Identity,
    projections: &Projections,
    fed: usize,
    rng: &mut impl Rng,
) -> Result<Vec<usize>, TopologyError> {
    let d_input = shape.d_input;
    let mut inputs: Vec<usize> = (0..fed).map(|copy| copy % d_input).collect();
    inputs.shuffle(rng);
    let mut decks: Vec<_> = projections.slots().map(Deck::new).collect();
    let mut sources = vec![0; shape.d_state];
    let feeds = projections.share_inputs(fed)?;
    for (to, (range, feeds)) in projections.slots().zip(feeds).enumerate() {
        let mut read = inputs.split_off(inputs.len() - feeds);
        let counts = projections.share_states(to, range.len() - feeds)?;
        for (deck, count) in decks.iter_mut().zip(counts) {
            read.extend((0..count).map(|_| d_input + deck.deal(rng)));
        }
        read.shuffle(rng);
        sources[range].copy_from_slice(&read);
    }
    Ok(sources)
}

/// The state dimensions of a population, dealt at random, each once before any is dealt again.
struct Deck {
    dims: Range<usize>,
    left: Vec<usize>,
}

impl Deck {
    fn new(dims: Range<usize>) -> Self {
        let left = Vec::new();
        Self { dims, left }
    }

    fn deal(&mut self, rng: &mut impl Rng) -> usize {
        if self.left.is_empty() {
            self.left.extend(self.dims.clone());
            self.left.shuffle(rng);
        }
        self.left
            .pop()
            .expect("a population that is read has a slot")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn draw(shape: &Identity, seed: u64) -> Result<Wiring, TopologyError> {
        identity(shape, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    fn shapes() -> impl Strategy<Value = Identity> {
        (1..12_usize, 1..5_usize, 1..60_usize).prop_map(|(d_input, input_copies, spare)| Identity {
            d_input,
            d_state: d_input * input_copies + spare,
            input_copies,
            input_scale: 0.5,
            projections: None,
        })
    }

    proptest! {
        #[test]
        fn every_slot_has_one_source(shape in shapes(), seed: u64) {
            let wiring = draw(&shape, seed)?;
            prop_assert_eq!(wiring.d_state(), shape.d_state);
            prop_assert!(wiring.is_copy());
        }

        #[test]
        fn every_input_is_read_input_copies_times(shape in shapes(), seed: u64) {
            let wiring = draw(&shape, seed)?;
            for input in 0..shape.d_input {
                let reads: Vec<_> = wiring
                    .slots()
                    .filter(|slot| slot.sources[0] as usize == input)
                    .collect();
                prop_assert_eq!(reads.len(), shape.input_copies);
                prop_assert!(reads.iter().all(|slot| slot.weights[0] == 0.5));
            }
        }

        #[test]
        fn recurrent_sources_are_distinct(shape in shapes(), seed: u64) {
            let wiring = draw(&shape, seed)?;
            let states: Vec<_> = wiring
                .slots()
                .filter(|slot| slot.sources[0] as usize >= shape.d_input)
                .map(|slot| (slot.sources[0], slot.weights[0] == 1.0))
                .collect();
            prop_assert_eq!(states.len(), shape.d_state - shape.d_input * shape.input_copies);
            prop_assert_eq!(states.iter().collect::<HashSet<_>>().len(), states.len());
            prop_assert!(states.iter().all(|&(_, one)| one));
        }

        #[test]
        fn the_same_seed_gives_the_same_wiring(shape in shapes(), seed: u64) {
            prop_assert_eq!(draw(&shape, seed)?, draw(&shape, seed)?);
        }
    }

    #[test]
    fn another_seed_gives_another_wiring() {
        let shape = Identity {
            d_input: 12,
            d_state: 320,
            input_copies: 8,
            input_scale: 1.0,
            projections: None,
        };
        assert_ne!(draw(&shape, 0), draw(&shape, 1));
    }

    #[test]
    fn too_few_slots_say_how_many_are_needed() {
        let shape = Identity {
            d_input: 12,
            d_state: 24,
            input_copies: 2,
            input_scale: 1.0,
            projections: None,
        };
        let error = draw(&shape, 0).unwrap_err().to_string();
        assert!(error.contains("at least 25 slots"), "{error}");
        assert!(error.contains("got 24"), "{error}");
    }

    fn cortex_and_hippocampus(strengths: [f64; 2]) -> Identity {
        let populations = [("cortex".into(), 60), ("hippocampus".into(), 20)];
        let mut projections = Projections::even(populations);
        projections.set(None, 1, 0.0).unwrap();
        projections.set(Some(0), 1, strengths[0]).unwrap();
        projections.set(Some(1), 1, strengths[1]).unwrap();
        Identity {
            d_input: 3,
            d_state: 80,
            input_copies: 4,
            input_scale: 1.0,
            projections: Some(projections),
        }
    }

    #[test]
    fn strengths_say_who_reads_whom() {
        for (strengths, of_cortex) in [([1.0, 1.0], 15), ([1.0, 0.0], 20), ([1.0, 9.0], 5)] {
            let wiring = draw(&cortex_and_hippocampus(strengths), 5).unwrap();
            assert_eq!(wiring.reads(60..80, 0..3), 0);
            assert_eq!(wiring.reads(0..60, 0..3), 12);
            assert_eq!(wiring.reads(60..80, 3..63), of_cortex, "{strengths:?}");
            assert_eq!(wiring.reads(60..80, 63..83), 20 - of_cortex);
        }
    }

    #[test]
    fn a_strong_projection_reads_each_dimension_about_equally_often() {
        // The hippocampus's 20 dimensions are read by all 48 slots of the cortex that read states.
        let mut shape = cortex_and_hippocampus([1.0, 1.0]);
        let projections = shape.projections.as_mut().unwrap();
        projections.set(Some(0), 0, 0.0).unwrap();
        projections.set(Some(1), 1, 0.0).unwrap();
        let wiring = draw(&shape, 5).unwrap();
        for dim in 63..83 {
            let times = wiring.reads(0..60, dim..dim + 1);
            assert!([2, 3].contains(&times), "dimension {dim}: {times}");
        }
    }

    #[test]
    fn projections_of_another_width_are_refused() {
        let shape = Identity {
            d_state: 81,
            ..cortex_and_hippocampus([1.0, 1.0])
        };
        let error = draw(&shape, 0).unwrap_err().to_string();
        assert!(error.contains("81"), "{error}");
        assert!(error.contains("got 80"), "{error}");
    }
}

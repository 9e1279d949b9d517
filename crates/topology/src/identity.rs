//! The poster's fixed identity connections.

use rand::Rng;
use rand::seq::{SliceRandom, index::sample};

use crate::{TopologyError, Wiring};

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
}

/// Draws an identity wiring: every slot is a copy of one input or of one state dimension.
///
/// As a 0/1 matrix of shape (I+N)×N, every column has exactly one 1, every input row has `input_copies`, and the
/// remaining N − I·`input_copies` columns read as many distinct state dimensions (Bendi-Ouis & Hinaut 2024). Which
/// slot reads what is drawn from `rng`.
///
/// # Errors
///
/// If the inputs leave no slot for recurrence, or a number is out of range.
pub fn identity(shape: &Identity, rng: &mut impl Rng) -> Result<Wiring, TopologyError> {
    let &Identity {
        d_input,
        d_state,
        input_copies,
        input_scale,
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

    let mut order: Vec<usize> = (0..d_state).collect();
    order.shuffle(rng);
    let recurrent = sample(rng, d_state, d_state - fed);
    let inputs = (0..fed).map(|copy| (copy % d_input, input_scale as f32));
    let states = recurrent.iter().map(|dim| (d_input + dim, 1.0));
    let mut sources = vec![0; d_state];
    let mut weights = vec![0.0; d_state];
    for (slot, (source, weight)) in order.into_iter().zip(inputs.chain(states)) {
        sources[slot] = source as u32;
        weights[slot] = weight;
    }
    Wiring::from_parts(d_input, (0..=d_state).collect(), sources, weights)
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
        };
        let error = draw(&shape, 0).unwrap_err().to_string();
        assert!(error.contains("at least 25 slots"), "{error}");
        assert!(error.contains("got 24"), "{error}");
    }
}

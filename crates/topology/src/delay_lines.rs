//! Delay lines of equal length.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::identity::check;
use crate::{Identity, TopologyError, Wiring};

/// Draws delay lines: an identity wiring whose slots form one chain per copy of an input, all of the same length.
///
/// The first slot of a chain reads an input, every other one the state dimension of the slot before it (the delay line
/// reservoir of Rodan & Tiňo, "Minimum complexity echo state network", IEEE Transactions on Neural Networks 22, 2011,
/// without feedback). [`identity`](crate::identity) forms such chains too, but cuts them at random lengths. Lengths
/// differ by one slot where N is no multiple of the number of chains. Which slots form a chain is drawn from `rng`, so
/// that a unit of width D reads D chains.
///
/// # Errors
///
/// As [`identity`](crate::identity), and if there are projections, which say something else about who reads whom.
pub fn delay_lines(shape: &Identity, rng: &mut impl Rng) -> Result<Wiring, TopologyError> {
    let lines = check(shape)?;
    if shape.projections.is_some() {
        let error = TopologyError::out_of_range("projections", "left out of delay lines", "some");
        return Err(error);
    }
    let (d_input, d_state) = (shape.d_input, shape.d_state);
    let mut order: Vec<usize> = (0..d_state).collect();
    order.shuffle(rng);
    let mut sources = vec![0; d_state];
    for (at, &slot) in order.iter().enumerate() {
        sources[slot] = match at.checked_sub(lines) {
            None => at % d_input,
            Some(before) => d_input + order[before],
        };
    }
    Wiring::copies(d_input, sources, shape.input_scale as f32)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::Projections;

    fn shape() -> Identity {
        Identity {
            d_input: 3,
            d_state: 50,
            input_copies: 2,
            input_scale: 0.5,
            projections: None,
        }
    }

    fn draw(shape: &Identity, seed: u64) -> Result<Wiring, TopologyError> {
        delay_lines(shape, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn every_input_comes_out_of_its_lines_after_each_delay_up_to_their_length() {
        let wiring = draw(&shape(), 7).unwrap();
        let slots: Vec<_> = wiring.slots().collect();
        // What a slot holds: which input, and how many steps ago.
        let mut held: Vec<_> = (0..50)
            .map(|mut slot| {
                let mut delay = 0;
                loop {
                    let source = slots[slot].sources[0] as usize;
                    let Some(before) = source.checked_sub(3) else {
                        return (source, delay);
                    };
                    (slot, delay) = (before, delay + 1);
                }
            })
            .collect();
        held.sort_unstable();
        // Six lines of 50 slots: two of nine slots, four of eight.
        for (input, longest) in [(0, 9), (1, 9), (2, 8)] {
            for delay in 0..8 {
                assert_eq!(held.iter().filter(|&&it| it == (input, delay)).count(), 2);
            }
            let most = held.iter().filter(|it| it.0 == input).map(|it| it.1).max();
            assert_eq!(most, Some(longest - 1), "input {input}");
        }
    }

    #[test]
    fn inputs_are_scaled_and_states_are_not() {
        for slot in draw(&shape(), 7).unwrap().slots() {
            let scale = if slot.sources[0] < 3 { 0.5 } else { 1.0 };
            assert_eq!(slot.weights, [scale]);
        }
    }

    #[test]
    fn another_seed_gives_other_lines() {
        assert_eq!(draw(&shape(), 1).unwrap(), draw(&shape(), 1).unwrap());
        assert_ne!(draw(&shape(), 1).unwrap(), draw(&shape(), 2).unwrap());
    }

    #[test]
    fn projections_and_too_few_slots_are_refused() {
        let crowded = Identity {
            d_state: 6,
            ..shape()
        };
        let error = draw(&crowded, 0).unwrap_err().to_string();
        assert!(error.contains("at least 7 slots"), "{error}");
        let projections = Some(Projections::even([("one".into(), 50)]));
        let projected = Identity {
            projections,
            ..shape()
        };
        let error = draw(&projected, 0).unwrap_err().to_string();
        assert!(error.contains("projections"), "{error}");
    }
}

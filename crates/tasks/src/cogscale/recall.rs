//! Recall: find what followed a symbol before.

use super::{Generator, Size};
use crate::Sample;
use crate::sample::{numbered, one_hot, symbols_to_rows};
use rand::RngExt;
use rand::seq::index;

/// Pairs of a key and its value, distractors, a separator, then one of the keys, at which its value is due. Keys,
/// values and distractors are of the first K − 2 symbols; K − 1 separates and K − 2 is a filler that these sizes
/// never need.
pub(super) fn associative(size: Size) -> Generator {
    let (steps, pairs, symbols) = size.pick((16, 3, 5), (32, 7, 16), (64, 15, 32));
    let common = symbols - 2;
    Generator::classification(numbered(symbols), move |rng| {
        let keys = index::sample(rng, common, pairs).into_vec();
        let values: Vec<usize> = (0..pairs).map(|_| rng.random_range(0..common)).collect();
        let shown = keys.iter().zip(&values);
        let mut sequence: Vec<usize> = shown.flat_map(|(&key, &value)| [key, value]).collect();
        sequence.extend((2 * pairs..steps - 2).map(|_| rng.random_range(0..common)));
        let asked = rng.random_range(0..pairs);
        sequence.extend([symbols - 1, keys[asked]]);
        let inputs = symbols_to_rows(&sequence, symbols);
        Sample {
            inputs,
            scored: vec![steps - 1],
            targets: one_hot(values[asked], symbols),
        }
    })
    .reading(&[("symbol", symbols)])
}

/// Random symbols, then the same again; in the second half each next symbol is due.
pub(super) fn induction(size: Size) -> Generator {
    let (steps, symbols) = size.pick((40, 3), (100, 8), (250, 20));
    let half = steps / 2;
    Generator::classification(numbered(symbols), move |rng| {
        let first: Vec<usize> = (0..half).map(|_| rng.random_range(0..symbols)).collect();
        Sample {
            inputs: symbols_to_rows(&[first.as_slice(), &first].concat(), symbols),
            scored: (half..steps - 1).collect(),
            targets: symbols_to_rows(&first[1..], symbols),
        }
    })
    .reading(&[("symbol", symbols)])
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::cogscale::CogscaleTask::{AssociativeRecall, InductionHeads};
    use crate::cogscale::tests::{frequencies, load};

    #[test]
    fn the_value_of_the_asked_key_is_due() {
        for sample in &load(AssociativeRecall, Size::Medium).train {
            let symbol = |step: usize| {
                sample
                    .inputs
                    .row(step)
                    .iter()
                    .position(|&x| x == 1.0)
                    .unwrap()
            };
            assert_eq!(symbol(30), 15);
            let pair = (0..7).find(|&pair| symbol(2 * pair) == symbol(31)).unwrap();
            assert_eq!(sample.targets[[0, symbol(2 * pair + 1)]], 1.0);
            assert!((0..30).all(|step| symbol(step) < 14));
        }
    }

    #[test]
    fn only_common_symbols_are_values() {
        let frequencies = frequencies(&load(AssociativeRecall, Size::Medium));
        assert_eq!(frequencies[14..], [0.0, 0.0]);
        assert!(
            frequencies[..14]
                .iter()
                .all(|f| (f - 1.0 / 14.0).abs() < 0.04)
        );
    }

    #[test]
    fn the_next_symbol_of_the_repetition_is_due() {
        for sample in &load(InductionHeads, Size::Small).train {
            assert_eq!(sample.scored, (20..39).collect::<Vec<_>>());
            for (row, &step) in sample.scored.iter().enumerate() {
                assert_eq!(sample.targets.row(row), sample.inputs.row(step + 1));
                assert_eq!(sample.targets.row(row), sample.inputs.row(step + 1 - 20));
            }
        }
    }
}

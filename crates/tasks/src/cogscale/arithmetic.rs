//! Adding and sorting: not only keep what was shown, but work on it.

use super::{Generator, Size};
use crate::Sample;
use crate::sample::{numbered, one_hot};
use ndarray::Array2;
use rand::RngExt;
use rand::seq::{SliceRandom, index};

/// L numbers of 1 to m, one-hot, two of them marked, then a trigger, then a blank step at which the sum of the
/// two is due: a class of 2 to 2m.
pub(super) fn adding(size: Size) -> Generator {
    let (length, largest) = size.pick((10, 3), (20, 8), (50, 20));
    let labels = (2..=2 * largest).map(|sum| sum.to_string()).collect();
    Generator::classification(labels, move |rng| {
        let numbers: Vec<usize> = (0..length).map(|_| rng.random_range(1..=largest)).collect();
        let mut inputs = Array2::zeros((length + 2, largest + 2));
        for (step, &number) in numbers.iter().enumerate() {
            inputs[[step, number - 1]] = 1.0;
        }
        let mut sum = 0;
        for place in index::sample(rng, length, 2) {
            inputs[[place, largest]] = 1.0;
            sum += numbers[place];
        }
        inputs[[length, largest + 1]] = 1.0;
        Sample {
            inputs,
            scored: vec![length + 1],
            targets: one_hot(sum - 2, 2 * largest - 1),
        }
    })
    .reading(&[("number", largest), ("marker", 1), ("trigger", 1)])
}

/// L symbols, each with its rank (one-hot beside it), then a trigger, then L blank steps at which the symbols are
/// due in the order of their ranks.
pub(super) fn sorting(size: Size) -> Generator {
    let (length, symbols) = size.pick((10, 3), (20, 8), (50, 20));
    Generator::classification(numbered(symbols), move |rng| {
        let mut ranks: Vec<usize> = (0..length).collect();
        ranks.shuffle(rng);
        let mut inputs = Array2::zeros((2 * length + 1, symbols + length + 1));
        let mut targets = Array2::zeros((length, symbols));
        for (step, &rank) in ranks.iter().enumerate() {
            let symbol = rng.random_range(0..symbols);
            inputs[[step, symbol]] = 1.0;
            inputs[[step, symbols + rank]] = 1.0;
            targets[[rank, symbol]] = 1.0;
        }
        inputs[[length, symbols + length]] = 1.0;
        Sample {
            inputs,
            scored: (length + 1..2 * length + 1).collect(),
            targets,
        }
    })
    .reading(&[("symbol", symbols), ("order", length), ("trigger", 1)])
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::cogscale::CogscaleTask::{AddingProblem, SortingProblem};
    use crate::cogscale::tests::{frequencies, load};
    use ndarray::s;

    #[test]
    fn the_class_is_the_sum_of_the_marked_numbers_less_two() {
        let dataset = load(AddingProblem, Size::Small);
        assert_eq!(dataset.labels, ["2", "3", "4", "5", "6"]);
        for sample in &dataset.train {
            let marked = (0..10).filter(|&step| sample.inputs[[step, 3]] == 1.0);
            let number = |step| {
                (0..3)
                    .position(|i| sample.inputs[[step, i]] == 1.0)
                    .unwrap()
                    + 1
            };
            let sum: usize = marked.map(number).sum();
            assert_eq!(sample.targets[[0, sum - 2]], 1.0);
            assert_eq!(sample.inputs[[10, 4]], 1.0);
            assert_eq!(sample.inputs.row(11).sum(), 0.0);
        }
    }

    #[test]
    fn sums_are_as_frequent_as_with_two_dice() {
        let expected = [1.0, 2.0, 3.0, 2.0, 1.0].map(|ways| ways / 9.0);
        for (frequency, expected) in frequencies(&load(AddingProblem, Size::Small))
            .iter()
            .zip(expected)
        {
            assert!(
                (frequency - expected).abs() < 0.12,
                "{frequency} {expected}"
            );
        }
    }

    #[test]
    fn symbols_are_due_in_the_order_of_their_ranks() {
        for sample in &load(SortingProblem, Size::Small).train {
            assert_eq!(sample.scored, (11..21).collect::<Vec<_>>());
            for step in 0..10 {
                let rank = (0..10)
                    .position(|rank| sample.inputs[[step, 3 + rank]] == 1.0)
                    .unwrap();
                assert_eq!(sample.targets.row(rank), sample.inputs.slice(s![step, ..3]));
            }
            assert_eq!(sample.inputs[[10, 13]], 1.0);
            assert_eq!(sample.inputs.slice(s![11.., ..]).sum(), 0.0);
        }
    }
}

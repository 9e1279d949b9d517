//! Copying: keep symbols in mind and say them in order when the trigger comes.

use super::{Generator, Size};
use crate::Sample;
use crate::sample::numbered;
use ndarray::Array2;
use rand::RngExt;
use rand::seq::index;

/// All symbols are to be said: L symbols, d blank steps, a trigger, then L blank steps at which they are due.
pub(super) fn simple(size: Size) -> Generator {
    let (length, delay, symbols) = size.pick((22, 5, 3), (50, 10, 8), (150, 30, 20));
    Generator::classification(numbered(symbols), move |rng| {
        let mut inputs = Array2::zeros((length + delay + 1 + length, symbols + 1));
        let mut targets = Array2::zeros((length, symbols));
        for step in 0..length {
            let symbol = rng.random_range(0..symbols);
            inputs[[step, symbol]] = 1.0;
            targets[[step, symbol]] = 1.0;
        }
        inputs[[length + delay, symbols]] = 1.0;
        Sample {
            scored: (length + delay + 1..inputs.nrows()).collect(),
            inputs,
            targets,
        }
    })
    .reading(&[("symbol", symbols), ("trigger", 1)])
}

/// Only marked symbols are to be said: L symbols of which M are marked, d blank steps, a trigger, M blank steps.
pub(super) fn selective(size: Size) -> Generator {
    let (length, delay) = size.pick((40, 5), (80, 10), (240, 30));
    let (marked, symbols) = size.pick((5, 3), (10, 8), (30, 20));
    Generator::classification(numbered(symbols), move |rng| {
        let mut inputs = Array2::zeros((length + delay + 1 + marked, symbols + 2));
        let sequence: Vec<usize> = (0..length).map(|_| rng.random_range(0..symbols)).collect();
        for (step, &symbol) in sequence.iter().enumerate() {
            inputs[[step, symbol]] = 1.0;
        }
        let mut places = index::sample(rng, length, marked).into_vec();
        places.sort_unstable();
        let mut targets = Array2::zeros((marked, symbols));
        for (row, &place) in places.iter().enumerate() {
            inputs[[place, symbols]] = 1.0;
            targets[[row, sequence[place]]] = 1.0;
        }
        inputs[[length + delay, symbols + 1]] = 1.0;
        Sample {
            scored: (length + delay + 1..inputs.nrows()).collect(),
            inputs,
            targets,
        }
    })
    .reading(&[("symbol", symbols), ("marker", 1), ("trigger", 1)])
}

#[cfg(test)]
mod tests {
    use super::Size;
    use crate::cogscale::CogscaleTask::{SelectiveCopy, SimpleCopy};
    use crate::cogscale::tests::{frequencies, load};
    use ndarray::s;

    #[test]
    fn a_copy_is_due_after_the_trigger() {
        let sample = &load(SimpleCopy, Size::Small).train[0];
        assert_eq!(sample.scored, (28..50).collect::<Vec<_>>());
        assert_eq!(sample.targets, sample.inputs.slice(s![..22, ..3]));
        assert_eq!(sample.inputs[[27, 3]], 1.0);
        assert_eq!(sample.inputs.slice(s![22.., ..]).sum(), 1.0);
    }

    #[test]
    fn marked_symbols_are_due_in_their_order() {
        for sample in &load(SelectiveCopy, Size::Medium).train {
            assert_eq!(sample.scored, (91..101).collect::<Vec<_>>());
            let marked = (0..80).filter(|&step| sample.inputs[[step, 8]] == 1.0);
            for (row, step) in marked.clone().enumerate() {
                assert_eq!(sample.targets.row(row), sample.inputs.slice(s![step, ..8]));
            }
            assert_eq!(marked.count(), 10);
            assert_eq!(sample.inputs[[90, 9]], 1.0);
        }
    }

    #[test]
    fn symbols_are_equally_frequent() {
        for task in [SimpleCopy, SelectiveCopy] {
            for frequency in frequencies(&load(task, Size::Medium)) {
                assert!((frequency - 0.125).abs() < 0.02, "{frequency}");
            }
        }
    }
}

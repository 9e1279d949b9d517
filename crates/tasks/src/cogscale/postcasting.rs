//! Postcasting: say what came in d steps ago.

use super::{Generator, Size};
use crate::Sample;
use crate::sample::numbered;
use ndarray::{Array2, s};
use rand::RngExt;

/// Symbols, one-hot; each is due d steps later.
pub(super) fn discrete(size: Size) -> Generator {
    let (steps, delay) = length(size);
    let symbols = size.pick(3, 8, 8);
    Generator::classification(numbered(symbols), move |rng| {
        let mut inputs = Array2::zeros((steps, symbols));
        for mut row in inputs.rows_mut() {
            row[rng.random_range(0..symbols)] = 1.0;
        }
        delayed(inputs, delay)
    })
    .reading(&[("symbol", symbols)])
}

/// Numbers, uniform in ±0.8; each is due d steps later.
pub(super) fn continuous(size: Size) -> Generator {
    let (steps, delay) = length(size);
    Generator::regression(move |rng| {
        delayed(
            Array2::from_shape_simple_fn((steps, 1), || rng.random_range(-0.8..0.8)),
            delay,
        )
    })
    .reading(&[("number", 1)])
}

fn length(size: Size) -> (usize, usize) {
    size.pick((50, 5), (100, 15), (300, 50))
}

fn delayed(inputs: Array2<f32>, delay: usize) -> Sample {
    let steps = inputs.nrows();
    let targets = inputs.slice(s![..steps - delay, ..]).to_owned();
    Sample {
        inputs,
        scored: (delay..steps).collect(),
        targets,
    }
}

#[cfg(test)]
mod tests {
    use crate::cogscale::CogscaleTask::{ContinuousPostcasting, DiscretePostcasting};
    use crate::cogscale::Size;
    use crate::cogscale::tests::{frequencies, load};

    #[test]
    fn each_target_is_the_input_of_d_steps_ago() {
        for (task, size, delay) in [
            (DiscretePostcasting, Size::Small, 5),
            (DiscretePostcasting, Size::Large, 50),
            (ContinuousPostcasting, Size::Medium, 15),
        ] {
            let sample = &load(task, size).test[3];
            assert_eq!(sample.scored[0], delay);
            for (row, &step) in sample.scored.iter().enumerate() {
                assert_eq!(sample.targets.row(row), sample.inputs.row(step - delay));
            }
        }
    }

    #[test]
    fn symbols_are_equally_frequent() {
        for frequency in frequencies(&load(DiscretePostcasting, Size::Small)) {
            assert!((frequency - 1.0 / 3.0).abs() < 0.03, "{frequency}");
        }
    }

    #[test]
    fn numbers_are_uniform_in_their_range() {
        let dataset = load(ContinuousPostcasting, Size::Medium);
        let values: Vec<f32> = dataset
            .train
            .iter()
            .flat_map(|s| s.inputs.iter().copied())
            .collect();
        assert!(values.iter().all(|x| (-0.8..0.8).contains(x)));
        let square = values.iter().map(|x| f64::from(x * x)).sum::<f64>() / values.len() as f64;
        // The variance of a uniform number in ±a is a² / 3.
        assert!((square - 0.64 / 3.0).abs() < 0.003, "{square}");
    }
}

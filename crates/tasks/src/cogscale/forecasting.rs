//! Forecasting: one series, and at each step its value h steps later.

use super::{CogscaleConfig, Size};
use crate::{Dataset, TaskError, series};
use ndarray::{Array2, s};
use ran_seed::RngStream;
use rand::RngExt;
use std::f64::consts::PI;

/// sin(20πt + sin πt) at t = t₀ + N equal steps from 0 to N/100 inclusive. As published t₀ = 0; otherwise the seed
/// draws it from one period, [0, 2).
pub(super) fn sinus(
    name: &'static str,
    config: &CogscaleConfig,
    seed: u64,
) -> Result<Dataset, TaskError> {
    let (steps, horizon) = length(config.size);
    let count = steps + horizon;
    let start = match config.published {
        true => 0.0,
        false => RngStream::TrainData.rng(seed).random_range(0.0..2.0),
    };
    let values = Array2::from_shape_fn((count, 1), |(step, _)| {
        let t = start + count as f64 / 100.0 * step as f64 / (count - 1) as f64;
        (20.0 * PI * t + (PI * t).sin()).sin()
    });
    finish(name, &values, horizon, config, seed)
}

/// The Lorenz system (σ 10, ρ 28, β 2.667) in Euler steps of 0.01 from (0, 1, 1.05), each axis as
/// (x − mean) / (3 · deviation). As published the statistics are of the whole series; otherwise of its training
/// part, and the seed moves the start by up to 0.1 along each axis.
pub(super) fn chaotic(
    name: &'static str,
    config: &CogscaleConfig,
    seed: u64,
) -> Result<Dataset, TaskError> {
    let (steps, horizon) = length(config.size);
    let mut state = [0.0, 1.0, 1.05];
    if !config.published {
        let mut rng = RngStream::TrainData.rng(seed);
        state = state.map(|x| x + rng.random_range(-0.1..0.1));
    }
    let mut values = Array2::zeros((steps + horizon, 3));
    for mut row in values.rows_mut() {
        row.iter_mut().zip(state).for_each(|(value, x)| *value = x);
        let [x, y, z] = state;
        let slope = [10.0 * (y - x), 28.0 * x - y - x * z, x * y - 2.667 * z];
        for (x, slope) in state.iter_mut().zip(slope) {
            *x += 0.01 * slope;
        }
    }
    let known = match config.published {
        true => steps + horizon,
        false => train_steps(steps) + horizon,
    };
    for mut axis in values.columns_mut() {
        let part = axis.slice(s![..known]);
        let mean = part.sum() / known as f64;
        let deviation = (part.mapv(|x| (x - mean).powi(2)).sum() / known as f64).sqrt();
        axis.mapv_inplace(|x| (x - mean) / (3.0 * deviation));
    }
    finish(name, &values, horizon, config, seed)
}

fn length(size: Size) -> (usize, usize) {
    size.pick((200, 5), (2_000, 15), (20_000, 50))
}

/// 0.45 of the steps are for training, the next 0.1 for validation, the rest for testing.
fn train_steps(steps: usize) -> usize {
    steps * 45 / 100
}

fn finish(
    name: &'static str,
    values: &Array2<f64>,
    horizon: usize,
    config: &CogscaleConfig,
    seed: u64,
) -> Result<Dataset, TaskError> {
    let steps = values.nrows() - horizon;
    let values = values.mapv(|x| x as f32);
    let inputs = values.slice(s![..steps, ..]);
    let targets = values.slice(s![horizon.., ..]);
    let scored = series::Scored {
        train: horizon..train_steps(steps),
        valid: train_steps(steps)..steps * 55 / 100,
        test: steps * 55 / 100..steps,
    };
    let dataset = series::by_time(name, inputs, targets, scored);
    dataset.finish(name, 0.0, config.limit, config.standardise, seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cogscale::CogscaleTask::{ChaoticForecasting, SinusForecasting};
    use crate::cogscale::tests::load;
    use approx::assert_relative_eq;

    fn published(task: crate::cogscale::CogscaleTask) -> Dataset {
        let config = CogscaleConfig {
            published: true,
            ..Default::default()
        };
        task.load(&config, 3).unwrap()
    }

    #[test]
    fn splits_follow_one_another_in_time() {
        for (task, width) in [(SinusForecasting, 1), (ChaoticForecasting, 3)] {
            for (size, [horizon, train, valid, steps]) in [
                (Size::Small, [5, 90, 110, 200]),
                (Size::Medium, [15, 900, 1_100, 2_000]),
                (Size::Large, [50, 9_000, 11_000, 20_000]),
            ] {
                let dataset = load(task, size);
                assert_eq!((dataset.d_input, dataset.d_output), (width, width));
                let rows = [
                    (&dataset.train, horizon..train, train),
                    (&dataset.valid, train..valid, valid),
                    (&dataset.test, valid..steps, steps),
                ];
                for (split, scored, seen) in rows {
                    assert_eq!(split.len(), 1);
                    assert_eq!(split[0].scored, scored.collect::<Vec<_>>());
                    assert_eq!(split[0].inputs.dim(), (seen, width));
                }
            }
        }
    }

    #[test]
    fn each_target_is_the_input_of_h_steps_later() {
        for task in [SinusForecasting, ChaoticForecasting] {
            let test = &load(task, Size::Small).test[0];
            for (row, &step) in test
                .scored
                .iter()
                .enumerate()
                .take_while(|(_, step)| **step < 195)
            {
                assert_eq!(test.targets.row(row), test.inputs.row(step + 5));
            }
        }
    }

    #[test]
    fn the_published_sine_starts_at_zero() {
        let dataset = published(SinusForecasting);
        let inputs = &dataset.test[0].inputs;
        assert_eq!(inputs[[0, 0]], 0.0);
        // t = 2.05 / 204: sin(20πt + sin πt) = sin(0.631 407… + 0.031 565…).
        let t = 2.05 / 204.0 * PI;
        assert_relative_eq!(inputs[[1, 0]], ((20.0 * t + t.sin()).sin()) as f32);
        assert_eq!(
            dataset,
            SinusForecasting
                .load(
                    &CogscaleConfig {
                        published: true,
                        ..Default::default()
                    },
                    4
                )
                .unwrap()
        );
    }

    #[test]
    fn the_published_lorenz_axes_are_centred_over_the_whole_series() {
        let dataset = published(ChaoticForecasting);
        let test = &dataset.test[0];
        let last = test.targets.slice(s![-5.., ..]);
        let sum = test.inputs.sum_axis(ndarray::Axis(0)) + last.sum_axis(ndarray::Axis(0));
        assert!(sum.iter().all(|sum| sum.abs() < 1e-3), "{sum}");
    }

    #[test]
    fn by_default_the_test_part_does_not_bear_on_the_training_part() {
        let train = &load(ChaoticForecasting, Size::Small).train[0];
        // The statistics are of the 95 values that training shows, so these have mean 0 and deviation 1/3.
        let last = train.targets.slice(s![-5.., ..]);
        let sum = train.inputs.sum_axis(ndarray::Axis(0)) + last.sum_axis(ndarray::Axis(0));
        assert!(sum.iter().all(|sum| sum.abs() < 1e-3), "{sum}");
    }

    #[test]
    fn by_default_the_seed_draws_the_start() {
        for task in [SinusForecasting, ChaoticForecasting] {
            let config = CogscaleConfig::default();
            assert_ne!(
                task.load(&config, 0).unwrap(),
                task.load(&config, 1).unwrap()
            );
            assert_eq!(
                task.load(&config, 1).unwrap(),
                task.load(&config, 1).unwrap()
            );
        }
    }
}

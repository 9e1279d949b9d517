//! Tests of the ridge regression against solutions found in other ways.

use super::*;
use crate::InMemory;
use approx::{assert_abs_diff_eq, assert_relative_eq};
use ndarray::{Axis, array, concatenate, s};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Correlated features with an offset, and noisy targets that depend on them.
fn draw(rows: usize, d_features: usize, d_output: usize, seed: u64) -> (Array2<f32>, Array2<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform =
        |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0_f32));
    let mixing = uniform((d_features, d_features));
    let features = uniform((rows, d_features)).dot(&mixing) + 3.0;
    let weights = uniform((d_features, d_output));
    let targets = features.dot(&weights) + uniform((rows, d_output)) * 2.0 - 5.0;
    (features, targets)
}

fn samples(features: &Array2<f32>, targets: &Array2<f32>) -> InMemory {
    InMemory::new(features.clone(), targets.clone()).unwrap()
}

fn fit(features: &Array2<f32>, targets: &Array2<f32>, ridge: Ridge) -> RidgeFit {
    fit_ridge(&samples(features, targets), ridge).unwrap()
}

/// The normal equations with a column of ones whose penalty is zero, by plain Gaussian elimination.
fn by_elimination(features: &Array2<f32>, targets: &Array2<f32>, lambda: f64) -> Array2<f64> {
    let ones = Array2::ones((features.nrows(), 1));
    let x = concatenate(Axis(1), &[features.mapv(f64::from).view(), ones.view()]).unwrap();
    let mut a = x.t().dot(&x);
    let size = a.nrows();
    for i in 0..size - 1 {
        a[[i, i]] += lambda;
    }
    let right = x.t().dot(&targets.mapv(f64::from));
    let mut a = concatenate(Axis(1), &[a.view(), right.view()]).unwrap();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&i, &j| a[[i, column]].abs().total_cmp(&a[[j, column]].abs()))
            .unwrap();
        for k in 0..a.ncols() {
            a.swap([column, k], [pivot, k]);
        }
        for row in (0..size).filter(|&row| row != column) {
            let factor = a[[row, column]] / a[[column, column]];
            for k in column..a.ncols() {
                a[[row, k]] -= factor * a[[column, k]];
            }
        }
    }
    Array2::from_shape_fn((size, targets.ncols()), |(i, o)| {
        a[[i, size + o]] / a[[i, i]]
    })
}

/// The mean squared error of predicting each row from a fit on all others.
fn by_leaving_out(features: &Array2<f32>, targets: &Array2<f32>, lambda: f64) -> f64 {
    let mut sum = 0.0;
    for row in 0..features.nrows() {
        let others: Vec<usize> = (0..features.nrows()).filter(|&r| r != row).collect();
        let fit = fit(
            &features.select(Axis(0), &others),
            &targets.select(Axis(0), &others),
            Ridge::Value(lambda),
        );
        for o in 0..targets.ncols() {
            let x = features.row(row).mapv(f64::from);
            let output = x.dot(&fit.weights.column(o)) + fit.bias[o];
            sum += (f64::from(targets[[row, o]]) - output).powi(2);
        }
    }
    sum / targets.len() as f64
}

fn assert_same(a: &RidgeFit, weights: &Array2<f64>, bias: &Array1<f64>) {
    assert_relative_eq!(a.weights, *weights, max_relative = 1e-6, epsilon = 1e-8);
    assert_relative_eq!(a.bias, *bias, max_relative = 1e-6, epsilon = 1e-8);
}

#[test]
fn fit_equals_values_worked_by_hand() {
    // Centred: x = −1, 0, 1 and y = −2, 0, 2, so w = 4/(2 + λ), and the line passes through (2, 5).
    let features = array![[1.0], [2.0], [3.0]];
    let targets = array![[3.0], [5.0], [7.0]];
    for (lambda, weight) in [(0.0, 2.0), (2.0, 1.0), (6.0, 0.5)] {
        let fit = fit(&features, &targets, Ridge::Value(lambda));
        assert_abs_diff_eq!(fit.weights, array![[weight]], epsilon = 1e-12);
        assert_abs_diff_eq!(fit.bias, array![5.0 - 2.0 * weight], epsilon = 1e-12);
        assert_eq!((fit.form, fit.lambda), (Form::Primal, lambda));
        assert!(fit.curve.is_empty() && !fit.at_edge);
    }
    // Two rows and two features: centred x = ∓(1, 1), y = ∓1; w = 2/(4 + λ) in both.
    let features = array![[0.0, 1.0], [2.0, 3.0]];
    let fit = fit(&features, &array![[4.0], [6.0]], Ridge::Value(1.0));
    assert_eq!(fit.form, Form::Dual);
    assert_abs_diff_eq!(fit.weights, array![[0.4], [0.4]], epsilon = 1e-12);
    assert_abs_diff_eq!(fit.bias, array![5.0 - 0.4 * 3.0], epsilon = 1e-12);
}

#[test]
fn both_forms_equal_elimination() {
    for (rows, d_features, form) in [
        (30, 6, Form::Primal),
        (9, 8, Form::Primal),
        (8, 8, Form::Dual),
        (6, 20, Form::Dual),
    ] {
        let (features, targets) = draw(rows, d_features, 3, 1);
        for lambda in [1e-3, 0.7, 100.0] {
            let fit = fit(&features, &targets, Ridge::Value(lambda));
            let expected = by_elimination(&features, &targets, lambda);
            let (weights, bias) = expected.view().split_at(Axis(0), d_features);
            assert_eq!(fit.form, form);
            assert_same(&fit, &weights.to_owned(), &bias.row(0).to_owned());
        }
    }
}

#[test]
fn dual_equals_primal_whether_solved_directly_or_by_eigenvalues() {
    for (rows, d_features) in [(25, 4), (10, 9), (7, 7), (5, 30)] {
        let (features, targets) = draw(rows, d_features, 2, 2);
        let samples = samples(&features, &targets);
        for ridge in [Ridge::Value(0.3), Ridge::Value(1e-9), Ridge::Auto] {
            let primal = primal::fit(&samples, ridge).unwrap();
            let dual = dual::fit(&samples, ridge).unwrap();
            assert_relative_eq!(primal.lambda, dual.lambda, max_relative = 1e-9);
            assert_relative_eq!(
                primal.weights,
                dual.weights,
                max_relative = 1e-4,
                epsilon = 1e-5
            );
            assert_relative_eq!(primal.bias, dual.bias, max_relative = 1e-4, epsilon = 1e-4);
        }
    }
}

#[test]
fn leave_one_out_equals_leaving_out_one_by_one() {
    for (rows, d_features) in [(24, 5), (12, 12), (10, 25)] {
        let (features, targets) = draw(rows, d_features, 2, 3);
        let fit = fit(&features, &targets, Ridge::Auto);
        assert_eq!(fit.curve.len(), 27);
        // A λ of 10⁻⁶ of the mean eigenvalue and more: below, the fits that leave a row out lose digits themselves.
        for &(lambda, error) in fit.curve.iter().skip(8).step_by(3) {
            let expected = by_leaving_out(&features, &targets, lambda);
            assert_relative_eq!(error, expected, max_relative = 1e-4);
        }
        let least = fit.curve.iter().map(|c| c.1).fold(f64::INFINITY, f64::min);
        let chosen = fit.curve.iter().find(|c| c.0 == fit.lambda).unwrap();
        assert_eq!(chosen.1, least);
    }
}

#[test]
fn leave_one_out_of_both_forms_is_the_same() {
    let (features, targets) = draw(20, 19, 1, 4);
    let samples = samples(&features, &targets);
    let primal = primal::fit(&samples, Ridge::Auto).unwrap();
    let dual = dual::fit(&samples, Ridge::Auto).unwrap();
    for (primal, dual) in primal.curve.iter().zip(&dual.curve).skip(8) {
        assert_relative_eq!(primal.0, dual.0, max_relative = 1e-9);
        assert_relative_eq!(primal.1, dual.1, max_relative = 1e-4);
    }
}

#[test]
fn auto_fits_as_the_chosen_penalty_does() {
    for (rows, d_features) in [(40, 6), (8, 20)] {
        let (features, targets) = draw(rows, d_features, 2, 5);
        let auto = fit(&features, &targets, Ridge::Auto);
        let given = fit(&features, &targets, Ridge::Value(auto.lambda));
        assert_same(&auto, &given.weights, &given.bias);
    }
}

#[test]
fn noise_is_ridged_away_and_signal_is_kept() {
    let (features, mut targets) = draw(60, 10, 1, 6);
    let clean = features.dot(&Array2::from_elem((10, 1), 0.5));
    let fit_clean = fit(&features, &clean, Ridge::Auto);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    targets.mapv_inplace(|_| rng.random_range(-1.0..1.0));
    let fit_noise = fit(&features, &targets, Ridge::Auto);
    assert!(fit_clean.lambda < 1e-6 * fit_noise.lambda);
    assert!(fit_noise.weights.mapv(f64::abs).sum() < 0.1);
}

#[test]
fn the_intercept_is_not_penalised() {
    for rows in [30, 4] {
        let (features, targets) = draw(rows, 6, 2, 8);
        for lambda in [0.0, 1.0, 1e12] {
            let plain = fit(&features, &targets, Ridge::Value(lambda));
            let shifted = fit(
                &(&features + 16.0),
                &(&targets - 64.0),
                Ridge::Value(lambda),
            );
            assert_relative_eq!(
                shifted.weights,
                plain.weights,
                max_relative = 1e-3,
                epsilon = 1e-5
            );
            let expected = &plain.bias - 64.0 - plain.weights.sum_axis(Axis(0)) * 16.0;
            assert_relative_eq!(shifted.bias, expected, max_relative = 1e-4, epsilon = 1e-3);
        }
        // With all weights ridged away, the intercept is the mean.
        let flat = fit(&features, &targets, Ridge::Value(1e12));
        let mean = targets.mapv(f64::from).mean_axis(Axis(0)).unwrap();
        assert_relative_eq!(flat.bias, mean, max_relative = 1e-6, epsilon = 1e-6);
    }
}

#[test]
fn collinear_and_constant_features_get_the_solution_of_least_norm() {
    let (single, targets) = draw(12, 1, 1, 9);
    let constant = Array2::from_elem((12, 1), 7.3);
    let twice = concatenate![Axis(1), single, single, constant];
    let (few_rows, few_targets) = (twice.slice(s![..3, ..]), targets.slice(s![..3, ..]));
    for (twice, targets) in [(twice.view(), targets.view()), (few_rows, few_targets)] {
        let (twice, targets) = (twice.to_owned(), targets.to_owned());
        let once = fit(
            &twice.slice(s![.., ..1]).to_owned(),
            &targets,
            Ridge::Value(0.0),
        );
        let fit = fit(&twice, &targets, Ridge::Value(0.0));
        let half = once.weights[[0, 0]] / 2.0;
        let expected = array![[half], [half], [0.0]];
        assert_same(&fit, &expected, &once.bias);
    }
}

#[test]
fn no_penalty_interpolates_where_there_are_fewer_rows_than_features() {
    let (features, targets) = draw(5, 12, 2, 10);
    let fit = fit(&features, &targets, Ridge::Value(0.0));
    assert_relative_eq!(fit.predict(features.view()), targets, epsilon = 1e-4);
}

#[test]
fn features_that_never_vary_predict_the_mean() {
    let targets = array![[1.0], [2.0], [6.0]];
    for d_features in [0, 1, 5] {
        let features = Array2::from_elem((3, d_features), 0.1);
        for ridge in [Ridge::Auto, Ridge::Value(0.0), Ridge::Value(2.0)] {
            let fit = fit(&features, &targets, ridge);
            assert_abs_diff_eq!(fit.bias, array![3.0], epsilon = 1e-12);
            assert!(fit.weights.iter().all(|&w| w == 0.0));
        }
    }
    let one = fit(&array![[4.0]], &array![[9.0]], Ridge::Auto);
    assert_eq!(
        one.predict(array![[4.0], [5.0]].view()),
        array![[9.0], [9.0]]
    );
}

#[test]
fn auto_fits_where_nearly_all_features_never_vary() {
    // As of delay lines that were given a handful of symbols: copies of a clock, two symbols, and nothing.
    for rows in [1000, 200] {
        let width = 300;
        let features = Array2::from_shape_fn((rows, width), |(row, column)| {
            let tick = row % 10 == 0;
            match column {
                column if column % 20 == 0 => f32::from(tick) * 0.642_015,
                column if column == width - 6 => f32::from(tick && row / 10 % 5 == 1) * 0.566_27,
                column if column == width / 2 => f32::from(tick && row / 10 % 2 == 1) * 0.566_27,
                _ => 0.0,
            }
        });
        let targets = Array2::from_shape_fn((rows, 1), |(row, _)| {
            features[[row, width / 2]] * 3.0 - features[[row, 0]] + (row as f32).sin() * 0.1
        });
        let auto = fit(&features, &targets, Ridge::Auto);
        assert_eq!(
            auto.form,
            if rows > width {
                Form::Primal
            } else {
                Form::Dual
            }
        );
        let given = fit(&features, &targets, Ridge::Value(auto.lambda));
        assert_same(&auto, &given.weights, &given.bias);
    }
}

#[test]
fn auto_survives_collinear_features_and_lonely_ones() {
    // The last feature is zero but in one row, so that row's leverage nears one as λ shrinks.
    let (mut features, targets) = draw(20, 4, 1, 11);
    let first = features.column(0).to_owned();
    features.column_mut(1).assign(&first);
    features.column_mut(3).fill(0.0);
    features[[5, 3]] = 1.0;
    let fit = fit(&features, &targets, Ridge::Auto);
    let error = fit.curve.iter().find(|c| c.0 == fit.lambda).unwrap().1;
    assert!(error.is_finite());
    assert!(fit.weights.iter().chain(&fit.bias).all(|w| w.is_finite()));
    assert_relative_eq!(
        error,
        by_leaving_out(&features, &targets, fit.lambda),
        max_relative = 1e-4
    );
}

#[test]
fn the_edge_of_the_candidates_is_reported() {
    // Targets without noise ask for no penalty at all; noisy ones ask for one between the ends.
    let (features, noisy) = draw(40, 4, 1, 12);
    let exact = features.dot(&array![[1.0], [2.0], [-1.0], [0.5]]);
    let low = fit(&features, &exact, Ridge::Auto);
    assert!(low.at_edge && low.lambda == low.curve[0].0);
    let middle = fit(&features, &noisy, Ridge::Auto);
    assert!(!middle.at_edge);
}

#[test]
fn wrong_input_gets_a_sentence() {
    let rows = array![[0.0, 1.0], [f32::INFINITY, 1.0], [2.0, 2.0]];
    let ok = array![[0.0], [1.0], [2.0]];
    let none = (Array2::zeros((0, 2)), Array2::zeros((0, 1)));
    let table = [
        (
            fit_ridge(&samples(&rows, &ok), Ridge::Auto),
            "the features of row 1 hold inf in column 0",
        ),
        (
            fit_ridge(
                &samples(&ok, &array![[0.0], [1.0], [f32::NAN]]),
                Ridge::Value(1.0),
            ),
            "the targets of row 2 hold NaN in column 0",
        ),
        (
            fit_ridge(&samples(&none.0, &none.1), Ridge::Auto),
            "cannot be fitted on no rows",
        ),
        (
            fit_ridge(&samples(&ok, &ok), Ridge::Value(-0.5)),
            "the ridge is -0.5, but it must be",
        ),
    ];
    for (result, sentence) in table {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
    let wide = Array2::from_elem((2, 3), f32::NAN);
    let error = fit_ridge(&samples(&wide, &Array2::zeros((2, 1))), Ridge::Auto);
    assert!(matches!(
        error,
        Err(ReadoutError::NotFinite {
            row: 0,
            column: 0,
            ..
        })
    ));
}

#[test]
fn blocks_of_rows_and_columns_change_nothing() {
    // Enough rows for three blocks, with a mean that drifts from block to block.
    let (mut features, targets) = draw(9000, 3, 2, 13);
    for (row, mut x) in features.rows_mut().into_iter().enumerate() {
        x += row as f32 * 1e-3;
    }
    let tall = fit(&features, &targets, Ridge::Value(5.0));
    let expected = by_elimination(&features, &targets, 5.0);
    assert_relative_eq!(
        tall.weights,
        expected.slice(s![..3, ..]),
        max_relative = 1e-7
    );
    let wide = features.t().to_owned();
    let answers = targets.slice(s![..3, ..]).to_owned();
    let samples = samples(&wide, &answers);
    let dual = dual::fit(&samples, Ridge::Value(50.0)).unwrap();
    let outputs = dual.predict(wide.view());
    // Stationary: Wᵢ = Σ xᵢ·residual/λ over centred rows.
    let residual = answers - outputs;
    let mean = wide.mean_axis(Axis(0)).unwrap();
    let gradient = (&wide - &mean).t().dot(&residual) / 50.0;
    assert_relative_eq!(
        gradient.mapv(f64::from),
        dual.weights,
        max_relative = 1e-2,
        epsilon = 1e-3
    );
}

#[test]
fn the_same_rows_give_the_same_bits() {
    let (features, targets) = draw(300, 150, 3, 14);
    let first = fit(&features, &targets, Ridge::Auto);
    assert_eq!(first, fit(&features, &targets, Ridge::Auto));
}

#[test]
fn predict_equals_weights_and_bias_over_many_rows() {
    let (features, targets) = draw(2500, 4, 2, 15);
    let fit = fit(&features, &targets, Ridge::Value(1.0));
    let expected = features.mapv(f64::from).dot(&fit.weights) + &fit.bias;
    assert_relative_eq!(
        fit.predict(features.view()).mapv(f64::from),
        expected,
        max_relative = 1e-5,
        epsilon = 1e-5
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_gradient_of_the_objective_is_zero_at_the_fit(
        rows in 1_usize..20,
        d_features in 1_usize..12,
        seed in 0_u64..1000,
        exponent in -2_i32..4,
    ) {
        let lambda = 10_f64.powi(exponent);
        let (features, targets) = draw(rows, d_features, 2, seed);
        let fit = fit(&features, &targets, Ridge::Value(lambda));
        let x = features.mapv(f64::from);
        let residual = targets.mapv(f64::from) - x.dot(&fit.weights) - &fit.bias;
        let scale = 1.0 + residual.mapv(f64::abs).sum() + lambda * fit.weights.mapv(f64::abs).sum();
        // −½ of the gradient with respect to W and to b.
        let of_weights = x.t().dot(&residual) - &fit.weights * lambda;
        let of_bias = residual.sum_axis(Axis(0));
        prop_assert!(of_weights.iter().all(|g| g.abs() < 2e-6 * scale));
        prop_assert!(of_bias.iter().all(|g| g.abs() < 1e-8 * scale));
    }
}

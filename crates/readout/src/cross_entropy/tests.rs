use super::*;
use crate::InMemory;
use ndarray::{Array2, Axis};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

/// Rows of correlated features; classes drawn from the softmax of a linear map.
fn drawn(rows: usize, d_features: usize, classes: usize) -> (Array2<f32>, Array2<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut random =
        |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0_f32));
    let mix = random((d_features, d_features));
    let features = random((rows, d_features)).dot(&mix) + 5.0;
    let logits = (&features - 5.0).dot(&random((d_features, classes)));
    let mut targets = Array2::zeros((rows, classes));
    for (row, mut target) in targets.rows_mut().into_iter().enumerate() {
        let noise = random((1, classes));
        let score = |class: usize| logits[[row, class]] + 2.0 * noise[[0, class]];
        let best = (0..classes).max_by(|&a, &b| score(a).total_cmp(&score(b)));
        target[best.unwrap()] = 1.0;
    }
    (features, targets)
}

fn fit(features: &Array2<f32>, targets: &Array2<f32>, link: Link, ridge: Ridge) -> CrossEntropyFit {
    let samples = InMemory::new(features.clone(), targets.clone()).unwrap();
    fit_cross_entropy(&samples, link, ridge).unwrap()
}

/// The penalised loss of a readout in plain words, and the largest slope of it.
fn judged(
    fit: &CrossEntropyFit,
    features: &Array2<f32>,
    targets: &Array2<f32>,
    link: Link,
) -> (f64, f64) {
    let x = features.mapv(f64::from);
    let y = targets.mapv(f64::from);
    let mut p = x.dot(&fit.weights) + &fit.bias;
    let mut loss = 0.5 * fit.lambda * fit.weights.mapv(|w| w * w).sum();
    for (mut p, y) in p.rows_mut().into_iter().zip(y.rows()) {
        match link {
            Link::Softmax => {
                let sum = p.mapv(f64::exp).sum();
                p.mapv_inplace(|o| o.exp() / sum);
                loss -= p.iter().zip(y).map(|(p, y)| y * p.ln()).sum::<f64>();
            }
            _ => {
                p.mapv_inplace(|o| 1.0 / (1.0 + (-o).exp()));
                let both = p.iter().zip(y);
                loss -= both
                    .map(|(p, y)| y * p.ln() + (1.0 - y) * (1.0 - p).ln())
                    .sum::<f64>();
            }
        }
    }
    let residuals = p - y;
    let slopes = x.t().dot(&residuals) + fit.lambda * &fit.weights;
    let steepest = |all: &mut dyn Iterator<Item = &f64>| {
        all.fold(0.0, |most: f64, slope| most.max(slope.abs()))
    };
    let of_bias = residuals.sum_axis(Axis(0));
    (
        loss,
        steepest(&mut slopes.iter()).max(steepest(&mut of_bias.iter())),
    )
}

#[test]
fn no_slope_is_left_at_the_optimum() {
    let (features, targets) = drawn(400, 12, 4);
    // None, one or two labels a row.
    let several = Array2::from_shape_fn(targets.dim(), |(row, label)| {
        f32::from(u8::from(
            (targets[[row, label]] > 0.0) != (row % 3 == label),
        ))
    });
    for (link, targets) in [(Link::Softmax, &targets), (Link::Logistic, &several)] {
        for lambda in [0.01, 1.0, 100.0] {
            let found = fit(&features, targets, link, Ridge::Value(lambda));
            let (loss, slope) = judged(&found, &features, targets, link);
            // Features are some 5 wide and there are 400 rows: at W = 0 slopes are near 1,000.
            assert!(
                slope < 0.2,
                "{link:?}, λ = {lambda}: a slope of {slope} is left"
            );
            // The optimum of a convex function is below its neighbours.
            let mut rng = ChaCha8Rng::seed_from_u64(4);
            for _ in 0..20 {
                let mut near = found.clone();
                near.weights
                    .mapv_inplace(|w| w + rng.random_range(-0.01..0.01));
                assert!(judged(&near, &features, targets, link).0 > loss);
            }
        }
    }
}

#[test]
fn fewer_rows_than_features_have_the_same_optimum() {
    let (features, targets) = drawn(60, 80, 3);
    for link in [Link::Softmax, Link::Logistic] {
        for lambda in [0.1, 10.0] {
            let found = fit(&features, &targets, link, Ridge::Value(lambda));
            let (_, slope) = judged(&found, &features, &targets, link);
            // Features are some 10 wide: at W = 0 slopes are near 100.
            assert!(
                slope < 0.05,
                "{link:?}, λ = {lambda}: a slope of {slope} is left"
            );
        }
    }
}

#[test]
fn one_output_and_one_feature_are_fitted_as_worked_by_hand() {
    // Without a penalty, 3 of 4 at x = 1 and 1 of 4 at x = -1: the logits are ± ln 3.
    let x = Array2::from_shape_fn((8, 1), |(row, _)| if row < 4 { 1.0 } else { -1.0 });
    let y = Array2::from_shape_fn((8, 1), |(row, _)| {
        f32::from(u8::from([0, 1, 2, 4].contains(&row)))
    });
    let found = fit(&x, &y, Link::Logistic, Ridge::Value(0.0));
    assert!(
        (found.weights[[0, 0]] - 3.0_f64.ln()).abs() < 1e-4,
        "{found:?}"
    );
    assert!(found.bias[0].abs() < 1e-4, "{found:?}");
}

#[test]
fn a_penalty_is_chosen_by_rows_that_are_held_out() {
    // More features than the rows can bear, most of which say nothing.
    let (features, targets) = drawn(150, 60, 3);
    let found = fit(&features, &targets, Link::Softmax, Ridge::Auto);
    let best = found
        .curve
        .iter()
        .map(|one| one.1)
        .fold(f64::INFINITY, f64::min);
    let chosen = found.curve.iter().find(|one| one.0 == found.lambda);
    assert_eq!(chosen.unwrap().1, best, "{:?}", found.curve);
    assert!(found.curve.windows(2).all(|two| two[0].0 > two[1].0));
    let given = fit(
        &features,
        &targets,
        Link::Softmax,
        Ridge::Value(found.lambda),
    );
    let off =
        (&given.weights - &found.weights).mapv(f64::abs).sum() / given.weights.mapv(f64::abs).sum();
    assert!(off < 1e-2, "other weights from another start: {off}");
}

#[test]
fn features_that_do_not_vary_and_few_rows_are_fitted() {
    let y = Array2::from_shape_fn((6, 2), |(row, o)| {
        f32::from(u8::from((row < 2) == (o == 0)))
    });
    let constant = Array2::from_elem((6, 3), 2.0);
    let found = fit(&constant, &y, Link::Softmax, Ridge::Auto);
    let logit = constant
        .mapv(f64::from)
        .row(0)
        .dot(&found.weights.column(0))
        + found.bias[0]
        - constant
            .mapv(f64::from)
            .row(0)
            .dot(&found.weights.column(1))
        - found.bias[1];
    assert!((logit - 0.5_f64.ln()).abs() < 1e-3, "{found:?}");
    let few = Array2::from_shape_fn((6, 9), |(row, column)| ((row * 5 + column * 3) % 7) as f32);
    let found = fit(&few, &y, Link::Softmax, Ridge::Auto);
    assert!(found.weights.iter().all(|w| w.is_finite()), "{found:?}");
}

#[test]
fn a_fit_is_the_same_to_the_last_bit_on_any_number_of_threads() {
    let (features, targets) = drawn(500, 200, 5);
    let found = [1, 2, 4].map(|threads| {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| fit(&features, &targets, Link::Softmax, Ridge::Auto))
    });
    assert!(found.iter().all(|other| *other == found[0]));
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let samples = InMemory::new(Array2::zeros((0, 2)), Array2::zeros((0, 2))).unwrap();
    let none = fit_cross_entropy(&samples, Link::Softmax, Ridge::Auto);
    assert_eq!(none.unwrap_err(), ReadoutError::NoRows);
    let (features, targets) = drawn(20, 3, 2);
    let samples = InMemory::new(features, targets).unwrap();
    let negative = fit_cross_entropy(&samples, Link::Softmax, Ridge::Value(-1.0));
    assert!(
        matches!(negative, Err(ReadoutError::Parameter { .. })),
        "{negative:?}"
    );
    let samples = InMemory::new(Array2::from_elem((3, 1), f32::NAN), Array2::ones((3, 1)));
    let nan = fit_cross_entropy(&samples.unwrap(), Link::Logistic, Ridge::Value(1.0));
    assert!(
        matches!(nan, Err(ReadoutError::NotFinite { .. })),
        "{nan:?}"
    );
}

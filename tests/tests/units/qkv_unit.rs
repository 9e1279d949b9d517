//! What the units of crates/qkv-unit compute in burn operations: values worked by hand, and what their options change.

use approx::assert_abs_diff_eq;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use ran_qkv_unit::*;
use ran_unit::*;

use crate::{B, DEVICE, numbers, wavy, window};

fn drawn(config: &QkvUnitConfig) -> QkvUnit<B> {
    config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
}

/// One unit whose weights are identity matrices: Q = K = V = Z.
fn identity_unit(config: &QkvUnitConfig) -> QkvUnit<B> {
    let mut unit = drawn(config);
    let eye = Tensor::<B, 2>::eye(config.d_unit, &DEVICE).unsqueeze::<3>();
    for linear in [&mut unit.query, &mut unit.key, &mut unit.value] {
        linear.weight = Param::from_tensor(eye.clone());
    }
    unit
}

/// Every combination of the options.
fn every_config() -> Vec<QkvUnitConfig> {
    let mut configs = Vec::new();
    for heads in [1, 2, 4] {
        for flags in 0..8 {
            for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
                configs.push(QkvUnitConfig {
                    heads,
                    causal: flags & 1 != 0,
                    residual: flags & 2 != 0,
                    layer_norm: flags & 4 != 0,
                    output,
                    ..QkvUnitConfig::new(3, 4)
                });
            }
        }
    }
    configs
}

#[test]
fn attention_equals_values_worked_by_hand() {
    // D = 1, rows 0 and ln 3: the row 0 weighs both alike, (0 + ln 3)/2; the row ln 3 weighs them
    // 1 : e^(ln² 3).
    let unit = identity_unit(&QkvUnitConfig::new(1, 1));
    let ln3 = 3.0_f32.ln();
    let got = numbers(unit.forward(window(vec![0.0, ln3], [1, 1, 2, 1])));
    let weight = (ln3 * ln3).exp();
    assert_abs_diff_eq!(got[0], 0.549_306_1, epsilon = 1e-6);
    assert_abs_diff_eq!(got[1], ln3 * weight / (1.0 + weight), epsilon = 1e-6);
}

#[test]
fn scores_are_divided_by_the_root_of_the_heads_width() {
    // D = 2, rows (1, 0) and (0, 1): a row scores 1/√2 with itself and 0 with the other.
    let rows = window(vec![1.0, 0.0, 0.0, 1.0], [1, 1, 2, 2]);
    let one = identity_unit(&QkvUnitConfig::new(1, 2));
    let own = 0.669_761_5; // e^(1/√2)/(1 + e^(1/√2))
    let got = numbers(one.forward(rows.clone()));
    for (got, expected) in got.iter().zip([own, 1.0 - own, 1.0 - own, own]) {
        assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
    }
    // Two heads of width 1: a 1 scores 1 with itself, a 0 weighs all alike.
    let config = QkvUnitConfig {
        heads: 2,
        ..QkvUnitConfig::new(1, 2)
    };
    let got = numbers(identity_unit(&config).forward(rows));
    let own = 0.731_058_6; // e/(1 + e)
    for (got, expected) in got.iter().zip([own, 0.5, 0.5, own]) {
        assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
    }
}

#[test]
fn the_newest_row_is_the_last_of_all_rows_whatever_the_options() {
    for config in every_config() {
        let unit = drawn(&config);
        for context in [1, 5] {
            let rows = wavy([2, 3, context, 4]);
            let all = unit.forward(rows.clone());
            assert_eq!(all.dims(), [2, 3, context, 4]);
            let last = all.narrow(2, context - 1, 1).squeeze_dim::<3>(2);
            let newest = unit.newest(rows);
            let largest: f32 = (newest - last).abs().max().into_scalar();
            assert!(largest < 1e-5, "{config:?}: differ by {largest}");
        }
    }
}

#[test]
fn a_row_sees_newer_rows_only_without_the_mask() {
    for config in every_config() {
        let unit = drawn(&config);
        let rows = wavy([1, 3, 4, 4]);
        let older = rows.clone().narrow(2, 0, 3);
        let changed = rows.clone().narrow(2, 3, 1) * -2.0 + 1.0;
        let first = |rows| unit.forward(rows).narrow(2, 0, 3);
        let before = first(rows);
        let after = first(Tensor::cat(vec![older, changed], 2));
        let largest: f32 = (before - after).abs().max().into_scalar();
        if config.causal {
            assert!(largest < 1e-6, "{config:?}: older rows moved by {largest}");
        } else {
            assert!(largest > 1e-4, "{config:?}: moved by {largest} alone");
        }
    }
}

#[test]
fn units_of_a_population_and_sequences_of_a_batch_are_apart() {
    let unit = drawn(&QkvUnitConfig::new(3, 4));
    let rows = wavy([2, 3, 5, 4]);
    let whole = unit.forward(rows.clone());
    let other = rows.clone().slice_fill([1..2, 2..3, 0..5, 0..4], 9.0);
    let changed = (unit.forward(other) - whole).abs().max_dim(3).max_dim(2);
    for (at, moved) in numbers(changed).into_iter().enumerate() {
        assert_eq!(moved > 0.0, at == 5, "sequence and unit {at} moved {moved}");
    }
}

#[test]
fn a_unit_has_three_matrices_and_three_biases_that_start_at_zero() {
    let (units, d_unit) = (5, 4);
    let unit = drawn(&QkvUnitConfig::new(units, d_unit));
    assert_eq!(
        unit.num_params(),
        units * (3 * d_unit * d_unit + 3 * d_unit)
    );
    for linear in [&unit.query, &unit.key, &unit.value] {
        assert!(numbers(linear.bias.val()).iter().all(|&bias| bias == 0.0));
    }
    assert_eq!(Unit::<B>::shape(&unit), UnitShape { units, d_unit });
    assert_eq!(unit.multiply_adds(7, 2), 2 * (3 * 16 + 2 * 7 * 4));
}

#[test]
#[should_panic(expected = "heads must divide d_unit, got 3 heads for a width of 4")]
fn heads_that_do_not_divide_the_width_panic() {
    drawn(&QkvUnitConfig {
        heads: 3,
        ..QkvUnitConfig::new(1, 4)
    });
}

#[test]
fn weights_sum_to_one_and_mix_the_values_to_what_is_answered() {
    for (heads, causal, queries) in [(1, false, 1), (2, false, 5), (2, true, 5), (4, true, 1)] {
        let unit = drawn(&QkvUnitConfig {
            heads,
            causal,
            ..QkvUnitConfig::new(3, 8)
        });
        let rows = wavy([2, 3, 5, 8]);
        let weights = unit.weights(rows.clone(), queries);
        assert_eq!(weights.dims(), [2, 3, heads, queries, 5]);
        for sum in numbers(weights.clone().sum_dim(4)) {
            assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-6);
        }
        let newer = numbers(weights.clone().narrow(3, 0, 1).narrow(4, 1, 4));
        let hidden = newer.iter().all(|&weight| weight == 0.0);
        assert_eq!(hidden, causal && queries > 1);
        let values = unit.value.forward(rows_by_unit(rows.clone()));
        let values = window_of_rows(values, 2) // [batch, units, context, d_unit]
            .reshape([2, 3, 5, heads, 8 / heads])
            .swap_dims(2, 3);
        let mixed = weights
            .matmul(values)
            .swap_dims(2, 3)
            .reshape([2, 3, queries, 8]);
        let answered = unit.forward(rows).narrow(2, 5 - queries, queries);
        for (got, expected) in numbers(mixed).into_iter().zip(numbers(answered)) {
            assert_abs_diff_eq!(got, expected, epsilon = 1e-5);
        }
    }
}

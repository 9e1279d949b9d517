//! What the units of crates/memory-unit compute in burn operations: values worked by hand, and what their options change.

use approx::assert_abs_diff_eq;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use ran_memory_unit::*;
use ran_unit::*;

use crate::{B, DEVICE, numbers};

fn drawn(config: &MemoryUnitConfig) -> MemoryUnit<B> {
    config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
}

/// One unit of width 1 with FF_in = (1, −1, 2, 0), b_in = (0, 0, −1, 0.5), FF_out = (1, 10, 100, 1000)ᵀ,
/// b_out = 0.25.
fn worked_unit(config: MemoryUnitConfig) -> MemoryUnit<B> {
    let mut unit = drawn(&config);
    let matrix = |values: [f32; 4], shape: [usize; 3]| {
        Param::from_data(TensorData::new(values.to_vec(), shape), &DEVICE)
    };
    let bias = |values: &[f32]| {
        Param::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &DEVICE)
    };
    unit.up.weight = matrix([1.0, -1.0, 2.0, 0.0], [1, 1, 4]);
    unit.up.bias = bias(&[0.0, 0.0, -1.0, 0.5]);
    unit.down.weight = matrix([1.0, 10.0, 100.0, 1000.0], [1, 4, 1]);
    unit.down.bias = bias(&[0.25]);
    unit
}

fn answers(config: MemoryUnitConfig) -> Vec<f32> {
    let rows = TensorData::new(vec![2.0_f32, -3.0], [1, 1, 2, 1]);
    numbers(worked_unit(config).forward(Tensor::from_data(rows, &DEVICE)))
}

#[test]
fn retrieval_equals_values_worked_by_hand() {
    // For 2: max(2, 0) + 10·max(−2, 0) + 100·max(3, 0) + 1000·0.5 + 0.25.
    // For −3: max(−3, 0) + 10·max(3, 0) + 100·max(−7, 0) + 1000·0.5 + 0.25.
    let plain = MemoryUnitConfig::new(1, 1);
    assert_eq!(answers(plain.clone()), [802.25, 530.25]);
    let residual = MemoryUnitConfig {
        residual: true,
        ..plain.clone()
    };
    assert_eq!(answers(residual), [804.25, 527.25]);
    let tanh = MemoryUnitConfig {
        activation: Activation::Tanh,
        ..plain
    };
    let expected = |z: f32| {
        z.tanh() + 10.0 * (-z).tanh() + 100.0 * (2.0 * z - 1.0).tanh() + 1000.0 * 0.462_117_2
    };
    let got = answers(tanh);
    assert_abs_diff_eq!(got[0], expected(2.0) + 0.25, epsilon = 1e-3);
    assert_abs_diff_eq!(got[1], expected(-3.0) + 0.25, epsilon = 1e-3);
}

#[test]
fn a_normalised_row_has_mean_zero_and_deviation_one_and_takes_gain_and_bias() {
    let mut unit = drawn(&MemoryUnitConfig {
        layer_norm: true,
        ..MemoryUnitConfig::new(1, 2)
    });
    // Of two different entries, norm leaves −1 and 1.
    unit.up.bias = Param::from_tensor(Tensor::ones([1, 8], &DEVICE));
    let norm = unit.norm.as_mut().expect("the unit was given a norm");
    let filled =
        |values: [f32; 2]| Param::from_data(TensorData::new(values.to_vec(), [1, 2]), &DEVICE);
    norm.gain = filled([2.0, 3.0]);
    norm.bias = filled([0.5, 0.0]);
    let rows = Tensor::from_data(TensorData::new(vec![1.0_f32, -2.0], [1, 1, 1, 2]), &DEVICE);
    let got = numbers(unit.forward(rows));
    let sign = (got[0] - 0.5).signum();
    assert_abs_diff_eq!(got[0], 0.5 + 2.0 * sign, epsilon = 1e-3);
    assert_abs_diff_eq!(got[1], -3.0 * sign, epsilon = 1e-3);
}

#[test]
fn the_newest_row_is_the_last_of_all_rows_whatever_the_options() {
    for activation in [Activation::Relu, Activation::Gelu, Activation::Tanh] {
        for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
            for (residual, layer_norm) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let config = MemoryUnitConfig {
                    activation,
                    residual,
                    layer_norm,
                    output,
                    ..MemoryUnitConfig::new(3, 4)
                };
                let unit = drawn(&config);
                let values = (0..2 * 3 * 5 * 4).map(|at| (at as f32 * 0.7).sin());
                let values = TensorData::new(values.collect::<Vec<_>>(), [2, 3, 5, 4]);
                let rows = Tensor::from_data(values, &DEVICE);
                let all = unit.forward(rows.clone());
                assert_eq!(all.dims(), [2, 3, 5, 4]);
                let last = all.narrow(2, 4, 1).squeeze_dim::<3>(2);
                let largest: f32 = (unit.newest(rows) - last).abs().max().into_scalar();
                assert!(largest < 1e-5, "{config:?}: differ by {largest}");
            }
        }
    }
}

#[test]
fn a_unit_has_8d2_weights_and_5d_biases() {
    let (units, d_unit) = (5, 4);
    let unit = drawn(&MemoryUnitConfig::new(units, d_unit));
    assert_eq!(
        unit.num_params(),
        units * (8 * d_unit * d_unit + 5 * d_unit)
    );
    assert_eq!(Unit::<B>::shape(&unit), UnitShape { units, d_unit });
    assert_eq!(unit.multiply_adds(7, 2), 2 * 8 * 16);
}

#[test]
fn only_biases_before_the_activation_of_a_reservoirs_unit_are_drawn() {
    let config = MemoryUnitConfig::new(20, 8);
    let unit = drawn(&config);
    let up = numbers(unit.up.bias.val());
    assert!(up.iter().all(|bias| bias.abs() <= 0.5));
    assert!(up.iter().any(|&bias| bias > 0.4) && up.iter().any(|&bias| bias < -0.4));
    assert!(numbers(unit.down.bias.val()).iter().all(|&b| b == 0.0));
    let trained = drawn(&MemoryUnitConfig {
        initializer: Initializer::Trained,
        ..config
    });
    assert!(numbers(trained.up.bias.val()).iter().all(|&b| b == 0.0));
}

//! What the units of crates/attention-block compute in burn operations: values worked by hand, and what their options change.

use approx::assert_abs_diff_eq;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use ran_attention_block::*;
use ran_memory_unit::Activation;
use ran_unit::*;

use crate::{B, DEVICE, numbers, wavy};

fn drawn(config: &AttentionBlockConfig) -> AttentionBlock<B> {
    config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
}

/// Every combination of the options.
fn every_config() -> Vec<AttentionBlockConfig> {
    let mut configs = Vec::new();
    for heads in [1, 2] {
        for flags in 0..8 {
            for output in [Output::Identity, Output::Tanh, Output::LayerNorm] {
                for activation in [Activation::Relu, Activation::Gelu, Activation::Tanh] {
                    let mut config = AttentionBlockConfig::new(3, 4);
                    config.qkv.heads = heads;
                    config.qkv.causal = flags & 1 != 0;
                    config.qkv.residual = flags & 2 != 0;
                    config.qkv.layer_norm = flags & 4 != 0;
                    config.memory.activation = activation;
                    config.memory.residual = flags & 2 != 0;
                    config.memory.layer_norm = flags & 4 != 0;
                    config.memory.output = output;
                    configs.push(config);
                }
            }
        }
    }
    configs
}

/// One unit of width 1 with every weight 1 and every bias 0: A = softmax(z·z)·z, F = 4·max(A, 0).
fn worked_unit(config: &AttentionBlockConfig) -> AttentionBlock<B> {
    let mut unit = drawn(config);
    let memory = &mut unit.memory;
    memory.up.bias = Param::from_tensor(Tensor::zeros([1, 4], &DEVICE));
    let AttentionBlock { qkv, memory } = &mut unit;
    for linear in [
        &mut qkv.query,
        &mut qkv.key,
        &mut qkv.value,
        &mut memory.up,
        &mut memory.down,
    ] {
        linear.weight = Param::from_tensor(linear.weight.val().ones_like());
    }
    unit
}

#[test]
fn the_block_equals_values_worked_by_hand() {
    // The row 0 weighs both alike: A = (0 + 1)/2, F = 4·A = 2. The row 1 weighs them 1 : e.
    let rows = || Tensor::from_data(TensorData::new(vec![0.0_f32, 1.0], [1, 1, 2, 1]), &DEVICE);
    let config = AttentionBlockConfig::new(1, 1);
    let got = numbers(worked_unit(&config).forward(rows()));
    let second = 0.731_058_6; // e/(1 + e)
    assert_abs_diff_eq!(got[0], 2.0, epsilon = 1e-6);
    assert_abs_diff_eq!(got[1], 4.0 * second, epsilon = 1e-5);

    // With residuals, A' = A + z and F' = 4·A' + A'; the output's tanh comes once, at the end.
    let mut config = config;
    config.qkv.residual = true;
    config.memory.residual = true;
    config.memory.output = Output::Tanh;
    let got = numbers(worked_unit(&config).forward(rows()));
    assert_abs_diff_eq!(got[0], 2.5_f32.tanh(), epsilon = 1e-6);
    assert_abs_diff_eq!(got[1], (5.0 * (second + 1.0)).tanh(), epsilon = 1e-6);
}

#[test]
fn the_newest_row_is_the_last_of_all_rows_whatever_the_options() {
    for config in every_config() {
        let unit = drawn(&config);
        let rows = wavy([2, 3, 5, 4]);
        let all = unit.forward(rows.clone());
        assert_eq!(all.dims(), [2, 3, 5, 4]);
        let last = all.narrow(2, 4, 1).squeeze_dim::<3>(2);
        let largest: f32 = (unit.newest(rows) - last).abs().max().into_scalar();
        assert!(largest < 1e-5, "{config:?}: differ by {largest}");
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
        if config.qkv.causal {
            assert!(largest < 1e-6, "{config:?}: older rows moved by {largest}");
        } else {
            assert!(largest > 1e-4, "{config:?}: moved by {largest} alone");
        }
    }
}

#[test]
fn a_unit_has_11d2_weights_and_8d_biases() {
    let (units, d_unit) = (5, 4);
    let unit = drawn(&AttentionBlockConfig::new(units, d_unit));
    assert_eq!(
        unit.num_params(),
        units * (11 * d_unit * d_unit + 8 * d_unit)
    );
    assert_eq!(Unit::<B>::shape(&unit), UnitShape { units, d_unit });
    assert_eq!(unit.multiply_adds(7, 2), 2 * (11 * 16 + 2 * 7 * 4));
}

#[test]
#[should_panic(expected = "heads must divide d_unit, got 3 heads for a width of 4")]
fn heads_that_do_not_divide_the_width_panic() {
    let mut config = AttentionBlockConfig::new(1, 4);
    config.qkv.heads = 3;
    drawn(&config);
}

#[test]
#[should_panic(expected = "units and d_unit must be the same in both halves")]
fn halves_of_different_widths_panic() {
    let mut config = AttentionBlockConfig::new(1, 4);
    config.memory.d_unit = 5;
    drawn(&config);
}

#[test]
fn halves_have_options_of_their_own() {
    let mut config = AttentionBlockConfig::new(2, 4);
    config.qkv.layer_norm = true;
    config.memory.residual = true;
    let unit = drawn(&config);
    assert!(unit.qkv.norm.is_some() && unit.memory.norm.is_none());
    let kernel = unit.fused().expect("a kernel").kernel;
    // Three layers with their biases and a norm, then two layers.
    assert_eq!(kernel.tensors(4).len(), 6 + 2 + 4);
}

//! What the units of crates/tanh-unit compute in burn operations: values worked by hand, and what their options change.

use approx::assert_abs_diff_eq;
use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use ran_tanh_unit::*;
use ran_unit::*;

use crate::{B, DEVICE, numbers};

fn drawn(config: &TanhUnitConfig) -> TanhUnit<B> {
    config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
}

#[test]
fn every_slot_answers_with_tanh_of_itself_and_its_bias() {
    // Two units of one slot with biases 0 and 1, each with the rows 0.5 and −1.
    let mut unit = drawn(&TanhUnitConfig::new(2, 1));
    unit.bias = Param::from_data(TensorData::new(vec![0.0_f32, 1.0], [2, 1]), &DEVICE);
    let rows = TensorData::new(vec![0.5_f32, -1.0, 0.5, -1.0], [1, 2, 2, 1]);
    let rows = Tensor::from_data(rows, &DEVICE);
    let expected = [0.462_117_2, -0.761_594_2, 0.905_148_3, 0.0];
    for (got, expected) in numbers(unit.forward(rows.clone())).iter().zip(expected) {
        assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
    }
    for (got, expected) in numbers(unit.newest(rows)).iter().zip([-0.761_594_2, 0.0]) {
        assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
    }
}

#[test]
fn a_linear_unit_answers_with_its_slots_and_their_biases() {
    let mut unit = drawn(&TanhUnitConfig {
        linear: true,
        ..TanhUnitConfig::new(2, 1)
    });
    unit.bias = Param::from_data(TensorData::new(vec![0.0_f32, 1.0], [2, 1]), &DEVICE);
    let rows = TensorData::new(vec![7.0_f32, -30.0, 0.5, -1.0], [1, 2, 2, 1]);
    let rows = Tensor::from_data(rows, &DEVICE);
    let all = numbers(unit.forward(rows.clone()));
    assert_eq!(all, [7.0, -30.0, 1.5, 0.0]);
    assert_eq!(numbers(unit.newest(rows)), [-30.0, 0.0]);
}

#[test]
fn biases_are_one_per_slot_and_drawn_within_their_bound() {
    let (units, d_unit) = (50, 2);
    let none = drawn(&TanhUnitConfig::new(units, d_unit));
    assert_eq!(none.num_params(), units * d_unit);
    assert_eq!(Unit::<B>::shape(&none), UnitShape { units, d_unit });
    assert!(numbers(none.bias.val()).iter().all(|&bias| bias == 0.0));
    let some = drawn(&TanhUnitConfig {
        bias: 0.2,
        ..TanhUnitConfig::new(units, d_unit)
    });
    let biases = numbers(some.bias.val());
    assert!(biases.iter().all(|bias| bias.abs() <= 0.2));
    assert!(biases.iter().any(|bias| bias.abs() > 0.15));
}

//! First weights by role: which slots queries, keys, values and gates read.

use approx::assert_abs_diff_eq;
use burn::tensor::{Tensor, TensorData};
use ran_qkv_unit::*;
use ran_unit::*;

use crate::{B, DEVICE, numbers};

fn drawn(config: &QkvUnitConfig) -> QkvUnit<B> {
    config.init(&mut RngStream::Weights(0).rng(1), &DEVICE)
}

/// Two units of width 6: queries read the slots 0 and 1, keys 2 and 3, values 1.
fn roles() -> QkvUnitConfig {
    QkvUnitConfig {
        roles: Some(Roles {
            query: vec![0, 1],
            key: vec![2, 3],
            value: vec![1],
            gate: None,
        }),
        ..QkvUnitConfig::new(2, 6)
    }
}

/// The rows of a layer's matrix that are not zero, of unit 1.
fn read(layer: &UnitLinear<B>) -> Vec<usize> {
    let weights = numbers(layer.weight.val());
    let rows = weights[36..72].chunks_exact(6).enumerate();
    let read = rows.filter(|(_, row)| row.iter().any(|&weight| weight != 0.0));
    read.map(|(slot, _)| slot).collect()
}

#[test]
fn a_role_reads_its_slots_alone() {
    let unit = drawn(&roles());
    assert_eq!(read(&unit.query), [0, 1]);
    assert_eq!(read(&unit.key), [2, 3]);
    assert_eq!(read(&unit.value), [1]);
    let rows = numbers(unit.query.weight.val())[..12].to_vec();
    let spread = rows.iter().map(|weight| weight * weight).sum::<f32>() / 12.0;
    assert!((0.2..0.9).contains(&spread), "variance 1/2, got {spread}");
}

#[test]
fn roles_that_read_all_slots_are_the_unit_without_roles_and_draw_layer_after_layer() {
    let plain = QkvUnitConfig::new(2, 6);
    let mut rng = RngStream::Weights(0).rng(1);
    for tensor in drawn(&plain).tensors().chunks(2) {
        let layer = UnitLinear::<B>::init([2, 6, 6], plain.initializer, 0.0, &mut rng, &DEVICE);
        assert_eq!(
            numbers(tensor[0].clone()),
            numbers(layer.tensors()[0].clone())
        );
    }
    let all = QkvUnitConfig {
        roles: Some(Roles::all(6)),
        ..plain.clone()
    };
    for (one, other) in drawn(&plain)
        .tensors()
        .into_iter()
        .zip(drawn(&all).tensors())
    {
        assert_eq!(numbers(one), numbers(other));
    }
}

#[test]
fn tied_keys_have_the_weights_of_queries_and_mimetic_ones_nearly() {
    for (qk, gain, near) in [
        (Qk::Tied, 3.0, 0.0..1e-6),
        (Qk::Mimetic, 1.0, 0.01..0.2),
        (Qk::Independent, 1.0, 0.5..10.0),
    ] {
        let config = QkvUnitConfig {
            qk,
            qk_noise: 0.1,
            qk_gain: gain,
            ..roles()
        };
        let unit = drawn(&config);
        let (query, key) = (unit.query.weight.val(), unit.key.weight.val());
        let (query, key) = (query.narrow(1, 0, 2), key.narrow(1, 2, 2));
        let apart = numbers(query / gain - key).into_iter();
        let apart = apart.fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(near.contains(&apart), "{qk:?}: {apart}");
    }
}

#[test]
fn heads_answer_with_values_as_they_are_and_with_the_row_that_the_gate_opens() {
    let config = QkvUnitConfig {
        heads: 2,
        roles: Some(Roles {
            query: vec![0],
            key: vec![1],
            value: vec![2, 3],
            gate: Some(4),
        }),
        gate: Gate {
            gain: 60.0,
            law: GateLaw::Fixed,
        },
        value: Value::Identity,
        ..QkvUnitConfig::new(1, 6)
    };
    // The second of three rows has a gate of 1; its values are 5 and 7.
    let rows = [
        [0.3, 0.2, 1.0, 2.0, 0.0, 0.0],
        [0.1, -0.4, 5.0, 7.0, 1.0, 0.0],
        [0.9, 0.8, 3.0, 4.0, 0.0, 0.0],
    ];
    let rows = TensorData::new(rows.concat(), [1, 1, 3, 6]);
    let answer = numbers(drawn(&config).newest(Tensor::from_data(rows, &DEVICE)));
    for (got, expected) in answer.iter().zip([5.0, 7.0, 0.0, 5.0, 7.0, 0.0]) {
        assert_abs_diff_eq!(*got, expected, epsilon = 1e-4);
    }
}

#[test]
fn a_uniform_gate_differs_from_head_to_head() {
    let config = QkvUnitConfig {
        heads: 2,
        gate: Gate {
            gain: 2.0,
            law: GateLaw::Uniform,
        },
        roles: Some(Roles {
            gate: Some(0),
            ..Roles::default()
        }),
        ..QkvUnitConfig::new(3, 2)
    };
    let mut gains = numbers(drawn(&config).query.bias.val());
    assert!(gains.iter().all(|gain| gain.abs() <= 2.0));
    gains.sort_by(f32::total_cmp);
    gains.dedup();
    assert_eq!(gains.len(), 6);
}

#[test]
fn queries_that_ask_by_a_map_have_the_mapped_weights_of_keys() {
    let config = QkvUnitConfig {
        heads: 2,
        ..roles()
    };
    let mut unit = drawn(&config);
    let mut roles = config.roles.unwrap();
    roles.gate = Some(5);
    let before = numbers(unit.query.weight.val());
    // The first query asks for the second key, the second for half of the first.
    unit.ask(&roles, &[0.0, 1.0, 0.5, 0.0], 2.0);
    let (queries, keys) = (
        numbers(unit.query.weight.val()),
        numbers(unit.key.weight.val()),
    );
    for column in 0..6 {
        let at = |slot: usize| 36 + slot * 6 + column;
        if column % 3 == 2 {
            assert_eq!(queries[at(0)], before[at(0)]);
        } else {
            assert_eq!(queries[at(0)], 2.0 * keys[at(3)]);
            assert_eq!(queries[at(1)], keys[at(2)]);
        }
        assert_eq!(queries[at(4)], 0.0);
    }
}

#[test]
fn roles_that_do_not_fit_are_named() {
    let fits = |change: fn(&mut Roles), heads, qk, value| {
        let mut roles = roles().roles.unwrap();
        change(&mut roles);
        roles.check(6, heads, qk, value)
    };
    let refused = |got: Result<(), (&str, String)>, option: &str, words: &str| {
        let (field, problem) = got.unwrap_err();
        assert_eq!(field, option);
        assert!(problem.contains(words), "{problem}");
    };
    let (tied, random) = (Qk::Tied, Value::Random);
    assert_eq!(fits(|_| (), 1, tied, random), Ok(()));
    let wide = fits(|roles| roles.key.push(4), 1, tied, random);
    refused(wide, "qk", "they read 2 and 3");
    let beyond = fits(|roles| roles.value.push(6), 1, tied, random);
    refused(beyond, "reads", "below 6, got 6");
    let values = fits(|roles| roles.value.push(2), 6, tied, Value::Identity);
    refused(values, "value", "they read 2, and 6 heads");
    let gate = fits(|roles| roles.gate = Some(0), 6, tied, random);
    refused(gate, "reads.gate", "6 heads share a width of 6");
}

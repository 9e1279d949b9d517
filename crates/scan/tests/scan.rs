//! The fused scan against the scan written plainly: values, gradients, hand-over of memory.

#![allow(missing_docs, reason = "a test crate")]

mod common;

use common::naive::{Kind, Part};
use common::number::{Number, Traced};
use common::{Case, difference, kinds, numbers};
use ran_scan::{
    Arch, Memory, Needs, Output, ScanSpec, ScannedGradients, Sequences, scan_backward,
    scan_forward_taped,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const MEMORIES: [Memory; 2] = [Memory::Sliding, Memory::Rewritten];

fn part(kind: Kind, units: usize, d_unit: usize, output: Output) -> Part {
    Part {
        kind,
        units,
        d_unit,
        output,
    }
}

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

/// Values and every gradient, on every instruction set, against the naive scan.
fn agrees(name: &str, case: &Case, truncate: Option<usize>) {
    let sizes = [case.batch, case.steps];
    Traced::clear();
    let leaves = |numbers: &[f32]| {
        numbers
            .iter()
            .map(|&x| Traced::leaf(f64::from(x)))
            .collect::<Vec<_>>()
    };
    let weights = leaves(&case.weights);
    let inputs = leaves(&case.inputs);
    let rows = leaves(&case.rows);
    let older = leaves(&case.older_inputs);
    let expected = case
        .model
        .scan(&weights, &inputs, &rows, &older, sizes, truncate);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let gradient = numbers(&mut random, expected.len(), 1.0);
    let derivatives = Traced::derivatives(&expected, &wide(&gradient));
    let values: Vec<f64> = expected.iter().map(|x| x.value()).collect();
    for arch in Arch::available() {
        let spec = case.spec.clone().on(arch);
        let at = format!("{name} on {}", arch.name());
        let plain = case.forward(&spec, case.sequences());
        let (taped, tape) = case.taped(&spec);
        match case.batch {
            // Few sequences lie otherwise in the lanes when no backward pass is wanted.
            1..=4 => assert!(
                difference(&plain, &wide(&taped)) < 1e-4,
                "{at}: taped or not"
            ),
            _ => assert_eq!(plain, taped, "{at}: values do not depend on the tape"),
        }
        let worst = difference(&taped, &values);
        assert!(worst < 2e-5, "{at}: values differ by {worst}");
        let all = case.back(&spec, &tape, &gradient, truncate, Needs::ALL);
        for (what, got, leaves) in [
            ("weights", &all.weights.concat(), &weights),
            ("inputs", &all.inputs, &inputs),
            ("rows", &all.rows, &rows),
            ("older inputs", &all.older_inputs, &older),
        ] {
            let worst = difference(got, &derivatives.of(leaves));
            assert!(worst < 1e-4, "{at}: gradients of {what} differ by {worst}");
        }
    }
}

#[test]
fn every_kind_agrees_in_both_memories() {
    for memory in MEMORIES {
        for context in [1, 2, 5, 16] {
            for (index, kind) in kinds(4).into_iter().enumerate() {
                let output = [Output::Identity, Output::Tanh, Output::LayerNorm][index % 3];
                let (leak, fan) = ([1.0, 0.3][index % 2], 1 + index % 2);
                let name = format!("{kind:?}, {output:?}, {memory:?}, context {context}");
                let parts = vec![part(kind, 2, 4, output)];
                let case = Case::new(1, memory, context, leak, fan, parts, [2, 6, 2]);
                agrees(&name, &case, None);
            }
        }
    }
}

#[test]
fn leaks_that_differ_from_unit_to_unit_agree() {
    for memory in MEMORIES {
        for batch in [1, 2, 6] {
            let all = kinds(4);
            let parts = vec![
                part(all[0].clone(), 2, 4, Output::Tanh),
                part(all[1].clone(), 1, 4, Output::Identity),
            ];
            let leaks = vec![0.2, 1.0, 0.7];
            let case = Case::new(4, memory, 3, leaks, 1, parts, [batch, 6, 2]);
            agrees(&format!("{memory:?}, batch {batch}"), &case, None);
        }
    }
}

#[test]
fn another_number_of_leaks_than_of_units_is_refused() {
    let parts = vec![part(kinds(4)[0].clone(), 2, 4, Output::Tanh)];
    let case = Case::new(1, MEMORIES[0], 2, 1.0, 1, parts, [1, 1, 2]);
    let spec = |leaks: Vec<f32>| {
        let (wiring, populations) = (case.spec.wiring().clone(), case.spec.populations().to_vec());
        ScanSpec::new(MEMORIES[0], 2, 2, leaks, wiring, populations).map(drop)
    };
    assert_eq!(spec(vec![0.5, 1.0]), Ok(()));
    let sentence = |leaks| spec(leaks).expect_err("a leak is wrong").to_string();
    assert_eq!(
        sentence(vec![0.5]),
        "leaks has 1 numbers, expected 2 = one per unit"
    );
    assert!(sentence(vec![0.5, 0.0]).starts_with("leak"));
}

#[test]
fn a_scan_of_no_step_hands_gradients_of_the_memory_through() {
    for memory in MEMORIES {
        for context in [1, 3] {
            let parts = vec![part(kinds(4)[0].clone(), 2, 4, Output::Tanh)];
            let case = Case::new(7, memory, context, 0.5, 2, parts, [27, 0, 2]);
            for arch in Arch::available() {
                let spec = case.spec.clone().on(arch);
                let weights = spec.split(&case.weights).expect("the weights");
                let taped = scan_forward_taped(&spec, &weights, case.sequences());
                let (scanned, tape) = taped.expect("lengths that agree");
                assert_eq!(scanned.rows, case.rows, "the memory stays");
                let given = ScannedGradients {
                    states: None,
                    rows: Some(&case.rows),
                };
                let found = scan_backward(&spec, &weights, &tape, given, None, Needs::ALL);
                let rows = found.expect("a backward pass").rows;
                assert_eq!(rows, case.rows, "{memory:?}, context {context}");
            }
        }
    }
}

/// A batch of which two vectors go abreast, but with AVX-512 and NEON, the last of them in part empty.
#[test]
fn vectors_of_sequences_that_go_abreast_agree() {
    let kinds = kinds(4);
    for context in [1, 3] {
        for (index, kind) in kinds.iter().enumerate() {
            let output = [Output::Identity, Output::Tanh, Output::LayerNorm][index % 3];
            let parts = vec![
                part(kind.clone(), 2, 4, output),
                part(kinds[0].clone(), 1, 4, Output::Tanh),
            ];
            let leak = [1.0, 0.3][index % 2];
            let steps = if index == 0 { 1 } else { 4 };
            let case = Case::new(5, Memory::Sliding, context, leak, 2, parts, [27, steps, 2]);
            for truncate in [None, Some(2)] {
                let name = format!("{kind:?}, context {context}, every {truncate:?}");
                agrees(&name, &case, truncate);
            }
        }
    }
}

/// As many as fill one vector go without another beside them.
#[test]
fn states_are_the_same_bits_whatever_goes_abreast() {
    let parts = vec![part(kinds(4)[0].clone(), 3, 4, Output::Tanh)];
    let case = Case::new(6, Memory::Sliding, 3, 0.5, 2, parts, [27, 5, 2]);
    for arch in Arch::available() {
        let spec = case.spec.clone().on(arch);
        let weights = spec.split(&case.weights).expect("the weights");
        let states = |part| {
            let scanned = scan_forward_taped(&spec, &weights, part);
            scanned.expect("lengths that agree").0.states
        };
        let together = states(case.sequences());
        let Sequences { inputs, rows, .. } = case.sequences();
        let each = |all: &[f32]| all.len() / case.batch;
        let (len, row_len) = (spec.states_len(1, case.steps), spec.rows_len(1));
        for first in (0..case.batch).step_by(arch.lanes()) {
            let batch = arch.lanes().min(case.batch - first);
            let part = Sequences {
                batch,
                steps: case.steps,
                inputs: &inputs[first * each(inputs)..][..batch * each(inputs)],
                rows: &rows[first * row_len..][..batch * row_len],
                older_inputs: &[],
            };
            let expected = &together[first * len..][..batch * len];
            let same = states(part) == expected;
            assert!(same, "states from {first} on differ on {}", arch.name());
        }
    }
}

#[test]
fn truncated_gradients_agree() {
    for memory in MEMORIES {
        for context in [1, 2, 5] {
            for every in [1, 2, 3, 7, 20] {
                let kinds = kinds(3);
                let parts = vec![
                    part(kinds[0].clone(), 2, 3, Output::Tanh),
                    part(kinds[3].clone(), 1, 3, Output::Identity),
                    part(kinds[4].clone(), 1, 3, Output::LayerNorm),
                    part(Kind::Tanh(Default::default()), 3, 1, Output::Identity),
                ];
                let case = Case::new(2, memory, context, 0.6, 1, parts, [2, 7, 2]);
                let name = format!("{memory:?}, context {context}, every {every} steps");
                agrees(&name, &case, Some(every));
            }
        }
    }
}

#[test]
fn populations_of_all_kinds_wired_to_each_other_agree() {
    for memory in MEMORIES {
        let parts = kinds(6)
            .into_iter()
            .enumerate()
            .map(|(index, kind)| part(kind, 1 + index % 3, 6, Output::Tanh))
            .collect();
        let case = Case::new(3, memory, 3, 0.8, 4, parts, [3, 5, 3]);
        agrees(&format!("all kinds, {memory:?}"), &case, None);
    }
}

#[test]
fn sizes_that_divide_nothing_agree() {
    let rows: [(usize, usize, usize, usize); 8] = [
        // width, units, context, batch
        (1, 3, 1, 1),
        (1, 2, 16, 5),
        (3, 2, 4, 33),
        (7, 3, 5, 5),
        (7, 1, 64, 2),
        (20, 1, 3, 17),
        (33, 1, 4, 1),
        (100, 1, 2, 1),
    ];
    for memory in MEMORIES {
        for (width, units, context, batch) in rows {
            let kind = kinds(width).swap_remove(0);
            let parts = vec![part(kind, units, width, Output::Identity)];
            let case = Case::new(4, memory, context, 1.0, 1, parts, [batch, 3, 1]);
            let name = format!("width {width}, {memory:?}, context {context}, batch {batch}");
            agrees(&name, &case, None);
        }
    }
}

#[test]
fn traced_gradients_are_those_of_finite_differences() {
    for memory in MEMORIES {
        let kinds = kinds(4);
        let parts = vec![
            part(kinds[1].clone(), 1, 4, Output::LayerNorm),
            part(kinds[5].clone(), 1, 4, Output::Tanh),
        ];
        let case = Case::new(5, memory, 3, 0.5, 2, parts, [1, 4, 2]);
        let sizes = [case.batch, case.steps];
        let gradient = numbers(&mut ChaCha8Rng::seed_from_u64(8), case.output_len(), 1.0);
        let gradient = wide(&gradient);
        let plain = [&case.weights, &case.inputs, &case.rows, &case.older_inputs].map(|x| wide(x));
        let loss = |[weights, inputs, rows, older]: &[Vec<f64>; 4]| -> f64 {
            let output = case.model.scan(weights, inputs, rows, older, sizes, None);
            output.iter().zip(&gradient).map(|(x, g)| x * g).sum()
        };
        Traced::clear();
        let traced = plain
            .clone()
            .map(|all| all.into_iter().map(Traced::leaf).collect::<Vec<_>>());
        let [weights, inputs, rows, older] = &traced;
        let output = case.model.scan(weights, inputs, rows, older, sizes, None);
        let derivatives = Traced::derivatives(&output, &gradient);
        for (which, leaves) in traced.iter().enumerate() {
            for (index, derivative) in derivatives.of(leaves).into_iter().enumerate() {
                let (mut above, mut below) = (plain.clone(), plain.clone());
                above[which][index] += 1e-5;
                below[which][index] -= 1e-5;
                let slope = (loss(&above) - loss(&below)) / 2e-5;
                let near = (slope - derivative).abs() < 1e-6 * (1.0 + slope.abs());
                assert!(
                    near,
                    "{memory:?}: number {index} of {which}: {slope} and {derivative}"
                );
            }
        }
    }
}

#[test]
fn two_calls_with_the_memory_handed_over_equal_one() {
    for memory in MEMORIES {
        for (context, cut) in [(1, 3), (4, 1), (4, 2), (4, 6), (9, 5)] {
            let kinds = kinds(4);
            let parts = vec![
                part(kinds[0].clone(), 2, 4, Output::Tanh),
                part(kinds[4].clone(), 2, 4, Output::Tanh),
            ];
            let case = Case::new(6, memory, context, 0.7, 1, parts, [5, 8, 2]);
            let (d_state, d_input) = (case.spec.d_state(), 2);
            let whole = case.forward(&case.spec, case.sequences());
            let inputs = |steps: std::ops::Range<usize>| -> Vec<f32> {
                let row = |b: usize| &case.inputs[b * 8 * d_input..][..8 * d_input];
                (0..5)
                    .flat_map(|b| row(b)[steps.start * d_input..steps.end * d_input].to_vec())
                    .collect()
            };
            let first = Sequences {
                steps: cut,
                inputs: &inputs(0..cut),
                ..case.sequences()
            };
            let one = case.forward(&case.spec, first);
            let (mut rows, mut older) = (Vec::new(), Vec::new());
            for b in 0..5 {
                let packed = &one[b * (cut + context - 1) * d_state..];
                rows.extend_from_slice(&packed[cut * d_state..][..(context - 1) * d_state]);
                rows.extend_from_slice(&packed[(cut - 1) * d_state..][..d_state]);
                if memory == Memory::Rewritten {
                    let mut all = case.older_inputs[b * (context - 1) * d_input..]
                        [..(context - 1) * d_input]
                        .to_vec();
                    all.extend_from_slice(&case.inputs[b * 8 * d_input..][..cut * d_input]);
                    older.extend_from_slice(&all[cut * d_input..]);
                }
            }
            let second = Sequences {
                batch: 5,
                steps: 8 - cut,
                inputs: &inputs(cut..8),
                rows: &rows,
                older_inputs: &older,
            };
            let two = case.forward(&case.spec, second);
            for b in 0..5 {
                let whole = &whole[b * (8 + context - 1) * d_state..][cut * d_state..]
                    [..(8 - cut + context - 1) * d_state];
                let two = &two[b * (8 - cut + context - 1) * d_state..][..whole.len()];
                let worst = difference(two, &wide(whole));
                assert!(
                    worst < 1e-6,
                    "{memory:?}, context {context}, cut at {cut}: {worst}"
                );
            }
        }
    }
}

#[test]
fn runs_repeat_bit_for_bit() {
    let kind = kinds(8).swap_remove(0);
    let parts = vec![part(kind, 5, 8, Output::Identity)];
    let case = Case::new(9, Memory::Sliding, 4, 1.0, 1, parts, [50, 9, 2]);
    let gradient = vec![0.5; case.output_len()];
    let run = || {
        let (output, tape) = case.taped(&case.spec);
        let needs = Needs::ALL;
        let all = case.back(&case.spec, &tape, &gradient, None, needs);
        (output, all)
    };
    assert_eq!(run(), run());
}

#[test]
fn gradients_that_nobody_wants_are_left_out() {
    for memory in MEMORIES {
        let kinds = kinds(4);
        let parts = vec![
            part(kinds[1].clone(), 2, 4, Output::Tanh),
            part(kinds[5].clone(), 2, 4, Output::Identity),
            part(Kind::Tanh(Default::default()), 2, 4, Output::Identity),
        ];
        let case = Case::new(10, memory, 3, 1.0, 1, parts, [3, 4, 2]);
        let gradient = vec![1.0; case.output_len()];
        let (_, tape) = case.taped(&case.spec);
        let ask = |needs| case.back(&case.spec, &tape, &gradient, None, needs);
        let all = ask(Needs::ALL);
        let some = ask(Needs {
            weights: false,
            inputs: true,
            rows: false,
        });
        assert!(some.weights.is_empty() && some.rows.is_empty());
        assert_eq!(some.inputs, all.inputs);
        let some = ask(Needs {
            weights: true,
            inputs: false,
            rows: true,
        });
        assert!(some.inputs.is_empty() && some.older_inputs.is_empty());
        assert_eq!((some.weights, some.rows), (all.weights, all.rows));
    }
}

//! A single sequence fed step by step against the scan of a batch.

#![allow(missing_docs, reason = "a test crate")]
#![allow(dead_code, reason = "what is common serves other tests too")]

mod common;

use common::naive::Part;
use std::time::Duration;

use common::{Case, difference, kinds};
use ran_scan::{Arch, Memory, Output, Prepared, Stepper};
use rayon::ThreadPoolBuilder;

const MEMORIES: [Memory; 2] = [Memory::Sliding, Memory::Rewritten];

fn wide(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|&x| f64::from(x)).collect()
}

/// The same sequence six times, enough for the batch to go through the lanes; its first part is the answer.
fn batch_of_six(case: &Case) -> (Vec<f32>, Vec<f32>) {
    let repeated = |numbers: &[f32]| numbers.repeat(6);
    let (inputs, rows, older) = (
        repeated(&case.inputs),
        repeated(&case.rows),
        repeated(&case.older_inputs),
    );
    let sequences = ran_scan::Sequences {
        batch: 6,
        steps: case.steps,
        inputs: &inputs,
        rows: &rows,
        older_inputs: &older,
    };
    let weights = case.spec.split(&case.weights).unwrap();
    let prepared = Prepared::new(case.spec.clone(), &weights).unwrap();
    let scanned = prepared.forward(sequences).unwrap();
    let first = |numbers: &[f32]| numbers[..numbers.len() / 6].to_vec();
    (first(&scanned.states), first(&scanned.rows))
}

fn close(got: &[f32], expected: &[f32], what: &str) {
    let worst = difference(got, &wide(expected));
    assert!(worst < 1e-4, "{what}: differs by {worst}");
}

#[test]
fn steps_one_by_one_equal_the_scan_for_every_kind_memory_context_and_instruction_set() {
    for memory in MEMORIES {
        for context in [1, 2, 5] {
            for width in [1, 3, 8, 16, 20] {
                for fan in [1, 3] {
                    let parts = kinds(width).into_iter().enumerate();
                    let parts = parts.map(|(index, kind)| Part {
                        kind,
                        units: 1 + index % 2,
                        d_unit: width,
                        output: [Output::Tanh, Output::LayerNorm][index % 2],
                    });
                    let case = Case::new(1, memory, context, 0.7, fan, parts.collect(), [1, 9, 2]);
                    let (states, rows) = batch_of_six(&case);
                    let weights = case.spec.split(&case.weights).unwrap();
                    for arch in Arch::available() {
                        let at = format!(
                            "{memory:?}, context {context}, width {width}, {}",
                            arch.name()
                        );
                        let spec = case.spec.clone().on(arch);
                        let prepared = Prepared::new(spec, &weights).unwrap();
                        let mut stepper =
                            Stepper::new(&prepared, &case.rows, &case.older_inputs, 2).unwrap();
                        let d_state = case.spec.d_state();
                        let mut found = vec![0.0; states.len()];
                        for (input, state) in
                            case.inputs.chunks(2).zip(found.chunks_exact_mut(d_state))
                        {
                            stepper.step(input, state);
                        }
                        close(&found, &states, &at);
                        close(&stepper.rows(), &rows, &at);
                        assert_eq!(stepper.state(), &found[8 * d_state..], "{at}");
                        if memory == Memory::Rewritten {
                            let last = &case.inputs[(9 - (context - 1)) * 2..];
                            assert_eq!(stepper.older_inputs(), last, "{at}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn threads_that_share_the_units_change_no_bit_and_leave_the_memory_as_one_would() {
    for memory in MEMORIES {
        let part = |kind, units, d_unit| Part {
            kind,
            units,
            d_unit,
            output: Output::Tanh,
        };
        let parts = vec![
            part(kinds(64).swap_remove(0), 6, 64),
            part(common::naive::Kind::Tanh(Default::default()), 10, 1),
            part(kinds(100).swap_remove(4), 3, 100),
        ];
        let case = Case::new(2, memory, 3, 0.6, 1, parts, [1, 40, 2]);
        let weights = case.spec.split(&case.weights).unwrap();
        // A crew has all the time it needs where it is to come, and none where it is not.
        let run = |threads: usize, calls: usize, together: bool| {
            let patience = [Duration::ZERO, Duration::MAX][usize::from(together)];
            let prepared = Prepared::new(case.spec.clone(), &weights).unwrap();
            let mut stepper =
                Stepper::new(&prepared, &case.rows, &case.older_inputs, threads).unwrap();
            let d_state = case.spec.d_state();
            let mut states = vec![0.0; 40 * d_state];
            let inputs = case.inputs.chunks(2 * 40 / calls);
            // Without a thread to spare, the pool's only one waits for a crew in vain.
            let pool = ThreadPoolBuilder::new().num_threads(if together { 8 } else { 1 });
            let pool = pool.build().unwrap();
            for (inputs, states) in inputs.zip(states.chunks_mut(40 / calls * d_state)) {
                let shared = pool.install(|| stepper.run_together(inputs, states, patience));
                let worth_it = threads > 1 && inputs.len() / 2 >= 16;
                assert_eq!(
                    shared,
                    together && worth_it,
                    "{threads} threads, {calls} calls"
                );
            }
            let older = stepper.older_inputs().to_vec();
            (states, stepper.rows(), older)
        };
        let one = run(1, 1, false);
        assert_eq!(run(3, 1, true), one);
        assert_eq!(run(3, 2, true), one);
        assert_eq!(run(2, 8, true), one);
        assert_eq!(run(3, 2, false), one);
    }
}

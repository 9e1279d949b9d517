//! A few sequences, each by itself.

use std::ops::Range;

use rayon::prelude::*;

use crate::prepared::Prepared;
use crate::sequences::{Scanned, Sequences, part_of};
use crate::stepper::Stepper;

/// Runs a batch that has been checked, each sequence by itself, into an answer of its size: one with every thread, several
/// with a thread each. `end` says how many steps of some sequences are wanted.
pub(super) fn scan_apart(
    prepared: &Prepared,
    sequences: Sequences<'_>,
    end: impl Fn(Range<usize>) -> usize + Sync,
    scanned: &mut Scanned,
) {
    let spec = prepared.spec();
    let Sequences { batch, steps, .. } = sequences;
    let threads = match batch {
        1 => rayon::current_num_threads(),
        _ => 1,
    };
    let states = scanned
        .states
        .par_chunks_exact_mut(spec.states_len(1, steps));
    let rows = scanned.rows.par_chunks_exact_mut(spec.rows_len(1));
    states
        .zip(rows)
        .enumerate()
        .for_each(|(at, (states, rows))| {
            let sequence = part_of(spec, &sequences, at, 1);
            let mut stepper = Stepper::begin(prepared, sequence, threads);
            let end = end(at..at + 1);
            let inputs = &sequence.inputs[..end * spec.d_input()];
            stepper.run(inputs, &mut states[..end * spec.d_state()]);
            rows.copy_from_slice(&stepper.rows());
        });
}

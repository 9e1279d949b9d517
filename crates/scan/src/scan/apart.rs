//! A few sequences, each by itself.

use std::sync::Arc;

use rayon::prelude::*;

use crate::error::KernelError;
use crate::packed::Packed;
use crate::sequences::{Scanned, Sequences, check_sequences, check_weights, part_of};
use crate::spec::ScanSpec;
use crate::stepper::Stepper;

/// Runs a batch as [`scan_forward`](super::scan_forward) does, each sequence by itself: one with every thread, several
/// with a thread each.
pub(super) fn scan_apart(
    spec: &ScanSpec,
    weights: &[&[f32]],
    sequences: Sequences<'_>,
) -> Result<Scanned, KernelError> {
    check_weights(spec, weights)?;
    check_sequences(spec, &sequences)?;
    let Sequences { batch, steps, .. } = sequences;
    let threads = match batch {
        1 => rayon::current_num_threads(),
        _ => 1,
    };
    let packed = Arc::new(Packed::new(spec, weights, false));
    let mut scanned = Scanned {
        states: vec![0.0; spec.states_len(batch, steps)],
        rows: vec![0.0; spec.rows_len(batch)],
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
            let mut stepper = Stepper::begin(spec, packed.clone(), sequence, threads);
            stepper.run(sequence.inputs, states);
            rows.copy_from_slice(&stepper.rows());
        });
    Ok(scanned)
}

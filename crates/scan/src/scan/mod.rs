//! The scan over time: checks, the split of the batch into blocks, and the calls of the blocks.

mod apart;
mod backward;
mod blocks;
mod forward;
mod kernels;
mod layout;

use std::ops::Range;

use rayon::prelude::*;

use crate::arch::Arch;
use crate::error::KernelError;
use crate::gradients::{Gradients, Needs, ScannedGradients};
use crate::packed::Packed;
use crate::prepared::Prepared;
use crate::sequences::{Scanned, Sequences, check, check_sequences, check_weights, part_of};
use crate::spec::ScanSpec;
use apart::scan_apart;
use backward::{BlockGradients, blocks_backward};
use blocks::SequenceBlock;
use forward::{BlockTape, run_block};

/// What the backward pass needs of a scan: the units' input rows, and their outputs where those are bounded.
#[derive(Debug)]
pub struct Tape {
    arch: Arch,
    abreast: usize,
    batch: usize,
    steps: usize,
    blocks: Vec<BlockTape>,
}

/// Groups of blocks, at most, whose gradients of weights are summed apart. Each may have a thread of its own, and each
/// holds the gradients of all weights once.
const GROUPS: usize = 16;

/// Sequences that would leave most lanes of a block empty, so that each is faster by itself.
const FEW: usize = 4;

impl Prepared {
    /// Runs the reservoir over a batch of sequences.
    ///
    /// # Errors
    ///
    /// A slice whose length disagrees with the specification.
    pub fn forward(&self, sequences: Sequences<'_>) -> Result<Scanned, KernelError> {
        let mut scanned = Scanned::default();
        self.forward_into(sequences, None, &mut scanned)?;
        Ok(scanned)
    }

    /// As [`forward`](Self::forward), into vectors that are there already: where they are long enough, nothing is allocated
    /// for the answer.
    ///
    /// With `ends`, `ends[b]` steps of sequence b are wanted, at most all. Its states after them mean nothing, nor do its rows
    /// where these are fewer than all.
    ///
    /// # Errors
    ///
    /// A slice whose length disagrees with the specification, or another number of ends than of sequences.
    pub fn forward_into(
        &self,
        sequences: Sequences<'_>,
        ends: Option<&[usize]>,
        scanned: &mut Scanned,
    ) -> Result<(), KernelError> {
        check_sequences(&self.spec, &sequences)?;
        let Sequences { batch, steps, .. } = sequences;
        if let Some(ends) = ends.filter(|ends| ends.len() != batch) {
            return Err(KernelError::Length {
                name: "ends",
                got: ends.len(),
                expected: batch,
                shape: format!("batch {batch}"),
            });
        }
        scanned.fit(&self.spec, &sequences);
        let end = |range: Range<usize>| match ends {
            Some(ends) => ends[range].iter().copied().max().unwrap_or(0).min(steps),
            None => steps,
        };
        match batch {
            1..=FEW if steps > 0 => scan_apart(self, sequences, end, scanned),
            _ => {
                run(&self.spec, &self.packed, sequences, end, false, scanned);
            }
        }
        Ok(())
    }
}

/// Runs the reservoir over a batch of sequences, and keeps what [`scan_backward`] needs.
///
/// The weights are those of [`Prepared::new`].
///
/// # Errors
///
/// A slice whose length disagrees with the specification.
pub fn scan_forward_taped(
    spec: &ScanSpec,
    weights: &[&[f32]],
    sequences: Sequences<'_>,
) -> Result<(Scanned, Tape), KernelError> {
    check_weights(spec, weights)?;
    check_sequences(spec, &sequences)?;
    let packed = Packed::new(spec, weights, false);
    let mut scanned = Scanned::default();
    scanned.fit(spec, &sequences);
    let end = |_| sequences.steps;
    let tape = run(spec, &packed, sequences, end, true, &mut scanned);
    Ok((scanned, tape))
}

/// The backward pass of a scan: the exact gradients, given those of what it returned.
///
/// With `truncate` of k, the working memory is taken as constant at the steps k, 2k, …: no gradient
/// flows from a step into the memory that steps before such a border left. Weights get the gradient
/// that they have through keys and values of constant rows. A border after the last step is none.
///
/// # Errors
///
/// A slice whose length disagrees with the specification, or a truncation of 0 steps.
pub fn scan_backward(
    spec: &ScanSpec,
    weights: &[&[f32]],
    tape: &Tape,
    given: ScannedGradients<'_>,
    truncate: Option<usize>,
    needs: Needs,
) -> Result<Gradients, KernelError> {
    let &Tape {
        arch,
        abreast,
        batch,
        steps,
        ..
    } = tape;
    let d_state = spec.d_state();
    check_weights(spec, weights)?;
    if let Some(states) = given.states {
        let shape = format!("batch {batch} × steps {steps} × d_state {d_state}");
        let expected = spec.states_len(batch, steps);
        check("the gradient of the states", states, expected, shape)?;
    }
    if let Some(rows) = given.rows {
        let shape = format!("batch {batch} × context × d_state {d_state}");
        let expected = spec.rows_len(batch);
        check("the gradient of the rows", rows, expected, shape)?;
    }
    if truncate == Some(0) {
        return Err(KernelError::Range {
            name: "truncate",
            got: "0".into(),
            allowed: "at least 1 step",
        });
    }
    let spec = &spec.with_abreast(abreast);
    let mut gradients = Gradients::default();
    let sequence_lens = [
        if needs.inputs {
            steps * spec.d_input()
        } else {
            0
        },
        if needs.rows {
            spec.context() * d_state
        } else {
            0
        },
        if needs.inputs {
            spec.older_inputs_len(1)
        } else {
            0
        },
    ];
    gradients.inputs = vec![0.0; batch * sequence_lens[0]];
    gradients.rows = vec![0.0; batch * sequence_lens[1]];
    gradients.older_inputs = vec![0.0; batch * sequence_lens[2]];
    let mut parts: Vec<BlockGradients<'_>> = Vec::new();
    let mut rest = (
        &mut gradients.inputs[..],
        &mut gradients.rows[..],
        &mut gradients.older_inputs[..],
    );
    let blocks = SequenceBlock::of_batch(arch, abreast, batch);
    for ((first, block), tape) in blocks.zip(&tape.blocks) {
        let sequences = block.sequences;
        let (inputs, inputs_rest) = rest.0.split_at_mut(sequences * sequence_lens[0]);
        let (rows, rows_rest) = rest.1.split_at_mut(sequences * sequence_lens[1]);
        let (older, older_rest) = rest.2.split_at_mut(sequences * sequence_lens[2]);
        rest = (inputs_rest, rows_rest, older_rest);
        parts.push(BlockGradients {
            tape,
            block,
            states: given.states.map(|all| {
                let row = spec.states_len(1, steps);
                &all[first * row..][..sequences * row]
            }),
            rows_after: given.rows.map(|all| {
                let row = spec.rows_len(1);
                &all[first * row..][..sequences * row]
            }),
            inputs,
            rows,
            older_inputs: older,
        });
    }
    let packed = Packed::new(spec, weights, true);
    // One sum of weight gradients per group, added in order: the same numbers on any number of threads.
    let group = parts.len().div_ceil(GROUPS).max(1);
    let sums: Vec<Vec<f32>> = parts
        .par_chunks_mut(group)
        .map(|group| blocks_backward(spec, &packed, steps, truncate, needs, group))
        .collect();
    if needs.weights {
        let tensors: Vec<_> = spec.tensor_ranges().collect();
        let tensors = tensors.into_par_iter();
        gradients.weights = tensors.map(|range| sum_of(&sums, range)).collect();
    }
    Ok(gradients)
}

/// The sum of a part of each.
fn sum_of(sums: &[Vec<f32>], range: Range<usize>) -> Vec<f32> {
    let Some((first, others)) = sums.split_first() else {
        return vec![0.0; range.len()]; // no sequence, no block
    };
    let mut total = first[range.clone()].to_vec();
    for other in others {
        for (total, part) in total.iter_mut().zip(&other[range.clone()]) {
            *total += part;
        }
    }
    total
}

/// Runs sequences that have been checked, in blocks, into an answer of their size; `end` says how many steps of some
/// sequences are wanted.
fn run(
    spec: &ScanSpec,
    packed: &Packed,
    sequences: Sequences<'_>,
    end: impl Fn(Range<usize>) -> usize + Sync,
    taped: bool,
    scanned: &mut Scanned,
) -> Tape {
    let Sequences { batch, steps, .. } = sequences;
    let arch = spec.arch_for(batch);
    // States are the same bits either way. Sums of gradients are not, so that the number of threads must not matter to them.
    let threads = match taped {
        true => 2,
        false => rayon::current_num_threads(),
    };
    let abreast = spec.abreast_for(arch, batch, threads);
    let spec = &spec.with_abreast(abreast);
    let mut rest = (&mut scanned.states[..], &mut scanned.rows[..]);
    let mut parts = Vec::new();
    for (first, block) in SequenceBlock::of_batch(arch, abreast, batch) {
        let (states, states_rest) = rest.0.split_at_mut(spec.states_len(block.sequences, steps));
        let (rows, rows_rest) = rest.1.split_at_mut(spec.rows_len(block.sequences));
        rest = (states_rest, rows_rest);
        parts.push((first, block, states, rows));
    }
    let blocks = parts
        .into_par_iter()
        .map(|(first, block, states, rows)| {
            let part = part_of(spec, &sequences, first, block.sequences);
            let end = end(first..first + block.sequences);
            run_block(spec, packed, block, part, end, taped, (states, rows))
        })
        .collect();
    Tape {
        arch,
        abreast,
        batch,
        steps,
        blocks,
    }
}

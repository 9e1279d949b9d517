//! The scan over time: checks, the split of the batch into blocks, and the calls of the blocks.

mod apart;
mod backward;
mod forward;
mod layout;

use std::ops::Range;

use rayon::prelude::*;

use crate::arch::Arch;
use crate::error::KernelError;
use crate::packed::Packed;
use crate::spec::ScanSpec;
use crate::unit::Memory;
use apart::scan_apart;
use backward::{BlockGradients, back_through_block};
use forward::{BlockTape, run_block};

/// A batch of sequences and the working memory before their first step.
#[derive(Debug, Clone, Copy)]
pub struct Sequences<'a> {
    /// Sequences B.
    pub batch: usize,
    /// Steps T.
    pub steps: usize,
    /// `[batch, steps, d_input]`.
    pub inputs: &'a [f32],
    /// `[batch, context, d_state]`: the newest row is the state h. In sliding memory the older rows
    /// are the last unit inputs z, oldest first; in rewritten memory they are the older rows of M.
    pub rows: &'a [f32],
    /// `[batch, context − 1, d_input]`, the last inputs; empty in sliding memory.
    pub older_inputs: &'a [f32],
}

/// What the way back needs of a scan: the units' input rows, and their outputs where those are bounded.
#[derive(Debug)]
pub struct Tape {
    arch: Arch,
    batch: usize,
    steps: usize,
    blocks: Vec<BlockTape>,
}

/// Groups of blocks, at most, whose gradients of weights are summed apart. Each may have a thread of its own, and each
/// holds the gradients of all weights once.
const GROUPS: usize = 16;

/// Sequences that would leave most lanes of a block empty, so that each is faster by itself.
const FEW: usize = 4;

/// Which gradients are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// Those of the weights. Without them, a third of the work falls away.
    pub weights: bool,
    /// Those of the inputs, the older ones too.
    pub inputs: bool,
    /// Those of the rows of memory before the first step.
    pub rows: bool,
}

impl Needs {
    /// Every gradient.
    pub const ALL: Self = Self {
        weights: true,
        inputs: true,
        rows: true,
    };
}

/// Gradients of a loss, each with the shape of what it belongs to; empty where it was not wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gradients {
    /// Those of the weights, tensor by tensor.
    pub weights: Vec<Vec<f32>>,
    /// `[batch, steps, d_input]`.
    pub inputs: Vec<f32>,
    /// `[batch, context, d_state]`.
    pub rows: Vec<f32>,
    /// `[batch, context − 1, d_input]`; empty in sliding memory.
    pub older_inputs: Vec<f32>,
}

/// What a scan returns. The memory goes on with the rows and, when rewritten, with the last C − 1
/// inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scanned {
    /// The states h₁ to h_T, `[batch, steps, d_state]`.
    pub states: Vec<f32>,
    /// The rows of memory after the last step, `[batch, context, d_state]`; the newest is h_T.
    pub rows: Vec<f32>,
}

/// Gradients of a loss with respect to what a scan returned; `None` is zero.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScannedGradients<'a> {
    /// That of the states.
    pub states: Option<&'a [f32]>,
    /// That of the rows.
    pub rows: Option<&'a [f32]>,
}

/// Runs the reservoir over a batch of sequences.
///
/// The weights are one slice per tensor, in the order of [`UnitKernel::tensors`], population after
/// population, each with the units first; [`ScanSpec::split`] cuts them from one slice.
///
/// # Errors
///
/// A slice whose length disagrees with the specification.
///
/// [`UnitKernel::tensors`]: crate::UnitKernel::tensors
pub fn scan_forward(
    spec: &ScanSpec,
    weights: &[&[f32]],
    sequences: Sequences<'_>,
) -> Result<Scanned, KernelError> {
    if (1..=FEW).contains(&sequences.batch) && sequences.steps > 0 {
        return scan_apart(spec, weights, sequences);
    }
    Ok(run(spec, weights, sequences, false)?.0)
}

/// As [`scan_forward`], and keeps what [`scan_backward`] needs.
///
/// # Errors
///
/// As [`scan_forward`].
pub fn scan_forward_taped(
    spec: &ScanSpec,
    weights: &[&[f32]],
    sequences: Sequences<'_>,
) -> Result<(Scanned, Tape), KernelError> {
    run(spec, weights, sequences, true)
}

/// Goes back through a scan: the exact gradients, given those of what it returned.
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
    let (batch, steps, d_state) = (tape.batch, tape.steps, spec.d_state());
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
    let lanes = tape.arch.lanes();
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
    for (block, tape) in tape.blocks.iter().enumerate() {
        let sequences = lanes.min(batch - block * lanes);
        let (inputs, inputs_rest) = rest.0.split_at_mut(sequences * sequence_lens[0]);
        let (rows, rows_rest) = rest.1.split_at_mut(sequences * sequence_lens[1]);
        let (older, older_rest) = rest.2.split_at_mut(sequences * sequence_lens[2]);
        rest = (inputs_rest, rows_rest, older_rest);
        parts.push(BlockGradients {
            tape,
            sequences,
            states: given.states.map(|all| {
                let row = spec.states_len(1, steps);
                &all[block * lanes * row..][..sequences * row]
            }),
            rows_after: given.rows.map(|all| {
                let row = spec.rows_len(1);
                &all[block * lanes * row..][..sequences * row]
            }),
            inputs,
            rows,
            older_inputs: older,
        });
    }
    let packed = Packed::new(spec, weights, true);
    // One sum of weight gradients per group, added in order: the same numbers on any number of threads.
    let size = parts.len().div_ceil(GROUPS).max(1);
    let sums: Vec<Vec<f32>> = parts
        .par_chunks_mut(size)
        .map(|group| back_through_block(spec, &packed, tape.arch, steps, truncate, needs, group))
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

fn run(
    spec: &ScanSpec,
    weights: &[&[f32]],
    sequences: Sequences<'_>,
    taped: bool,
) -> Result<(Scanned, Tape), KernelError> {
    check_weights(spec, weights)?;
    check_sequences(spec, &sequences)?;
    let Sequences { batch, steps, .. } = sequences;
    let arch = spec.arch_for(batch);
    let lanes = arch.lanes();
    let mut scanned = Scanned {
        states: vec![0.0; spec.states_len(batch, steps)],
        rows: vec![0.0; spec.rows_len(batch)],
    };
    let mut rest = (&mut scanned.states[..], &mut scanned.rows[..]);
    let mut parts = Vec::new();
    for first in (0..batch).step_by(lanes) {
        let sequences = lanes.min(batch - first);
        let (states, states_rest) = rest.0.split_at_mut(spec.states_len(sequences, steps));
        let (rows, rows_rest) = rest.1.split_at_mut(spec.rows_len(sequences));
        rest = (states_rest, rows_rest);
        parts.push((first, sequences, states, rows));
    }
    let packed = Packed::new(spec, weights, false);
    let blocks = parts
        .into_par_iter()
        .map(|(first, count, states, rows)| {
            let part = part_of(spec, &sequences, first, count);
            run_block(spec, &packed, arch, part, taped, (states, rows))
        })
        .collect();
    let tape = Tape {
        arch,
        batch,
        steps,
        blocks,
    };
    Ok((scanned, tape))
}

/// The sequences from `first` on.
pub(crate) fn part_of<'a>(
    spec: &ScanSpec,
    sequences: &Sequences<'a>,
    first: usize,
    batch: usize,
) -> Sequences<'a> {
    let inputs = sequences.steps * spec.d_input();
    let (rows, older) = (spec.rows_len(1), spec.older_inputs_len(1));
    Sequences {
        batch,
        steps: sequences.steps,
        inputs: &sequences.inputs[first * inputs..][..batch * inputs],
        rows: &sequences.rows[first * rows..][..batch * rows],
        older_inputs: &sequences.older_inputs[first * older..][..batch * older],
    }
}

pub(crate) fn check_weights(spec: &ScanSpec, weights: &[&[f32]]) -> Result<(), KernelError> {
    let expected: Vec<usize> = spec.tensor_lens().collect();
    let got: Vec<usize> = weights.iter().map(|tensor| tensor.len()).collect();
    match got == expected {
        true => Ok(()),
        false => Err(KernelError::Tensors { got, expected }),
    }
}

pub(crate) fn check_sequences(
    spec: &ScanSpec,
    sequences: &Sequences<'_>,
) -> Result<(), KernelError> {
    let Sequences {
        batch,
        steps,
        inputs,
        rows,
        older_inputs,
    } = *sequences;
    let (context, d_input, d_state) = (spec.context(), spec.d_input(), spec.d_state());
    let shape = format!("batch {batch} × steps {steps} × d_input {d_input}");
    check("inputs", inputs, batch * steps * d_input, shape)?;
    let shape = format!("batch {batch} × context {context} × d_state {d_state}");
    check("rows", rows, spec.rows_len(batch), shape)?;
    let shape = match spec.memory() {
        Memory::Sliding => "none in sliding memory".to_owned(),
        Memory::Rewritten => {
            format!("batch {batch} × (context {context} − 1) × d_input {d_input}")
        }
    };
    check(
        "older inputs",
        older_inputs,
        spec.older_inputs_len(batch),
        shape,
    )
}

fn check(
    name: &'static str,
    slice: &[f32],
    expected: usize,
    shape: String,
) -> Result<(), KernelError> {
    match slice.len() == expected {
        true => Ok(()),
        false => Err(KernelError::Length {
            name,
            got: slice.len(),
            expected,
            shape,
        }),
    }
}

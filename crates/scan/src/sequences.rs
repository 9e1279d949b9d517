//! A batch of sequences as the scan is given it and as it answers, and the checks of their lengths.

use crate::error::KernelError;
use crate::spec::ScanSpec;
use crate::unit::Memory;

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

/// What a scan returns. The memory goes on with the rows and, when rewritten, with the last C − 1
/// inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scanned {
    /// The states h₁ to h_T, `[batch, steps, d_state]`.
    pub states: Vec<f32>,
    /// The rows of memory after the last step, `[batch, context, d_state]`; the newest is h_T.
    pub rows: Vec<f32>,
}

impl Scanned {
    /// Gives it the lengths of an answer to sequences; what it holds is to be overwritten.
    pub(crate) fn fit(&mut self, spec: &ScanSpec, sequences: &Sequences<'_>) {
        let Sequences { batch, steps, .. } = *sequences;
        fit(&mut self.states, spec.states_len(batch, steps));
        fit(&mut self.rows, spec.rows_len(batch));
    }
}

/// Gives numbers another length. Those that need more room are not taken along.
fn fit(numbers: &mut Vec<f32>, len: usize) {
    match len <= numbers.capacity() {
        true => numbers.resize(len, 0.0),
        false => *numbers = vec![0.0; len],
    }
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

pub(crate) fn check(
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

//! A batch of sequences, some steps at a time, on the host: for states that no gradient flows through.

use std::sync::Arc;

use ran_scan::{Prepared, Scanned, Sequences};
use ran_unit::Unit;

use crate::{Reservoir, ScanBackend};

/// A reservoir whose weights are in the order in which its scan reads them. See [`Reservoir::prepare`].
#[derive(Clone, Debug)]
pub struct PreparedReservoir(Prepared);

impl PreparedReservoir {
    /// Begins to follow a batch of sequences, from a memory of zeros.
    pub fn start(&self, batch: usize) -> BatchStream {
        let mut stream = BatchStream {
            batch,
            inputs: Vec::new(),
            scanned: Scanned::default(),
            rows: Vec::new(),
            prepared: self.0.clone(),
        };
        stream.restart(batch);
        stream
    }
}

/// A batch of sequences that is fed some steps at a time, in 32-bit floats on the host.
///
/// It has the states that [`Reservoir::forward`] has when it is fed the same pieces, to the bit, and keeps room for them from
/// call to call.
#[derive(Clone, Debug)]
pub struct BatchStream {
    prepared: Prepared,
    batch: usize,
    /// The working memory, as [`Sequences`] has it.
    rows: Vec<f32>,
    inputs: Vec<f32>,
    scanned: Scanned,
}

impl BatchStream {
    /// Begins anew with another batch, from a memory of zeros, in the room of the one before.
    pub fn restart(&mut self, batch: usize) {
        let spec = self.prepared.spec();
        self.batch = batch;
        self.rows.clear();
        self.rows.resize(spec.rows_len(batch), 0.0);
        self.inputs.clear();
        self.inputs.resize(spec.older_inputs_len(batch), 0.0);
    }

    /// Feeds the inputs of the next steps and returns the states.
    ///
    /// With `ends`, `ends[b]` of these steps are wanted of sequence b, at most all; what stands at its other steps is unspecified.
    /// A sequence of which not all are wanted has ended: none of its later steps may be.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    /// - output: `[batch, steps, d_state]`
    ///
    /// # Panics
    ///
    /// If the inputs are not those of whole steps of the batch (of none, where a step has no inputs), or there is another number of ends than of sequences.
    pub fn run(&mut self, inputs: &[f32], ends: Option<&[usize]>) -> &[f32] {
        let steps = inputs.len() / (self.batch * self.prepared.spec().d_input()).max(1);
        let sequences = Sequences {
            batch: self.batch,
            steps,
            inputs,
            rows: &self.rows,
            older_inputs: &self.inputs,
        };
        let scanned = &mut self.scanned;
        let done = self.prepared.forward_into(sequences, ends, scanned);
        done.unwrap_or_else(|error| panic!("a batch was fed wrong inputs: {error}"));
        std::mem::swap(&mut self.rows, &mut self.scanned.rows);
        self.keep(inputs);
        &self.scanned.states
    }

    /// Keeps the last inputs of each sequence, where the memory reads them again.
    fn keep(&mut self, inputs: &[f32]) {
        if self.inputs.is_empty() || inputs.is_empty() {
            return;
        }
        let kept = self.inputs.len() / self.batch;
        let new = inputs.len() / self.batch;
        let each = self.inputs.chunks_exact_mut(kept);
        for (older, inputs) in each.zip(inputs.chunks_exact(new)) {
            match new.checked_sub(kept) {
                Some(first) => older.copy_from_slice(&inputs[first..]),
                None => {
                    older.copy_within(new.., 0);
                    older[kept - new..].copy_from_slice(inputs);
                }
            }
        }
    }
}

impl<B: ScanBackend, U: Unit<B>> Reservoir<B, U> {
    /// Puts the weights in the order in which the scan reads them, for batches of sequences that are followed on the host.
    /// `None` where the backend has no scan on the host, for 32-bit floats, or some population's kind has no kernel.
    pub fn prepare(&self) -> Option<PreparedReservoir> {
        let (spec, weights) = self.fused()?;
        let weights = weights.into_iter();
        let weights: Vec<_> = weights.map(|one| one.into_primitive().tensor()).collect();
        B::prepare(Arc::new(spec), &weights).map(PreparedReservoir)
    }
}

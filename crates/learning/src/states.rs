//! From sequences to rows of features: padded batches through the reservoir, a chunk of steps at a time.

use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, ArrayView2, ArrayView3, s};
use ran_readout::Running;
use ran_reservoir::{BatchStream, ScanBackend};
use ran_tasks::Sample;

use crate::backbone::Backbone;
use crate::core::{Core, Memory};
use crate::view::View;

/// Sequences that go through the reservoir together.
const BATCH: usize = 64;
/// Rows of features that the sequences of a batch have together, in bytes. A sequence that has more goes alone, and hands
/// its rows over chunk by chunk.
const ROWS_BYTES: usize = 1 << 28;
/// States of a chunk, in bytes.
const CHUNK_BYTES: usize = 1 << 26;
/// Multiply-adds of a chunk: less than half a second's work of one core.
const CHUNK_WORK: usize = 1 << 30;
/// Steps of a chunk, at most: backends that run step by step need milliseconds for each.
const CHUNK_STEPS: usize = 4096;
/// Steps of a chunk, at least: with each a scan computes the keys and values of its window again.
const FEWEST_STEPS: usize = 32;

/// Rows of features of one sequence.
pub(crate) struct Rows {
    /// The sequence's index.
    pub(crate) index: usize,
    /// The place of the first of the rows among the sequence's.
    pub(crate) first: usize,
    /// `[rows, width]`
    pub(crate) rows: Array2<f32>,
    /// Whether they are the sequence's last.
    pub(crate) last: bool,
}

/// A pass of sequences through a reservoir.
pub(crate) struct Pass<'a, B: ScanBackend> {
    pub(crate) backbone: &'a Backbone<B>,
    pub(crate) view: &'a View,
    pub(crate) samples: &'a [Sample],
    pub(crate) device: &'a B::Device,
}

impl<B: ScanBackend> Pass<'_, B> {
    /// Runs the sequences through the reservoir, in batches of similar length, and hands over their rows of features.
    ///
    /// A batch's steps are computed chunk by chunk, with the working memory carried over, so that no more states are held
    /// than those of a chunk, however long a sequence is. A long sequence's rows come in several pieces, one after another;
    /// sequences come ordered by length, and in the same order every time. `go_on` is asked before each chunk, with
    /// the multiply-adds that are left to do, and ends the pass by answering false, as `visit` can.
    pub(crate) fn each(
        &self,
        go_on: &mut dyn FnMut(u64) -> bool,
        visit: &mut dyn FnMut(Rows) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let running = |index: usize| {
            let sample: &Sample = &self.samples[index];
            self.view
                .features
                .running(self.view.d_state(), &sample.scored)
        };
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        order.sort_by_key(|&index| self.samples[index].inputs.nrows());
        let mut left = &order[..];
        let mut left_work = self.work();
        // One for all batches, whose room it keeps.
        let mut stream = match order.is_empty() {
            true => None,
            false => self.backbone.core.prepare().map(|one| one.start(0)),
        };
        while !left.is_empty() {
            let (batch, others) = left.split_at(self.fitting(left));
            left = others;
            let mut sequences: Vec<Running> = batch.iter().map(|&index| running(index)).collect();
            let stream = stream.as_mut();
            self.batch(batch, stream, &mut sequences, &mut left_work, go_on, visit)?;
        }
        ControlFlow::Continue(())
    }

    /// Multiply-adds of all sequences.
    pub(crate) fn work(&self) -> u64 {
        let steps = self.samples.iter().map(needed);
        let steps: u64 = steps.map(|steps| steps as u64).sum();
        steps.saturating_mul(self.backbone.core.multiply_adds() as u64)
    }

    /// How many of some sequences make the next batch: at least one.
    fn fitting(&self, order: &[usize]) -> usize {
        let mut bytes = 0_usize;
        let fits = |&&index: &&usize| {
            let rows = self.view.features.count(&self.samples[index].scored);
            let own = rows.saturating_mul(self.view.width() * size_of::<f32>());
            bytes = bytes.saturating_add(own);
            bytes <= ROWS_BYTES
        };
        order.iter().take(BATCH).take_while(fits).count().max(1)
    }

    fn batch(
        &self,
        batch: &[usize],
        stream: Option<&mut BatchStream>,
        sequences: &mut [Running],
        left_work: &mut u64,
        go_on: &mut dyn FnMut(u64) -> bool,
        visit: &mut dyn FnMut(Rows) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let steps = sequences.iter().map(Running::steps).max().unwrap_or(0);
        let chunk = self.chunk(batch.len());
        let mut follower = self.follower(stream, batch.len());
        // The rows of a batch's sequences are handed over one sequence after another, when all are there.
        let alone = batch.len() == 1;
        let mut held: Vec<Option<Array2<f32>>> = vec![None; batch.len()];
        for start in (0..steps).step_by(chunk) {
            if !go_on(*left_work) {
                return ControlFlow::Break(());
            }
            let end = steps.min(start + chunk);
            let inputs = batch.iter().map(|&index| {
                let inputs = self.samples[index].inputs.view();
                let own = start.min(inputs.nrows())..end.min(inputs.nrows());
                inputs.slice_move(s![own, ..])
            });
            let (inputs, shape) = pad(inputs, end - start);
            let inputs = Tensor::from_data(TensorData::new(inputs, shape), self.device);
            let ends = sequences
                .iter()
                .map(|one| one.steps().clamp(start, end) - start);
            let ends: Vec<usize> = ends.collect();
            let states = follower.states(self.backbone.encode(inputs), &ends);
            let dims = [batch.len(), end - start, self.backbone.core.d_state()];
            let states = ArrayView3::from_shape(dims, states).expect("states have their dims");
            for (place, (&index, sequence)) in batch.iter().zip(&mut *sequences).enumerate() {
                let own = ends[place];
                let worked = (own as u64).saturating_mul(self.backbone.core.multiply_adds() as u64);
                *left_work = left_work.saturating_sub(worked);
                let first = sequence.done();
                let seen = self.view.states(states.slice(s![place, ..own, ..]));
                let rows = sequence.push(seen.view());
                if alone {
                    let last = end == steps;
                    visit(Rows {
                        index,
                        first,
                        rows,
                        last,
                    })?;
                    continue;
                }
                match &mut held[place] {
                    Some(held) => held
                        .append(ndarray::Axis(0), rows.view())
                        .expect("rows of features share their width"),
                    none => *none = Some(rows),
                }
            }
        }
        for (&index, rows) in batch.iter().zip(held) {
            // A sequence that is scored nowhere needs no step.
            if alone && steps > 0 {
                break;
            }
            visit(Rows {
                index,
                first: 0,
                rows: rows.unwrap_or_else(|| Array2::zeros((0, self.view.width()))),
                last: true,
            })?;
        }
        ControlFlow::Continue(())
    }

    fn follower<'s>(
        &'s self,
        stream: Option<&'s mut BatchStream>,
        batch: usize,
    ) -> Follower<'s, B> {
        let core = &self.backbone.core;
        match stream {
            Some(stream) => {
                stream.restart(batch);
                Follower::OnHost(stream)
            }
            None => Follower::OnDevice {
                core,
                memory: core.start(batch, self.device),
                states: TensorData::new(Vec::<f32>::new(), [0]),
            },
        }
    }

    /// Steps of a chunk of a batch.
    fn chunk(&self, batch: usize) -> usize {
        let states = batch * self.backbone.core.d_state();
        let by_bytes = CHUNK_BYTES / (states * size_of::<f32>()).max(1);
        let work = self.backbone.core.multiply_adds().saturating_mul(batch);
        let by_work = CHUNK_WORK / work.max(1);
        let steps = by_work
            .clamp(FEWEST_STEPS, CHUNK_STEPS)
            .min(by_bytes.max(1));
        let multiple = self.backbone.core.multiple();
        (steps / multiple).max(1) * multiple
    }
}

/// What follows a batch of sequences, some steps at a time.
enum Follower<'a, B: ScanBackend> {
    OnHost(&'a mut BatchStream),
    OnDevice {
        core: &'a Core<B>,
        memory: Memory<B>,
        /// Those of the last steps.
        states: TensorData,
    },
}

impl<B: ScanBackend> Follower<'_, B> {
    /// The states of the next steps, of which `ends[b]` are wanted of sequence b.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`, encoded
    /// - output: `[batch, steps, d_state]`
    fn states(&mut self, inputs: Tensor<B, 3>, ends: &[usize]) -> &[f32] {
        match self {
            Self::OnHost(stream) => {
                let inputs = inputs.into_data().convert::<f32>();
                let inputs = inputs.as_slice().expect("inputs were converted to f32");
                stream.run(inputs, Some(ends))
            }
            Self::OnDevice {
                core,
                memory,
                states,
            } => {
                let (after, next) = core.forward(inputs, memory.clone(), None, None);
                *memory = next;
                *states = after.into_data().convert::<f32>();
                states.as_slice().expect("states were converted to f32")
            }
        }
    }
}

/// Steps of a sequence up to its last scored one: no later state is read.
pub(crate) fn needed(sample: &Sample) -> usize {
    sample.scored.last().map_or(0, |last| last + 1)
}

/// Joins sequences to the numbers of one tensor of some steps, with zeros after the ends of the shorter ones; the shape is
/// beside them.
///
/// # Shapes
///
/// - sequences: each `[steps or fewer, d_input]`
/// - output: `[batch, steps, d_input]`
pub(crate) fn pad<'a>(
    sequences: impl ExactSizeIterator<Item = ArrayView2<'a, f32>> + Clone,
    steps: usize,
) -> (Vec<f32>, [usize; 3]) {
    let batch = sequences.len();
    let d_input = sequences.clone().map(|one| one.ncols()).next().unwrap_or(0);
    let mut padded = vec![0.0; batch * steps * d_input];
    for (into, sequence) in padded.chunks_mut(steps * d_input).zip(sequences) {
        for (into, &value) in into.iter_mut().zip(sequence.iter()) {
            *into = value;
        }
    }
    (padded, [batch, steps, d_input])
}

//! A single sequence, step by step: the width of units in the lanes, units spread over threads.

mod part;
mod state;
mod step;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::arch::Arch;
use crate::crew::{Barrier, Crew, PATIENCE, Poison};
use crate::error::KernelError;
use crate::packed::Packed;
use crate::prepared::Prepared;
use crate::sequences::{Sequences, check_sequences};
use crate::spec::ScanSpec;
use crate::unit::Memory;
use part::{Part, parts};
use state::{read, read_all};

/// A reservoir that is fed one sequence, a step or many at a time, and keeps its working memory in between.
///
/// Nothing is allocated in a step, and a step costs the same at any place in the sequence.
#[derive(Debug)]
pub struct Stepper {
    spec: Arc<ScanSpec>,
    packed: Arc<Packed>,
    arch: Arch,
    parts: Vec<Part>,
    /// The state before the step at hand and that after it, `[rows, d_state]` each, in turns.
    states: [Vec<AtomicU32>; 2],
    /// The inputs that the last step read, oldest first, `[rows, d_input]`.
    inputs: Vec<f32>,
    /// Steps so far.
    step: u64,
}

impl Clone for Stepper {
    /// Two that go on from here on their own. They share the weights.
    fn clone(&self) -> Self {
        let copy = |numbers: &Vec<AtomicU32>| {
            let each = numbers.iter();
            each.map(|one| AtomicU32::new(one.load(Ordering::Relaxed)))
                .collect()
        };
        Self {
            spec: self.spec.clone(),
            packed: self.packed.clone(),
            arch: self.arch,
            parts: self.parts.clone(),
            states: [copy(&self.states[0]), copy(&self.states[1])],
            inputs: self.inputs.clone(),
            step: self.step,
        }
    }
}

/// Steps that are not worth the start of a thread.
const FEW_STEPS: usize = 16;

impl Stepper {
    /// Begins with a working memory, as [`Sequences`] describes it for a batch of one.
    ///
    /// With several `threads`, the units are shared among them as far as their weights are worth it, and
    /// [`run`](Self::run) takes the others from rayon's pool for the time of the call, if they are free;
    /// [`step`](Self::step) uses none but the caller's.
    ///
    /// # Errors
    ///
    /// A slice whose length disagrees with the specification.
    pub fn new(
        prepared: &Prepared,
        rows: &[f32],
        older_inputs: &[f32],
        threads: usize,
    ) -> Result<Self, KernelError> {
        let start = Sequences {
            batch: 1,
            steps: 0,
            inputs: &[],
            rows,
            older_inputs,
        };
        check_sequences(&prepared.spec, &start)?;
        Ok(Self::begin(prepared, start, threads))
    }

    /// Begins with the memory of a sequence that has been checked.
    pub(crate) fn begin(prepared: &Prepared, sequence: Sequences<'_>, threads: usize) -> Self {
        let Prepared { spec, packed } = prepared;
        let Sequences {
            rows, older_inputs, ..
        } = sequence;
        let sliding = spec.memory() == Memory::Sliding;
        let (context, d_state) = (spec.context(), spec.d_state());
        let newest = &rows[(context - spec.step_rows()) * d_state..];
        let bits = |&number: &f32| AtomicU32::new(number.to_bits());
        let zeros = || (0..newest.len()).map(|_| AtomicU32::new(0)).collect();
        let mut stepper = Self {
            packed: packed.clone(),
            arch: spec.single_arch(),
            parts: parts(spec, threads),
            states: [newest.iter().map(bits).collect(), zeros()],
            inputs: [&vec![0.0; spec.d_input()], older_inputs].concat(),
            step: 0,
            spec: spec.clone(),
        };
        if sliding {
            for (slot, row) in rows.chunks_exact(d_state).take(context - 1).enumerate() {
                stepper.remember(slot, row);
            }
        }
        stepper
    }

    /// Feeds one input `[d_input]` and writes the new state `[d_state]`.
    ///
    /// # Panics
    ///
    /// If the slices have other lengths.
    pub fn step(&mut self, input: &[f32], state: &mut [f32]) {
        let d_state = self.spec.d_state();
        assert_eq!(input.len(), self.spec.d_input(), "the width of the input");
        assert_eq!(state.len(), d_state, "the width of the state");
        self.take_input(input);
        let mut parts = std::mem::take(&mut self.parts);
        for part in &mut parts {
            self.step_part(part, self.step, &self.inputs);
        }
        self.parts = parts;
        self.step += 1;
        let newest = &self.states[(self.step % 2) as usize];
        let newest = &newest[newest.len() - d_state..];
        read_all(newest, state);
    }

    /// Feeds inputs `[steps, d_input]` and writes the states `[steps, d_state]`.
    ///
    /// # Panics
    ///
    /// If the slices have other lengths.
    pub fn run(&mut self, inputs: &[f32], states: &mut [f32]) {
        self.run_together(inputs, states, PATIENCE);
    }

    /// The same, with another time for which the caller's thread waits until the others are free. Whether they were in time;
    /// where not, or where there is too little to share, the caller's thread has done all alone.
    ///
    /// # Panics
    ///
    /// If the slices have other lengths.
    pub fn run_together(&mut self, inputs: &[f32], states: &mut [f32], patience: Duration) -> bool {
        let (d_input, d_state) = (self.spec.d_input(), self.spec.d_state());
        let steps = states.len() / d_state;
        assert_eq!(inputs.len(), steps * d_input, "the length of the inputs");
        assert_eq!(states.len(), steps * d_state, "the length of the states");
        if self.parts.len() == 1 || steps < FEW_STEPS {
            self.run_alone(inputs, states);
            return false;
        }
        let rows = self.spec.step_rows();
        // Every step's inputs in a row: the older ones, then the new ones.
        let all = [&self.inputs[d_input..], inputs].concat();
        let mut parts = std::mem::take(&mut self.parts);
        let barrier = Barrier::new(parts.len());
        let run_part = |part: &mut Part| {
            let _poison = Poison(&barrier);
            let own = part.slots.len();
            let mut states = vec![0.0; steps * own];
            for (at, newest) in states.chunks_exact_mut(own).enumerate() {
                let inputs = &all[at * d_input..][..rows * d_input];
                let step = self.step + at as u64;
                self.step_part(part, step, inputs);
                let after = &self.states[((step + 1) % 2) as usize];
                let after = &after[(rows - 1) * d_state..][part.slots.clone()];
                read_all(after, newest);
                barrier.wait(at as u64 + 1);
            }
            states
        };
        let crew = Crew::new(parts.len() - 1);
        let mut own: Vec<Vec<f32>> = parts.iter().map(|_| Vec::new()).collect();
        let together = {
            let (first, others) = parts.split_at_mut(1);
            let (own_first, own_others) = own.split_at_mut(1);
            rayon::in_place_scope(|scope| {
                for (part, own) in others.iter_mut().zip(own_others) {
                    let (crew, run_part) = (&crew, &run_part);
                    scope.spawn(move |_| {
                        if crew.join() {
                            *own = run_part(part);
                        }
                    });
                }
                let together = crew.assemble(patience);
                if together {
                    own_first[0] = run_part(&mut first[0]);
                }
                together
            })
        };
        if !together {
            self.parts = parts;
            self.run_alone(inputs, states);
            return false;
        }
        for (part, own) in parts.iter().zip(&own) {
            let width = part.slots.len();
            for (state, own) in states
                .chunks_exact_mut(d_state)
                .zip(own.chunks_exact(width))
            {
                state[part.slots.clone()].copy_from_slice(own);
            }
        }
        self.parts = parts;
        self.step += steps as u64;
        let kept = self.inputs.len();
        self.inputs.copy_from_slice(&all[all.len() - kept..]);
        true
    }

    fn run_alone(&mut self, inputs: &[f32], states: &mut [f32]) {
        let (d_input, d_state) = (self.spec.d_input(), self.spec.d_state());
        for (step, state) in states.chunks_exact_mut(d_state).enumerate() {
            self.step(&inputs[step * d_input..][..d_input], state);
        }
    }

    /// The rows of memory, oldest first, `[context, d_state]`; the newest is the state h.
    pub fn rows(&self) -> Vec<f32> {
        let (context, d_state) = (self.spec.context(), self.spec.d_state());
        let mut rows = vec![0.0; context * d_state];
        let state = &self.states[(self.step % 2) as usize];
        match self.spec.memory() {
            Memory::Rewritten => read_all(state, &mut rows),
            Memory::Sliding => {
                let (older, newest) = rows.split_at_mut((context - 1) * d_state);
                for (row, to) in older.chunks_exact_mut(d_state).enumerate() {
                    let slot = ((self.step + row as u64) % context as u64) as usize;
                    for part in &self.parts {
                        let width = part.slots.len();
                        let z = &part.z.get()[slot * width..][..width];
                        to[part.slots.clone()].copy_from_slice(z);
                    }
                }
                read_all(state, newest);
            }
        }
        rows
    }

    /// The state h, `[d_state]`.
    pub fn state(&self) -> Vec<f32> {
        let state = &self.states[(self.step % 2) as usize];
        let newest = &state[state.len() - self.spec.d_state()..];
        newest.iter().map(read).collect()
    }

    /// The last C − 1 inputs, oldest first, `[context − 1, d_input]`; none in sliding memory.
    pub fn older_inputs(&self) -> &[f32] {
        match self.spec.memory() {
            Memory::Sliding => &[],
            Memory::Rewritten => &self.inputs[self.spec.d_input()..],
        }
    }

    fn take_input(&mut self, input: &[f32]) {
        let d_input = self.spec.d_input();
        let older = self.inputs.len() - d_input;
        self.inputs.copy_within(d_input.., 0);
        self.inputs[older..].copy_from_slice(input);
    }

    /// Puts a row z of before the first step into the window.
    fn remember(&mut self, slot: usize, row: &[f32]) {
        let mut parts = std::mem::take(&mut self.parts);
        for part in &mut parts {
            let width = part.slots.len();
            let own = &row[part.slots.clone()];
            part.z.get_mut()[slot * width..][..width].copy_from_slice(own);
            for share in &mut part.shares {
                let (population, place) = self.place(share.population);
                let d_unit = population.d_unit;
                let z = &row[place.state..][share.units.start * d_unit..share.units.end * d_unit];
                let first = share.units.start;
                let block = self.block(share, place, slot, &mut part.scratch);
                population.kernel.remember_single(block, first, z);
            }
        }
        self.parts = parts;
    }
}

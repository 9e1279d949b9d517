//! A single sequence, step by step: the width of units in the lanes, units spread over threads.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::arch::{Arch, Lanes, WithLanes};
use crate::buffer::Buffer;
use crate::crew::{Barrier, Crew, Poison};
use crate::error::KernelError;
use crate::kernel::Block;
use crate::output::BoundSingle;
use crate::packed::Packed;
use crate::scan::{check_sequences, check_weights, part_of};
use crate::spec::{Place, Population, ScanSpec};
use crate::unit::Memory;
use crate::wiring::{Fan, Wiring};
use crate::{Scanned, Sequences};

/// A reservoir that is fed one sequence, a step or many at a time, and keeps its working memory in between.
///
/// Nothing is allocated in a step, and a step costs the same at any place in the sequence.
#[derive(Debug)]
pub struct Stepper {
    spec: ScanSpec,
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

/// Units that one thread computes: a range of slots.
#[derive(Clone, Debug)]
struct Part {
    shares: Vec<Share>,
    slots: Range<usize>,
    scratch: Buffer,
    /// The last C rows z of its slots in turns (sliding memory), else those of the step at hand.
    z: Buffer,
    out: Buffer,
    /// What a wiring of sums reads, `[rows, d_input + d_state]`; empty for one of copies.
    sources: Buffer,
}

/// A part's units of one population.
#[derive(Clone, Debug)]
struct Share {
    population: usize,
    units: Range<usize>,
    window: Buffer,
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

/// Weights of units and wiring that are worth a thread of their own: some ten microseconds' work.
const WORTH_A_THREAD: usize = 50_000;

impl Stepper {
    /// Begins with a working memory, as [`Sequences`] describes it for a batch of one.
    ///
    /// With more than one of `threads`, the units are shared by as many as their weights are worth, and
    /// [`run`](Self::run) takes the others from rayon's pool for the time of the call, if they are free;
    /// [`step`](Self::step) uses none but the caller's.
    ///
    /// # Errors
    ///
    /// A slice whose length disagrees with the specification.
    pub fn new(
        spec: &ScanSpec,
        weights: &[&[f32]],
        rows: &[f32],
        older_inputs: &[f32],
        threads: usize,
    ) -> Result<Self, KernelError> {
        check_weights(spec, weights)?;
        let start = Sequences {
            batch: 1,
            steps: 0,
            inputs: &[],
            rows,
            older_inputs,
        };
        check_sequences(spec, &start)?;
        let packed = Arc::new(Packed::new(spec, weights, false));
        Ok(Self::begin(spec, packed, start, threads))
    }

    /// Begins with the memory of a sequence that has been checked.
    fn begin(
        spec: &ScanSpec,
        packed: Arc<Packed>,
        sequence: Sequences<'_>,
        threads: usize,
    ) -> Self {
        let Sequences {
            rows, older_inputs, ..
        } = sequence;
        let sliding = spec.memory() == Memory::Sliding;
        let (context, d_state) = (spec.context(), spec.d_state());
        let newest = &rows[(context - spec.step_rows()) * d_state..];
        let bits = |&number: &f32| AtomicU32::new(number.to_bits());
        let zeros = || (0..newest.len()).map(|_| AtomicU32::new(0)).collect();
        let worth = (spec.weights_len() + spec.wiring().sources().len()) / WORTH_A_THREAD;
        let mut stepper = Self {
            packed,
            arch: spec.single_arch(),
            parts: parts(spec, threads.min(worth.max(1)).max(1)),
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
            self.walk(part, self.step, &self.inputs);
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
        let (d_input, d_state) = (self.spec.d_input(), self.spec.d_state());
        let steps = states.len() / d_state;
        assert_eq!(inputs.len(), steps * d_input, "the length of the inputs");
        assert_eq!(states.len(), steps * d_state, "the length of the states");
        if self.parts.len() == 1 || steps < FEW_STEPS {
            self.run_alone(inputs, states);
            return;
        }
        let rows = self.spec.step_rows();
        // Every step's inputs in a row: the older ones, then the new ones.
        let all = [&self.inputs[d_input..], inputs].concat();
        let mut parts = std::mem::take(&mut self.parts);
        let barrier = Barrier::new(parts.len());
        let walk_all = |part: &mut Part| {
            let _poison = Poison(&barrier);
            let own = part.slots.len();
            let mut states = vec![0.0; steps * own];
            for (at, newest) in states.chunks_exact_mut(own).enumerate() {
                let inputs = &all[at * d_input..][..rows * d_input];
                let step = self.step + at as u64;
                self.walk(part, step, inputs);
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
                    let (crew, walk_all) = (&crew, &walk_all);
                    scope.spawn(move |_| {
                        if crew.join() {
                            *own = walk_all(part);
                        }
                    });
                }
                let together = crew.assemble();
                if together {
                    own_first[0] = walk_all(&mut first[0]);
                }
                together
            })
        };
        if !together {
            self.parts = parts;
            self.run_alone(inputs, states);
            return;
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

    fn place(&self, index: usize) -> (&Population, Place) {
        let mut places = self.spec.places();
        places.nth(index).expect("a share's population exists")
    }

    fn block<'a>(
        &'a self,
        share: &'a mut Share,
        place: Place,
        slot: usize,
        scratch: &'a mut Buffer,
    ) -> Block<'a> {
        Block {
            arch: self.arch,
            shape: place.shape,
            weights: self.packed.population(share.population),
            transposed: place.unit_weights,
            window: share.window.get_mut(),
            slot,
            scratch: scratch.get_mut(),
        }
    }

    /// One step of a part: from the state before to its slots of the state after.
    fn walk(&self, part: &mut Part, step: u64, inputs: &[f32]) {
        let (rows, d_state, context) = (
            self.spec.step_rows(),
            self.spec.d_state(),
            self.spec.context(),
        );
        let before = &self.states[(step % 2) as usize];
        let after = &self.states[((step + 1) % 2) as usize];
        // In sliding memory the newest row of the first step has place C − 1.
        let slot = match self.spec.memory() {
            Memory::Sliding => ((step + context as u64 - 1) % context as u64) as usize,
            Memory::Rewritten => 0,
        };
        let width = part.slots.len();
        let z = &mut part.z.get_mut()[slot * width..][..rows * width];
        let copies = self.spec.wiring().fan() == Fan::Copies;
        let d_input = self.spec.d_input();
        let all = d_input + d_state;
        if !copies {
            for (row, sources) in part.sources.get_mut().chunks_exact_mut(all).enumerate() {
                let (of_inputs, of_state) = sources.split_at_mut(d_input);
                of_inputs.copy_from_slice(&inputs[row * d_input..][..d_input]);
                read_all(&before[row * d_state..], of_state);
            }
        }
        for share in &mut part.shares {
            let (population, place) = self.place(share.population);
            let d_unit = population.d_unit;
            let first = place.state + share.units.start * d_unit;
            let numbers = share.units.len() * rows * d_unit;
            let at = (first - part.slots.start) * rows;
            let z = &mut z[at..][..numbers];
            let out = &mut part.out.get_mut()[..numbers];
            for (index, z) in z.chunks_exact_mut(d_unit).enumerate() {
                let (unit, row) = (index / rows, index % rows);
                let first = first + unit * d_unit;
                match copies {
                    true => self.copy(first, row, inputs, before, z),
                    false => self.arch.run(Sum {
                        wiring: self.spec.wiring(),
                        first,
                        sources: &part.sources.get()[row * all..][..all],
                        z,
                    }),
                }
            }
            let first_unit = share.units.start;
            let block = self.block(share, place, slot, &mut part.scratch);
            population.kernel.forward_single(block, first_unit, z, out);
            self.arch.run(BoundSingle {
                output: population.output,
                width: d_unit,
                rows: out,
            });
            let leak = self.spec.leak();
            for (index, out) in out.chunks_exact(d_unit).enumerate() {
                let (unit, row) = (index / rows, index % rows);
                let at = row * d_state + first + unit * d_unit;
                for ((to, from), &out) in after[at..].iter().zip(&before[at..]).zip(out) {
                    let value = match leak == 1.0 {
                        true => out,
                        false => leak * out + (1.0 - leak) * read(from),
                    };
                    to.store(value.to_bits(), Ordering::Relaxed);
                }
            }
        }
    }

    /// Reads a unit's slots of one row along a wiring of copies.
    fn copy(&self, first: usize, row: usize, inputs: &[f32], state: &[AtomicU32], z: &mut [f32]) {
        let (d_input, d_state) = (self.spec.d_input(), self.spec.d_state());
        let inputs = &inputs[row * d_input..][..d_input];
        let state = &state[row * d_state..][..d_state];
        for (z, &source) in z.iter_mut().zip(&self.spec.wiring().sources()[first..]) {
            *z = match source as usize {
                input if input < d_input => inputs[input],
                other => read(&state[other - d_input]),
            };
        }
    }
}

/// A number of a state, which threads share: the barrier after each step orders reading and writing.
fn read(number: &AtomicU32) -> f32 {
    f32::from_bits(number.load(Ordering::Relaxed))
}

/// As many numbers as there is room for.
fn read_all(from: &[AtomicU32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = read(from);
    }
}

/// Sums the sources of slots from `first` on.
struct Sum<'a> {
    wiring: &'a Wiring,
    first: usize,
    /// Inputs, then the state.
    sources: &'a [f32],
    z: &'a mut [f32],
}

impl WithLanes for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        for (slot, z) in self.z.iter_mut().enumerate() {
            let (sources, weights) = self.wiring.of(self.first + slot);
            // Several sums, as each waits for its last addition.
            let mut sums = [0.0_f32; 8];
            let (sources, few) = sources.as_chunks::<8>();
            let (weights, few_weights) = weights.as_chunks::<8>();
            for (sources, weights) in sources.iter().zip(weights) {
                for i in 0..8 {
                    sums[i] += weights[i] * self.sources[sources[i] as usize];
                }
            }
            for (&source, &weight) in few.iter().zip(few_weights) {
                sums[0] += weight * self.sources[source as usize];
            }
            *z = sums.iter().sum();
        }
    }
}

/// Steps that are not worth the start of a thread.
const FEW_STEPS: usize = 16;

/// Runs a batch as [`scan_forward`](crate::scan_forward) does, each sequence by itself: one with every thread, several
/// with a thread each.
pub(crate) fn scan_apart(
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

/// Shares the units between as many parts, about as much work each. The first unit's wires stand for all of its kind.
fn parts(spec: &ScanSpec, count: usize) -> Vec<Part> {
    let cost = |population: &Population, place: Place| {
        let slots = place.state..place.state + population.d_unit;
        let wires: usize = slots.map(|slot| spec.wiring().of(slot).0.len()).sum();
        place.unit_weights + wires
    };
    let costs = spec
        .places()
        .map(|(population, place)| population.units * cost(population, place));
    let each = costs.sum::<usize>().div_ceil(count).max(1);
    let mut parts: Vec<Part> = Vec::new();
    let mut weights = 0;
    for (index, (population, place)) in spec.places().enumerate() {
        let unit_cost = cost(population, place);
        let mut unit = 0;
        while unit < population.units {
            // A part takes units until it has its share of the weights.
            let end = (weights / each + 1) * each;
            let room = (end - weights).div_ceil(unit_cost.max(1)).max(1);
            let until = population.units.min(unit + room);
            let first = place.state + unit * population.d_unit;
            let slots = first..place.state + until * population.d_unit;
            let window_len = population.kernel.window_len(place.shape);
            let share = Share {
                population: index,
                units: unit..until,
                window: Buffer::zeros((until - unit) * window_len),
            };
            let full = weights >= parts.len() * each;
            match parts.last_mut().filter(|_| !full) {
                Some(part) => {
                    part.slots.end = slots.end;
                    part.shares.push(share);
                }
                None => parts.push(Part {
                    shares: vec![share],
                    slots,
                    scratch: Buffer::default(),
                    z: Buffer::default(),
                    out: Buffer::default(),
                    sources: Buffer::default(),
                }),
            }
            weights += (until - unit) * unit_cost;
            unit = until;
        }
    }
    let scratch = spec
        .places()
        .map(|(population, place)| population.kernel.scratch_len(place.shape, 1));
    let scratch = scratch.max().unwrap_or(0);
    for part in &mut parts {
        let width = part.slots.len();
        part.scratch = Buffer::zeros(scratch);
        part.z = Buffer::zeros(spec.context() * width);
        part.out = Buffer::zeros(spec.step_rows() * width);
        if spec.wiring().fan() != Fan::Copies {
            let all = spec.d_input() + spec.d_state();
            part.sources = Buffer::zeros(spec.step_rows() * all);
        }
    }
    parts
}

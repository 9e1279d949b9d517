//! One step of the units of a part, along the wiring and through their kernels. Equations 7, 8 and 9 of
//! docs/model.md#working-memory.

use std::sync::atomic::{AtomicU32, Ordering};

use super::Stepper;
use super::part::{Part, Share};
use super::state::{read, read_all};
use crate::arch::{Lanes, WithLanes};
use crate::buffer::Buffer;
use crate::kernel::Block;
use crate::output::BoundSingle;
use crate::spec::{Place, Population};
use crate::unit::Memory;
use crate::wiring::{Fan, Wiring};

impl Stepper {
    /// One step of a part: from the state before to its slots of the state after.
    pub(super) fn step_part(&self, part: &mut Part, step: u64, inputs: &[f32]) {
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
            for (index, out) in out.chunks_exact(d_unit).enumerate() {
                let (unit, row) = (index / rows, index % rows);
                let at = row * d_state + first + unit * d_unit;
                let leak = self.spec.leaks().of(place.unit + first_unit + unit);
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

    pub(super) fn place(&self, index: usize) -> (&Population, Place) {
        let mut places = self.spec.places();
        places.nth(index).expect("a share's population exists")
    }

    pub(super) fn block<'a>(
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

//! The forward pass of a block of sequences, one in each lane of each of the vectors abreast, over all steps. Equations 7, 8 and 9 of
//! docs/model.md#working-memory.

use super::blocks::SequenceBlock;
use super::kernels::Kernels;
use super::layout::{Gather, Leak, Sources};
use crate::buffer::Buffer;
use crate::output::{Bound, Output};
use crate::packed::Packed;
use crate::sequences::Sequences;
use crate::spec::ScanSpec;
use crate::unit::Memory;

/// What a block keeps for its backward pass.
#[derive(Debug, Default)]
pub(crate) struct BlockTape {
    /// Older rows z before the first step, as `z` (sliding memory).
    pub(crate) older: Buffer,
    /// Rows z of each step, population after population, `[units, rows, d_unit]` vectors each.
    pub(crate) z: Buffer,
    /// Bounded outputs, `[steps, d_state·rows]` vectors; empty where none is bounded.
    pub(crate) out: Buffer,
    /// What normalised them, `[steps, rows of all units]` vectors.
    pub(crate) scales: Buffer,
}

/// Rows of all units in a step.
pub(crate) fn unit_rows(spec: &ScanSpec) -> usize {
    spec.populations()
        .iter()
        .map(|population| population.units)
        .sum::<usize>()
        * spec.step_rows()
}

/// Whether some population bounds its outputs.
pub(crate) fn bounded(spec: &ScanSpec) -> bool {
    spec.populations()
        .iter()
        .any(|population| population.output != Output::Identity)
}

/// The inputs that steps read: those of the vectors abreast one after another, `[older + steps, d_input]` vectors each.
fn pack_inputs(spec: &ScanSpec, block: SequenceBlock, part: &Sequences<'_>) -> Buffer {
    let older = spec.older_inputs_len(1);
    let width = part.steps * spec.d_input();
    let mut inputs = Buffer::zeros(block.abreast * (older + width) * block.arch.lanes());
    let (first, rest) = inputs.get_mut().split_at_mut(older * block.arch.lanes());
    block.pack(part.older_inputs, older, false, first);
    block.pack(part.inputs, width, false, rest);
    inputs
}

/// Runs the steps of a block before `end`, and writes their states and the rows of memory after the last of them.
pub(crate) fn run_block(
    spec: &ScanSpec,
    weights: &Packed,
    block: SequenceBlock,
    part: Sequences<'_>,
    end: usize,
    taped: bool,
    (states, rows_after): (&mut [f32], &mut [f32]),
) -> BlockTape {
    let (arch, lanes) = (block.arch, block.arch.lanes());
    let (context, d_input, d_state) = (spec.context(), spec.d_input(), spec.d_state());
    let steps = part.steps;
    let rows = spec.step_rows();
    let sources = Sources {
        wiring: spec.wiring(),
        d_input,
        d_state,
    };
    let inputs = pack_inputs(spec, block, &part);
    let input_stride = block.input_stride(spec, steps);
    let width = d_state * lanes;
    let step_len = rows * width;

    // Memory before the first step.
    let mut kernels = Kernels::new(spec, weights, arch);
    let mut tape = BlockTape::default();
    let mut state = Buffer::zeros(step_len);
    let stride = context * d_state;
    match spec.memory() {
        Memory::Sliding => {
            tape.older = Buffer::zeros((context - 1) * step_len);
            let older = tape.older.get_mut().chunks_exact_mut(step_len);
            for (slot, row) in older.enumerate() {
                block.pack_units(spec, &part.rows[slot * d_state..], stride, false, row);
                kernels.remember(slot, row);
            }
            let newest = &part.rows[(context - 1) * d_state..];
            block.pack(newest, stride, false, state.get_mut());
        }
        Memory::Rewritten => {
            for (row, vectors) in state.get_mut().chunks_exact_mut(width).enumerate() {
                block.pack(&part.rows[row * d_state..], stride, false, vectors);
            }
        }
    }

    // Without a tape, rows z are kept as long as they are in the window.
    let kept = match (taped, spec.memory()) {
        (true, _) => end,
        (false, Memory::Sliding) => context.min(end),
        (false, Memory::Rewritten) => 1,
    };
    tape.z = Buffer::zeros(kept * step_len);
    let scale_len = unit_rows(spec) * lanes;
    let bounds = if bounded(spec) && taped { end } else { 1 };
    tape.out = Buffer::zeros(bounds * step_len);
    tape.scales = Buffer::zeros(if bounded(spec) { bounds * scale_len } else { 0 });

    for step in 0..end {
        let z = &mut tape.z.get_mut()[step % kept.max(1) * step_len..][..step_len];
        let out = &mut tape.out.get_mut()[step % bounds * step_len..][..step_len];
        let inputs = &inputs.get()[step * d_input * lanes..];
        let mut scales = match bounded(spec) {
            true => &mut tape.scales.get_mut()[step % bounds * scale_len..][..scale_len],
            false => &mut [],
        };
        for (_, place) in spec.places() {
            let z = &mut z[place.state * rows * lanes..][..place.len() * lanes];
            arch.run(Gather {
                sources: &sources,
                place,
                inputs,
                stride: input_stride,
                state: state.get(),
                z,
            });
        }
        for index in kernels.indices() {
            let slot = (step + context - 1) % context;
            let (population, place, work) = kernels.block(index, slot);
            let at = place.state * rows * lanes;
            let z = &z[at..][..place.len() * lanes];
            let out = &mut out[at..][..place.len() * lanes];
            population.kernel.forward(work, z, out);
            let width = population.d_unit;
            if bounded(spec) {
                let own;
                (own, scales) = scales.split_at_mut(population.units * rows * lanes);
                arch.run(Bound {
                    output: population.output,
                    width,
                    rows: out,
                    scales: own,
                });
            }
            arch.run(Leak {
                leaks: spec.leaks(),
                place,
                d_state,
                out,
                state: state.get_mut(),
            });
        }
        let newest = &state.get()[(rows - block.abreast) * width..];
        block.unpack(newest, steps * d_state, &mut states[step * d_state..]);
    }

    match spec.memory() {
        Memory::Sliding => {
            for row in 0..context - 1 {
                let z = match (end + row).checked_sub(context - 1) {
                    Some(step) => &tape.z.get()[step % kept * step_len..][..step_len],
                    None => &tape.older.get()[(end + row) * step_len..][..step_len],
                };
                block.unpack_units(spec, z, stride, &mut rows_after[row * d_state..]);
            }
            let newest = &mut rows_after[(context - 1) * d_state..];
            block.unpack(state.get(), stride, newest);
        }
        Memory::Rewritten => {
            for (row, vectors) in state.get().chunks_exact(width).enumerate() {
                block.unpack(vectors, stride, &mut rows_after[row * d_state..]);
            }
        }
    }
    if !taped {
        return BlockTape::default();
    }
    if !bounded(spec) {
        tape.out = Buffer::default();
    }
    tape
}

//! The forward pass of a block of sequences, one in each lane of a vector, over all steps. Equations 7, 8 and 9 of
//! docs/model.md#working-memory.

use super::kernels::Kernels;
use super::layout::{Gather, Leak, Pack, Sources, Unpack};
use crate::arch::Arch;
use crate::buffer::Buffer;
use crate::output::{Bound, Output};
use crate::packed::Packed;
use crate::sequences::Sequences;
use crate::spec::ScanSpec;
use crate::unit::Memory;

/// What a block keeps for its backward pass.
#[derive(Debug, Default)]
pub(crate) struct BlockTape {
    /// Older rows z before the first step, `[context − 1, d_state]` vectors (sliding memory).
    pub(crate) older: Buffer,
    /// Rows z, `[steps, d_state·rows]` vectors.
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

/// The inputs that steps read, in lanes: `[older + steps, d_input]` vectors.
fn pack_inputs(spec: &ScanSpec, arch: Arch, part: &Sequences<'_>) -> (Buffer, usize) {
    let (lanes, d_input) = (arch.lanes(), spec.d_input());
    let older = spec.older_inputs_len(1);
    let mut inputs = Buffer::zeros((older + part.steps * d_input) * lanes);
    let (first, rest) = inputs.get_mut().split_at_mut(older * lanes);
    for (rows, stride, vectors) in [
        (part.older_inputs, older, first),
        (part.inputs, part.steps * d_input, rest),
    ] {
        arch.run(Pack {
            rows,
            stride,
            sequences: part.batch,
            add: false,
            vectors,
        });
    }
    (inputs, older)
}

/// Runs the steps of a block before `end`, and writes their states and the rows of memory after the last of them.
pub(crate) fn run_block(
    spec: &ScanSpec,
    weights: &Packed,
    arch: Arch,
    part: Sequences<'_>,
    end: usize,
    taped: bool,
    (states, rows_after): (&mut [f32], &mut [f32]),
) -> BlockTape {
    let lanes = arch.lanes();
    let (context, d_input, d_state) = (spec.context(), spec.d_input(), spec.d_state());
    let Sequences { batch, steps, .. } = part;
    let rows = spec.step_rows();
    let sources = Sources {
        wiring: spec.wiring(),
        d_input,
        d_state,
    };
    let (inputs, _) = pack_inputs(spec, arch, &part);
    let width = d_state * lanes;

    // Memory before the first step.
    let mut memory = Buffer::zeros(context * width);
    for (row, vectors) in memory.get_mut().chunks_exact_mut(width).enumerate() {
        let rows = &part.rows[row * d_state..];
        arch.run(Pack {
            rows,
            stride: context * d_state,
            sequences: batch,
            add: false,
            vectors,
        });
    }
    let mut kernels = Kernels::new(spec, weights, arch);
    let mut tape = BlockTape::default();
    let mut state = Buffer::zeros(rows * width);
    match spec.memory() {
        Memory::Sliding => {
            let (older, newest) = memory.get().split_at((context - 1) * width);
            state.get_mut().copy_from_slice(newest);
            tape.older = Buffer::zeros(older.len());
            tape.older.get_mut().copy_from_slice(older);
            for (slot, row) in older.chunks_exact(width).enumerate() {
                kernels.remember(slot, row);
            }
        }
        Memory::Rewritten => state.get_mut().copy_from_slice(memory.get()),
    }
    drop(memory);

    // Without a tape, rows z are kept as long as they are in the window.
    let kept = match (taped, spec.memory()) {
        (true, _) => end,
        (false, Memory::Sliding) => context.min(end),
        (false, Memory::Rewritten) => 1,
    };
    let step_len = rows * width;
    tape.z = Buffer::zeros(kept * step_len);
    let scale_len = unit_rows(spec) * lanes;
    let bounds = if bounded(spec) && taped { end } else { 1 };
    tape.out = Buffer::zeros(bounds * step_len);
    tape.scales = Buffer::zeros(if bounded(spec) { bounds * scale_len } else { 0 });

    for step in 0..end {
        let z = &mut tape.z.get_mut()[step % kept.max(1) * step_len..][..step_len];
        let out = &mut tape.out.get_mut()[step % bounds * step_len..][..step_len];
        let inputs = &inputs.get()[step * d_input * lanes..][..rows * d_input * lanes];
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
                state: state.get(),
                z,
            });
        }
        for index in kernels.indices() {
            let slot = (step + context - 1) % context;
            let (population, place, block) = kernels.block(index, slot);
            let at = place.state * rows * lanes;
            let z = &z[at..][..place.len() * lanes];
            let out = &mut out[at..][..place.len() * lanes];
            population.kernel.forward(block, z, out);
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
        let vectors = &state.get()[(rows - 1) * width..];
        let rows = &mut states[step * d_state..];
        arch.run(Unpack {
            vectors,
            stride: steps * d_state,
            sequences: batch,
            rows,
        });
    }

    for row in 0..context {
        let vectors = match (spec.memory(), (end + row).checked_sub(context - 1)) {
            (Memory::Rewritten, _) => &state.get()[row * width..][..width],
            (Memory::Sliding, Some(step)) if step == end => state.get(),
            (Memory::Sliding, Some(step)) => &tape.z.get()[step % kept * step_len..][..step_len],
            (Memory::Sliding, None) => &tape.older.get()[(end + row) * width..][..width],
        };
        arch.run(Unpack {
            vectors,
            stride: context * d_state,
            sequences: batch,
            rows: &mut rows_after[row * d_state..],
        });
    }
    if !taped {
        return BlockTape::default();
    }
    if !bounded(spec) {
        tape.out = Buffer::default();
    }
    tape
}

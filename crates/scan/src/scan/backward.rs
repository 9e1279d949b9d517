//! The backward pass of a block, step by step, from the last step to the first. Equations 7, 8 and 9 of
//! docs/model.md#working-memory.

mod step;

use super::blocks::SequenceBlock;
use super::forward::BlockTape;
use super::kernels::{Kernels, windows};
use super::layout::Sources;
use crate::buffer::Buffer;
use crate::gradients::Needs;
use crate::packed::Packed;
use crate::spec::ScanSpec;
use crate::unit::Memory;

/// A block's part of what is given and of what is wanted.
pub(crate) struct BlockGradients<'a> {
    pub(crate) tape: &'a BlockTape,
    pub(crate) block: SequenceBlock,
    /// Gradient of the states, if there is one.
    pub(crate) states: Option<&'a [f32]>,
    /// Gradient of the rows of memory after the last step, if there is one.
    pub(crate) rows_after: Option<&'a [f32]>,
    pub(crate) inputs: &'a mut [f32],
    pub(crate) rows: &'a mut [f32],
    pub(crate) older_inputs: &'a mut [f32],
}

/// Computes the gradients of a group of blocks; returns the sum of their weights' gradients, if wanted.
pub(crate) fn blocks_backward(
    spec: &ScanSpec,
    weights: &Packed,
    steps: usize,
    truncate: Option<usize>,
    needs: Needs,
    group: &mut [BlockGradients<'_>],
) -> Vec<f32> {
    let arch = group[0].block.arch;
    let lanes = arch.lanes();
    let mut sums: Vec<Buffer> = spec
        .places()
        .map(|(population, place)| {
            let len = population.units * population.kernel.sums_len(place.shape, lanes) * lanes;
            Buffer::zeros(if needs.weights { len } else { 0 })
        })
        .collect();
    let (rows, d_input, d_state) = (spec.step_rows(), spec.d_input(), spec.d_state());
    let zeros = |len: usize| Buffer::zeros(len * lanes);
    for gradients in group {
        let block = gradients.block;
        let pass = Pass {
            spec,
            block,
            steps,
            truncate,
            needs,
            gradients,
            sums: &mut sums,
            sources: Sources {
                wiring: spec.wiring(),
                d_input,
                d_state,
            },
            kernels: Kernels::new(spec, weights, arch),
            window_gradients: windows(spec, lanes),
            state: zeros(rows * d_state),
            out: zeros(rows * d_state),
            z: zeros(rows * d_state),
            step_inputs: zeros(rows * d_input),
            inputs: zeros(block.abreast * (spec.older_inputs_len(1) + steps * d_input)),
        };
        pass.run();
    }
    if !needs.weights {
        return Vec::new();
    }
    let mut gradient = vec![0.0; spec.weights_len()];
    for ((population, place), sums) in spec.places().zip(&sums) {
        let len = population.units * place.unit_weights;
        let gradient = &mut gradient[place.weights..][..len];
        population
            .kernel
            .collect(place.shape, lanes, sums.get(), gradient);
    }
    gradient
}

/// One block's backward pass.
struct Pass<'a, 'b> {
    spec: &'a ScanSpec,
    block: SequenceBlock,
    steps: usize,
    truncate: Option<usize>,
    needs: Needs,
    gradients: &'a mut BlockGradients<'b>,
    sums: &'a mut [Buffer],
    sources: Sources<'a>,
    kernels: Kernels<'a>,
    window_gradients: Vec<Buffer>,
    /// Gradient of the memory, `[rows, d_state]` vectors.
    state: Buffer,
    /// Gradient of one step's outputs and unit inputs, `[units, rows, d_unit]` vectors each.
    out: Buffer,
    z: Buffer,
    /// Gradient of the inputs that a step reads, `[rows, d_input]` vectors.
    step_inputs: Buffer,
    /// Gradient of all inputs, for each of the vectors abreast `[older + steps, d_input]` vectors.
    inputs: Buffer,
}

impl<'a> Pass<'a, '_> {
    fn run(mut self) {
        let (context, d_state) = (self.spec.context(), self.spec.d_state());
        let width = d_state * self.block.arch.lanes();
        let sliding = self.spec.memory() == Memory::Sliding;
        // Rows of the window are counted from the oldest before the first step: step t has t + C − 1.
        let last_border = match (self.truncate, self.steps) {
            (Some(every), 1..) => (self.steps - 1) / every * every,
            _ => 0,
        };
        let mut start = last_border;
        if sliding {
            (self.steps.saturating_sub(1)..self.steps + context - 1)
                .for_each(|row| self.remember(row));
        } else {
            for row in 0..context - 1 {
                self.add_output_gradient(Row::After(row), Target::State(row));
            }
        }
        let newest = self.spec.step_rows() - self.block.abreast;
        self.add_output_gradient(Row::After(context - 1), Target::State(newest));
        for step in (0..self.steps).rev() {
            if sliding && step + 1 < self.steps {
                self.remember(step);
            }
            self.add_output_gradient(Row::State(step), Target::State(newest));
            self.step_back(step);
            if sliding && step + context > self.steps && step >= last_border {
                self.add_output_gradient(Row::After(step + context - 1 - self.steps), Target::Z);
            }
            self.scatter(step, start);
            if step == start && step > 0 {
                self.state.get_mut().fill(0.0);
                if sliding {
                    (step..step + context - 1).for_each(|row| self.settle(row));
                }
                start = step
                    - self
                        .truncate
                        .expect("a border only where gradients are truncated");
            }
        }
        let block = self.block;
        let row_stride = context * d_state;
        if sliding {
            for row in 0..context - 1 {
                self.settle(row);
                if row >= self.steps && last_border == 0 {
                    self.add_output_gradient(Row::After(row - self.steps), Target::Z);
                }
                if self.needs.rows {
                    let rows = &mut self.gradients.rows[row * d_state..];
                    block.unpack_units(self.spec, self.z.get(), row_stride, rows);
                }
            }
        }
        if self.needs.rows {
            let width = width * block.abreast;
            let first = context - self.state.get().len() / width;
            for (row, vectors) in self.state.get().chunks_exact(width).enumerate() {
                let rows = &mut self.gradients.rows[(first + row) * d_state..];
                block.unpack(vectors, row_stride, rows);
            }
        }
        if self.needs.inputs {
            let (older, steps) = (self.spec.older_inputs_len(1), self.steps);
            let (first, rest) = self.inputs.get().split_at(older * block.arch.lanes());
            block.unpack(first, older, self.gradients.older_inputs);
            block.unpack(rest, steps * self.spec.d_input(), self.gradients.inputs);
        }
    }

    /// The rows z of a step of the window.
    fn row(&self, row: usize) -> &'a [f32] {
        let width = self.spec.step_rows() * self.spec.d_state() * self.block.arch.lanes();
        let tape: &'a BlockTape = self.gradients.tape;
        match (row + 1).checked_sub(self.spec.context()) {
            Some(step) => &tape.z.get()[step * width..][..width],
            None => &tape.older.get()[row * width..][..width],
        }
    }

    fn remember(&mut self, row: usize) {
        let slot = row % self.spec.context();
        let z = self.row(row);
        self.kernels.remember(slot, z);
    }

    /// Adds the gradient of a row that the scan returned.
    fn add_output_gradient(&mut self, row: Row, target: Target) {
        let (d_state, context) = (self.spec.d_state(), self.spec.context());
        let block = self.block;
        let (gradient, row, rows) = match row {
            Row::State(step) => (self.gradients.states, step, self.steps),
            Row::After(row) => (self.gradients.rows_after, row, context),
        };
        let Some(gradient) = gradient else { return };
        let (rows, stride) = (&gradient[row * d_state..], rows * d_state);
        match target {
            Target::State(row) => {
                let width = d_state * block.arch.lanes();
                let vectors = &mut self.state.get_mut()[row * width..][..block.abreast * width];
                block.pack(rows, stride, true, vectors);
            }
            Target::Z => block.pack_units(self.spec, rows, stride, true, self.z.get_mut()),
        }
    }
}

/// A row that the scan returned.
enum Row {
    /// The state after a step.
    State(usize),
    /// A row of memory after the last step.
    After(usize),
}

/// Where the gradient of such a row goes.
enum Target {
    /// A row of memory, and the next ones where vectors go abreast.
    State(usize),
    /// The unit inputs of the step at hand.
    Z,
}

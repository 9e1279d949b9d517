//! The backward pass of one step: through the leak, the bounds and the units, and along the wiring.

use super::Pass;
use crate::arch::{Lanes, WithLanes};
use crate::kernel::BlockBack;
use crate::output::BoundBack;
use crate::scan::forward::{BlockTape, bounded, unit_rows};
use crate::scan::layout::{LeakBack, Scatter};

impl<'a> Pass<'a, '_> {
    /// From the gradient of the memory after a step to that of the step's unit inputs.
    pub(super) fn step_back(&mut self, step: usize) {
        let (spec, arch, lanes) = (self.spec, self.block.arch, self.block.arch.lanes());
        let (rows, d_state, context) = (spec.step_rows(), spec.d_state(), spec.context());
        let step_len = rows * d_state * lanes;
        let scale_len = unit_rows(spec) * lanes;
        let tape: &'a BlockTape = self.gradients.tape;
        let mut scales = match bounded(spec) {
            true => &tape.scales.get()[step * scale_len..][..scale_len],
            false => &[],
        };
        for index in self.kernels.indices() {
            let slot = (step + context - 1) % context;
            let (population, place, block) = self.kernels.block(index, slot);
            let part = place.state * rows * lanes..place.state * rows * lanes + place.len() * lanes;
            let out = &mut self.out.get_mut()[part.clone()];
            let state = self.state.get_mut();
            arch.run(LeakBack {
                leaks: spec.leaks(),
                place,
                d_state,
                out,
                state,
            });
            if bounded(spec) {
                let own;
                (own, scales) = scales.split_at(population.units * rows * lanes);
                arch.run(BoundBack {
                    output: population.output,
                    width: population.d_unit,
                    rows: &tape.out.get()[step * step_len..][part.clone()],
                    scales: own,
                    gradient: out,
                });
            }
            let back = BlockBack {
                z: &tape.z.get()[step * step_len..][part.clone()],
                out,
                z_gradient: &mut self.z.get_mut()[part],
                window: self.window_gradients[index].get_mut(),
                sums: self.sums[index].get_mut(),
            };
            population.kernel.backward(block, back);
        }
    }

    /// From the gradient of a step's unit inputs to those of the memory before and of the inputs.
    pub(super) fn scatter(&mut self, step: usize, start: usize) {
        let (spec, arch, lanes) = (self.spec, self.block.arch, self.block.arch.lanes());
        let rows = spec.step_rows();
        self.step_inputs.get_mut().fill(0.0);
        for (_, place) in spec.places() {
            let z = &self.z.get()[place.state * rows * lanes..][..place.len() * lanes];
            let (inputs, state) = (self.step_inputs.get_mut(), self.state.get_mut());
            arch.run(Scatter {
                sources: &self.sources,
                place,
                z,
                inputs,
                state,
            });
        }
        // Inputs that an earlier segment left in memory are constant.
        let len = spec.d_input() * lanes;
        let stride = self.block.input_stride(spec, self.steps) * lanes;
        let context_rows = spec.memory().rows(spec.context());
        let constant = if start == 0 {
            0
        } else {
            (start + context_rows - 1).saturating_sub(step)
        };
        for row in constant.min(context_rows)..rows {
            arch.run(Add {
                from: &self.step_inputs.get()[row * len..][..len],
                to: &mut self.inputs.get_mut()[step * len + row * stride..][..len],
            });
        }
    }

    /// Ends the rows z of a step of the window: sets their gradient, and leaves none in the window.
    pub(super) fn settle(&mut self, row: usize) {
        let lanes = self.block.arch.lanes();
        let z = self.row(row);
        for index in self.kernels.indices() {
            let slot = row % self.spec.context();
            let (population, place, block) = self.kernels.block(index, slot);
            let first = place.state * place.shape.rows() * lanes;
            let part = first..first + place.len() * lanes;
            let back = BlockBack {
                z: &z[part.clone()],
                out: &mut [],
                z_gradient: &mut self.z.get_mut()[part],
                window: self.window_gradients[index].get_mut(),
                sums: self.sums[index].get_mut(),
            };
            population.kernel.settle(block, back);
        }
    }
}

struct Add<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
}

impl WithLanes for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let to = S::as_mut_simd_f32s(self.to).0;
        for (to, &from) in to.iter_mut().zip(S::as_simd_f32s(self.from).0) {
            *to = simd.add_f32s(*to, from);
        }
    }
}

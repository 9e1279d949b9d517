//! The loop over time in burn operations: the reference, and the path of any backend.

use burn::tensor::{Tensor, backend::Backend};
use ran_unit::Unit;

use crate::{Memory, MemoryKind, Reservoir};

impl<B: Backend, U: Unit<B>> Reservoir<B, U> {
    /// Runs a batch of sequences, in burn operations alone.
    ///
    /// Sequences of different lengths are padded at their ends: what happens in the padding changes nothing before
    /// it. With `truncate`, no gradient flows through the memory from one segment of so many steps to the one before.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    /// - states: `[batch, steps, d_state]`
    ///
    /// # Panics
    ///
    /// If the shapes are not this reservoir's, there is no step, or `truncate` is zero.
    pub fn forward_reference(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        truncate: Option<usize>,
    ) -> (Tensor<B, 3>, Memory<B>) {
        self.check(&inputs, &memory);
        assert_ne!(truncate, Some(0), "truncate must be at least 1 step, got 0");
        let steps = inputs.dims()[1];
        let mut memory = memory;
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            if step > 0 && truncate.is_some_and(|every| step.is_multiple_of(every)) {
                memory = memory.detach();
            }
            memory = self.step(inputs.clone().narrow(1, step, 1), memory);
            states.push(memory.state().unsqueeze_dim(1));
        }
        (Tensor::cat(states, 1), memory)
    }

    /// One step of every sequence.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, d_input]`
    fn step(&self, input: Tensor<B, 3>, memory: Memory<B>) -> Memory<B> {
        match self.memory() {
            MemoryKind::Sliding => self.slide(input, memory),
            MemoryKind::Rewritten => self.rewrite(input, memory),
        }
    }

    fn slide(&self, input: Tensor<B, 3>, memory: Memory<B>) -> Memory<B> {
        let older = self.context() - 1;
        let [batch, ..] = memory.rows.dims();
        let state = memory.state().unsqueeze_dim(1);
        let row = self.wire.read(input, state.clone());
        let window = match older {
            0 => row,
            _ => Tensor::cat(vec![memory.rows.narrow(1, 0, older), row], 1),
        };
        let outputs = self.each(&window, |unit, window| {
            let d_state = unit.shape().d_state();
            unit.newest(window).reshape([batch, 1, d_state])
        });
        let state = self.leaked(state, outputs);
        let rows = match older {
            0 => state,
            _ => Tensor::cat(vec![window.narrow(1, 1, older), state], 1),
        };
        Memory { rows, inputs: None }
    }

    fn rewrite(&self, input: Tensor<B, 3>, memory: Memory<B>) -> Memory<B> {
        let context = self.context();
        let [batch, ..] = memory.rows.dims();
        let inputs = match memory.inputs {
            Some(older) => Tensor::cat(vec![older, input], 1), // [batch, context, d_input]
            None => input,
        };
        let window = self.wire.read(inputs.clone(), memory.rows.clone());
        let outputs = self.each(&window, |unit, window| {
            let d_state = unit.shape().d_state();
            unit.forward(window)
                .swap_dims(1, 2)
                .reshape([batch, context, d_state])
        });
        Memory {
            rows: self.leaked(memory.rows, outputs),
            inputs: (context > 1).then(|| inputs.narrow(1, 1, context - 1)),
        }
    }

    /// Calls each population with its part of the window and joins the answers.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, context, d_state]`; a population's part is `[batch, units, context, d_unit]`
    /// - answers: `[batch, rows, units·d_unit]`
    /// - output: `[batch, rows, d_state]`
    fn each(
        &self,
        window: &Tensor<B, 3>,
        call: impl Fn(&U, Tensor<B, 4>) -> Tensor<B, 3>,
    ) -> Tensor<B, 3> {
        let [batch, context, _] = window.dims();
        let mut start = 0;
        let answers = self.populations.iter().map(|unit| {
            let shape = unit.shape();
            let part = window.clone().narrow(2, start, shape.d_state());
            start += shape.d_state();
            let part = part
                .reshape([batch, context, shape.units, shape.d_unit])
                .swap_dims(1, 2);
            call(unit, part)
        });
        let mut answers: Vec<_> = answers.collect();
        match answers.len() {
            1 => answers.remove(0),
            _ => Tensor::cat(answers, 2),
        }
    }

    /// (1−α)·before + α·outputs.
    fn leaked(&self, before: Tensor<B, 3>, outputs: Tensor<B, 3>) -> Tensor<B, 3> {
        let leak = self.leak();
        if leak == 1.0 {
            outputs
        } else {
            before * (1.0 - leak) + outputs * leak
        }
    }
}

//! The loop over time in burn operations, the reference and the path of any backend: equations 7, 8 and 9 of
//! docs/model.md#working-memory.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_unit::Unit;

use crate::{Memory, MemoryKind, Reservoir};

impl<B: Backend, U: Unit<B>> Reservoir<B, U> {
    /// Runs a batch of sequences, in burn operations alone.
    ///
    /// Sequences of different lengths are padded at their ends: what happens in the padding changes nothing before
    /// it. With `truncate`, no gradient flows through the memory from one segment of `truncate` steps to the one before.
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
        self.watched(inputs, memory, truncate, &mut |_, _| {})
    }

    /// Runs a batch of sequences as [`forward_reference`](Self::forward_reference) does, and hands over the weights of
    /// attention at each step: `visit` gets the step, the population's place and its weights, `[batch, units, heads,
    /// queries, context]`, oldest row first. There is one query, the newest row, with `sliding` memory, and each row is
    /// one with `rewritten` memory. Populations that do not attend are left out.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    ///
    /// # Panics
    ///
    /// If the shapes are not this reservoir's, or there is no step.
    pub fn attention(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        visit: &mut dyn FnMut(usize, usize, Tensor<B, 5>),
    ) -> Memory<B> {
        let queries = self.queries();
        let (_, memory) = self.watched(inputs, memory, None, &mut |step, window| {
            for (place, (unit, part)) in self.parts(window).enumerate() {
                if let Some(weights) = unit.attention(part, queries) {
                    visit(step, place, weights);
                }
            }
        });
        memory
    }

    /// The rows of a window that are computed at each step.
    pub fn queries(&self) -> usize {
        self.memory().rows(self.context())
    }

    /// The loop over time; `watch` sees each step's window, `[batch, context, d_state]`.
    fn watched(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        truncate: Option<usize>,
        watch: &mut dyn FnMut(usize, &Tensor<B, 3>),
    ) -> (Tensor<B, 3>, Memory<B>) {
        self.check(&inputs, &memory);
        assert_ne!(truncate, Some(0), "truncate must be at least 1 step, got 0");
        let border =
            |step: usize| step > 0 && truncate.is_some_and(|every| step.is_multiple_of(every));
        match self.memory() {
            MemoryKind::Sliding => self.slide(inputs, memory, border, watch),
            MemoryKind::Rewritten => self.rewrite(inputs, memory, border, watch),
        }
    }

    /// All steps in sliding memory. The older rows and the state are joined to a memory after the last step alone.
    fn slide(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        border: impl Fn(usize) -> bool,
        watch: &mut dyn FnMut(usize, &Tensor<B, 3>),
    ) -> (Tensor<B, 3>, Memory<B>) {
        let [batch, steps, _] = inputs.dims();
        let kept = self.context() - 1;
        let mut state = memory.rows.clone().narrow(1, kept, 1); // [batch, 1, d_state]
        let mut older = (kept > 0).then(|| memory.rows.narrow(1, 0, kept));
        let mut states = Vec::with_capacity(steps);
        let leaking = self.leaking(&state);
        let fed = self.wire.feed(inputs); // [batch, steps, d_state]
        for step in 0..steps {
            if border(step) {
                (state, older) = (state.detach(), older.map(Tensor::detach));
            }
            let row = self
                .wire
                .read(fed.clone().narrow(1, step, 1), state.clone());
            let window = match older {
                Some(older) => Tensor::cat(vec![older, row], 1), // [batch, context, d_state]
                None => row,
            };
            watch(step, &window);
            let outputs = self.each(&window, |unit, window| {
                let d_state = unit.shape().d_state();
                unit.newest(window).reshape([batch, 1, d_state])
            });
            older = (kept > 0).then(|| window.narrow(1, 1, kept));
            state = leaking.step(state, outputs);
            states.push(state.clone());
        }
        let rows = match older {
            Some(older) => Tensor::cat(vec![older, state], 1),
            None => state,
        };
        (Tensor::cat(states, 1), Memory { rows, inputs: None })
    }

    /// All steps in rewritten memory. Older and new inputs are joined once, and each step reads a window of them.
    fn rewrite(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        border: impl Fn(usize) -> bool,
        watch: &mut dyn FnMut(usize, &Tensor<B, 3>),
    ) -> (Tensor<B, 3>, Memory<B>) {
        let context = self.context();
        let [batch, steps, _] = inputs.dims();
        let mut rows = memory.rows;
        let leaking = self.leaking(&rows);
        let all = match memory.inputs {
            Some(older) => Tensor::cat(vec![older, inputs], 1), // [batch, context − 1 + steps, d_input]
            None => inputs,
        };
        let mut fed = self.wire.feed(all.clone()); // [batch, context − 1 + steps, d_state]
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            if border(step) {
                rows = rows.detach();
                // What earlier steps left in memory is constant; what is still to come is not.
                let known = step + context - 1;
                let (past, future) = (
                    fed.clone().narrow(1, 0, known).detach(),
                    fed.narrow(1, known, steps - step),
                );
                fed = Tensor::cat(vec![past, future], 1);
            }
            let window = fed.clone().narrow(1, step, context);
            let window = self.wire.read(window, rows.clone());
            watch(step, &window);
            let outputs = self.each(&window, |unit, window| {
                let d_state = unit.shape().d_state();
                unit.forward(window)
                    .swap_dims(1, 2)
                    .reshape([batch, context, d_state])
            });
            rows = leaking.step(rows, outputs);
            states.push(rows.clone().narrow(1, context - 1, 1));
        }
        let inputs = (context > 1).then(|| all.narrow(1, steps, context - 1));
        (Tensor::cat(states, 1), Memory { rows, inputs })
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
        let answers = self.parts(window).map(|(unit, part)| call(unit, part));
        let mut answers: Vec<_> = answers.collect();
        match answers.len() {
            1 => answers.remove(0),
            _ => Tensor::cat(answers, 2),
        }
    }

    /// Each population with its part of the window.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, context, d_state]`
    /// - parts: `[batch, units, context, d_unit]`
    fn parts(&self, window: &Tensor<B, 3>) -> impl Iterator<Item = (&U, Tensor<B, 4>)> {
        let [batch, context, _] = window.dims();
        let mut start = 0;
        self.populations.iter().map(move |unit| {
            let shape = unit.shape();
            let part = window.clone().narrow(2, start, shape.d_state());
            start += shape.d_state();
            let part = part
                .reshape([batch, context, shape.units, shape.d_unit])
                .swap_dims(1, 2);
            (unit, part)
        })
    }

    /// The leaks, for rows of some other tensor's kind of numbers.
    fn leaking(&self, rows: &Tensor<B, 3>) -> Leaking<B> {
        if let Some(leak) = self.same_leak() {
            return Leaking::Same(leak);
        }
        let units = self.populations.iter().flat_map(|unit| {
            let shape = unit.shape();
            std::iter::repeat_n(shape.d_unit, shape.units)
        });
        let slots = self.leaks().iter().zip(units);
        let slots = slots.flat_map(|(&leak, width)| std::iter::repeat_n(leak, width));
        let slots: Vec<f64> = slots.collect();
        let shape = [1, 1, slots.len()];
        let options = (&rows.device(), rows.dtype());
        let new = Tensor::from_data(TensorData::new(slots, shape), options);
        let old = new.clone().neg() + 1.0;
        Leaking::Slots { new, old }
    }
}

/// The leaks of a step.
enum Leaking<B: Backend> {
    /// One for all slots.
    Same(f64),
    /// α and 1 − α of each slot, `[1, 1, d_state]`.
    Slots {
        new: Tensor<B, 3>,
        old: Tensor<B, 3>,
    },
}

impl<B: Backend> Leaking<B> {
    /// (1−α)·before + α·outputs.
    fn step(&self, before: Tensor<B, 3>, outputs: Tensor<B, 3>) -> Tensor<B, 3> {
        match self {
            Self::Same(1.0) => outputs,
            Self::Same(leak) => before * (1.0 - leak) + outputs * *leak,
            Self::Slots { new, old } => before * old.clone() + outputs * new.clone(),
        }
    }
}

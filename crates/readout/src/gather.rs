//! Features of a batch of sequences as a tensor, so that gradients reach the states.

use crate::Features;
use crate::features::check_scored;
use burn::tensor::{Int, Tensor, TensorCreationOptions, TensorData, backend::Backend};
use std::ops::Range;

impl Features {
    /// The rows of features of a batch of sequences: those of the first sequence, then those of the second, and so
    /// on, each as [`Features::rows`] gives them.
    ///
    /// Sequences may be padded at the end: nothing past a scored step reaches the rows or a gradient, as long as
    /// padding is finite. Means are running sums in the backend's own numbers.
    ///
    /// # Shapes
    ///
    /// - states: `[batch, steps, d_state]`
    /// - scored: ascending scored steps, one list per sequence
    /// - output: `[rows, width]`
    ///
    /// # Panics
    ///
    /// If there is not one list per sequence, a list is not strictly ascending, a scored step is not less than `steps`,
    /// or nothing is scored in the whole batch; with [`Features::Pooled`], which have no gradient.
    pub fn gather<B: Backend>(
        self,
        states: Tensor<B, 3>,
        scored: &[impl AsRef<[usize]>],
    ) -> Tensor<B, 2> {
        let [batch, steps, _] = states.dims();
        assert_eq!(
            scored.len(),
            batch,
            "expected a list of scored steps for each of {batch} sequences, got {}",
            scored.len()
        );
        let mut rows = Vec::new();
        let mut most = 0;
        for (sequence, scored) in scored.iter().enumerate() {
            let scored = scored.as_ref();
            check_scored(steps, scored);
            let steps_of_rows = self.row_steps(scored);
            most = most.max(steps_of_rows.len());
            rows.extend(steps_of_rows.into_iter().map(|step| (sequence, step)));
        }
        assert!(!rows.is_empty(), "expected a scored step in the batch");
        let places = Places { rows };
        match self {
            Features::Last | Features::EveryStep => places.states(states),
            _ if most * self.width(1) <= FEW => places.mixed(states, most, self),
            _ => places.summed(states, self),
        }
    }
}

/// Means of a sequence that are taken by a product with the states. Running sums read all states several times,
/// however few means there are; a product's cost grows with their number
/// (tests/tests/readout/gather.rs takes 40 for many).
const FEW: usize = 32;

/// The sequence and the step that each row is taken at.
struct Places {
    rows: Vec<(usize, usize)>,
}

impl Places {
    /// The states at the rows' own steps.
    fn states<B: Backend>(&self, states: Tensor<B, 3>) -> Tensor<B, 2> {
        self.at(&states, self.rows.iter().map(|(_, step)| *step))
    }

    /// A row of each row's sequence, `[batch, steps, d_state]`, at another step.
    fn at<B: Backend>(
        &self,
        states: &Tensor<B, 3>,
        steps: impl Iterator<Item = usize>,
    ) -> Tensor<B, 2> {
        let [batch, all, d_state] = states.dims();
        let rows = self.rows.iter().zip(steps);
        let flat: Vec<i64> = rows
            .map(|((sequence, _), step)| (sequence * all + step) as i64)
            .collect();
        // Every step of every sequence is scored: there is nothing to pick.
        if flat.len() == batch * all && flat.iter().zip(0..).all(|(&at, place)| at == place) {
            return states.clone().reshape([batch * all, d_state]);
        }
        let flat = TensorData::new(flat, [self.rows.len()]);
        let flat = Tensor::<B, 1, Int>::from_data(flat, &states.device());
        let states = states.clone().reshape([batch * all, d_state]);
        states.select(0, flat)
    }

    /// Rows of means, each a product of shares with the states of its sequence; the shares of padding are zero.
    /// `most` is how many rows a sequence has at most.
    fn mixed<B: Backend>(
        &self,
        states: Tensor<B, 3>,
        most: usize,
        features: Features,
    ) -> Tensor<B, 2> {
        let [batch, steps, d_state] = states.dims();
        let options = TensorCreationOptions::<B>::new(states.device()).with_dtype(states.dtype());
        let parts = features.width(1);
        let mut shares = vec![0.0; batch * most * parts * steps];
        let mut places = Vec::with_capacity(self.rows.len());
        let (mut of, mut nth) = (0, 0);
        for &(sequence, step) in &self.rows {
            nth = if sequence == of { nth } else { 0 };
            of = sequence;
            let place = sequence * most + nth;
            nth += 1;
            places.push(place as i64);
            let lines = shares[place * parts * steps..].chunks_exact_mut(steps);
            for (part, line) in features.parts(step).into_iter().zip(lines) {
                let share = 1.0 / part.len() as f64;
                line[part].fill(share);
            }
        }
        let shares = TensorData::new(shares, [batch, most * parts, steps]);
        let shares = Tensor::<B, 3>::from_data(shares, options);
        let mixed = shares.matmul(states); // [batch, most·parts, d_state]
        let rows = mixed.reshape([batch * most, parts * d_state]);
        if places.len() == batch * most {
            return rows;
        }
        let device = rows.device();
        let places = TensorData::new(places, [self.rows.len()]);
        rows.select(0, Tensor::<B, 1, Int>::from_data(places, &device))
    }

    /// Rows of means by running sums: the mean over steps a..b is the sum before b less that before a. Neither sees padding.
    fn summed<B: Backend>(&self, states: Tensor<B, 3>, features: Features) -> Tensor<B, 2> {
        let [batch, _, d_state] = states.dims();
        let options = TensorCreationOptions::<B>::new(states.device()).with_dtype(states.dtype());
        let before = Tensor::zeros([batch, 1, d_state], options.clone());
        let sums = Tensor::cat(vec![before, states.clone().cumsum(1)], 1);
        let rows = self.rows.len();
        let parts: Vec<_> = self.rows.iter().map(|row| features.parts(row.1)).collect();
        let means = |index: usize| {
            let parts = parts.iter().map(|parts| parts[index].clone());
            let parts: Vec<Range<usize>> = parts.collect();
            // A state by itself keeps its bits.
            if parts.iter().all(|part| part.len() == 1) {
                return self.at(&states, parts.iter().map(|part| part.start));
            }
            let mut total = self.at(&sums, parts.iter().map(|part| part.end));
            if parts.iter().any(|part| part.start > 0) {
                total = total - self.at(&sums, parts.iter().map(|part| part.start));
            }
            let shares: Vec<f64> = parts.iter().map(|part| 1.0 / part.len() as f64).collect();
            let shares = TensorData::new(shares, [rows, 1]);
            let shares = Tensor::<B, 2>::from_data(shares, options.clone());
            total * shares.expand([rows, d_state])
        };
        Tensor::cat((0..features.width(1)).map(means).collect(), 1)
    }
}

//! Features of one sequence whose states come in pieces, as those of a long sequence do.

use crate::Features;
use crate::features::segment;
use crate::live::{LiveFeatures, add};
use ndarray::{Array2, ArrayView2, Axis, s};
use std::num::NonZeroUsize;

/// The features of one sequence, computed while its states come in.
///
/// Pieces of any length give the rows that [`Features::rows`] gives of all states at once, to the bit. What is kept from
/// piece to piece is one running sum where there is a mean, and nine numbers a dimension with [`Features::Pooled`]. With
/// [`Features::Segments`] it is a sum per part for each row that is still open, so that rows at many steps of a long sequence need
/// memory for all of them.
#[derive(Clone, Debug)]
pub struct Running {
    features: Features,
    d_state: usize,
    /// The step that each row is taken at, ascending.
    row_steps: Vec<usize>,
    /// Rows that are complete.
    done: usize,
    /// States that have come.
    seen: usize,
    /// What is kept of the states so far, for means of all of them and pooled features.
    live: LiveFeatures,
    /// The sums over the parts of each row that has begun and is not complete, oldest first: `[parts·d_state]` each.
    open: Vec<Vec<f64>>,
}

impl Features {
    /// Begins the features of a sequence whose states, of width `d_state`, come in pieces.
    ///
    /// # Panics
    ///
    /// If `scored` is not strictly ascending.
    pub fn running(self, d_state: usize, scored: &[usize]) -> Running {
        Running::new(self, d_state, self.row_steps(scored))
    }

    /// Begins to collect a sequence's outputs, of width `d_output`, that come in pieces: [`Running::push`] then takes rows of
    /// outputs, those for the rows of [`Features::rows`], and returns one row per scored step.
    ///
    /// # Panics
    ///
    /// If `scored` is not strictly ascending.
    pub fn collecting(self, d_output: usize, scored: &[usize]) -> Running {
        if self.repeats(scored) {
            // One output stands for all rows: their mean, taken at the last one.
            Running::new(Features::Mean, d_output, scored.to_vec())
        } else {
            Running::new(Features::Last, d_output, (0..scored.len()).collect())
        }
    }
}

impl Running {
    fn new(features: Features, d_state: usize, row_steps: Vec<usize>) -> Self {
        assert!(
            row_steps.windows(2).all(|pair| pair[0] < pair[1]),
            "expected scored steps in ascending order, got {row_steps:?}"
        );
        Self {
            features,
            d_state,
            row_steps,
            done: 0,
            seen: 0,
            live: LiveFeatures::new(features, d_state),
            open: Vec::new(),
        }
    }

    /// How many rows are complete.
    pub fn done(&self) -> usize {
        self.done
    }

    /// How many states are needed until all rows are complete: later ones change nothing.
    pub fn steps(&self) -> usize {
        self.row_steps.last().map_or(0, |last| last + 1)
    }

    /// Takes the states of the next steps and returns the rows that they complete.
    ///
    /// # Shapes
    ///
    /// - states: `[steps, d_state]`
    /// - output: `[rows, width]`
    ///
    /// # Panics
    ///
    /// If the states have another width.
    pub fn push(&mut self, states: ArrayView2<'_, f32>) -> Array2<f32> {
        assert_eq!(
            states.ncols(),
            self.d_state,
            "expected states of width {}, got {}",
            self.d_state,
            states.ncols()
        );
        let until = self.seen + states.nrows();
        let ending = self.row_steps[self.done..].partition_point(|&step| step < until);
        let rows = self.done..self.done + ending;
        let own: Vec<usize> = self.row_steps[rows.clone()]
            .iter()
            .map(|step| step - self.seen)
            .collect();
        let rows = match self.features {
            Features::Last | Features::EveryStep => states.select(Axis(0), &own),
            Features::Segments(count) => self.segments(states, ending, count),
            Features::Mean | Features::MeanAndLast | Features::Pooled => {
                self.of_all_so_far(states, &own)
            }
        };
        self.done += ending;
        self.seen = until;
        rows
    }

    /// The rows at some steps of a piece that sum up all states up to there.
    fn of_all_so_far(&mut self, states: ArrayView2<'_, f32>, steps: &[usize]) -> Array2<f32> {
        let mut rows = Array2::zeros((steps.len(), self.live.width()));
        let mut wanted = rows.rows_mut().into_iter().zip(steps).peekable();
        // What comes after the last row of the sequence is in no row.
        let needed = self.steps().saturating_sub(self.seen);
        for (at, state) in states.rows().into_iter().enumerate().take(needed) {
            self.live.push(state);
            if let Some((row, _)) = wanted.next_if(|(_, step)| **step == at) {
                self.live.write(state, row);
            }
        }
        drop(wanted);
        rows
    }

    /// The means over the parts of the rows that a piece completes; adds the piece to the sums of all later rows.
    fn segments(
        &mut self,
        states: ArrayView2<'_, f32>,
        ending: usize,
        count: NonZeroUsize,
    ) -> Array2<f32> {
        let d_state = self.d_state;
        let width = count.get() * d_state;
        let piece = self.seen..self.seen + states.nrows();
        let mut means = Array2::zeros((ending, width));
        let mut fresh = vec![0.0; width];
        for (index, &s) in self.row_steps[self.done..].iter().enumerate() {
            let completes = index < ending;
            // A row that begins and ends in this piece needs no sums of its own.
            let sums = match self.open.get_mut(index) {
                Some(sums) => sums,
                None if completes => {
                    fresh.fill(0.0);
                    &mut fresh
                }
                None => {
                    self.open.resize_with(index, Vec::new);
                    self.open.push(vec![0.0; width]);
                    &mut self.open[index]
                }
            };
            sums.resize(width, 0.0);
            for (part, sums) in sums.chunks_exact_mut(d_state).enumerate() {
                let steps = segment(s, part, count);
                let (start, end) = (steps.start.max(piece.start), steps.end.min(piece.end));
                for step in start..end {
                    add(sums, states.row(step - piece.start));
                }
                if completes {
                    let row = means.slice_mut(s![index, part * d_state..(part + 1) * d_state]);
                    for (mean, total) in row.into_iter().zip(&*sums) {
                        *mean = (total / steps.len() as f64) as f32;
                    }
                }
            }
        }
        self.open.drain(..ending.min(self.open.len()));
        means
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) const ALL: [Features; 7] = [
        Features::Last,
        Features::Mean,
        Features::MeanAndLast,
        Features::EveryStep,
        Features::Segments(NonZeroUsize::new(1).unwrap()),
        Features::Segments(NonZeroUsize::new(3).unwrap()),
        Features::Pooled,
    ];

    /// Pushes rows in pieces of some length and joins what comes out.
    fn in_pieces(mut running: Running, rows: ArrayView2<'_, f32>, length: usize) -> Array2<f32> {
        let pieces = rows.axis_chunks_iter(Axis(0), length);
        let mut joined: Option<Array2<f32>> = None;
        for piece in pieces {
            let out = running.push(piece);
            match &mut joined {
                Some(joined) => joined.append(Axis(0), out.view()).unwrap(),
                None => joined = Some(out),
            }
        }
        assert_eq!(running.done(), running.row_steps.len());
        joined.unwrap()
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_give_the_rows_of_the_whole_to_the_bit(
            steps in 1_usize..14,
            d_state in 1_usize..4,
            length in 1_usize..14,
            pick in any::<u16>(),
        ) {
            let scored: Vec<usize> = (0..steps).filter(|s| pick >> s & 1 == 1).collect();
            let states = Array2::from_shape_fn((steps, d_state), |(t, i)| ((t * 7 + i * 3) as f32).sin());
            for features in ALL {
                let whole = features.rows(states.view(), &scored);
                let pieces = in_pieces(features.running(d_state, &scored), states.view(), length);
                prop_assert_eq!(&pieces, &whole);
                let collected = features.collecting(whole.ncols(), &scored).push(whole.view());
                if !scored.is_empty() {
                    let running = features.collecting(whole.ncols(), &scored);
                    prop_assert_eq!(in_pieces(running, whole.view(), length), collected);
                }
            }
        }
    }

    #[test]
    fn one_row_needs_no_memory_for_the_states_before_it() {
        let mut running = Features::Segments(NonZeroUsize::new(4).unwrap()).running(2, &[9_999]);
        let piece = Array2::from_elem((100, 2), 1.0);
        for _ in 0..99 {
            assert_eq!(running.push(piece.view()).nrows(), 0);
            assert_eq!(running.open.iter().map(Vec::len).sum::<usize>(), 8);
        }
        assert_eq!(running.push(piece.view()), Array2::from_elem((1, 8), 1.0));
        assert!(running.open.is_empty());
    }

    #[test]
    #[should_panic(expected = "expected states of width 2, got 3")]
    fn states_of_another_width_panic() {
        Features::Last
            .running(2, &[0])
            .push(Array2::zeros((1, 3)).view());
    }
}

//! Pooled features: eight numbers that sum up the course of a signal.

use serde::{Deserialize, Serialize};

/// Numbers that each dimension of the state is summed up by.
pub(crate) const POOLED: usize = 8;

/// What pooled features remember of the states so far; each step costs the same and needs no state but the one before.
///
/// A row is, each for every dimension: the mean; the last state; the maximum; the minimum; the standard deviation; the root mean
/// square of the changes from step to step; the share of steps at which the state is above its mean so far; the share of
/// steps at which it changes to the other side of that mean. Shares of values above a bias are what MiniRocket pools
/// (Dempster, Schmidt & Webb 2021); the running mean stands in for the bias, so that the past alone counts and nothing has to be learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    steps: usize,
    dimensions: Vec<Pooled>,
}

/// One dimension's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pooled {
    sum: f64,
    squares: f64,
    squared_changes: f64,
    last: f32,
    least: f32,
    greatest: f32,
    above: u64,
    is_above: bool,
    crossings: u64,
}

impl Pooled {
    const START: Self = Self {
        sum: 0.0,
        squares: 0.0,
        squared_changes: 0.0,
        last: 0.0,
        least: f32::MAX,
        greatest: f32::MIN,
        above: 0,
        is_above: false,
        crossings: 0,
    };

    fn push(&mut self, state: f32, step: usize) {
        let wide = f64::from(state);
        self.sum += wide;
        self.squares += wide * wide;
        let is_above = wide > self.sum / (step + 1) as f64;
        if step > 0 {
            self.squared_changes += (wide - f64::from(self.last)).powi(2);
            self.crossings += u64::from(is_above != self.is_above);
        }
        self.above += u64::from(is_above);
        self.is_above = is_above;
        self.last = state;
        self.least = self.least.min(state);
        self.greatest = self.greatest.max(state);
    }

    fn numbers(&self, steps: usize) -> [f32; POOLED] {
        let count = steps as f64;
        // A single step has no changes: its shares of them are 0.
        let changes = (steps.max(2) - 1) as f64;
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        [
            mean as f32,
            self.last,
            self.greatest,
            self.least,
            variance.sqrt() as f32,
            (self.squared_changes / changes).sqrt() as f32,
            (self.above as f64 / count) as f32,
            (self.crossings as f64 / changes) as f32,
        ]
    }
}

impl Pool {
    /// Begins a signal of states of width `d_state`.
    pub(crate) fn new(d_state: usize) -> Self {
        Self {
            steps: 0,
            dimensions: vec![Pooled::START; d_state],
        }
    }

    /// Width of the states.
    pub(crate) fn d_state(&self) -> usize {
        self.dimensions.len()
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// Takes the next state.
    ///
    /// # Panics
    ///
    /// If it has another width.
    pub(crate) fn push(&mut self, state: impl ExactSizeIterator<Item = f32>) {
        assert_eq!(state.len(), self.d_state(), "the width of a state");
        for (dimension, state) in self.dimensions.iter_mut().zip(state) {
            dimension.push(state, self.steps);
        }
        self.steps += 1;
    }

    /// The row of features of the states so far, `[8·d_state]`: the first number of every dimension, then the second, and so on.
    ///
    /// # Panics
    ///
    /// If there was no state.
    pub(crate) fn row(&self) -> Vec<f32> {
        assert!(self.steps > 0, "a row sums up one state at least");
        let width = self.d_state();
        let mut row = vec![0.0; POOLED * width];
        for (place, dimension) in self.dimensions.iter().enumerate() {
            for (part, number) in dimension.numbers(self.steps).into_iter().enumerate() {
                row[part * width + place] = number;
            }
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    fn row(states: &[f32]) -> Vec<f32> {
        let mut pool = Pool::new(1);
        for &state in states {
            pool.push([state].into_iter());
        }
        pool.row()
    }

    #[test]
    fn a_row_holds_what_is_worked_out_by_hand() {
        // Means so far: 1, 2, 1, 1. Above them: no, yes, no, no; one crossing up, one down.
        let expected = [1.0, 1.0, 3.0, -1.0, 2.0_f32.sqrt(), 0.0, 0.25, 2.0 / 3.0];
        let got = row(&[1.0, 3.0, -1.0, 1.0]);
        for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
            // Changes of 2, −4 and 2.
            let expected = if at == 5 { 8.0_f32.sqrt() } else { expected };
            assert_abs_diff_eq!(*got, expected, epsilon = 1e-6);
        }
    }

    #[test]
    fn one_step_has_no_deviation_and_no_change() {
        assert_eq!(row(&[-2.5]), [-2.5, -2.5, -2.5, -2.5, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn dimensions_do_not_mix_and_stand_side_by_side() {
        let mut pool = Pool::new(2);
        for (one, other) in [(1.0, 5.0), (3.0, 5.0), (-1.0, 5.0), (1.0, 5.0)] {
            pool.push([one, other].into_iter());
        }
        let (together, one) = (pool.row(), row(&[1.0, 3.0, -1.0, 1.0]));
        let first: Vec<f32> = together.iter().copied().step_by(2).collect();
        assert_eq!(first, one);
        let second: Vec<f32> = together.iter().copied().skip(1).step_by(2).collect();
        assert_eq!(second, [5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_signal_that_was_put_away_goes_on_to_the_bit() {
        let mut pool = Pool::new(1);
        for state in [0.3, -0.7, 0.1] {
            pool.push([state].into_iter());
        }
        let saved = serde_json::to_string(&pool).unwrap();
        let mut again: Pool = serde_json::from_str(&saved).unwrap();
        for one in [&mut pool, &mut again] {
            one.push([0.9].into_iter());
        }
        assert_eq!(pool.row(), again.row());
    }
}

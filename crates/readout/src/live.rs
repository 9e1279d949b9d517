//! Features of a signal at its latest step.

use crate::Features;
use crate::pool::Pool;
use ndarray::{ArrayView1, ArrayView2, ArrayViewMut1};
use serde::{Deserialize, Serialize};

/// What features remember of the states of a signal so far, and their row at its latest step.
///
/// A step costs the same however long the signal is, but with [`Features::Segments`], whose parts of the signal move with each step:
/// they need all its states. It is plain numbers, so that it can be saved with serde and taken up again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveFeatures {
    features: Features,
    d_state: usize,
    steps: usize,
    /// The sum of the states so far, where there is a mean; else empty.
    sum: Vec<f64>,
    /// All states so far, `[steps, d_state]`, where the row needs them; else empty.
    states: Vec<f32>,
    /// What the states so far are pooled to, for pooled features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<Pool>,
}

impl LiveFeatures {
    /// Begins a signal of states of width `d_state`.
    pub fn new(features: Features, d_state: usize) -> Self {
        let means = matches!(features, Features::Mean | Features::MeanAndLast);
        Self {
            features,
            d_state,
            steps: 0,
            sum: vec![0.0; if means { d_state } else { 0 }],
            states: Vec::new(),
            pool: (features == Features::Pooled).then(|| Pool::new(d_state)),
        }
    }

    /// Forgets the signal: the next state is the first of another one.
    pub fn reset(&mut self) {
        *self = Self::new(self.features, self.d_state);
    }

    /// Width of a row.
    pub fn width(&self) -> usize {
        self.features.width(self.d_state)
    }

    /// Takes the next state, `[d_state]`.
    ///
    /// # Panics
    ///
    /// If it has another width.
    pub fn push(&mut self, state: ArrayView1<'_, f32>) {
        assert_eq!(state.len(), self.d_state, "the width of a state");
        self.steps += 1;
        if !self.sum.is_empty() {
            add(&mut self.sum, state);
        }
        if let Features::Segments(_) = self.features {
            self.states.extend(state);
        }
        if let Some(pool) = &mut self.pool {
            pool.push(state.iter().copied());
        }
    }

    /// Writes the row of the latest step, of which `state` is the state: the one that was pushed last.
    ///
    /// # Shapes
    ///
    /// - state: `[d_state]`
    /// - row: `[width]`
    ///
    /// # Panics
    ///
    /// If nothing was pushed, or a width is wrong.
    pub fn write(&self, state: ArrayView1<'_, f32>, row: ArrayViewMut1<'_, f32>) {
        assert!(self.steps > 0, "a row needs a state");
        assert_eq!(row.len(), self.width(), "the width of a row");
        let (mut row, last) = match self.features {
            Features::Last | Features::EveryStep => (None, Some(row)),
            Features::MeanAndLast => {
                let (means, last) = row.split_at(ndarray::Axis(0), self.d_state);
                (Some(means), Some(last))
            }
            Features::Mean | Features::Segments(_) | Features::Pooled => (Some(row), None),
        };
        if let Some(mut last) = last {
            last.assign(&state);
        }
        let Some(row) = &mut row else { return };
        if let Some(pool) = &self.pool {
            row.assign(&ArrayView1::from(&pool.row()));
        } else if let Features::Segments(_) = self.features {
            let states = ArrayView2::from_shape((self.steps, self.d_state), &self.states);
            let states = states.expect("each state was kept");
            row.assign(&self.features.rows(states, &[self.steps - 1]).row(0));
        } else {
            for (mean, total) in row.iter_mut().zip(&self.sum) {
                *mean = (total / self.steps as f64) as f32;
            }
        }
    }

    /// Checks that what was saved is of these features, and whole: the sentence says what of it is not.
    ///
    /// # Errors
    ///
    /// If it is of other features, of another width, or has too few numbers or too many.
    pub fn check(&self, features: Features, d_state: usize) -> Result<(), String> {
        let fresh = Self::new(features, d_state);
        if (self.features, self.d_state) != (features, d_state) {
            return Err("its features are not the model's".into());
        }
        if self.sum.len() != fresh.sum.len() {
            let (got, expected) = (self.sum.len(), fresh.sum.len());
            return Err(format!("it has {got} sums, the model {expected}"));
        }
        let kept = match features {
            Features::Segments(_) => self.steps.checked_mul(d_state),
            _ => Some(0),
        };
        if kept != Some(self.states.len()) {
            let (got, steps) = (self.states.len(), self.steps);
            return Err(format!(
                "it has {got} numbers of {steps} states of width {d_state}"
            ));
        }
        let pooled = |pool: &Option<Pool>| pool.as_ref().map_or(0, Pool::d_state);
        let steps = self.pool.as_ref().map_or(self.steps, Pool::steps);
        let (got, expected) = (pooled(&self.pool), pooled(&fresh.pool));
        if got != expected || steps != self.steps || self.pool.is_some() != fresh.pool.is_some() {
            return Err(format!(
                "it has pooled {got} dimensions of {steps} steps, the model pools {expected} and is at step {}",
                self.steps
            ));
        }
        Ok(())
    }
}

/// Adds a state to sums, on slices: iterating over an array entry by entry takes several times as long.
pub(crate) fn add(sums: &mut [f64], state: ArrayView1<'_, f32>) {
    let state = state.as_standard_layout();
    let state = state.as_slice().expect("it was put in order");
    for (total, &state) in sums.iter_mut().zip(state) {
        *total += f64::from(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::running::tests::ALL;
    use ndarray::{Array1, Array2};

    #[test]
    fn each_step_has_the_row_of_the_whole_signal_so_far_to_the_bit() {
        let states =
            Array2::from_shape_fn((9, 3), |(step, i)| ((step * 7 + i * 3) as f32 * 0.3).sin());
        for features in ALL {
            let mut live = LiveFeatures::new(features, 3);
            for (step, state) in states.rows().into_iter().enumerate() {
                live.push(state);
                let mut row = Array1::from_elem(live.width(), f32::NAN);
                live.write(state, row.view_mut());
                let whole = features.rows(states.slice(ndarray::s![..=step, ..]), &[step]);
                assert_eq!(row, whole.row(whole.nrows() - 1), "{features:?}, {step}");
                assert_eq!(live.check(features, 3), Ok(()));
            }
            assert!(live.check(features, 4).is_err());
        }
    }

    #[test]
    fn what_was_saved_and_is_not_whole_is_refused() {
        let segments = Features::Segments(2.try_into().unwrap());
        let mut live = LiveFeatures::new(segments, 2);
        live.push(ArrayView1::from(&[0.5, 1.0]));
        assert!(live.check(Features::Last, 2).is_err());
        live.states.pop();
        let sentence = live.check(segments, 2).unwrap_err();
        assert_eq!(sentence, "it has 1 numbers of 1 states of width 2");
    }
}

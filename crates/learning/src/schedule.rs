//! How the learning rate goes from step to step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate changes over a training run, after its warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It falls to zero along half a cosine (Loshchilov & Hutter 2017, "SGDR", eq. 5, without restarts).
    Cosine,
}

impl Schedule {
    /// What the learning rate is multiplied by at a step, which are counted from 0 and are `steps` in all. It grows
    /// linearly over the first `warm_up` steps.
    ///
    /// It is a function of the step alone, so that a run that is taken up again needs no other state.
    pub(crate) fn factor(self, step: usize, steps: usize, warm_up: f64) -> f64 {
        let at = (step + 1) as f64;
        if at <= warm_up {
            return at / (warm_up + 1.0);
        }
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let rest = (steps as f64 - warm_up).max(1.0);
                let done = ((step as f64 - warm_up).max(0.0) / rest).min(1.0);
                0.5 * (1.0 + (PI * done).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_equal_values_worked_by_hand() {
        let table = [
            (Schedule::Constant, 0, 0.0, 1.0),
            (Schedule::Constant, 99, 0.0, 1.0),
            // Three steps of warm-up: a quarter, a half, three quarters, then all.
            (Schedule::Constant, 0, 3.0, 0.25),
            (Schedule::Constant, 2, 3.0, 0.75),
            (Schedule::Constant, 3, 3.0, 1.0),
            (Schedule::Cosine, 0, 0.0, 1.0),
            (Schedule::Cosine, 50, 0.0, 0.5),
            (Schedule::Cosine, 100, 0.0, 0.0),
            // The middle of what is left after 20 steps of warm-up.
            (Schedule::Cosine, 60, 20.0, 0.5),
        ];
        for (schedule, step, warm_up, expected) in table {
            let factor = schedule.factor(step, 100, warm_up);
            assert!(
                (factor - expected).abs() < 1e-12,
                "{schedule:?} at {step} after {warm_up}: {factor}"
            );
        }
    }

    #[test]
    fn the_rate_never_falls_during_warm_up_and_never_rises_after_it() {
        let factors: Vec<_> = (0..40)
            .map(|step| Schedule::Cosine.factor(step, 40, 10.0))
            .collect();
        assert!(factors[..11].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(factors[10..].windows(2).all(|pair| pair[0] >= pair[1]));
    }
}

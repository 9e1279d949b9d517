//! Which colours scores have: the better, the brighter, in all charts and pictures.

use serde::Serialize;

use crate::{Results, Trial};

/// The colours of scores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Colours {
    /// The score of the dark end; worse ones have the same colour.
    pub(super) worst: f64,
    /// The best score, of the bright end.
    pub(super) best: f64,
    /// Whether there are worse scores than that of the dark end.
    pub(super) clipped: bool,
    /// Colours at equal steps from dark to bright, as in CSS.
    pub(super) stops: Vec<String>,
}

/// The share of scored trials that may be darker than dark: a few that failed to learn must not make all others look alike.
const CLIPPED: f64 = 0.05;
const STOPS: usize = 10;

impl Colours {
    /// The colours of the trials' scores; none where no trial has one.
    pub(super) fn of(results: &Results) -> Option<Self> {
        let mut scores: Vec<f64> = scored(results).map(|(_, score)| score).collect();
        scores.sort_by(|one, other| results.goodness(*other).total_cmp(&results.goodness(*one)));
        // The best is first.
        let (&best, &last) = (scores.first()?, scores.last()?);
        let kept = scores.len() - (scores.len() as f64 * CLIPPED) as usize;
        // Where all but a few are the same, these few are told apart.
        let worst = match scores[kept - 1] {
            worst if worst == best => last,
            worst => worst,
        };
        let stop = |at: usize| {
            let [red, green, blue] = ran_picture::viridis(at as f64 / (STOPS - 1) as f64);
            format!("#{red:02x}{green:02x}{blue:02x}")
        };
        Some(Self {
            worst,
            best,
            clipped: worst != last,
            stops: (0..STOPS).map(stop).collect(),
        })
    }
}

/// The trials that have a score that is a number.
pub(super) fn scored(results: &Results) -> impl Iterator<Item = (&Trial, f64)> {
    let scored = results.trials.iter();
    scored.filter_map(|trial| Some((trial, trial.score.filter(|score| score.is_finite())?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::tests::results;

    #[test]
    fn a_few_that_failed_are_told_apart_where_all_others_are_equal() {
        let mut sweep = results(100);
        for trial in &mut sweep.trials {
            trial.score = Some(if trial.trial < 4 { 0.2 } else { 1.0 });
        }
        let colours = Colours::of(&sweep).unwrap();
        assert_eq!((colours.worst, colours.best), (0.2, 1.0));
        assert!(!colours.clipped);
    }

    #[test]
    fn the_bright_end_is_the_better_one_and_outliers_are_clipped() {
        let mut sweep = results(100);
        let colours = Colours::of(&sweep).unwrap();
        assert_eq!((colours.worst, colours.best), (0.05, 0.99));
        assert!(colours.clipped);
        assert_eq!(
            (&*colours.stops[0], &*colours.stops[9]),
            ("#440154", "#bddf26")
        );
        sweep.higher_is_better = false;
        let colours = Colours::of(&sweep).unwrap();
        assert_eq!((colours.worst, colours.best), (0.94, 0.0));
        sweep.trials.truncate(3);
        assert!(!Colours::of(&sweep).unwrap().clipped);
        sweep.trials.clear();
        assert_eq!(Colours::of(&sweep), None);
    }
}

//! Progress of training by gradient as plain lines, for a log.

use std::time::{Duration, Instant};

use indicatif::HumanDuration;
use ran_learning::Epoch;

use crate::table;

/// A run has no more lines than this, whatever the number of its epochs and seeds.
const MOST: usize = 20;

/// Which epochs of a run have a line, and what it says.
#[derive(Default)]
pub(crate) struct Lines {
    /// The seed that is trained, how many are before it, and how many there are.
    seed: u64,
    before: usize,
    seeds: usize,
    /// When the seed began, and with how many epochs that a checkpoint had.
    begun: Option<(Instant, usize)>,
}

impl Lines {
    /// A seed begins, after `before` others of `seeds` in all.
    pub(crate) fn seed(&mut self, seed: u64, before: usize, seeds: usize) {
        (self.seed, self.before, self.seeds) = (seed, before, seeds);
        self.begun = None;
    }

    /// An epoch, counted from 1, is being trained.
    pub(crate) fn step(&mut self, epoch: usize) {
        self.begun
            .get_or_insert_with(|| (Instant::now(), epoch - 1));
    }

    /// The line of an epoch that is done, given the score of the best one; none where it is between those that have one.
    pub(crate) fn epoch(&self, epoch: &Epoch, best: Option<f64>) -> Option<String> {
        let whole = self.seeds * epoch.epochs;
        let done = self.before * epoch.epochs + epoch.epoch;
        let lines = |done: usize| done * MOST / whole.max(1);
        if lines(done) == lines(done.saturating_sub(1)) {
            return None;
        }
        let mut line = format!(
            "seed {}, epoch {} of {}: {}",
            self.seed,
            epoch.epoch,
            epoch.epochs,
            text(epoch, best)
        );
        let left = epoch.epochs.saturating_sub(epoch.epoch);
        if let Some((start, before)) = self.begun.filter(|_| left > 0) {
            let left = time_left(start.elapsed(), epoch.epoch - before, left);
            line += &format!(", {} left", HumanDuration(left));
        }
        Some(line)
    }
}

/// What an epoch came to, and which has been the best, with its score where it is known.
pub(crate) fn text(epoch: &Epoch, best: Option<f64>) -> String {
    let mut text = format!(
        "loss {}, train {}",
        table::number(epoch.loss),
        table::number(epoch.train)
    );
    if let Some(valid) = epoch.valid {
        text += &format!(", valid {}", table::number(valid));
    }
    if let Some(at) = epoch.best {
        let best = best.map(|score| format!(" ({})", table::number(score)));
        text += &format!(", best epoch {at}{}", best.unwrap_or_default());
    }
    text + &format!(", learning rate {:.2e}", epoch.learning_rate)
}

/// How long the `left` epochs will take if each takes as long as the `done` ones did.
fn time_left(elapsed: Duration, done: usize, left: usize) -> Duration {
    elapsed.mul_f64(left as f64 / done.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, epochs: usize) -> Epoch {
        Epoch {
            epoch,
            epochs,
            learning_rate: 0.001,
            loss: 0.25,
            train: 0.9,
            valid_loss: Some(0.5),
            valid: Some(0.875),
            best: Some(1),
        }
    }

    fn count(seeds: usize, epochs: usize) -> usize {
        let mut lines = Lines::default();
        let mut count = 0;
        for seed in 0..seeds {
            lines.seed(seed as u64, seed, seeds);
            let found = (1..=epochs).filter_map(|at| lines.epoch(&epoch(at, epochs), None));
            count += found.count();
        }
        count
    }

    #[test]
    fn a_run_has_a_line_for_each_of_few_epochs_and_twenty_for_many() {
        for (seeds, epochs, expected) in [
            (1, 3, 3),
            (1, 20, 20),
            (1, 1000, 20),
            (5, 100, 20),
            (5, 2, 10),
            (100, 7, 20),
        ] {
            assert_eq!(
                count(seeds, epochs),
                expected,
                "{seeds} seeds, {epochs} epochs"
            );
        }
    }

    #[test]
    fn the_last_epoch_has_a_line_with_all_that_is_known_of_it() {
        let mut lines = Lines::default();
        lines.seed(7, 0, 1);
        let line = lines.epoch(&epoch(1000, 1000), Some(0.95));
        assert_eq!(
            line.as_deref(),
            Some(
                "seed 7, epoch 1000 of 1000: loss 0.2500, train 0.9000, valid 0.8750, best epoch 1 (0.9500), learning rate \
                 1.00e-3"
            )
        );
        let mut without = epoch(3, 3);
        (without.valid, without.best) = (None, None);
        let text = text(&without, None);
        assert!(!text.contains("valid") && !text.contains("best"), "{text}");
    }

    #[test]
    fn the_time_left_is_that_of_the_epochs_before() {
        let left = time_left(Duration::from_secs(30), 10, 20);
        assert_eq!(left, Duration::from_secs(60));
    }

    #[test]
    fn the_epochs_of_a_checkpoint_have_taken_no_time() {
        let mut lines = Lines::default();
        lines.seed(0, 0, 1);
        lines.step(501);
        lines.step(502);
        assert_eq!(lines.begun.map(|(_, before)| before), Some(500));
        let line = lines.epoch(&epoch(550, 1000), None).unwrap_or_default();
        assert!(line.ends_with(" left"), "{line}");
    }
}

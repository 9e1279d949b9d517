//! How far a sweep is, and what holds it up: said where it changes.

use std::collections::{BTreeMap, HashSet};

use super::notice::{self, Notice};
use super::queue::Entry;

/// What the queue shows of the tasks that have trials to run.
#[derive(Default)]
pub(super) struct Counts {
    running: u64,
    waiting: u64,
    /// How many tasks wait for each reason.
    reasons: BTreeMap<String, u64>,
}

impl Counts {
    pub(super) fn count(&mut self, entry: &Entry) {
        if entry.is_pending() {
            self.waiting += 1;
            *self.reasons.entry(entry.reason.clone()).or_default() += 1;
        } else if entry.is_live() {
            self.running += 1;
        }
    }
}

/// What was said last.
#[derive(Default)]
pub(super) struct Progress {
    last: Option<Notice>,
    /// Why tasks waited at the last look.
    reasons: BTreeMap<String, u64>,
    /// The reasons that were said to last for ever.
    stuck: HashSet<String>,
}

impl Progress {
    /// What there is to say.
    pub(super) fn news(&mut self, counts: Counts, done: u64, total: u64) -> Vec<Notice> {
        let mut news = Vec::new();
        for (reason, tasks) in &counts.reasons {
            // Some reasons show up for a moment only.
            let lasts = self.reasons.contains_key(reason) && !notice::passes(reason);
            if lasts && self.stuck.insert(reason.clone()) {
                news.push(Notice::Stuck {
                    tasks: *tasks,
                    reason: reason.clone(),
                });
            }
        }
        let most = counts.reasons.iter().max_by_key(|(_, tasks)| **tasks);
        let progress = Notice::Progress {
            done,
            total,
            running: counts.running,
            waiting: counts.waiting,
            reason: most.map(|(reason, _)| reason.clone()),
        };
        if self.last.as_ref() != Some(&progress) {
            self.last = Some(progress.clone());
            news.push(progress);
        }
        self.reasons = counts.reasons;
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, &str)]) -> Counts {
        let mut counts = Counts::default();
        for (state, reason) in entries {
            counts.count(&Entry::new(state, reason));
        }
        counts
    }

    #[test]
    fn what_changed_is_said_once_and_what_may_last_for_ever_at_the_second_look() {
        let mut progress = Progress::default();
        let entries = [
            ("PENDING", "JobHeldUser"),
            ("PENDING", "JobHeldUser"),
            ("RUNNING", "None"),
            ("PENDING", "Priority"),
        ];
        let said: Vec<_> = (0..3)
            .map(|_| {
                progress
                    .news(counts(&entries), 5, 9)
                    .iter()
                    .map(Notice::to_string)
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            said[0],
            ["5 of 9 trials are done; 1 task runs, 3 wait (JobHeldUser)"]
        );
        assert!(
            said[1].len() == 1
                && said[1][0].starts_with("2 tasks may wait for ever: Slurm says JobHeldUser; ")
        );
        assert!(said[2].is_empty());
        let last = progress.news(counts(&entries[2..]), 6, 9);
        assert_eq!(last.len(), 1);
        assert_eq!(
            last[0].to_string(),
            "6 of 9 trials are done; 1 task runs, 1 waits (Priority)"
        );
    }
}

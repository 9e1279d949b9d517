//! One array task as it is followed: by its trials' results first, by the queue second.

use std::time::{Duration, Instant};

use super::queue::Entry;

/// An array task that has trials to run.
pub(super) struct Task {
    /// Its trials, in the order in which its worker runs them.
    trials: Vec<u64>,
    /// The first of them that was not seen done.
    next: usize,
    /// Whether an earlier run of this program submitted it.
    pub(super) adopted: bool,
    /// Whether the queue has shown it under way.
    pub(super) started: bool,
    /// The last state that the queue has shown.
    pub(super) state: Option<String>,
    /// Since when the queue shows it no more, or as ended.
    gone: Option<Instant>,
}

/// What has become of a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits or runs, or has only just left the queue.
    Open,
    /// Each of its trials has a result.
    Done,
    /// It is gone, and these trials have no result.
    Died(Vec<u64>),
}

impl Task {
    pub(super) fn new(trials: Vec<u64>, adopted: bool) -> Self {
        Self {
            trials,
            next: 0,
            adopted,
            started: false,
            state: None,
            gone: None,
        }
    }

    /// How many trials it has left, as far as is known.
    pub(super) fn left(&self) -> usize {
        self.trials.len() - self.next
    }

    /// How many of its trials have been seen done.
    pub(super) fn done(&self) -> usize {
        self.next
    }

    /// Whether it left the queue while it was followed.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    /// Keeps the trials that are wanted; before it is followed.
    pub(super) fn keep(&mut self, wanted: impl FnMut(u64) -> bool) {
        let mut wanted = wanted;
        self.trials.retain(|trial| wanted(*trial));
    }

    /// Looks for results, and says how many are new. Trials run one after another, so that those behind the first without a
    /// result are not asked for.
    pub(super) fn look(&mut self, is_done: &mut dyn FnMut(u64) -> bool) -> usize {
        let before = self.next;
        while let Some(trial) = self.trials.get(self.next)
            && is_done(*trial)
        {
            self.next += 1;
        }
        self.next - before
    }

    /// Hears what the queue says. A task that left it is given `grace`, in which its last results may become visible: a
    /// network file system shows new files late.
    pub(super) fn hear(
        &mut self,
        entry: Option<&Entry>,
        now: Instant,
        grace: Duration,
        is_done: &mut dyn FnMut(u64) -> bool,
    ) -> Fate {
        if self.left() == 0 {
            return Fate::Done;
        }
        if let Some(entry) = entry {
            self.started |= entry.is_live() && !entry.is_pending();
            self.state = Some(entry.state.clone());
            if entry.is_live() {
                self.gone = None;
                return Fate::Open;
            }
        }
        match self.gone {
            None => self.gone = Some(now),
            Some(since) if now.duration_since(since) >= grace => {
                let left = self.trials[self.next..].iter().copied();
                let left: Vec<_> = left.filter(|trial| !is_done(*trial)).collect();
                return match left.is_empty() {
                    true => Fate::Done,
                    false => Fate::Died(left),
                };
            }
            Some(_) => {}
        }
        Fate::Open
    }

    /// How it ended, for a sentence.
    pub(super) fn ending(&self) -> String {
        match self.state.as_deref() {
            Some(state @ ("PENDING" | "RUNNING" | "COMPLETING")) => {
                format!("vanished from the queue as {state}")
            }
            Some(state) => format!("ended as {state}"),
            None => "never came into the queue".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(60);

    fn entry(state: &str) -> Entry {
        Entry::new(state, "None")
    }

    #[test]
    fn a_task_whose_results_are_there_is_done_whatever_the_queue_says() {
        for state in [None, Some("PENDING"), Some("RUNNING"), Some("FAILED")] {
            let mut task = Task::new(vec![3, 4], false);
            task.look(&mut |_| true);
            let entry = state.map(entry);
            let fate = task.hear(entry.as_ref(), Instant::now(), GRACE, &mut |_| true);
            assert_eq!(fate, Fate::Done, "{state:?}");
        }
    }

    #[test]
    fn a_task_that_left_the_queue_has_a_grace_and_then_dies_with_what_is_left() {
        let start = Instant::now();
        let mut task = Task::new(vec![3, 4, 5, 6], false);
        let mut is_done = |trial| trial == 3 || trial == 5;
        assert_eq!(
            task.hear(Some(&entry("RUNNING")), start, GRACE, &mut is_done),
            Fate::Open
        );
        task.look(&mut is_done);
        assert_eq!((task.done(), task.left()), (1, 3));
        assert_eq!(
            task.hear(Some(&entry("FAILED")), start, GRACE, &mut is_done),
            Fate::Open
        );
        assert_eq!(
            task.hear(None, start + GRACE / 2, GRACE, &mut is_done),
            Fate::Open
        );
        assert_eq!(
            task.hear(None, start + GRACE, GRACE, &mut is_done),
            Fate::Died(vec![4, 6])
        );
        assert_eq!(task.ending(), "ended as FAILED");
    }

    #[test]
    fn a_task_that_comes_back_into_the_queue_lives() {
        let start = Instant::now();
        let mut task = Task::new(vec![3], false);
        let mut none = |_| false;
        assert_eq!(task.hear(None, start, GRACE, &mut none), Fate::Open);
        assert_eq!(
            task.hear(Some(&entry("PENDING")), start + GRACE, GRACE, &mut none),
            Fate::Open
        );
        assert_eq!(
            task.hear(None, start + 3 * GRACE, GRACE, &mut none),
            Fate::Open
        );
        assert_eq!(
            task.hear(None, start + 4 * GRACE, GRACE, &mut none),
            Fate::Died(vec![3])
        );
        assert_eq!(task.ending(), "vanished from the queue as PENDING");
        assert!(!task.started);
    }
}

//! Tasks that have no trials to run and still hold a place.
//!
//! A worker may hang at its end, and after a crash of its controller Slurm may take a task for one that runs, or that waits to
//! run again. The latter end at once when they start.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::queue::Listing;

/// Those that the queue may still show, by array and index, and since when; none for those that were named as useless.
#[derive(Default)]
pub(super) struct Idle(BTreeMap<u32, BTreeMap<u32, Option<Instant>>>);

impl Idle {
    /// A task has no trials to run any more.
    pub(super) fn add(&mut self, array: u32, task: u32) {
        let tasks = self.0.entry(array).or_default();
        tasks.insert(task, Some(Instant::now()));
    }

    /// The arrays that have such tasks.
    pub(super) fn arrays(&self) -> impl Iterator<Item = u32> {
        self.0.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets the tasks that are gone. Those that have had nothing to run for the time of `grace` and still run are named as
    /// Slurm names them, by the name of their job; each is named once.
    pub(super) fn useless(
        &mut self,
        name: impl Fn(u32) -> String,
        listing: &Listing,
        grace: Duration,
    ) -> Vec<(String, Vec<String>)> {
        let mut useless = Vec::new();
        self.0.retain(|array, tasks| {
            let name = name(*array);
            let mut named = Vec::new();
            tasks.retain(|index, since| {
                let Some(entry) = listing.task(&name, *index).filter(|entry| entry.is_busy())
                else {
                    return false;
                };
                let is_late = since.is_some_and(|since| since.elapsed() >= grace);
                if is_late && entry.is_running() {
                    *since = None;
                    named.push(format!("{}_{index}", entry.job));
                }
                true
            });
            if !named.is_empty() {
                useless.push((name, named));
            }
            !tasks.is_empty()
        });
        useless
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_still_runs_is_named_once_and_what_is_gone_forgotten() {
        let mut idle = Idle::default();
        for task in 0..4 {
            idle.add(1, task);
        }
        let text = "a-1|0|7|RUNNING|None\na-1|1|7|PENDING|Priority\na-1|2|7|COMPLETING|None\n";
        let listing = Listing::parse(text);
        let name = |array| format!("a-{array}");
        assert!(
            idle.useless(name, &listing, Duration::from_secs(3600))
                .is_empty()
        );
        let named = idle.useless(name, &listing, Duration::ZERO);
        assert_eq!(named, [("a-1".to_owned(), vec!["7_0".to_owned()])]);
        assert!(idle.useless(name, &listing, Duration::ZERO).is_empty());
        assert!(!idle.is_empty());
        assert!(
            idle.useless(name, &Listing::default(), Duration::ZERO)
                .is_empty()
        );
        assert!(idle.is_empty());
    }
}

//! What `squeue` says of a sweep's array tasks.

use std::collections::HashMap;

/// What is asked of `squeue`: the job's name, the task's index, its state, and why it waits.
///
/// The reason goes last, since it may hold any letter. These are letters of `--format` that all versions have.
pub(super) const FORMAT: &str = "%j|%K|%T|%r";

/// Array tasks that the queue knows, by the job's name and the task's index.
#[derive(Debug, Default)]
pub(super) struct Listing(HashMap<String, HashMap<u32, Entry>>);

/// An array task as the queue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// As PENDING, RUNNING, TIMEOUT.
    pub(super) state: String,
    /// Why it waits, where it does.
    pub(super) reason: String,
}

impl Entry {
    /// Whether the task may still do something: a state that is not known counts as one that may.
    pub(super) fn is_live(&self) -> bool {
        let ended = [
            "BOOT_FAIL",
            "CANCELLED",
            "COMPLETED",
            "DEADLINE",
            "FAILED",
            "LAUNCH_FAILED",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
            "PREEMPTED",
            "RECONFIG_FAIL",
            "REVOKED",
            "TIMEOUT",
        ];
        !ended.contains(&self.state.as_str())
    }

    /// Whether the task waits to be started.
    pub(super) fn is_pending(&self) -> bool {
        self.state == "PENDING"
    }
}

impl Listing {
    /// Reads `squeue`'s output in [`FORMAT`]. Lines of another form are none of ours.
    pub(super) fn parse(text: &str) -> Self {
        let mut listing = Self::default();
        for line in text.lines() {
            let mut fields = line.splitn(4, '|');
            let (Some(name), Some(index), Some(state), Some(reason)) =
                (fields.next(), fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            // Tasks that were cancelled while they waited have no index any more.
            let Ok(index) = index.trim().parse() else {
                continue;
            };
            let entry = Entry {
                state: state.trim().to_owned(),
                reason: reason.trim().to_owned(),
            };
            let tasks = listing.0.entry(name.trim().to_owned()).or_default();
            // A job may have been submitted twice under one name: the task lives as long as one of the two does.
            let known = tasks.get(&index);
            if !known.is_some_and(Entry::is_live) {
                tasks.insert(index, entry);
            }
        }
        listing
    }

    /// What is known of a task.
    pub(super) fn task(&self, name: &str, index: u32) -> Option<&Entry> {
        self.0.get(name)?.get(&index)
    }

    /// Whether a job of that name is known, be it live or ended.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether a task of that name lives, but for those that are about to be gone.
    pub(super) fn is_busy(&self, name: &str) -> bool {
        let mut tasks = self.0.get(name).into_iter().flat_map(HashMap::values);
        tasks.any(|entry| entry.is_live() && entry.state != "COMPLETING")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Slurm 22.05 printed it, with reasons from other versions' documentation.
    const TEXT: &str = "p.aa-1|1|PENDING|JobArrayTaskLimit\n\
        p.aa-1|2|PENDING|ReqNodeNotAvail, UnavailableNodes:a|b\n\
        p.aa-1|N/A|CANCELLED|JobArrayTaskLimit\n\
        p.aa-1|0|RUNNING|None\n\
        p.aa-2|0|FAILED|JobLaunchFailure\n\
        p.aa-2|1|COMPLETING|None\n\
        slurm_load_jobs error: nonsense\n";

    #[test]
    fn a_listing_is_read_task_by_task() {
        let listing = Listing::parse(TEXT);
        assert_eq!(listing.task("p.aa-1", 0).unwrap().state, "RUNNING");
        let waiting = listing.task("p.aa-1", 2).unwrap();
        assert!(waiting.is_pending());
        assert_eq!(waiting.reason, "ReqNodeNotAvail, UnavailableNodes:a|b");
        assert!(!listing.task("p.aa-2", 0).unwrap().is_live());
        assert!(listing.task("p.aa-2", 7).is_none());
        assert!(listing.knows("p.aa-2") && !listing.knows("p.aa-3"));
        assert!(listing.is_busy("p.aa-1") && !listing.is_busy("p.aa-2"));
    }

    #[test]
    fn of_two_jobs_of_one_name_the_live_one_counts() {
        for text in [
            "a|0|RUNNING|None\na|0|FAILED|None",
            "a|0|FAILED|None\na|0|RUNNING|None",
        ] {
            assert!(Listing::parse(text).task("a", 0).unwrap().is_live());
        }
    }

    #[test]
    fn a_state_of_a_later_version_is_waited_for() {
        assert!(
            Listing::parse("a|0|EXPEDITING|None")
                .task("a", 0)
                .unwrap()
                .is_live()
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_of_the_queue_panic(text in "([a-z|0-9/\n]{0,20}\\|?){0,10}|(?s).*") {
            let listing = Listing::parse(&text);
            let _ = (listing.is_busy("a"), listing.task("a", 0), listing.knows(""));
        }
    }
}

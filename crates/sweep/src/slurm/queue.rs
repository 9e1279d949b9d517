//! What Slurm's programs print: the queue's tasks, a job's id, the cluster's limit.

use std::collections::HashMap;

/// What is asked of `squeue`: the job's name, the task's index, the job's id, the task's state, and why it waits.
///
/// The reason goes last, since it may hold any letter. These are letters of `--format` that all versions have.
pub(super) const FORMAT: &str = "%j|%K|%F|%T|%r";

/// Array tasks that the queue knows, by the job's name and the task's index.
#[derive(Debug, Default)]
pub(super) struct Listing(HashMap<String, HashMap<u32, Entry>>);

/// An array task as the queue shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The id of its array.
    pub(super) job: String,
    /// As PENDING, RUNNING, TIMEOUT.
    pub(super) state: String,
    /// Why it waits, where it does.
    pub(super) reason: String,
}

impl Entry {
    /// A task in a state, of a job without an id.
    #[cfg(test)]
    pub(super) fn new(state: &str, reason: &str) -> Self {
        Self {
            job: String::new(),
            state: state.to_owned(),
            reason: reason.to_owned(),
        }
    }

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

    /// Whether the task waits or runs, and is not about to be gone.
    pub(super) fn is_busy(&self) -> bool {
        self.is_live() && self.state != "COMPLETING"
    }

    /// Whether the task runs.
    pub(super) fn is_running(&self) -> bool {
        self.state == "RUNNING"
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
            let fields: Vec<&str> = line.splitn(5, '|').map(str::trim).collect();
            let [name, index, job, state, reason] = fields[..] else {
                continue;
            };
            // Tasks that were cancelled while they waited have no index any more.
            let Ok(index) = index.parse() else {
                continue;
            };
            let entry = Entry {
                job: job.to_owned(),
                state: state.to_owned(),
                reason: reason.to_owned(),
            };
            let tasks = listing.0.entry(name.to_owned()).or_default();
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

    /// Whether a task of that name waits or runs.
    pub(super) fn is_busy(&self, name: &str) -> bool {
        let mut tasks = self.0.get(name).into_iter().flat_map(HashMap::values);
        tasks.any(Entry::is_busy)
    }
}

/// The job's id in the answer of `sbatch --parsable`: `ID` or `ID;CLUSTER`, the last line where a site prints more.
pub(super) fn job_id(answer: &str) -> String {
    let line = answer.lines().map(str::trim).rfind(|line| !line.is_empty());
    let id = line
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    id.chars()
        .filter(|letter| !letter.is_control())
        .take(40)
        .collect()
}

/// MaxArraySize in the answer of `scontrol show config`.
pub(super) fn max_array_size(settings: &str) -> Option<u32> {
    let mut fields = settings.lines().filter_map(|line| line.split_once('='));
    let (_, size) = fields.find(|(key, _)| key.trim() == "MaxArraySize")?;
    size.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As Slurm 22.05 printed it, with reasons from other versions' documentation.
    const TEXT: &str = "p.aa-1|1|12|PENDING|JobArrayTaskLimit\n\
        p.aa-1|2|12|PENDING|ReqNodeNotAvail, UnavailableNodes:a|b\n\
        p.aa-1|N/A|12|CANCELLED|JobArrayTaskLimit\n\
        p.aa-1|0|12|RUNNING|None\n\
        p.aa-2|0|13|FAILED|JobLaunchFailure\n\
        p.aa-2|1|13|COMPLETING|None\n\
        slurm_load_jobs error: nonsense\n";

    #[test]
    fn a_listing_is_read_task_by_task() {
        let listing = Listing::parse(TEXT);
        assert_eq!(listing.task("p.aa-1", 0).unwrap().state, "RUNNING");
        let waiting = listing.task("p.aa-1", 2).unwrap();
        assert!(waiting.is_pending());
        assert_eq!(waiting.job, "12");
        assert_eq!(waiting.reason, "ReqNodeNotAvail, UnavailableNodes:a|b");
        assert!(!listing.task("p.aa-2", 0).unwrap().is_live());
        assert!(listing.task("p.aa-2", 7).is_none());
        assert!(listing.knows("p.aa-2") && !listing.knows("p.aa-3"));
        assert!(listing.is_busy("p.aa-1") && !listing.is_busy("p.aa-2"));
    }

    #[test]
    fn of_two_jobs_of_one_name_the_live_one_counts() {
        for text in [
            "a|0|1|RUNNING|None\na|0|2|FAILED|None",
            "a|0|2|FAILED|None\na|0|1|RUNNING|None",
        ] {
            assert!(Listing::parse(text).task("a", 0).unwrap().is_live());
        }
    }

    #[test]
    fn a_state_of_a_later_version_is_waited_for() {
        assert!(
            Listing::parse("a|0|1|EXPEDITING|None")
                .task("a", 0)
                .unwrap()
                .is_live()
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "([a-z0-9/\n]{0,5}\\|?){0,40}|(MaxArraySize *= *)?(?s).*") {
            let listing = Listing::parse(&text);
            let _ = (listing.is_busy("a"), listing.task("a", 0), listing.knows(""));
            let _ = (job_id(&text), max_array_size(&text));
        }
    }

    #[test]
    fn answers_of_slurm_are_read() {
        assert_eq!(job_id("12\n"), "12");
        assert_eq!(job_id("welcome\n12;cluster\n\n"), "12");
        assert_eq!(job_id(""), "");
        let settings = "Configuration data\nMaxArrayTasks = 5\nMaxArraySize            = 10001\n";
        assert_eq!(max_array_size(settings), Some(10_001));
        assert_eq!(max_array_size("MaxArraySize = many"), None);
    }
}

//! What happens while a sweep's arrays are followed, for those who watch.

use std::fmt;

/// Something that happened. Shown, it is a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Slurm has taken an array.
    Submitted {
        /// Its number in the folder, from 1.
        array: u32,
        /// Its id in Slurm.
        id: String,
        /// How many tasks it has.
        tasks: usize,
        /// How many trials they run.
        trials: usize,
    },
    /// Tasks that were submitted earlier still wait or run, and are followed.
    Found {
        /// How many they are.
        tasks: usize,
        /// How many trials they have left.
        trials: usize,
    },
    /// How far the sweep is; only where something changed.
    Progress {
        /// How many trials have a result.
        done: u64,
        /// How many trials there are.
        total: u64,
        /// How many tasks run.
        running: u64,
        /// How many tasks wait to be started.
        waiting: u64,
        /// Why most of these wait, in Slurm's words.
        reason: Option<String>,
    },
    /// Tasks wait for what may never come.
    Stuck {
        /// How many they are.
        tasks: u64,
        /// Why, in Slurm's words.
        reason: String,
    },
    /// Slurm does not answer; the sweep asks again until it does.
    Away {
        /// What was heard.
        problem: String,
    },
    /// Slurm answers again.
    Back,
    /// Slurm does not take an array; the sweep tries again until it does.
    NotTaken {
        /// What was heard.
        problem: String,
    },
    /// Trials whose tasks ended without their results are run again.
    Again {
        /// How many they are.
        trials: usize,
        /// How one of their tasks ended, in Slurm's words.
        ended: String,
    },
    /// A trial is given up.
    Failed {
        /// Its number.
        trial: u64,
        /// Why, in a sentence.
        problem: String,
    },
    /// The sweep's jobs could not be cancelled, and may still wait or run.
    NotCancelled {
        /// Their names.
        names: Vec<String>,
        /// What was heard.
        problem: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Submitted {
                array,
                id,
                tasks,
                trials,
            } => {
                let (tasks, trials) = (count(*tasks, "task"), count(*trials, "trial"));
                write!(
                    f,
                    "array {array} is submitted as job {id}: {trials} in {tasks}"
                )
            }
            Self::Found { tasks, trials } => {
                let (tasks, trials) = (count(*tasks, "task"), count(*trials, "trial"));
                write!(
                    f,
                    "followed are the jobs of an earlier run that still wait or run: {tasks} with {trials} to go"
                )
            }
            Self::Progress {
                done,
                total,
                running,
                waiting,
                reason,
            } => {
                let (run, wait) = (
                    if *running == 1 { "runs" } else { "run" },
                    if *waiting == 1 { "waits" } else { "wait" },
                );
                let running = count(*running, "task");
                write!(
                    f,
                    "{done} of {total} trials are done; {running} {run}, {waiting} {wait}"
                )?;
                match reason {
                    Some(reason) => write!(f, " ({reason})"),
                    None => Ok(()),
                }
            }
            Self::Stuck { tasks, reason } => {
                write!(
                    f,
                    "{} may wait for ever: Slurm says {reason}",
                    count(*tasks, "task")
                )?;
                match meaning(reason) {
                    Some(meaning) => write!(f, "; {meaning}"),
                    None => Ok(()),
                }
            }
            Self::Away { problem } => write!(
                f,
                "Slurm does not answer, the sweep waits and asks again: {problem}"
            ),
            Self::Back => write!(f, "Slurm answers again"),
            Self::NotTaken { problem } => {
                write!(
                    f,
                    "Slurm takes no array now, the sweep waits and tries again: {problem}"
                )
            }
            Self::Again { trials, ended } => {
                write!(
                    f,
                    "run again: {} without a result, whose last task {ended}",
                    count(*trials, "trial")
                )
            }
            Self::Failed { problem, .. } => write!(f, "{problem}"),
            Self::NotCancelled { names, problem } => write!(
                f,
                "the sweep's jobs could not be cancelled and may still run ({problem}): `scancel --name={}` does so",
                names.join("`, `scancel --name=")
            ),
        }
    }
}

/// A number of things.
fn count(number: impl TryInto<u64>, thing: &str) -> String {
    match number.try_into() {
        Ok(1) => format!("1 {thing}"),
        Ok(number) => format!("{number} {thing}s"),
        Err(_) => format!("{thing}s"),
    }
}

/// Whether a task that waits for this reason starts sooner or later.
pub(super) fn passes(reason: &str) -> bool {
    let passing = [
        "BeginTime",
        "Cleaning",
        "JobArrayTaskLimit",
        "None",
        "Priority",
        "Prolog",
        "Reservation",
        "Resources",
    ];
    reason.is_empty() || passing.contains(&reason)
}

/// What a reason means for the person who asked, by what it begins with or holds.
fn meaning(reason: &str) -> Option<&'static str> {
    let known = [
        (
            "PartitionTimeLimit",
            "`slurm.time` is above the partition's limit, which `sinfo -o '%R %l'` shows",
        ),
        (
            "PartitionNodeLimit",
            "the options are above what the partition allows",
        ),
        (
            "PartitionConfig",
            "the options are above what the partition allows",
        ),
        ("PartitionDown", "the partition is closed"),
        ("PartitionInactive", "the partition is closed"),
        (
            "JobHeld",
            "the jobs are held: `scontrol release JOB` lets them go",
        ),
        (
            "held",
            "the jobs are held: `scontrol release JOB` lets them go",
        ),
        ("BadConstraints", "no node has what the options ask for"),
        (
            "ReqNodeNotAvail",
            "the nodes that could run them are not there now",
        ),
        ("DOWN", "the nodes that could run them are not there now"),
        ("Account", "`slurm.account` may not be used here"),
        ("QOSNotAllowed", "`slurm.qos` may not be used here"),
        ("InvalidQOS", "`slurm.qos` may not be used here"),
        ("Assoc", "a limit of your account is reached"),
        ("QOS", "a limit of the quality of service is reached"),
        (
            "Dependency",
            "they depend on another job: see `slurm.extra`",
        ),
    ];
    let found = known.iter().find(|(word, _)| reason.contains(word));
    found.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_are_sentences() {
        let stuck = |reason: &str| Notice::Stuck {
            tasks: 1,
            reason: reason.to_owned(),
        };
        let cases = [
            (
                stuck("PartitionTimeLimit"),
                "1 task may wait for ever: Slurm says PartitionTimeLimit; `slurm.time` is above the partition's limit, which \
                 `sinfo -o '%R %l'` shows",
            ),
            (
                stuck("launch failed requeued held"),
                "1 task may wait for ever: Slurm says launch failed requeued held; the jobs are held: `scontrol release JOB` lets \
                 them go",
            ),
            (
                stuck("SomethingNew"),
                "1 task may wait for ever: Slurm says SomethingNew",
            ),
            (
                Notice::NotCancelled {
                    names: vec!["a-1".to_owned(), "a-2".to_owned()],
                    problem: "no answer".to_owned(),
                },
                "the sweep's jobs could not be cancelled and may still run (no answer): `scancel --name=a-1`, `scancel --name=a-2` \
                 does so",
            ),
        ];
        for (notice, expected) in cases {
            assert_eq!(notice.to_string(), expected);
        }
    }

    #[test]
    fn ordinary_reasons_are_no_cause_for_alarm() {
        assert!(
            ["", "None", "Priority", "Resources", "JobArrayTaskLimit"]
                .into_iter()
                .all(passes)
        );
        assert!(
            !["PartitionTimeLimit", "JobHeldUser"]
                .into_iter()
                .any(passes)
        );
    }
}

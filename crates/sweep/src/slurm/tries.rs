//! Whose fault it is when a task ends without all of its results, and how often a trial is tried again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::SlurmError;
use super::task::Task;

/// How often trials were tried in vain.
pub(super) struct Tries {
    /// How often a trial is tried again.
    retries: u32,
    tries: HashMap<u64, u32>,
    /// How many tasks ended since the last result came.
    in_vain: usize,
    /// The most tasks that were followed at once.
    most: usize,
}

/// What becomes of a trial that was left without a result.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It runs again, with others.
    Again,
    /// It runs again in a task of its own, as it may be what ended the last one.
    Alone,
    /// It is given up, with a sentence.
    Failed(String),
}

impl Tries {
    pub(super) fn new(retries: u32) -> Self {
        Self {
            retries,
            tries: HashMap::new(),
            in_vain: 0,
            most: 0,
        }
    }

    /// `tasks` tasks are followed.
    pub(super) fn at_work(&mut self, tasks: usize) {
        self.most = self.most.max(tasks);
    }

    /// A result came.
    pub(super) fn came_to_something(&mut self) {
        self.in_vain = 0;
    }

    /// Judges the trials that a task left without a result.
    ///
    /// A worker runs its trials one after another, so that the first without a result is the one that was under way: the try
    /// counts against it, unless the worker ended in good order between two trials. Where the task never started, it counts
    /// against all; where an earlier run of this program submitted it, against none.
    ///
    /// # Errors
    ///
    /// Where enough tasks ended in vain to expect no better of others.
    pub(super) fn judge(
        &mut self,
        task: &Task,
        left: &[u64],
        log: &Path,
    ) -> Result<Vec<(u64, Verdict)>, SlurmError> {
        let ended = task.ending();
        self.in_vain += 1;
        if self.in_vain > (self.retries as usize + 1).saturating_mul(self.most.max(1)) {
            return Err(SlurmError::Barren {
                tasks: self.in_vain,
                ended,
                log: last_words(log),
            });
        }
        let started = task.started || task.done() > 0 || log.exists();
        let in_order = task.done() > 0 && task.state.as_deref() == Some("COMPLETED");
        let verdicts = left.iter().enumerate().map(|(index, trial)| {
            let is_blamed = !task.adopted && (!started || index == 0 && !in_order);
            if !is_blamed {
                return (*trial, Verdict::Again);
            }
            let tries = self.tries.entry(*trial).or_default();
            *tries += 1;
            let verdict = match (*tries > self.retries, started) {
                (true, _) => Verdict::Failed(format!(
                    "trial {trial} left no result in {tries} tries: its last task {ended}{}",
                    last_words(log)
                )),
                (false, true) => Verdict::Alone,
                (false, false) => Verdict::Again,
            };
            (*trial, verdict)
        });
        Ok(verdicts.collect())
    }
}

/// Where the log is and how it ends, as the end of a sentence.
fn last_words(log: &Path) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096)))?;
        let mut bytes = Vec::new();
        file.take(4096).read_to_end(&mut bytes)?;
        std::io::Result::Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let place = log.display();
    let Ok(text) = read() else {
        return format!(", without a log at {place}");
    };
    let last = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let letters = last
        .unwrap_or_default()
        .chars()
        .filter(|letter| !letter.is_control());
    let last: String = letters.take(300).collect();
    format!(", and its log {place} ends with {last:?}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::slurm::queue::Entry;

    /// A task of the trials 0 to 4 that has done some and was last seen in a state.
    fn task(done: u64, state: &str) -> Task {
        let mut task = Task::new((0..5).collect(), false);
        task.look(&mut |trial| trial < done);
        for state in ["RUNNING", state] {
            let entry = Entry::new(state, "");
            task.hear(Some(&entry), Instant::now(), Duration::ZERO, &mut |_| false);
        }
        task
    }

    fn log(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("7.log");
        std::fs::write(&path, text).unwrap();
        (place, path)
    }

    #[test]
    fn the_first_trial_without_a_result_is_blamed_and_given_up_after_its_retries() {
        let (_place, log) = log("start\nout of \u{1b}memory\n\n");
        let mut tries = Tries::new(1);
        tries.at_work(5);
        let dead = task(2, "FAILED");
        let first = tries.judge(&dead, &[2, 3, 4], &log).unwrap();
        assert_eq!(
            first,
            [
                (2, Verdict::Alone),
                (3, Verdict::Again),
                (4, Verdict::Again)
            ]
        );
        let second = tries.judge(&dead, &[2], &log).unwrap();
        let expected = format!(
            "trial 2 left no result in 2 tries: its last task ended as FAILED, and its log {} ends with \"out of memory\"",
            log.display()
        );
        assert_eq!(second, [(2, Verdict::Failed(expected))]);
    }

    #[test]
    fn nobody_is_blamed_for_a_worker_that_ended_between_trials() {
        let (_place, log) = log("");
        let mut tries = Tries::new(0);
        tries.at_work(1);
        let verdicts = tries
            .judge(&task(2, "COMPLETED"), &[2, 3, 4], &log)
            .unwrap();
        assert!(
            verdicts
                .iter()
                .all(|(_, verdict)| *verdict == Verdict::Again)
        );
        // It did nothing at all: it would do nothing again.
        tries.came_to_something();
        let verdicts = tries.judge(&task(0, "COMPLETED"), &[0, 1], &log).unwrap();
        assert!(matches!(
            verdicts[..],
            [(0, Verdict::Failed(_)), (1, Verdict::Again)]
        ));
    }

    #[test]
    fn a_task_that_never_started_counts_against_all_its_trials() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("none.log");
        let mut tries = Tries::new(1);
        tries.at_work(1);
        let never = Task::new(vec![0, 1], false);
        let first = tries.judge(&never, &[0, 1], &log).unwrap();
        assert_eq!(first, [(0, Verdict::Again), (1, Verdict::Again)]);
        let second = tries.judge(&never, &[0, 1], &log).unwrap();
        assert!(
            matches!(&second[1], (1, Verdict::Failed(problem)) if problem.contains("never came into the queue, without a log"))
        );
        let adopted = Task::new(vec![0, 1], true);
        tries.came_to_something();
        let third = tries.judge(&adopted, &[0, 1], &log).unwrap();
        assert_eq!(third, [(0, Verdict::Again), (1, Verdict::Again)]);
    }

    #[test]
    fn a_sweep_whose_tasks_all_come_to_nothing_ends() {
        let (_place, log) = log("sh: 1: no such program");
        let mut tries = Tries::new(1);
        tries.at_work(3);
        let dead = task(0, "FAILED");
        for trial in 0..6 {
            tries.judge(&dead, &[trial, 100], &log).unwrap();
        }
        let error = tries.judge(&dead, &[6, 100], &log).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "7 tasks in a row came to nothing, and the sweep stops: the last ended as FAILED"
            ),
            "{error}"
        );
        assert!(
            error.ends_with("ends with \"sh: 1: no such program\""),
            "{error}"
        );
    }
}

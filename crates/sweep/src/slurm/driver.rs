//! The loop that follows a sweep's arrays.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::arrays::Arrays;
use super::notice::Notice;
use super::plan::Plan;
use super::progress::{Counts, Progress};
use super::queue::{self, Listing};
use super::scheduler::{Answer, Scheduler};
use super::tries::{Tries, Verdict};
use super::{Failure, Job, Outcome, SlurmError, submission};

/// Everything that is known while trials are run.
pub(super) struct Driver<'a> {
    job: &'a Job,
    is_done: &'a mut dyn FnMut(u64) -> bool,
    scheduler: Scheduler<'a>,
    arrays: Arrays,
    plan: Plan,
    tries: Tries,
    progress: Progress,
    /// Whether Slurm has taken an array of this call.
    any_taken: bool,
    outcome: Outcome,
    total: u64,
    /// The time between two looks at the queue, and what a task that left it has for its last results to become visible.
    poll: Duration,
}

/// How long an array that nobody knows to be taken may still come into the queue.
const LATE: Duration = Duration::from_secs(30);

/// How long the last workers have for their own end.
const LAST: Duration = Duration::from_secs(2);

impl<'a> Driver<'a> {
    pub(super) fn new(
        job: &'a Job,
        is_done: &'a mut dyn FnMut(u64) -> bool,
        stop: &'a AtomicBool,
        observe: &'a mut dyn FnMut(Notice),
    ) -> Result<Self, SlurmError> {
        Ok(Self {
            job,
            is_done,
            scheduler: Scheduler::new(&job.options, stop, observe),
            arrays: Arrays::open(job)?,
            plan: Plan::new(&job.options),
            tries: Tries::new(job.options.retries),
            progress: Progress::default(),
            any_taken: false,
            outcome: Outcome::default(),
            total: 0,
            poll: Duration::from_secs(job.options.poll_seconds),
        })
    }

    /// Runs the trials.
    pub(super) fn drive(mut self, trials: &[u64]) -> Result<Outcome, SlurmError> {
        let mut known = HashSet::new();
        let mut left = trials.to_vec();
        left.retain(|trial| known.insert(*trial));
        self.total = left.len() as u64;
        left.retain(|trial| !(self.is_done)(*trial));
        self.outcome.done = self.total - left.len() as u64;
        if left.is_empty() {
            return Ok(self.outcome);
        }
        if !self.begin(&left)? {
            return Ok(self.stopped());
        }
        let mut pause = self.poll.min(Duration::from_secs(1));
        loop {
            let new = self.arrays.look(self.is_done);
            self.came(new);
            if self.arrays.is_empty() && self.plan.is_empty() {
                return self.ended();
            }
            if self.scheduler.is_stopped() {
                return Ok(self.stopped());
            }
            if let Some(listing) = self.scheduler.listing(&self.arrays.names())? {
                self.hear(&listing)?;
                if !self.arrays.is_empty() {
                    self.tell_progress(self.arrays.counts(&listing));
                }
                self.submit(&listing)?;
                if self.arrays.is_empty() && self.plan.is_empty() {
                    continue;
                }
            }
            self.scheduler.sleep(pause);
            pause = (pause * 2).min(self.poll);
        }
    }

    /// Learns the largest array and finds what was submitted earlier; false where the stop came first.
    fn begin(&mut self, left: &[u64]) -> Result<bool, SlurmError> {
        let Some(settings) = self.scheduler.settings()? else {
            return Ok(false);
        };
        self.plan.limit(queue::max_array_size(&settings))?;
        // A call of sbatch that outlived an earlier run of this program may still come through.
        if let Some(late) = self
            .arrays
            .unknown_for()
            .and_then(|age| LATE.checked_sub(age))
        {
            self.scheduler.sleep(late);
        }
        if self.scheduler.is_stopped() {
            return Ok(false);
        }
        let Some(listing) = self.scheduler.first_listing(&self.arrays.names())? else {
            return Ok(false);
        };
        let rest = self.arrays.adopt(&listing, left)?;
        let (tasks, trials) = self.arrays.size();
        if tasks > 0 {
            self.scheduler.tell(Notice::Found { tasks, trials });
        }
        self.plan.add(rest, &[]);
        Ok(true)
    }

    fn tell_progress(&mut self, counts: Counts) {
        for notice in self.progress.news(counts, self.outcome.done, self.total) {
            self.scheduler.tell(notice);
        }
    }

    /// Results came.
    fn came(&mut self, new: u64) {
        self.outcome.done += new;
        if new > 0 {
            self.tries.came_to_something();
        }
    }

    /// Hears what the queue says, and plans again what died.
    fn hear(&mut self, listing: &Listing) -> Result<(), SlurmError> {
        self.tries.at_work(self.arrays.size().0);
        let (new, dead) = self.arrays.hear(listing, self.poll, self.is_done);
        self.came(new);
        let (mut again, mut alone, mut ended) = (Vec::new(), Vec::new(), String::new());
        for dead in dead {
            ended = dead.task.ending();
            let verdicts = match self.tries.judge(&dead.task, &dead.left, &dead.log) {
                Ok(verdicts) => verdicts,
                Err(error) => {
                    self.scheduler.cancel(&self.arrays.names());
                    return Err(error);
                }
            };
            for (trial, verdict) in verdicts {
                match verdict {
                    Verdict::Again => again.push(trial),
                    Verdict::Alone => alone.push(trial),
                    Verdict::Failed(problem) => {
                        self.scheduler.tell(Notice::Failed {
                            trial,
                            problem: problem.clone(),
                        });
                        self.outcome.failed.push(Failure { trial, problem });
                    }
                }
            }
        }
        let trials = again.len() + alone.len();
        if trials > 0 {
            self.scheduler.tell(Notice::Again { trials, ended });
            self.plan.add(again, &alone);
        }
        for (name, tasks) in self.arrays.useless(listing, self.poll) {
            self.scheduler.cancel_running(&name, &tasks);
        }
        Ok(())
    }

    /// Submits arrays that there is room for, and those again of which Slurm knows nothing.
    fn submit(&mut self, listing: &Listing) -> Result<(), SlurmError> {
        for array in self.arrays.unknown(listing) {
            if !self.sbatch(array)? {
                return Ok(());
            }
        }
        let mut room = self.arrays.room();
        while !self.scheduler.is_stopped()
            && let Some((tasks, throttle)) = self.plan.next(&mut room)
        {
            let array = self.arrays.add(self.job, tasks, throttle)?;
            if !self.sbatch(array)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Submits an array; false where Slurm takes none now.
    fn sbatch(&mut self, array: u32) -> Result<bool, SlurmError> {
        let folder = &self.arrays.folder;
        let shape = self.arrays.shape(array);
        let options = submission::options(self.job, folder, array, &shape);
        let script = folder.script(array);
        match self.scheduler.submit(&options, &script, !self.any_taken)? {
            Answer::Taken(id) => {
                self.any_taken = true;
                self.arrays.accept(array, &id)?;
                self.scheduler.tell(Notice::Submitted {
                    array,
                    id,
                    tasks: shape.tasks as usize,
                    trials: shape.trials,
                });
                Ok(true)
            }
            Answer::NotNow => Ok(false),
            Answer::Refused(said) => {
                self.arrays.discard(array)?;
                Err(submission::refused(self.job, said, &options, || {
                    self.scheduler.partitions()
                }))
            }
        }
    }

    /// All trials are done or given up: jobs that are left have nothing to do.
    fn ended(mut self) -> Result<Outcome, SlurmError> {
        self.tell_progress(Counts::default());
        if self.arrays.any_idle() {
            self.scheduler.sleep(LAST);
            let names = self.arrays.names();
            if let Some(listing) = self.scheduler.listing(&names)? {
                let busy = names.into_iter().filter(|name| listing.is_busy(name));
                self.scheduler.cancel(&busy.collect::<Vec<_>>());
            }
        }
        let given_up = self.outcome.failed.len();
        let is_done = self.is_done;
        self.outcome
            .failed
            .retain(|failure| !is_done(failure.trial));
        self.outcome.done += (given_up - self.outcome.failed.len()) as u64;
        self.outcome.failed.sort_by_key(|failure| failure.trial);
        Ok(self.outcome)
    }

    /// The stop was asked for. The marks of arrays stay, since their workers may still end their trials: a later call follows
    /// what is left of them by then.
    fn stopped(mut self) -> Outcome {
        self.scheduler.cancel(&self.arrays.names());
        self.outcome.stopped = true;
        self.outcome.failed.sort_by_key(|failure| failure.trial);
        self.outcome
    }
}

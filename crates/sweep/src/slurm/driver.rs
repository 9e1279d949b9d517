//! The loop that follows a sweep's arrays.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{ClientError, Clients, OnStop};
use super::folder::Folder;
use super::notice::{self, Notice};
use super::plan::{Plan, Room};
use super::queue::{self, Listing};
use super::task::{Fate, Task};
use super::tries::{Tries, Verdict};
use super::{Failure, Job, Outcome, SlurmError, submission};

/// Everything that is known while trials are run.
pub(super) struct Driver<'a> {
    job: &'a Job,
    is_done: &'a mut dyn FnMut(u64) -> bool,
    observe: &'a mut dyn FnMut(Notice),
    clients: Clients<'a>,
    folder: Folder,
    /// The arrays that have trials to run, by number.
    open: BTreeMap<u32, Array>,
    /// Arrays whose trials are done, and which the queue may still show.
    lingering: BTreeSet<String>,
    plan: Plan,
    tries: Tries,
    /// Whether Slurm has taken an array of this call.
    any_taken: bool,
    outcome: Outcome,
    total: u64,
    /// What was said last, so that nothing is said twice.
    said: Said,
}

/// An array that was submitted.
struct Array {
    /// Its tasks that have trials to run, by index.
    tasks: BTreeMap<u32, Task>,
    /// How many tasks may run at once.
    throttle: Option<u32>,
    /// Whether Slurm has taken it; where that is not known, the queue will tell.
    is_taken: bool,
}

#[derive(Default)]
struct Said {
    away: bool,
    not_taken: Option<String>,
    progress: Option<Notice>,
    stuck: HashSet<String>,
    reasons: BTreeMap<String, u64>,
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
        let clients = Clients {
            limit: Duration::from_secs(job.options.client_seconds),
            stop,
        };
        let (folder, left_open) = Folder::open(job)?;
        let open = left_open.into_iter().map(|array| {
            let tasks = folder
                .tasks(array)?
                .into_iter()
                .map(|trials| Task::new(trials, true));
            let array_left = Array {
                tasks: (0..).zip(tasks).collect(),
                throttle: None,
                is_taken: true,
            };
            Ok((array, array_left))
        });
        Ok(Self {
            job,
            is_done,
            observe,
            clients,
            open: open.collect::<Result<_, SlurmError>>()?,
            folder,
            lingering: BTreeSet::new(),
            plan: Plan::new(&job.options),
            tries: Tries::new(job.options.retries),
            any_taken: false,
            outcome: Outcome::default(),
            total: 0,
            said: Said::default(),
        })
    }

    /// Runs the trials.
    pub(super) fn drive(mut self, trials: &[u64]) -> Result<Outcome, SlurmError> {
        self.total = trials.len() as u64;
        let mut left = Vec::new();
        let mut known = HashSet::new();
        for trial in trials {
            if !known.insert(*trial) {
                self.total -= 1;
            } else if (self.is_done)(*trial) {
                self.outcome.done += 1;
            } else {
                left.push(*trial);
            }
        }
        if left.is_empty() {
            return Ok(self.outcome);
        }
        if self.begin(left)?.is_none() {
            return self.stopped();
        }
        let longest = Duration::from_secs(self.job.options.poll_seconds);
        let mut pause = longest.min(Duration::from_secs(1));
        loop {
            self.look();
            if self.open.is_empty() && self.plan.is_empty() {
                return self.ended();
            }
            if self.is_stopped() {
                return self.stopped();
            }
            if let Some(listing) = self.listing()? {
                if let Err(error) = self.hear(&listing) {
                    self.cancel(&self.names());
                    return Err(error);
                }
                self.submit(&listing)?;
                self.tell_progress(&listing);
            }
            if !self.open.is_empty() || !self.plan.is_empty() {
                self.sleep(pause);
                pause = (pause * 2).min(longest);
            }
        }
    }

    /// Learns the largest array and finds what was submitted earlier; none where the stop came first.
    fn begin(&mut self, left: Vec<u64>) -> Result<Option<()>, SlurmError> {
        let Some(settings) = self.insist(|driver| {
            driver
                .clients
                .call("scontrol", &["show", "config"], OnStop::GiveUp)
        })?
        else {
            return Ok(None);
        };
        self.plan.limit(submission::max_array_size(&settings))?;
        // A call of sbatch that outlived an earlier run of this program may still come through.
        let ages = self
            .open
            .keys()
            .filter_map(|array| self.folder.unknown_for(*array));
        if let Some(late) = ages.min().and_then(|age| LATE.checked_sub(age)) {
            self.sleep(late);
        }
        if self.is_stopped() {
            return Ok(None);
        }
        let names = self.names();
        let Some(listing) = self.insist(|driver| driver.squeue(&names))? else {
            return Ok(None);
        };
        let listing = Listing::parse(&listing);
        let mut free: HashSet<u64> = left.iter().copied().collect();
        for (array, mut found) in std::mem::take(&mut self.open) {
            let name = self.folder.name(array);
            let is_live = |index: u32| {
                listing
                    .task(&name, index)
                    .is_some_and(queue::Entry::is_live)
            };
            let any_live = found.tasks.keys().any(|index| is_live(*index));
            found.tasks.retain(|index, task| {
                is_live(*index) && {
                    task.keep(|trial| free.remove(&trial));
                    task.left() > 0
                }
            });
            if !any_live {
                self.folder.close(array)?;
            } else if !found.tasks.is_empty() {
                self.open.insert(array, found);
            }
        }
        let tasks = self.open.values().flat_map(|array| array.tasks.values());
        let (tasks, trials) = tasks.fold((0, 0), |(tasks, trials), task| {
            (tasks + 1, trials + task.left())
        });
        if tasks > 0 {
            (self.observe)(Notice::Found { tasks, trials });
        }
        self.plan.add(
            left.into_iter()
                .filter(|trial| free.contains(trial))
                .collect(),
            &[],
        );
        Ok(Some(()))
    }

    /// Calls until there is an answer; none where the stop came first.
    fn insist(
        &mut self,
        call: impl Fn(&Self) -> Result<String, ClientError>,
    ) -> Result<Option<String>, SlurmError> {
        loop {
            match call(self) {
                Ok(text) => {
                    self.answered();
                    return Ok(Some(text));
                }
                Err(error) => self.not_answered(error)?,
            }
            if self.is_stopped() {
                return Ok(None);
            }
            self.sleep(Duration::from_secs(self.job.options.poll_seconds));
        }
    }

    fn answered(&mut self) {
        if std::mem::take(&mut self.said.away) {
            (self.observe)(Notice::Back);
        }
    }

    fn not_answered(&mut self, error: ClientError) -> Result<(), SlurmError> {
        match error {
            ClientError::Missing(program) => return Err(SlurmError::Missing(program)),
            ClientError::Stopped => {}
            ClientError::Away(problem) | ClientError::Refused(problem) => {
                if !std::mem::replace(&mut self.said.away, true) {
                    (self.observe)(Notice::Away { problem });
                }
            }
        }
        Ok(())
    }

    fn squeue(&self, names: &[String]) -> Result<String, ClientError> {
        if names.is_empty() {
            return Ok(String::new());
        }
        let names = format!("--name={}", names.join(","));
        let format = format!("--format={}", queue::FORMAT);
        let arguments = ["--noheader", "--array", "--states=all", &names, &format];
        self.clients.call("squeue", &arguments, OnStop::GiveUp)
    }

    /// The names of all jobs that are of interest.
    fn names(&self) -> Vec<String> {
        let open = self.open.keys().map(|array| self.folder.name(*array));
        open.chain(self.lingering.iter().cloned()).collect()
    }

    /// What the queue shows; none where it does not answer.
    fn listing(&mut self) -> Result<Option<Listing>, SlurmError> {
        match self.squeue(&self.names()) {
            Ok(text) => {
                self.answered();
                let listing = Listing::parse(&text);
                self.lingering.retain(|name| listing.is_busy(name));
                Ok(Some(listing))
            }
            Err(error) => self.not_answered(error).map(|()| None),
        }
    }

    /// Looks for new results.
    fn look(&mut self) {
        let before = self.outcome.done;
        for array in self.open.values_mut() {
            for task in array.tasks.values_mut() {
                self.outcome.done += task.look(self.is_done) as u64;
            }
        }
        if self.outcome.done > before {
            self.tries.came_to_something();
        }
        self.close_ended();
    }

    /// Forgets tasks without trials to run, and closes arrays without such tasks.
    fn close_ended(&mut self) {
        let (folder, lingering) = (&self.folder, &mut self.lingering);
        self.open.retain(|array, state| {
            state.tasks.retain(|_, task| {
                let is_open = task.left() > 0;
                if !is_open && !task.is_gone() {
                    lingering.insert(folder.name(*array));
                }
                is_open
            });
            if state.tasks.is_empty() {
                // A mark that stays is removed by the next call in the folder.
                let _ = folder.close(*array);
            }
            !state.tasks.is_empty()
        });
    }

    /// Hears what the queue says, and plans again what died.
    fn hear(&mut self, listing: &Listing) -> Result<(), SlurmError> {
        let now = Instant::now();
        let grace = Duration::from_secs(self.job.options.poll_seconds);
        let (mut again, mut alone, mut ended) = (Vec::new(), Vec::new(), None);
        self.tries
            .at_work(self.open.values().map(|array| array.tasks.len()).sum());
        for (array, state) in &mut self.open {
            let name = self.folder.name(*array);
            state.is_taken |= listing.knows(&name);
            if !state.is_taken {
                continue;
            }
            for (index, task) in &mut state.tasks {
                let left_before = task.left();
                let fate = task.hear(listing.task(&name, *index), now, grace, self.is_done);
                let left = match fate {
                    Fate::Open => continue,
                    Fate::Done => Vec::new(),
                    Fate::Died(left) => left,
                };
                self.outcome.done += (left_before - left.len()) as u64;
                if left.len() < left_before {
                    self.tries.came_to_something();
                }
                if left.is_empty() {
                    task.end();
                    continue;
                }
                let log = self.folder.log(*array, *index);
                ended = Some(task.ending());
                let verdicts = self.tries.judge(task, &left, &log)?;
                task.end();
                for (trial, verdict) in verdicts {
                    match verdict {
                        Verdict::Again => again.push(trial),
                        Verdict::Alone => alone.push(trial),
                        Verdict::Failed(problem) => {
                            (self.observe)(Notice::Failed {
                                trial,
                                problem: problem.clone(),
                            });
                            self.outcome.failed.push(Failure { trial, problem });
                        }
                    }
                }
            }
        }
        self.close_ended();
        let trials = again.len() + alone.len();
        if let Some(ended) = ended
            && trials > 0
        {
            (self.observe)(Notice::Again { trials, ended });
            self.plan.add(again, &alone);
        }
        Ok(())
    }

    /// Submits arrays that there is room for, and those again of which Slurm knows nothing.
    fn submit(&mut self, listing: &Listing) -> Result<(), SlurmError> {
        let unknown = self
            .open
            .iter()
            .filter(|(array, state)| !state.is_taken && !listing.knows(&self.folder.name(**array)));
        for array in unknown.map(|(array, _)| *array).collect::<Vec<_>>() {
            if !self.sbatch(array)? {
                return Ok(());
            }
        }
        let mut room = Room::default();
        for array in self.open.values() {
            room.take(array.tasks.len(), array.throttle);
        }
        while let Some((tasks, throttle)) = self.plan.next(&mut room) {
            if self.is_stopped() {
                return Ok(());
            }
            let array = self.folder.add(self.job, &tasks)?;
            let tasks = tasks.into_iter().map(|trials| Task::new(trials, false));
            let state = Array {
                tasks: (0..).zip(tasks).collect(),
                throttle,
                is_taken: false,
            };
            self.open.insert(array, state);
            if !self.sbatch(array)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Submits an array; false where Slurm takes none now.
    fn sbatch(&mut self, array: u32) -> Result<bool, SlurmError> {
        let state = &self.open[&array];
        let size = state.tasks.keys().next_back().map_or(1, |last| last + 1);
        let options = submission::options(self.job, &self.folder, array, size, state.throttle);
        let script = self.folder.script(array);
        let words = options
            .iter()
            .map(AsRef::as_ref)
            .chain([script.as_os_str()]);
        let answer = self
            .clients
            .call("sbatch", &words.collect::<Vec<_>>(), OnStop::GoOn);
        match answer {
            Ok(text) => {
                let id = submission::job_id(&text);
                self.folder.accepted(array, &id)?;
                self.said.not_taken = None;
                self.any_taken = true;
                if let Some(state) = self.open.get_mut(&array) {
                    state.is_taken = true;
                    let (tasks, trials) = (
                        state.tasks.len(),
                        state.tasks.values().map(Task::left).sum(),
                    );
                    (self.observe)(Notice::Submitted {
                        array,
                        id,
                        tasks,
                        trials,
                    });
                }
                Ok(true)
            }
            // What one array of the sweep was taken with cannot be wrong in itself.
            Err(ClientError::Refused(said)) if !self.any_taken => {
                self.open.remove(&array);
                self.folder.discard(array)?;
                Err(submission::refused(&self.clients, self.job, said, &options))
            }
            Err(ClientError::Refused(problem) | ClientError::Away(problem)) => {
                if self.said.not_taken.as_ref() != Some(&problem) {
                    self.said.not_taken = Some(problem.clone());
                    (self.observe)(Notice::NotTaken { problem });
                }
                Ok(false)
            }
            Err(ClientError::Missing(program)) => Err(SlurmError::Missing(program)),
            Err(ClientError::Stopped) => Ok(false),
        }
    }

    /// Says how far the sweep is, and what may never start.
    fn tell_progress(&mut self, listing: &Listing) {
        let (mut running, mut waiting) = (0, 0);
        let mut reasons = BTreeMap::<String, u64>::new();
        for (array, state) in &self.open {
            let name = self.folder.name(*array);
            for index in state.tasks.keys() {
                match listing.task(&name, *index) {
                    Some(entry) if entry.is_pending() => {
                        waiting += 1;
                        *reasons.entry(entry.reason.clone()).or_default() += 1;
                    }
                    Some(entry) if entry.is_live() => running += 1,
                    _ => {}
                }
            }
        }
        for (reason, tasks) in &reasons {
            // Some reasons show up for a moment only.
            let lasts = self.said.reasons.contains_key(reason) && !notice::passes(reason);
            if lasts && self.said.stuck.insert(reason.clone()) {
                let (tasks, reason) = (*tasks, reason.clone());
                (self.observe)(Notice::Stuck { tasks, reason });
            }
        }
        let most = reasons.iter().max_by_key(|(_, tasks)| **tasks);
        let progress = Notice::Progress {
            done: self.outcome.done,
            total: self.total,
            running,
            waiting,
            reason: most.map(|(reason, _)| reason.clone()),
        };
        if self.said.progress.as_ref() != Some(&progress) {
            self.said.progress = Some(progress.clone());
            (self.observe)(progress);
        }
        self.said.reasons = reasons;
    }

    /// All trials are done or given up: jobs that are left have nothing to do.
    fn ended(mut self) -> Result<Outcome, SlurmError> {
        if !self.lingering.is_empty() {
            self.sleep(LAST);
            if let Ok(text) = self.squeue(&self.names()) {
                let listing = Listing::parse(&text);
                let busy = self.lingering.iter().filter(|name| listing.is_busy(name));
                self.cancel(&busy.cloned().collect::<Vec<_>>());
            }
        }
        let is_done = &mut self.is_done;
        let given_up = self.outcome.failed.len();
        self.outcome
            .failed
            .retain(|failure| !is_done(failure.trial));
        self.outcome.done += (given_up - self.outcome.failed.len()) as u64;
        self.outcome.failed.sort_by_key(|failure| failure.trial);
        Ok(self.outcome)
    }

    /// The stop was asked for. The marks of arrays stay, since their workers may still end their trials: a later call follows
    /// what is left of them by then.
    fn stopped(mut self) -> Result<Outcome, SlurmError> {
        self.cancel(&self.names());
        self.outcome.stopped = true;
        self.outcome.failed.sort_by_key(|failure| failure.trial);
        Ok(self.outcome)
    }

    /// Cancels jobs by name: an id may have been given to another's job after a crash of the controller.
    fn cancel(&mut self, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            let name = format!("--name={name}");
            let problem = match self
                .clients
                .call("scancel", &["--quiet", &name], OnStop::GoOn)
            {
                Ok(_) | Err(ClientError::Stopped) => continue,
                Err(ClientError::Away(problem) | ClientError::Refused(problem)) => problem,
                Err(ClientError::Missing(program)) => format!("there is no {program}"),
            };
            let names = names[index..].to_vec();
            (self.observe)(Notice::NotCancelled { names, problem });
            return;
        }
    }

    fn is_stopped(&self) -> bool {
        self.clients.stop.load(Ordering::Relaxed)
    }

    /// Sleeps, but no longer than until the stop.
    fn sleep(&self, pause: Duration) {
        let began = Instant::now();
        while !self.is_stopped()
            && let Some(left) = pause.checked_sub(began.elapsed())
            && !left.is_zero()
        {
            thread::sleep(left.min(Duration::from_millis(50)));
        }
    }
}

//! The conversation with Slurm: what is asked and told, and what those who watch hear of it.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::client::{ClientError, Clients, OnStop};
use super::notice::Notice;
use super::queue::{self, Listing};
use super::{SlurmConfig, SlurmError};

/// Slurm, as one call of `run` talks to it.
pub(super) struct Scheduler<'a> {
    clients: Clients<'a>,
    observe: &'a mut dyn FnMut(Notice),
    poll: Duration,
    /// Whether the last question had no answer.
    is_away: bool,
    /// Why the last array was not taken.
    not_taken: Option<String>,
}

/// What Slurm answers to an array.
pub(super) enum Answer {
    /// It is taken, under this id.
    Taken(String),
    /// Not now, or nobody knows.
    NotNow,
    /// It is refused, for this reason.
    Refused(String),
}

impl<'a> Scheduler<'a> {
    pub(super) fn new(
        options: &SlurmConfig,
        stop: &'a AtomicBool,
        observe: &'a mut dyn FnMut(Notice),
    ) -> Self {
        Self {
            clients: Clients {
                limit: Duration::from_secs(options.client_seconds),
                stop,
            },
            observe,
            poll: Duration::from_secs(options.poll_seconds),
            is_away: false,
            not_taken: None,
        }
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        (self.observe)(notice);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.clients.stop.load(Ordering::Relaxed)
    }

    /// Sleeps, but no longer than until the stop.
    pub(super) fn sleep(&self, pause: Duration) {
        let began = Instant::now();
        while !self.is_stopped()
            && let Some(left) = pause.checked_sub(began.elapsed())
            && !left.is_zero()
        {
            thread::sleep(left.min(Duration::from_millis(50)));
        }
    }

    /// The cluster's settings, as soon as it says them; none where the stop came first.
    pub(super) fn settings(&mut self) -> Result<Option<String>, SlurmError> {
        self.insist(|scheduler| scheduler.ask("scontrol", &["show", "config"]))
    }

    /// What the queue shows, as soon as it does; none where the stop came first.
    pub(super) fn first_listing(
        &mut self,
        names: &[String],
    ) -> Result<Option<Listing>, SlurmError> {
        self.insist(|scheduler| scheduler.listing(names))
    }

    /// Asks until there is an answer.
    fn insist<T>(
        &mut self,
        mut question: impl FnMut(&mut Self) -> Result<Option<T>, SlurmError>,
    ) -> Result<Option<T>, SlurmError> {
        loop {
            let answer = question(self)?;
            if answer.is_some() || self.is_stopped() {
                return Ok(answer);
            }
            self.sleep(self.poll);
        }
    }

    /// What the queue shows of the jobs of these names; none where it does not answer.
    pub(super) fn listing(&mut self, names: &[String]) -> Result<Option<Listing>, SlurmError> {
        if names.is_empty() {
            return Ok(Some(Listing::default()));
        }
        let names = format!("--name={}", names.join(","));
        let format = format!("--format={}", queue::FORMAT);
        let arguments = ["--noheader", "--array", "--states=all", &names, &format];
        let text = self.ask("squeue", &arguments)?;
        Ok(text.map(|text| Listing::parse(&text)))
    }

    /// The partitions that there are, where they can be asked for.
    pub(super) fn partitions(&self) -> Vec<String> {
        let answer = self
            .clients
            .call("sinfo", &["--noheader", "--format=%R"], OnStop::GiveUp);
        let answer = answer.unwrap_or_default();
        let mut names: Vec<_> = answer.lines().map(|line| line.trim().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    }

    fn ask(
        &mut self,
        program: &'static str,
        arguments: &[&str],
    ) -> Result<Option<String>, SlurmError> {
        match self.clients.call(program, arguments, OnStop::GiveUp) {
            Ok(text) => {
                if std::mem::take(&mut self.is_away) {
                    self.tell(Notice::Back);
                }
                Ok(Some(text))
            }
            Err(ClientError::Missing(program)) => Err(SlurmError::Missing(program)),
            Err(ClientError::Stopped) => Ok(None),
            Err(ClientError::Away(problem) | ClientError::Refused(problem)) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    self.tell(Notice::Away { problem });
                }
                Ok(None)
            }
        }
    }

    /// Submits an array. One like it was taken before where it is not the first: what speaks against it passes then.
    pub(super) fn submit(
        &mut self,
        options: &[String],
        script: &Path,
        is_first: bool,
    ) -> Result<Answer, SlurmError> {
        let words = options
            .iter()
            .map(AsRef::as_ref)
            .chain([script.as_os_str()]);
        let words: Vec<&OsStr> = words.collect();
        match self.clients.call("sbatch", &words, OnStop::GoOn) {
            Ok(text) => {
                self.not_taken = None;
                Ok(Answer::Taken(queue::job_id(&text)))
            }
            Err(ClientError::Missing(program)) => Err(SlurmError::Missing(program)),
            Err(ClientError::Refused(said)) if is_first => Ok(Answer::Refused(said)),
            Err(ClientError::Stopped) => Ok(Answer::NotNow),
            Err(ClientError::Refused(problem) | ClientError::Away(problem)) => {
                if self.not_taken.as_ref() != Some(&problem) {
                    self.not_taken = Some(problem.clone());
                    self.tell(Notice::NotTaken { problem });
                }
                Ok(Answer::NotNow)
            }
        }
    }

    /// Cancels jobs by name: an id may have been given to another's job after a crash of the controller.
    pub(super) fn cancel(&mut self, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            if let Err(problem) = self.scancel(name, &[]) {
                let names = names[index..].to_vec();
                self.tell(Notice::NotCancelled { names, problem });
                return;
            }
        }
    }

    /// Cancels running tasks of a job of that name.
    ///
    /// Without the state, and with a name, Slurm 22 takes a task that waits for all tasks of its array that wait.
    pub(super) fn cancel_running(&self, name: &str, tasks: &[String]) {
        let words = ["--state=RUNNING".to_owned()]
            .into_iter()
            .chain(tasks.iter().cloned());
        // What could not be cancelled is cancelled at the end.
        let _ = self.scancel(name, &words.collect::<Vec<_>>());
    }

    fn scancel(&self, name: &str, others: &[String]) -> Result<(), String> {
        let name = format!("--name={name}");
        let words = ["--quiet", &name]
            .into_iter()
            .chain(others.iter().map(String::as_str));
        let words: Vec<&str> = words.collect();
        match self.clients.call("scancel", &words, OnStop::GoOn) {
            Ok(_) | Err(ClientError::Stopped) => Ok(()),
            Err(ClientError::Away(problem) | ClientError::Refused(problem)) => Err(problem),
            Err(ClientError::Missing(program)) => Err(format!("there is no {program}")),
        }
    }
}

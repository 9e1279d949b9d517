//! Trials as arrays of a Slurm cluster.
//!
//! [`run`] submits arrays whose tasks run a program, follows them and submits again what left no result. It knows neither
//! configurations nor scores: a trial is a number, and whether it has a result is for the caller to say. Results are the
//! truth, not the scheduler's word: a task may be run twice, and be called failed, running or waiting when it is done.
//!
//! The program is called as `PROGRAM ARGUMENTS… TRIALS`, where TRIALS are numbers and ranges without their end, as
//! `0..10,12` ([`trials_from_text`] reads them). It runs them one after another in that order, skips those that have a
//! result, and leaves each result whole or not at all: written beside its place and renamed. On SIGTERM, which comes before
//! the time limit, it ends between two trials with exit code 0. What it prints is its task's log.
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//!
//! use ran_sweep::slurm::{self, Job, SlurmConfig};
//!
//! let job = Job {
//!     name: "poster".to_owned(),
//!     folder: "sweeps/poster/slurm".into(),
//!     program: "bin/worker".into(),
//!     arguments: vec!["--trials".into()],
//!     options: SlurmConfig {
//!         partition: Some("cpu".to_owned()),
//!         time: Some("1:00:00".to_owned()),
//!         ..SlurmConfig::default()
//!     },
//! };
//! let trials: Vec<u64> = (0..1000).collect();
//! let mut is_done = |trial| std::path::Path::new(&format!("sweeps/poster/trials/{trial}.json")).exists();
//! let mut observe = |notice: slurm::Notice| eprintln!("{notice}");
//! let outcome = slurm::run(&job, &trials, &mut is_done, &AtomicBool::new(false), &mut observe)?;
//! for failure in outcome.failed {
//!     eprintln!("{}", failure.problem);
//! }
//! # Ok::<(), slurm::SlurmError>(())
//! ```

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

mod arrays;
mod client;
mod config;
mod driver;
mod folder;
mod idle;
mod notice;
mod plan;
mod progress;
mod queue;
mod scheduler;
mod submission;
mod task;
mod trials;
mod tries;

pub use config::SlurmConfig;
pub use notice::Notice;
pub use trials::{trials_as_text, trials_from_text};

/// What the tasks of a sweep's arrays run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The sweep's name: the names of its jobs begin with it.
    pub name: String,
    /// Where scripts, lists of trials and logs go, on a file system that all machines share. One call of [`run`] may use it
    /// at a time, which the caller sees to; it is made if need be, and found again after a crash.
    pub folder: PathBuf,
    /// The program, as the machines find it: a path, or a name that is looked for in PATH.
    pub program: PathBuf,
    /// Its arguments, before the trials.
    pub arguments: Vec<OsString>,
    /// How Slurm runs it.
    pub options: SlurmConfig,
}

/// What became of the trials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many have a result.
    pub done: u64,
    /// Those that were given up, by ascending number. A result may still come, where Slurm was wrong about a task's end.
    pub failed: Vec<Failure>,
    /// Whether the stop came first: then others have neither result nor failure.
    pub stopped: bool,
}

/// A trial that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its number.
    pub trial: u64,
    /// Why, in a sentence that names the log.
    pub problem: String,
}

/// Why trials cannot be run by Slurm. What was submitted by then goes on, and the next [`run`] in
/// the folder follows it; where tasks come to nothing, the rest is cancelled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SlurmError {
    /// An option is wrong.
    #[error("`slurm.{key}` is {found}; allowed are {allowed}")]
    Option {
        /// The option.
        key: &'static str,
        /// What it was.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Slurm's programs are not installed.
    #[error(
        "Slurm is not installed on this machine, which has no `{0}`: start the sweep where jobs of the cluster are submitted, or \
         run it on this machine, by `--on local`"
    )]
    Missing(&'static str),
    /// There is no such partition.
    #[error("`slurm.partition` is {name:?}, which this cluster does not have; it has {known}", known = known.join(", "))]
    Partition {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Slurm refuses the jobs.
    #[error("Slurm refuses the sweep's jobs: {said} (they were submitted with {options})")]
    Refused {
        /// Why, in Slurm's words.
        said: String,
        /// The options of `sbatch`.
        options: String,
    },
    /// The cluster has no arrays.
    #[error("this cluster allows no job arrays: its MaxArraySize is 0")]
    NoArrays,
    /// The folder's name is not one that Slurm can write logs to.
    #[error(
        "{path} cannot hold Slurm's logs: the path must be UTF-8 without backslashes and control characters",
        path = .0.display()
    )]
    Path(PathBuf),
    /// The folder cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder's id was changed.
    #[error(
        "{path} is no id of a sweep, which has 16 hexadecimal digits: remove the file if none of the sweep's jobs waits or runs",
        path = .0.display()
    )]
    Id(PathBuf),
    /// An array's list of trials was changed.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    Tasks {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// Task after task comes to nothing.
    #[error("{tasks} tasks in a row came to nothing, and the sweep stops: the last {ended}{log}")]
    Barren {
        /// How many.
        tasks: usize,
        /// How the last one ended.
        ended: String,
        /// What its log says.
        log: String,
    },
}

/// Runs trials as array tasks until each has a result or is given up, or until `stop` is set: then what waits or runs is
/// cancelled, and a later call with the rest goes on.
///
/// `is_done` says whether a trial has a result. It is asked once for each trial at the beginning, and later for one trial of
/// each task at each look at the queue; not again for one that had a result, so that it may count them.
///
/// What an earlier call in the same folder submitted and what still waits or runs, as after a crash of this program, is
/// followed and not submitted again. Where Slurm does not answer, the call waits until it does.
///
/// # Errors
///
/// Where an option is wrong, Slurm is not there or refuses the jobs, the folder cannot be used, or no task comes to anything.
pub fn run(
    job: &Job,
    trials: &[u64],
    is_done: &mut dyn FnMut(u64) -> bool,
    stop: &AtomicBool,
    observe: &mut dyn FnMut(Notice),
) -> Result<Outcome, SlurmError> {
    job.options.check()?;
    driver::Driver::new(job, is_done, stop, observe)?.drive(trials)
}

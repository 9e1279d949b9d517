//! What a sweep asks of the program that runs its trials.

use std::sync::atomic::AtomicBool;

use crate::{Judged, Parameters, Stage, StageError, SweepError};

/// What is known of a configuration before anything is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its model's parameters.
    pub parameters: Parameters,
    /// Memory that a process which runs it needs, about, in bytes.
    pub bytes: u64,
}

/// What a score is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as records have it.
    pub name: String,
    /// Whether a higher one is better.
    pub higher_is_better: bool,
}

/// What the score of a base is, and what its configurations are made of: what the program says that runs trials.
pub trait Bench {
    /// What the score is.
    ///
    /// # Errors
    ///
    /// A sentence, where the base cannot be run.
    fn metric(&mut self) -> Result<Metric, String>;

    /// Counts what the base with these assignments is made of, whose score is on this split.
    ///
    /// # Errors
    ///
    /// A sentence, where this is no configuration.
    fn facts(&mut self, assignments: &[String], judged: Judged) -> Result<Facts, String>;
}

/// What runs trials: processes of this machine, or a cluster.
pub trait Executor {
    /// Runs trials of a stage until each has its result, or `stop` is true; tells the number of each that is done.
    ///
    /// # Errors
    ///
    /// When trials cannot be run at all.
    fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        facts: Option<Facts>,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), SweepError>;
}

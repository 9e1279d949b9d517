//! Sweeps and searches over configurations of experiments.
//!
//! A [`SweepConfig`] names a base, a [`Space`] of keys, a [`Method`] that chooses points in it, and how a point is judged. A trial
//! is a point and some seeds, run in a process of its own that leaves one file in a [`Stage`]; a [`Sweep`] plans trials, has an
//! [`Executor`] run them and reads what came of them. This crate knows nothing of reservoirs: what a configuration means is for
//! the program that runs a trial to say ([`Bench`]).
//!
//! What a sweep came to is a [`Results`]; [`table`] writes it as files for other programs, [`report`] as a page for a
//! browser and as pictures for a paper.

mod assign;
mod base;
mod bench;
mod config;
mod error;
mod folder;
mod method;
mod points;
mod read;
mod results;
mod space;
mod stage;
mod sweep;
mod workers;

pub mod report;
pub mod slurm;
pub mod table;

pub use assign::assignments;
pub use bench::{Bench, Executor, Facts, Metric};
pub use config::{Bounds, ConfigError, Constraints, FinalConfig, Judged, SweepConfig, TrialConfig};
pub use error::SweepError;
pub use folder::read_results;
pub use method::{Halving, Method};
pub use results::{Parameters, Results, SeedScore, Trial};
pub use space::{Dimension, Domain, Point, Space, SpaceError};
pub use stage::{Stage, StageConfig, StageError};
pub use sweep::{Sweep, SweepNotice};
pub use workers::{Answer, WorkerError, Workers};

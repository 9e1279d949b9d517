//! Sweeps and searches over configurations of experiments.
//!
//! A trial is a configuration and some seeds, run in a process of its own that leaves one file. This crate knows nothing of
//! reservoirs: what a configuration means is for the program that runs a trial to say.

mod results;
pub mod slurm;

pub use results::{Parameters, Results, SeedScore, Trial};

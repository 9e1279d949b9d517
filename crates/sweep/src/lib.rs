//! Sweeps and searches over configurations of experiments.
//!
//! A trial is a configuration and some seeds, run in a process of its own that leaves one file. This crate knows nothing of
//! reservoirs: what a configuration means is for the program that runs a trial to say.
//!
//! What a sweep came to is a [`Results`]; [`table`] writes it as files for other programs, [`report`] as a page for a
//! browser and as pictures for a paper.

mod results;

pub mod report;
pub mod table;

pub use results::{Parameters, Results, SeedScore, Trial};

//! The program `ran`: experiments with Recurrent Attention Networks from the command line.
//!
//! It is a library function, [`main`], so that a program of one's own can bring its kinds of unit along
//! ([`ran_reservoir::register`]) and be the same program otherwise; docs/adding-a-kind.md shows one.
//!
//! Results go to standard output, progress and warnings to standard error. The exit code is 0 for success, 1 for
//! failure, 2 for a command line that is wrong and 130 for a run that was stopped.

mod commands;
mod exit;
mod progress;
mod say;
mod signal;
mod table;
mod threads;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ran_experiment::Setting;
use ran_scan::{VECTORS_VARIABLE, Vectors};

use say::say;

const EXIT_CODES: &str = "\
Exit codes: 0 success; 1 failure, also where a file is wrong, be it of data, a model or a configuration; \
2 wrong usage: an option, an unknown name, or a key or value of --set that is not allowed; 130 a run that was stopped";

/// Experiments with Recurrent Attention Networks.
#[derive(Debug, Parser)]
#[command(name = "ran", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Experiment(commands::experiment::Arguments),
    Sweep(commands::sweep::Arguments),
    Describe(commands::describe::Arguments),
    Datasets(commands::datasets::Arguments),
    Bench(commands::bench::Arguments),
}

impl Command {
    fn execute(&self) -> anyhow::Result<()> {
        match self {
            Self::Experiment(arguments) => commands::experiment::execute(arguments),
            Self::Sweep(arguments) => commands::sweep::execute(arguments),
            Self::Describe(arguments) => commands::describe::execute(arguments),
            Self::Datasets(arguments) => commands::datasets::execute(arguments),
            Self::Bench(arguments) => commands::bench::execute(arguments),
        }
    }

    /// What is set on the command line.
    fn settings(&self) -> Vec<Setting> {
        match self {
            Self::Experiment(arguments) => arguments.settings(),
            Self::Sweep(arguments) => arguments.settings.clone(),
            Self::Describe(arguments) => arguments.settings.clone(),
            Self::Datasets(_) | Self::Bench(_) => Vec::new(),
        }
    }
}

/// The whole program: reads the process's arguments, does what they say, and gives the exit code.
///
/// A program that trains does well to set mimalloc as its allocator, as `ran` does.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    if let Err(error) = Vectors::from_environment() {
        say(&format!(
            "error: the environment variable {VECTORS_VARIABLE}: {error}"
        ));
        return ExitCode::from(2);
    }
    if let Some(sentence) = threads::limit_threads() {
        say(&format!("warning: {sentence}"));
    }
    match command.execute() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough, as `head` has after ten lines.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            exit::code(&error, &command.settings())
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}

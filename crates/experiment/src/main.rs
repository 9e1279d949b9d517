//! The program `ran`: experiments with Recurrent Attention Networks from the command line.
//!
//! Results go to standard output, progress and warnings to standard error. The exit code is 0 for success, 1 for
//! failure, 2 for wrong usage and 130 for a run that was stopped.

mod commands;
mod progress;
mod table;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::experiment::{INTERRUPTED, Interrupted};
use ran_experiment::RunError;

/// Keeps the memory of large arrays for the next of their size, where the system's allocator would give it back and ask for
/// it again at every batch.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Experiments with Recurrent Attention Networks.
#[derive(Debug, Parser)]
#[command(name = "ran", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Experiment(commands::experiment::Arguments),
    Describe(commands::describe::Arguments),
    Datasets(commands::datasets::Arguments),
    Bench(commands::bench::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Experiment(arguments) => commands::experiment::execute(&arguments),
        Command::Describe(arguments) => commands::describe::execute(&arguments),
        Command::Datasets(arguments) => commands::datasets::execute(&arguments),
        Command::Bench(arguments) => commands::bench::execute(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the output has seen enough, as `head` has after ten lines.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let interrupted = error.is::<Interrupted>()
                || matches!(error.downcast_ref(), Some(RunError::Stopped));
            if interrupted {
                ExitCode::from(INTERRUPTED)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    })
}

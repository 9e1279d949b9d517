//! The project's tasks: `cargo xtask WORD …`.
//!
//! This program depends on nothing, so that it is built in a second. It reads the first word and hands the rest on: to
//! the program `ran`, built with the backend's feature, or to the script `.ci/run`.

mod ci;
mod ran;

use std::process::ExitCode;

/// Wrong usage, as opposed to a failure.
const WRONG_USAGE: u8 = 2;

const USAGE: &str = "\
Usage: cargo xtask TASK [ARGUMENT]...

Tasks:
  experiment [NAME | FILE.toml]   train and judge a network; --list names the experiments
  sweep NAME | FILE.toml          try many configurations; --list names the sweeps
  describe [NAME | FILE.toml]     shapes, wiring, parameters and cost of a network
  datasets list | fetch | verify  the data sets that tasks use
  bench                           microseconds per step; --scaling FOLDER draws how they grow
  ci                              the checks, as a newcomer would run them

`cargo xtask TASK --help` tells a task's options.
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(task) = arguments.next() else {
        eprint!("{USAGE}");
        return ExitCode::from(WRONG_USAGE);
    };
    let rest: Vec<_> = arguments.collect();
    match task.to_str() {
        Some("experiment" | "sweep" | "describe" | "datasets" | "bench") => ran::run(&task, &rest),
        Some("ci") => ci::run(&rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!(
                "xtask: there is no task {:?}; there are experiment, sweep, describe, datasets, bench and ci",
                task.to_string_lossy()
            );
            ExitCode::from(WRONG_USAGE)
        }
    }
}

/// Runs a command to its end and gives its exit code.
///
/// On Unix the command takes this process's place, so that signals such as Ctrl-C reach it alone.
fn hand_over(command: std::process::Command, what: &str) -> ExitCode {
    end(command).unwrap_or_else(|error| {
        eprintln!("xtask: {what} cannot be started: {error}");
        ExitCode::FAILURE
    })
}

#[cfg(unix)]
fn end(mut command: std::process::Command) -> std::io::Result<ExitCode> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

#[cfg(not(unix))]
fn end(mut command: std::process::Command) -> std::io::Result<ExitCode> {
    let code = command.status()?.code();
    let code = code.and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

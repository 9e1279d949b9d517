//! The checks, which are a script so that a bare machine can run them before anything is built.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Runs `.ci/run` in the root of the workspace.
pub(crate) fn run(arguments: &[OsString]) -> ExitCode {
    if let Some(argument) = arguments.first() {
        let argument = argument.to_string_lossy();
        eprintln!("xtask: ci takes no arguments, got {argument:?}");
        return ExitCode::from(crate::WRONG_USAGE);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new("bash");
    command.arg(".ci/run").current_dir(root);
    crate::hand_over(command, "bash .ci/run")
}

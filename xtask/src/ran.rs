//! Builds the program `ran` with the feature that a backend needs, and hands over to it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal, stderr};
use std::process::{Command, ExitCode};

/// The backends that are not built by default, each behind a feature of its own name.
const OPTIONAL_BACKENDS: &[&str] = &["wgpu"];

/// Options of cargo's own, put before `build`: `--config FILE`, `--offline`.
const OPTIONS: &str = "XTASK_CARGO";

/// Builds and runs `ran TASK ARGUMENTS` in the caller's folder; its exit code is the task's.
pub(crate) fn run(task: &OsStr, arguments: &[OsString]) -> ExitCode {
    if let Err(problem) = build(backend(arguments)) {
        eprintln!("xtask: {problem}");
        return ExitCode::FAILURE;
    }
    // Cargo puts both programs of the workspace into one folder.
    let program = match env::current_exe() {
        Ok(own) => own.with_file_name(format!("ran{}", env::consts::EXE_SUFFIX)),
        Err(error) => {
            eprintln!("xtask: the folder of the built programs is unknown: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut command = Command::new(&program);
    command.arg(task).args(arguments);
    crate::hand_over(command, &program.display().to_string())
}

/// The value of the last `--backend`, which is the one that counts. Whether it exists is for `ran` to judge.
fn backend(arguments: &[OsString]) -> Option<&str> {
    let options = arguments.iter().map(|argument| argument.to_str());
    let options: Vec<_> = options
        .take_while(|argument| *argument != Some("--"))
        .collect();
    let mut values = options.iter().enumerate().filter_map(|(at, option)| {
        let option = (*option)?;
        match option.strip_prefix("--backend=") {
            Some(value) => Some(value),
            None if option == "--backend" => options.get(at + 1).copied().flatten(),
            None => None,
        }
    });
    values.next_back()
}

fn build(backend: Option<&str>) -> Result<(), String> {
    // Cargo names itself to the programs that it runs.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(words(&env::var(OPTIONS).unwrap_or_default(), backend));
    // The first build takes minutes: a person who waits should see it, a script need not.
    if !stderr().is_terminal() {
        command.arg("--quiet");
    }
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "the program `ran` cannot be built (cargo build: {status}); what is wrong stands above"
        )),
        Err(error) => Err(format!("cargo cannot be started: {error}")),
    }
}

/// What cargo is told: its own options, and what to build.
fn words(options: &str, backend: Option<&str>) -> Vec<String> {
    // The whole workspace decides on the features of what is built, as it does in `cargo test`: neither builds again
    // what the other has built.
    let build = ["build", "--workspace", "--bin", "ran"];
    let words = options.split_whitespace().chain(build).map(String::from);
    let feature = backend.filter(|backend| OPTIONAL_BACKENDS.contains(backend));
    words
        .chain(feature.map(|feature| format!("--features=ran/{feature}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_cargo_come_first_and_a_backend_is_a_feature() {
        let build = "build --workspace --bin ran";
        assert_eq!(words("", Some("ndarray")).join(" "), build);
        assert_eq!(
            words(" --config a.toml ", Some("wgpu")).join(" "),
            format!("--config a.toml {build} --features=ran/wgpu")
        );
    }

    fn of(arguments: &[&str]) -> Option<String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        backend(&arguments).map(String::from)
    }

    #[test]
    fn the_backend_is_found_wherever_it_stands() {
        for (arguments, expected) in [
            (&["--json"][..], None),
            (&["--backend", "wgpu"], Some("wgpu")),
            (&["files", "--backend=wgpu", "--json"], Some("wgpu")),
            (&["--backend"], None),
            (&["--backend", "wgpu", "--backend=ndarray"], Some("ndarray")),
            (&["--set", "a=1", "--", "--backend=wgpu"], None),
        ] {
            assert_eq!(of(arguments).as_deref(), expected, "{arguments:?}");
        }
    }
}

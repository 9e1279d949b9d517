//! Slurm's client programs, called with a limit on their time.

use std::ffi::OsStr;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs::File, thread};

/// Why a call came to nothing.
#[derive(Debug)]
pub(super) enum ClientError {
    /// There is no such program on this machine.
    Missing(&'static str),
    /// Slurm does not answer now, or takes no more now: the same call may succeed later.
    Away(String),
    /// Slurm says no.
    Refused(String),
    /// The stop was asked for meanwhile.
    Stopped,
}

/// How client programs are called.
pub(super) struct Clients<'a> {
    /// The longest that a call may take.
    pub(super) limit: Duration,
    /// Set when the sweep is to stop.
    pub(super) stop: &'a AtomicBool,
}

/// Whether a call is given up when the sweep is to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OnStop {
    /// Yes, it changes nothing.
    GiveUp,
    /// No: otherwise nobody would know whether it had an effect.
    GoOn,
}

impl Clients<'_> {
    /// What a client program prints.
    pub(super) fn call<A: AsRef<OsStr>>(
        &self,
        program: &'static str,
        arguments: &[A],
        on_stop: OnStop,
    ) -> Result<String, ClientError> {
        let away = |error: io::Error| ClientError::Away(format!("{program}: {error}"));
        // Into files and not pipes, so that nothing that inherits a pipe can keep us waiting.
        let mut out = tempfile::tempfile().map_err(away)?;
        let mut said = tempfile::tempfile().map_err(away)?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.stdout(out.try_clone().map_err(away)?);
        command.stderr(said.try_clone().map_err(away)?);
        command.env("LC_ALL", "C");
        for (name, _) in env::vars_os() {
            if changes_the_call(&name.to_string_lossy()) {
                command.env_remove(name);
            }
        }
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ClientError::Missing(program));
            }
            Err(error) => return Err(away(error)),
        };
        let status = self.wait(child, on_stop).map_err(away)?;
        let said = sentence(&read(&mut said).map_err(away)?);
        match status {
            Some(status) if status.success() => read(&mut out).map_err(away),
            Some(status) => {
                let said = match said.is_empty() {
                    true => format!("{program} ended with {status} and no word"),
                    false => said,
                };
                match is_passing(&said) {
                    true => Err(ClientError::Away(said)),
                    false => Err(ClientError::Refused(said)),
                }
            }
            None if on_stop == OnStop::GiveUp && self.stop.load(Ordering::Relaxed) => {
                Err(ClientError::Stopped)
            }
            None => {
                let seconds = self.limit.as_secs();
                let said = if said.is_empty() {
                    said
                } else {
                    format!(": {said}")
                };
                Err(ClientError::Away(format!(
                    "{program} did not answer within {seconds} s{said}"
                )))
            }
        }
    }

    /// Waits for a program's end; none where it did not come in time.
    fn wait(&self, mut child: Child, on_stop: OnStop) -> io::Result<Option<ExitStatus>> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            let given_up = on_stop == OnStop::GiveUp && self.stop.load(Ordering::Relaxed);
            if given_up || began.elapsed() >= self.limit {
                let _ = child.kill();
                // On a file system that hangs, even a killed program may take its time.
                thread::spawn(move || child.wait());
                return Ok(None);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a variable of the environment changes what a client does or prints. What a user has set for account, partition
/// and the like stays; what a job that this program runs in has set does not concern the jobs that it submits.
fn changes_the_call(name: &str) -> bool {
    let in_a_job = env::var_os("SLURM_JOB_ID").is_some();
    name.starts_with("SQUEUE_")
        || name.starts_with("SCANCEL_")
        || name.starts_with("SINFO_")
        || [
            "SBATCH_WAIT",
            "SBATCH_ERROR",
            "SBATCH_INPUT",
            "SBATCH_DEPENDENCY",
        ]
        .contains(&name)
        || in_a_job && name.starts_with("SLURM_") && name != "SLURM_CONF"
}

/// What a program said on standard error, in one line without the programs' names.
fn sentence(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim();
        let line = ["sbatch: ", "squeue: ", "scancel: ", "scontrol: ", "sinfo: "]
            .iter()
            .find_map(|program| line.strip_prefix(program))
            .unwrap_or(line);
        let line = ["error: ", "fatal: "]
            .iter()
            .find_map(|word| line.strip_prefix(word))
            .unwrap_or(line);
        line.chars()
            .filter(|letter| !letter.is_control())
            .collect::<String>()
    });
    let mut lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    lines.dedup();
    lines.join("; ")
}

/// Whether what a client said is about Slurm's state now rather than about what was asked.
fn is_passing(said: &str) -> bool {
    let said = said.to_lowercase();
    let words = [
        "authentication",
        "communication",
        "connect failure",
        "connection refused",
        "connection reset",
        "controller not responding",
        "credential",
        "munge",
        "not connected",
        "standby",
        "temporarily",
        "timed out",
        "unable to contact",
        "zero bytes",
    ];
    words.iter().any(|word| said.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(
        stop: bool,
        program: &'static str,
        arguments: &[&str],
        on_stop: OnStop,
    ) -> Result<String, ClientError> {
        let stop = AtomicBool::new(stop);
        let clients = Clients {
            limit: Duration::from_millis(300),
            stop: &stop,
        };
        clients.call(program, arguments, on_stop)
    }

    #[test]
    fn what_hangs_is_given_up_with_a_sentence() {
        let hangs = ["-c", "echo 'sbatch: error: try again' >&2; sleep 100"];
        match call(false, "sh", &hangs, OnStop::GoOn) {
            Err(ClientError::Away(said)) => {
                assert_eq!(said, "sh did not answer within 0 s: try again")
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            call(true, "sh", &hangs, OnStop::GiveUp),
            Err(ClientError::Stopped)
        ));
        assert!(matches!(
            call(true, "echo", &["on"], OnStop::GoOn).as_deref(),
            Ok("on\n")
        ));
    }

    #[test]
    fn what_is_said_now_and_what_is_said_for_good_are_told_apart() {
        let passing = [
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
            "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation",
            "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received",
            "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
            "sbatch: error: Batch job submission failed: Resource temporarily unavailable",
            "sbatch: error: If munged is up, restart with --num-threads=10",
            "slurm_load_jobs error: Slurm backup controller in standby mode",
        ];
        let final_words = [
            "sbatch: error: invalid partition specified: nosuch",
            "sbatch: error: Batch job submission failed: Invalid account or account/partition combination specified",
            "sbatch: error: Memory specification can not be satisfied",
            "sbatch: error: Batch job submission failed: Requested time limit is invalid (missing or exceeds some limit)",
            "sbatch: error: Batch job submission failed: Invalid qos specification",
        ];
        assert!(passing.iter().all(|text| is_passing(text)));
        assert!(!final_words.iter().any(|text| is_passing(text)));
    }

    #[test]
    fn programs_that_are_missing_and_programs_that_refuse_are_named() {
        assert!(matches!(
            call(
                false,
                "no-such-program-anywhere",
                &[] as &[&str],
                OnStop::GoOn
            ),
            Err(ClientError::Missing("no-such-program-anywhere"))
        ));
        let refuses = [
            "-c",
            "printf 'sbatch: error: a\\nsbatch: error: b\\n' >&2; exit 1",
        ];
        match call(false, "sh", &refuses, OnStop::GoOn) {
            Err(ClientError::Refused(said)) => assert_eq!(said, "a; b"),
            other => panic!("{other:?}"),
        }
    }
}

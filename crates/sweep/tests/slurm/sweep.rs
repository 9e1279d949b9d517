//! A sweep whose worker is a shell script, run by a process that can be killed.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{env, thread};

use ran_sweep::slurm::{self, Job, SlurmConfig};
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, lines, wait_until};

/// The trials in `$2`, one after another: each leaves a line in `started/TRIAL`, does the work, and leaves its result.
/// SIGTERM ends the script between two trials.
const WORKER: &str = r#"#!/bin/sh
cd "$1" || exit 1
trap 'ends=1' TERM
for part in $(echo "$2" | tr , ' '); do
    case $part in
        *..*) seq "${part%..*}" $((${part#*..} - 1)) ;;
        *) echo "$part" ;;
    esac
done >"list.$$"
for trial in $(cat "list.$$"); do
    [ -z "$ends" ] || exit 0
    [ ! -e "$trial.json" ] || continue
    echo x >>"started/$trial"
    . ./work
    echo '{}' >"$trial.$$"
    mv "$trial.$$" "$trial.json"
done
. ./end
"#;

/// What the process is told that runs a sweep.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sweep {
    folder: PathBuf,
    pub(crate) trials: u64,
    pub(crate) options: SlurmConfig,
}

/// The variable of the environment that tells it.
const TOLD: &str = "RAN_SWEEP_TEST";

/// The process: the same program, as a test that does the sweep's work where it is told to.
#[test]
#[ignore = "other tests start it"]
fn process() {
    let Ok(told) = env::var(TOLD) else { return };
    let sweep: Sweep = serde_json::from_str(&told).unwrap();
    let results = sweep.folder.join("results");
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = Arc::clone(&stop);
    thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        stopper.store(true, Ordering::Relaxed);
    });
    let job = Job {
        name: "a sweep".to_owned(),
        folder: sweep.folder.join("slurm"),
        program: sweep.folder.join("worker"),
        arguments: vec![results.clone().into()],
        options: sweep.options,
    };
    let trials: Vec<u64> = (0..sweep.trials).collect();
    let mut is_done = |trial| results.join(format!("{trial}.json")).exists();
    let mut observe = |notice: slurm::Notice| println!("{notice}");
    match slurm::run(&job, &trials, &mut is_done, &stop, &mut observe) {
        Ok(outcome) => {
            for failure in &outcome.failed {
                println!("failure: {}", failure.problem);
            }
            let failed = outcome.failed.len();
            println!(
                "outcome: {} done, {failed} failed, stopped {}",
                outcome.done, outcome.stopped
            );
        }
        Err(error) => println!("error: {error}"),
    }
}

impl Sweep {
    /// A sweep that looks at the queue each second. `work` is what a trial does, in the shell, with its number in `$trial`.
    pub(crate) fn new(cluster: &Cluster, trials: u64, work: &str) -> Self {
        let folder = cluster.folder();
        fs::create_dir_all(folder.join("results/started")).unwrap();
        let sweep = Self {
            folder,
            trials,
            options: SlurmConfig {
                poll_seconds: 1,
                ..SlurmConfig::default()
            },
        };
        sweep.write("results/work", &format!("{work}\n"));
        sweep.write("results/end", "exit 0\n");
        sweep.program("worker", WORKER);
        sweep
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).unwrap();
    }

    /// Writes a program, and says where.
    pub(crate) fn program(&self, file: &str, text: &str) -> PathBuf {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Has programs of a folder found before those of Slurm.
    pub(crate) fn put_first(&self, command: &mut Command, folder: &str) {
        let path = env::var("PATH").unwrap();
        let first = self.folder.join(folder);
        command.env("PATH", format!("{}:{path}", first.display()));
    }

    /// How often a trial was started.
    pub(crate) fn starts(&self, trial: u64) -> usize {
        lines(&self.folder.join(format!("results/started/{trial}")))
    }

    pub(crate) fn all_starts(&self) -> Vec<usize> {
        (0..self.trials).map(|trial| self.starts(trial)).collect()
    }

    /// How many results there are.
    pub(crate) fn results(&self) -> usize {
        let is_there = |trial: &u64| self.folder.join(format!("results/{trial}.json")).exists();
        (0..self.trials).filter(is_there).count()
    }

    /// How many arrays were submitted.
    pub(crate) fn arrays(&self) -> usize {
        let entries = fs::read_dir(self.folder.join("slurm")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| name.starts_with("array-") && !name.ends_with(".open"))
            .count()
    }

    /// Starts a process that runs it.
    pub(crate) fn start(&self, cluster: &Cluster) -> Running {
        self.start_with(cluster, |_| {})
    }

    pub(crate) fn start_with(
        &self,
        cluster: &Cluster,
        change: impl FnOnce(&mut Command),
    ) -> Running {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "sweep::process", "--ignored", "--nocapture"]);
        command.env(TOLD, serde_json::to_string(self).unwrap());
        command.env("SLURM_CONF", cluster.configuration());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (heard, out) = (Arc::clone(&said), child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Running { child, said }
    }
}

/// A process that runs a sweep. It stops when its standard input ends.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Running {
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, words: &str) {
        wait_until(words, || {
            let said = self.said();
            let over = ["outcome: ", "error: "]
                .iter()
                .any(|word| said.contains(word));
            assert!(
                !over || said.contains(words),
                "{words:?} was not said:\n{said}"
            );
            said.contains(words)
        });
    }

    /// All that it said, once it has ended.
    pub(crate) fn end(mut self) -> String {
        wait_until("the end of the sweep", || {
            self.child.try_wait().unwrap().is_some()
        });
        wait_until("its last words", || self.said().contains("test result: "));
        self.said()
    }

    /// Asks it to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.child.stdin.take());
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

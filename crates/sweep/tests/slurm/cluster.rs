//! A real Slurm of one node, which a test has for itself.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A cluster with two processors and the partitions `main` and `short`, in a folder of its own.
pub(crate) struct Cluster {
    place: tempfile::TempDir,
    /// Ends the cluster where this program is killed.
    watch: Child,
}

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../sweep/tests/slurm/one-node.sh"
);

/// A cluster; none where Slurm is not installed, which the environment variable CI forbids.
pub(crate) fn cluster() -> Option<Cluster> {
    let look = "PATH=\"$PATH:/usr/sbin\"; for name in slurmctld slurmd sbatch munged; do command -v $name; done | wc -l";
    let found = Command::new("sh").args(["-c", look]).output().unwrap();
    if String::from_utf8_lossy(&found.stdout).trim() != "4" {
        let missing = "Slurm is not installed: apt-get install slurmctld slurmd slurm-client munge";
        assert!(env::var_os("CI").is_none(), "{missing}");
        eprintln!("this test is skipped: {missing}");
        return None;
    }
    // Short, for the daemons' sockets lie in it.
    let place = tempfile::Builder::new()
        .prefix("ran-")
        .tempdir_in("/tmp")
        .unwrap();
    let status = Command::new(SCRIPT)
        .arg("start")
        .arg(place.path())
        .status()
        .unwrap();
    assert!(status.success(), "the cluster does not start");
    let watch = "tail --pid=\"$1\" -f /dev/null; \"$2\" stop \"$3\"; rm -rf \"$3\"";
    let watch = Command::new("setsid")
        .args([
            "sh",
            "-c",
            watch,
            "watch",
            &std::process::id().to_string(),
            SCRIPT,
        ])
        .arg(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Some(Cluster {
        place,
        watch: watch.unwrap(),
    })
}

impl Cluster {
    /// A folder for a test's own files, with a space in its name.
    pub(crate) fn folder(&self) -> PathBuf {
        let folder = self.place.path().join("a sweep");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.place.path().join("slurm.conf")
    }

    /// What a client of Slurm prints; it must succeed.
    pub(crate) fn client(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("SLURM_CONF", self.configuration());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The names of the jobs that wait or run, one for each task.
    pub(crate) fn queue(&self) -> Vec<String> {
        let names = self.client("squeue", &["--noheader", "--array", "--format=%j"]);
        names.lines().map(str::to_owned).collect()
    }

    /// The node's name.
    pub(crate) fn node(&self) -> String {
        let node = self.client("sinfo", &["--noheader", "--partition=main", "--format=%n"]);
        node.trim().to_owned()
    }

    /// The node's state.
    pub(crate) fn node_state(&self) -> String {
        let state = self.client("sinfo", &["--noheader", "--partition=main", "--format=%T"]);
        state.trim().to_owned()
    }

    /// Sends a signal to one of the daemons.
    pub(crate) fn signal(&self, daemon: &str, signal: &str) {
        let pid = self.place.path().join("run").join(format!("{daemon}.pid"));
        let pid = std::fs::read_to_string(pid).unwrap();
        let status = Command::new("kill").args([signal, pid.trim()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The watch leads a group of its own.
        let group = format!("-{}", self.watch.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.watch.wait();
        let mut stop = Command::new(SCRIPT);
        let _ = stop
            .arg("stop")
            .arg(self.place.path())
            .stderr(Stdio::null())
            .status();
    }
}

/// Waits for something that must come; the bound only keeps a broken test from hanging.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(
            began.elapsed() < Duration::from_secs(180),
            "waited in vain: {what}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}

/// The lines of a file; none where it is not there.
pub(crate) fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

//! A sweep on a real Slurm of one node comes to the results of the same sweep on this machine.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::sweeping::{place, sweep, trials};
use crate::{command, files_below};

#[path = "../../../sweep/tests/slurm/cluster.rs"]
#[allow(dead_code, reason = "the tests of ran-sweep use the rest")]
mod slurm;

use slurm::cluster;
pub(super) use slurm::wait_until;

const LEAK: &str = "'reservoir.leak' = { from = 0.1, to = 1.0 }";
const REST: &str = "[method]\nname = 'random'\ntrials = 40\n[final]\nbest = 1\nset = { 'task.valid' = 0.0 }\n[slurm]\n\
                    trials_per_task = 5\npoll_seconds = 1\nretries = 5";

#[test]
fn a_sweep_on_a_cluster_whose_workers_are_killed_and_whose_node_is_drained_has_the_same_results() {
    let Some(cluster) = cluster() else { return };
    let place = place(&sweep(LEAK, REST));
    let run = |arguments: &[&str]| {
        let mut command = command(place.path(), arguments);
        command
            .env("SLURM_CONF", cluster.configuration())
            .stdout(Stdio::null());
        command
    };
    let local = run(&["sweep", "s.toml", "--out", "local", "--quiet"])
        .status()
        .unwrap();
    assert!(local.success());

    let mut driver = run(&["sweep", "s.toml", "--out", "cluster", "--on", "slurm"]);
    let mut driver = driver.stderr(Stdio::null()).spawn().unwrap();
    let folder = place.path().join("cluster");
    wait_until("three trials are done", || done(&folder) >= 3);
    // The workers of this sweep alone: they are called with its folder.
    let workers = format!("sweep worker {}", folder.display());
    wait_until("a worker is killed", || {
        let mut kill = std::process::Command::new("pkill");
        kill.args(["-9", "-f", &workers])
            .status()
            .unwrap()
            .success()
    });
    assert!(done(&folder) < 40, "the sweep goes on");
    let node = format!("nodename={}", cluster.node());
    cluster.client("scontrol", &["update", &node, "state=drain", "reason=test"]);
    wait_until("the node is drained", || {
        cluster.node_state().contains("drain")
    });
    cluster.client("scontrol", &["update", &node, "state=resume"]);
    assert!(driver.wait().unwrap().success());
    let results = |name: &str| trials(&place.path().join(name));
    assert_eq!(results("cluster").len(), 40);
    assert_eq!(results("cluster"), results("local"));
    assert_eq!(results("cluster/final"), results("local/final"));

    // What goes on with it goes on where it ran, without being told: jobs that are still there have the same trials.
    let jobs = || fs::read_dir(folder.join("slurm")).unwrap().count();
    let before = jobs();
    let one = files_below(&folder.join("trials")).remove(0);
    fs::remove_file(folder.join("trials").join(one)).unwrap();
    let resumed = run(&["sweep", "--resume", "cluster", "--quiet"]).status();
    assert!(resumed.unwrap().success());
    assert_eq!(results("cluster"), results("local"));
    assert!(jobs() > before);
}

fn done(folder: &Path) -> usize {
    crate::sweeping::files_below_or_none(&folder.join("trials"))
}

#[test]
fn a_sweep_that_no_cluster_took_goes_on_on_this_machine_and_one_that_a_cluster_took_does_not() {
    let place = place(&sweep(LEAK, "[method]\nname = 'random'\ntrials = 2"));
    let resume = |more: &[&str]| {
        let arguments = [&["sweep", "s.toml", "--out", "out"], more].concat();
        let mut command = command(place.path(), &arguments);
        // Where nothing of Slurm is.
        let output = command.env("PATH", place.path()).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), err)
    };
    let (code, err) = resume(&["--on", "slurm"]);
    assert_eq!(code, Some(1), "{err}");
    assert!(
        err.contains("Slurm is not installed") && err.contains("--on local"),
        "{err}"
    );
    let trials_there = || done(&place.path().join("out"));
    assert_eq!((resume(&[]).0, trials_there()), (Some(0), 2));

    fs::create_dir(place.path().join("out/slurm/array-0001")).unwrap();
    let one = files_below(&place.path().join("out/trials")).remove(0);
    fs::remove_file(place.path().join("out/trials").join(one)).unwrap();
    let (code, err) = resume(&[]);
    assert_eq!(code, Some(1));
    assert!(err.contains("Slurm is not installed"), "{err}");
    let (code, err) = resume(&["--on", "slurm", "--workers", "2"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("max_running"), "{err}");
    assert_eq!(
        (resume(&["--workers", "1"]).0, trials_there()),
        (Some(0), 2)
    );
}

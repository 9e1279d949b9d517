//! Sweeps on a real Slurm of one node, which each test starts for itself. The worker is a shell script.
//!
//! Without Slurm the tests are skipped, unless the environment variable CI is set.

#![cfg(unix)]

mod cluster;
mod sweep;

use std::{env, fs};

use cluster::{cluster, wait_until};
use sweep::Sweep;

const ALL: &str = "outcome: 40 done, 0 failed, stopped false";

#[test]
fn forty_trials_are_all_done_and_none_twice() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 40, "sleep 0.05");
    sweep.options.trials_per_task = Some(5);
    sweep.options.array_size = 3;
    sweep.options.memory = Some("50M".to_owned());
    sweep.options.partition = Some("main".to_owned());
    sweep.options.time = Some("10:00".to_owned());
    sweep.options.extra = vec![
        "--nice=10".to_owned(),
        "--comment=\"one of mine\"".to_owned(),
    ];
    let said = sweep.start(&cluster).end();
    assert!(said.contains(ALL), "{said}");
    assert_eq!(sweep.all_starts(), [1; 40]);
    // Eight tasks, at most three in an array.
    assert_eq!(sweep.arrays(), 3, "{said}");
    assert!(said.contains("array 3 is submitted as job "), "{said}");
    assert!(
        said.contains("40 of 40 trials are done; 0 tasks run, 0 wait\n"),
        "{said}"
    );
    // A second run has nothing to do, and says nothing to Slurm.
    let said = sweep
        .start_with(&cluster, |command| {
            command.env("PATH", "/nowhere");
        })
        .end();
    assert!(said.contains(ALL), "{said}");
}

#[test]
fn trials_whose_workers_were_killed_are_run_again_and_no_others() {
    let Some(cluster) = cluster() else { return };
    let work = "case $trial in 5|17|39) [ $(wc -l <started/$trial) -gt 1 ] || kill -9 $$ ;; esac";
    let mut sweep = Sweep::new(&cluster, 40, work);
    sweep.options.trials_per_task = Some(10);
    let said = sweep.start(&cluster).end();
    assert!(said.contains(ALL), "{said}");
    let mut expected = [1; 40];
    for trial in [5, 17, 39] {
        expected[trial] = 2;
    }
    assert_eq!(sweep.all_starts(), expected);
    assert!(
        said.contains("without a result, whose last task ended as FAILED"),
        "{said}"
    );
}

#[test]
fn a_drained_node_holds_a_sweep_up_and_costs_nothing() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 40, "sleep 0.1");
    sweep.options.trials_per_task = Some(8);
    sweep.options.retries = 0;
    let running = sweep.start(&cluster);
    wait_until("the first results", || sweep.results() >= 3);
    let node = format!("nodename={}", cluster.node());
    cluster.client(
        "scontrol",
        &["update", &node, "state=drain", "reason=a test"],
    );
    wait_until("the node is drained", || cluster.node_state() == "drained");
    running.wait_for("tasks may wait for ever: Slurm says ");
    assert!(sweep.results() < 40);
    cluster.client("scontrol", &["update", &node, "state=resume"]);
    let said = running.end();
    assert!(said.contains(ALL), "{said}");
    assert_eq!(sweep.all_starts(), [1; 40]);
}

#[test]
fn after_kill_9_of_the_sweep_its_jobs_are_followed_and_not_submitted_again() {
    let Some(cluster) = cluster() else { return };
    let work = "while [ ! -e open ]; do sleep 0.1; done";
    let mut sweep = Sweep::new(&cluster, 40, work);
    sweep.options.trials_per_task = Some(4);
    let first = sweep.start(&cluster);
    first.wait_for("2 tasks run, 8 wait");
    first.kill();
    let second = sweep.start(&cluster);
    second.wait_for("followed are the jobs of an earlier run that still wait or run: 10 tasks with 40 trials to go");
    sweep.write("results/open", "");
    let said = second.end();
    assert!(said.contains(ALL), "{said}");
    assert_eq!(sweep.all_starts(), [1; 40]);
    assert_eq!(sweep.arrays(), 1, "{said}");
}

#[test]
fn a_stop_cancels_the_jobs_of_the_sweep_alone_and_a_later_run_goes_on() {
    let Some(cluster) = cluster() else { return };
    let work = "[ $trial -lt 3 ] || [ -e open ] || { echo waiting; while [ ! -e open ]; do sleep 0.1; done; }";
    let mut sweep = Sweep::new(&cluster, 40, work);
    sweep.options.trials_per_task = Some(8);
    sweep.options.max_running = Some(1);
    let other = cluster.client(
        "sbatch",
        &["--parsable", "--hold", "--job-name=other", "--wrap=true"],
    );
    let mut running = sweep.start(&cluster);
    running.wait_for("3 of 40 trials are done; 1 task runs, 4 wait (JobArrayTaskLimit)");
    running.stop();
    let said = running.end();
    assert!(
        said.contains("outcome: 3 done, 0 failed, stopped true"),
        "{said}"
    );
    wait_until("the sweep's jobs leave the queue", || {
        cluster.queue() == ["other"]
    });
    cluster.client("scancel", &[other.trim()]);
    sweep.write("results/open", "");
    sweep.options.max_running = None;
    let said = sweep.start(&cluster).end();
    assert!(said.contains(ALL), "{said}");
    let mut expected = [1; 40];
    expected[3] = 2;
    assert_eq!(sweep.all_starts(), expected);
}

#[test]
fn a_task_that_vanishes_from_the_queue_is_submitted_again() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 12, "while [ ! -e open ]; do sleep 0.1; done");
    sweep.options.trials_per_task = Some(2);
    let running = sweep.start(&cluster);
    running.wait_for("2 tasks run, 4 wait");
    cluster.client(
        "scancel",
        &[
            "--state=PENDING",
            "--quiet",
            &format!("--name={}", cluster.queue()[0]),
        ],
    );
    running.wait_for(
        "run again: 8 trials without a result, whose last task vanished from the queue as PENDING",
    );
    sweep.write("results/open", "");
    let said = running.end();
    assert!(said.contains("outcome: 12 done, 0 failed"), "{said}");
    assert_eq!(sweep.all_starts(), [1; 12]);
}

#[test]
fn a_worker_that_is_told_to_end_ends_between_trials_and_the_rest_is_run_in_another_task() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(
        &cluster,
        20,
        "until [ -e open ] || [ $trial -lt 2 ]; do sleep 0.1; done",
    );
    sweep.options.trials_per_task = Some(20);
    sweep.options.retries = 0;
    let running = sweep.start(&cluster);
    wait_until("the third trial is under way", || sweep.starts(2) == 1);
    // As Slurm does before the time limit, to the worker alone.
    cluster.client(
        "scancel",
        &[
            "--signal=TERM",
            "--batch",
            &format!("--name={}", cluster.queue()[0]),
        ],
    );
    sweep.write("results/open", "");
    let said = running.end();
    assert!(said.contains("outcome: 20 done, 0 failed"), "{said}");
    assert!(
        said.contains("run again: 17 trials without a result, whose last task ended as COMPLETED"),
        "{said}"
    );
    assert_eq!(sweep.all_starts(), [1; 20]);
}

#[test]
fn a_trial_that_always_fails_is_reported_with_its_log_and_the_others_go_on() {
    let Some(cluster) = cluster() else { return };
    let work = "[ $trial != 3 ] || { echo 'cannot draw 3' >&2; kill -9 $$; }";
    let mut sweep = Sweep::new(&cluster, 12, work);
    sweep.options.trials_per_task = Some(6);
    sweep.options.retries = 1;
    let said = sweep.start(&cluster).end();
    assert!(
        said.contains("outcome: 11 done, 1 failed, stopped false"),
        "{said}"
    );
    assert!(said.contains("failure: trial 3 left no result in 2 tries: its last task ended as FAILED, and its log "), "{said}");
    assert!(
        said.contains("/slurm/array-0002/1.log ends with \"cannot draw 3\""),
        "{said}"
    );
    assert_eq!(sweep.all_starts(), [1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn results_count_and_not_what_slurm_says_of_their_tasks() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 8, "true");
    sweep.options.trials_per_task = Some(2);
    sweep.options.retries = 0;
    // All results are there, and then a worker fails and two never end, which keep the last from running.
    let end = "case $trial in 1) exit 1 ;; 3 | 5) while :; do sleep 0.1; done ;; esac\n";
    sweep.write("results/end", end);
    let said = sweep.start(&cluster).end();
    assert!(said.contains("outcome: 8 done, 0 failed"), "{said}");
    assert!(!said.contains("run again"), "{said}");
    assert_eq!(sweep.all_starts(), [1; 8]);
    wait_until("the jobs that never end are cancelled", || {
        cluster.queue().is_empty()
    });
}

#[test]
fn a_task_that_only_seems_to_run_takes_no_others_with_it() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 6, "while [ ! -e open ]; do sleep 0.1; done");
    sweep.options.trials_per_task = Some(1);
    sweep.options.retries = 0;
    // As after a crash of the controller: the last task's result is there, the task waits, and the queue has shown it running.
    let squeue = "#!/bin/sh\nPATH=\"${PATH#*:}\" squeue \"$@\" | sed '/|5|/s/PENDING/RUNNING/'\n";
    let scancel = "#!/bin/sh\necho \"$@\" >>\"$(dirname \"$0\")/calls\"\nPATH=\"${PATH#*:}\" exec scancel \"$@\"\n";
    sweep.program("bin/squeue", squeue);
    let calls = sweep
        .program("bin/scancel", scancel)
        .with_file_name("calls");
    let running = sweep.start_with(&cluster, |command| sweep.put_first(command, "bin"));
    running.wait_for("3 tasks run, 3 wait");
    sweep.write("results/5.json", "{}");
    wait_until("the task is cancelled", || cluster::lines(&calls) > 0);
    assert_eq!(cluster.queue().len(), 6);
    sweep.write("results/open", "");
    let said = running.end();
    assert!(said.contains("outcome: 6 done, 0 failed"), "{said}");
    assert!(!said.contains("run again"), "{said}");
}

#[test]
fn a_controller_that_does_not_answer_is_waited_for() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 40, "sleep 0.1");
    sweep.options.trials_per_task = Some(8);
    sweep.options.client_seconds = 2;
    let running = sweep.start(&cluster);
    wait_until("the first results", || sweep.results() >= 3);
    cluster.signal("slurmctld", "-STOP");
    running.wait_for(
        "Slurm does not answer, the sweep waits and asks again: squeue did not answer within 2 s",
    );
    cluster.signal("slurmctld", "-CONT");
    running.wait_for("Slurm answers again");
    let said = running.end();
    assert!(said.contains(ALL), "{said}");
    assert_eq!(sweep.all_starts(), [1; 40]);
}

#[test]
fn an_array_of_which_nobody_knows_whether_it_was_taken_is_not_submitted_twice() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 12, "true");
    sweep.options.trials_per_task = Some(4);
    // The first call gets no answer and nothing done, the second gets no answer and the job taken.
    let sbatch = r#"#!/bin/sh
cd "$(dirname "$0")"
echo x >>calls
[ $(wc -l <calls) = 1 ] || PATH="${PATH#*:}" sbatch "$@" >/dev/null
echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2
exit 1
"#;
    let calls = sweep.program("bin/sbatch", sbatch).with_file_name("calls");
    let said = sweep.start_with(&cluster, |command| sweep.put_first(command, "bin"));
    let said = said.end();
    assert!(said.contains("outcome: 12 done, 0 failed"), "{said}");
    let expected = "Slurm takes no array now, the sweep waits and tries again: Batch job submission failed: Socket timed out";
    assert!(said.contains(expected), "{said}");
    assert_eq!(cluster::lines(&calls), 2, "{said}");
    assert_eq!(
        (sweep.arrays(), sweep.all_starts()),
        (1, vec![1; 12]),
        "{said}"
    );
}

#[test]
fn jobs_that_are_never_scheduled_are_said_with_slurms_reason() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 4, "true");
    sweep.options.partition = Some("short".to_owned());
    sweep.options.time = Some("5".to_owned());
    let mut running = sweep.start(&cluster);
    running.wait_for("4 tasks may wait for ever: Slurm says PartitionTimeLimit; `slurm.time` is above the partition's limit");
    running.stop();
    let said = running.end();
    assert!(
        said.contains("outcome: 0 done, 0 failed, stopped true"),
        "{said}"
    );
    wait_until("the queue is empty", || cluster.queue().is_empty());
}

#[test]
fn what_slurm_refuses_is_an_error_and_leaves_nothing() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 4, "true");
    sweep.options.partition = Some("nosuch".to_owned());
    let said = sweep.start(&cluster).end();
    let expected = "error: `slurm.partition` is \"nosuch\", which this cluster does not have; it has main, short";
    assert!(said.contains(expected), "{said}");
    assert_eq!(sweep.arrays(), 0);

    sweep.options.partition = None;
    sweep.options.memory = Some("9999G".to_owned());
    let said = sweep.start(&cluster).end();
    let expected =
        "error: Slurm refuses the sweep's jobs: Memory specification can not be satisfied";
    assert!(
        said.contains(expected) && said.contains("--mem=9999G"),
        "{said}"
    );

    sweep.options.time = Some("2h".to_owned());
    let said = sweep.start(&cluster).end();
    assert!(
        said.contains("error: `slurm.time` is \"2h\"; allowed are minutes"),
        "{said}"
    );
    assert!(cluster.queue().is_empty());
}

#[test]
fn workers_that_cannot_start_end_the_sweep_with_what_the_shell_said() {
    let Some(cluster) = cluster() else { return };
    let mut sweep = Sweep::new(&cluster, 8, "true");
    sweep.options.trials_per_task = Some(4);
    sweep.options.retries = 1;
    sweep.write("worker", "#!/no/such/shell\n");
    let said = sweep.start(&cluster).end();
    assert!(
        said.contains("tasks in a row came to nothing, and the sweep stops"),
        "{said}"
    );
    assert!(
        said.contains("not found") || said.contains("No such file"),
        "{said}"
    );
}

#[test]
fn without_slurm_the_sweep_says_so() {
    let place = tempfile::tempdir().unwrap();
    let job = ran_sweep::slurm::Job {
        name: "a".to_owned(),
        folder: place.path().join("slurm"),
        program: "true".into(),
        arguments: Vec::new(),
        options: ran_sweep::slurm::SlurmConfig::default(),
    };
    // Where it is installed, the clients are looked for in vain by a process with another PATH.
    if env::var_os("RAN_SWEEP_WITHOUT").is_none() {
        let mut command = std::process::Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "without_slurm_the_sweep_says_so"])
            .env("PATH", "/nowhere")
            .env("RAN_SWEEP_WITHOUT", "1");
        assert!(command.status().unwrap().success());
        return;
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    let error = ran_sweep::slurm::run(&job, &[0], &mut |_| false, &stop, &mut |_| {}).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("Slurm is not installed on this machine, which has no `"),
        "{error}"
    );
    assert!(
        fs::read_dir(place.path().join("slurm"))
            .unwrap()
            .all(|entry| entry.unwrap().file_name() == "id")
    );
}

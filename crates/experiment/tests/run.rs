//! Runs that are stopped, killed or fail at the worst moment, through the library.

#![allow(missing_docs, reason = "a test crate")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ran_experiment::{
    BackendKind, Experiment, Notice, Place, ResumeError, RunError, RunOptions, Summary, Trials,
    collect, resume, run,
};
use ran_learning::Event;
use ran_tasks::Split;

/// The default experiment with settings.
fn experiment<S: AsRef<str>>(settings: &[S]) -> Experiment {
    let settings = settings.iter().map(|text| text.as_ref().parse().unwrap());
    Experiment::open(None, &settings.collect::<Vec<_>>()).unwrap()
}

/// These seeds in that folder.
fn options(seeds: &str, folder: &Path) -> RunOptions {
    RunOptions {
        seeds: seeds.parse().unwrap(),
        place: Place::Named(folder.into()),
        ..RunOptions::default()
    }
}

/// A run of two seeds that is stopped while one of them is judged, as by Ctrl-C, and its folder.
fn stopped_while_judging(which: u64) -> (Summary, tempfile::TempDir) {
    let experiment = experiment(&["reservoir.population.0.units=4", "reservoir.input_copies=1"]);
    let place = tempfile::tempdir().unwrap();
    let options = options("0..2", place.path());
    let stop = AtomicBool::new(false);
    let mut now = 0;
    let mut observe = |notice: Notice<'_>| {
        match notice {
            Notice::Seed { seed, .. } => now = seed,
            Notice::Learning(Event::Judging) if now == which => {
                stop.store(true, Ordering::Relaxed);
            }
            _ => {}
        }
        Ok(())
    };
    let summary = run(&experiment, &options, &stop, &mut observe).unwrap();
    (summary, place)
}

#[test]
fn a_run_that_is_stopped_when_its_last_seed_is_judged_is_complete() {
    let (summary, place) = stopped_while_judging(1);
    assert!(!summary.interrupted);
    assert_eq!(summary.seeds, [0, 1]);
    let again = resume(place.path(), &AtomicBool::new(false), &mut |_| Ok(()));
    let complete = matches!(again, Err(RunError::Resume(ResumeError::Complete { .. })));
    assert!(complete, "{again:?}");
}

#[test]
fn a_run_that_is_stopped_when_another_seed_is_judged_goes_on_with_the_next() {
    let (summary, place) = stopped_while_judging(0);
    assert!(summary.interrupted);
    assert_eq!(summary.seeds, [0]);
    let again = resume(place.path(), &AtomicBool::new(false), &mut |_| Ok(()));
    let summary = again.unwrap();
    assert!(!summary.interrupted);
    assert_eq!(summary.seeds, [0, 1]);
}

#[test]
fn a_trial_that_is_stopped_before_there_is_a_model_was_stopped_and_did_not_fail() {
    for regime in ["reservoir", "full", "hybrid"] {
        let experiment = experiment(&[
            "reservoir.population.0.units=4".to_owned(),
            "reservoir.input_copies=1".to_owned(),
            format!("learning.regime={regime}"),
        ]);
        let mut trials = Trials::new(BackendKind::default());
        let outcome = trials.run(&experiment, 0, Split::Test, &AtomicBool::new(true));
        assert!(matches!(outcome, Err(RunError::Stopped)), "{outcome:?}");
    }
}

#[test]
fn a_run_that_was_killed_between_a_record_and_its_checkpoints_end_goes_on_with_the_next_seed() {
    let experiment = experiment(&[
        "reservoir.population.0.units=2",
        "reservoir.population.0.d_unit=8",
        "reservoir.input_copies=1",
        "learning.regime=full",
        "learning.epochs=2",
    ]);
    let place = tempfile::tempdir().unwrap();
    let options = options("0..2", place.path());
    let checkpoint = place.path().join("checkpoint.safetensors");
    let mut last = None;
    let mut observe = |notice: Notice<'_>| {
        if let (Notice::Learning(Event::Judging), None) = (notice, &last) {
            last = Some(std::fs::read(&checkpoint).unwrap());
        }
        Ok(())
    };
    let stop = AtomicBool::new(false);
    let whole = run(&experiment, &options, &stop, &mut observe).unwrap();
    let records = place.path().join("records.jsonl");
    let text = std::fs::read_to_string(&records).unwrap();
    let first = text.split_inclusive('\n').next().unwrap();
    std::fs::write(&records, first).unwrap();
    std::fs::write(&checkpoint, last.unwrap()).unwrap();
    let summary = resume(place.path(), &stop, &mut |_| Ok(())).unwrap();
    assert_eq!((summary.mean, summary.seeds), (whole.mean, whole.seeds));
    assert!(!checkpoint.exists());
}

#[test]
fn a_seed_that_fails_is_written_down_until_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data.csv");
    let rows = |steps: usize| {
        (0..steps)
            .map(|step| format!("{}\n", step % 5))
            .collect::<String>()
    };
    std::fs::write(&data, rows(40)).unwrap();
    let experiment = experiment(&[
        "reservoir.population.0.units=2",
        "reservoir.population.0.d_unit=8",
        "task.name=files",
        "task.horizon=1",
        &format!("task.data={}", data.display()),
    ]);
    let folder = place.path().join("run");
    let options = options("0..3", &folder);
    let stop = AtomicBool::new(false);
    let mut observe = |notice: Notice<'_>| match notice {
        Notice::Record(..) => std::fs::remove_file(&data),
        _ => Ok(()),
    };
    let failed = run(&experiment, &options, &stop, &mut observe).unwrap_err();
    let group = collect(std::slice::from_ref(&folder))
        .unwrap()
        .groups
        .remove(0);
    assert_eq!(group.missing.to_string(), "1..3");
    assert_eq!(group.failed.len(), 1);
    assert_eq!(
        (group.failed[0].seed, &group.failed[0].problem),
        (1, &failed.to_string())
    );

    std::fs::write(&data, rows(40)).unwrap();
    let summary = resume(&folder, &stop, &mut |_| Ok(())).unwrap();
    assert_eq!(summary.seeds, [0, 1, 2]);
    let group = collect(std::slice::from_ref(&folder))
        .unwrap()
        .groups
        .remove(0);
    assert!(group.missing.is_empty() && group.failed.is_empty());
    let state = std::fs::read_to_string(folder.join("run.json")).unwrap();
    assert!(!state.contains("failed"), "{state}");
}

//! Workers that end before their trials do, by a program that is a few lines of shell.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicBool;

use ran_sweep::{
    Bench, Executor, Facts, Judged, Metric, Parameters, Stage, StageError, Sweep, SweepConfig,
    SweepError, Workers,
};
use tempfile::TempDir;

/// Scores trials by their point; trial 3 always kills its worker, trial 5 the first time alone, and 7 fails.
const WORKER: &str = r#"#!/bin/sh
folder=$1
echo "begin $$" >&2
while read -r trial; do
    echo "trial $trial on $RAYON_NUM_THREADS threads of $$" >&2
    [ "$trial" = 3 ] && kill -9 $$
    if [ "$trial" = 5 ] && [ ! -e "$folder/died" ]; then touch "$folder/died"; kill -9 $$; fi
    number=$(printf %06d "$trial")
    mkdir -p "$folder/trials/000"
    score="\"score\":0.$trial,\"problem\":null"
    [ "$trial" = 7 ] && score="\"score\":null,\"problem\":\"it does not fit\""
    echo "{\"trial\":$trial,\"point\":{},\"parameters\":null,\"seeds\":[],$score,\"seconds\":0.1,\"command\":\"\"}" > "$folder/$number.$$"
    # Whole or absent, as the program itself leaves it: the process may be ended at any moment.
    mv "$folder/$number.$$" "$folder/trials/000/$number.json"
    [ -e "$folder/broken" ] && { echo "broken the disk is full"; exit 1; }
    echo done
done
"#;

struct Plain;

impl Bench for Plain {
    fn metric(&mut self) -> Result<Metric, String> {
        Ok(Metric {
            name: "accuracy".into(),
            higher_is_better: true,
        })
    }

    fn facts(&mut self, _: &[String], _: Judged) -> Result<Facts, String> {
        Ok(Facts {
            parameters: Parameters {
                trained: 1,
                fixed: 2,
            },
            bytes: 1,
        })
    }
}

struct Shell(Workers);

impl Executor for Shell {
    fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        _: Option<Facts>,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), SweepError> {
        let ran = self.0.run(stage, trials, stop, done);
        ran.map_err(|error| SweepError::workers(stage.folder(), error))
    }
}

fn place() -> (TempDir, Shell) {
    let place = TempDir::new().unwrap();
    let program = place.path().join("worker.sh");
    fs::write(&program, WORKER).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let workers = Workers::new(program, Vec::new(), 3, 1);
    (place, Shell(workers))
}

fn begin(place: &TempDir) -> Sweep {
    let config: SweepConfig =
        toml::from_str("base = 'x'\n[space]\na = { from = 0, to = 9 }\n[method]\nname = 'grid'")
            .unwrap();
    let (folder, stop) = (place.path().join("out"), AtomicBool::new(false));
    Sweep::begin(&folder, "s", &config, None, &mut Plain, &stop).unwrap()
}

#[test]
fn a_trial_that_ends_its_worker_twice_is_given_up_and_stops_no_other() {
    let (place, mut shell) = place();
    let sweep = begin(&place);
    let mut told = Vec::new();
    sweep
        .run(
            &mut Plain,
            &mut shell,
            &AtomicBool::new(false),
            &mut |notice| {
                if let ran_sweep::SweepNotice::Trial(trial) = notice {
                    told.push(trial.trial);
                }
            },
        )
        .unwrap();
    told.sort_unstable();
    assert_eq!(told, (0..10).collect::<Vec<_>>());
    let (results, last) = sweep.results(&mut Plain).unwrap();
    assert!(last.is_none());
    let scores: BTreeMap<u64, Option<f64>> = results
        .trials
        .iter()
        .map(|trial| (trial.trial, trial.score))
        .collect();
    assert_eq!(scores[&5], Some(0.5));
    assert_eq!(scores.values().filter(|score| score.is_some()).count(), 8);
    let problem = |trial: usize| results.trials[trial].problem.clone().unwrap();
    assert!(
        problem(3).contains("ended 2 times") && problem(3).contains("signal: 9"),
        "{}",
        problem(3)
    );
    assert_eq!(problem(7), "it does not fit");
    let log = fs::read_to_string(place.path().join("out/workers.log")).unwrap();
    assert!(log.contains("trial 0 on 1 threads"), "{log}");
    // Three, and one at most for each of the three that died: where others have taken what was left, there is no need of one.
    let begun: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("begin "))
        .collect();
    assert!((4..=6).contains(&begun.len()), "{log}");
    for process in begun {
        let ran = log
            .lines()
            .any(|line| line.starts_with("trial") && line.ends_with(&format!(" of {process}")));
        assert!(ran, "{process} was started without need: {log}");
    }
}

#[test]
fn a_worker_that_cannot_go_on_ends_the_sweep_which_can_be_gone_on_with() {
    let (place, mut shell) = place();
    let sweep = begin(&place);
    fs::write(place.path().join("out/broken"), "").unwrap();
    let run = |sweep: &Sweep, shell: &mut Shell| {
        sweep.run(&mut Plain, shell, &AtomicBool::new(false), &mut |_| {})
    };
    let error = run(&sweep, &mut shell).unwrap_err().to_string();
    assert!(
        error.contains("the disk is full") && error.contains("--resume"),
        "{error}"
    );
    fs::remove_file(place.path().join("out/broken")).unwrap();
    drop(sweep);
    let sweep = Sweep::open(&place.path().join("out")).unwrap();
    run(&sweep, &mut shell).unwrap();
    assert_eq!(sweep.results(&mut Plain).unwrap().0.trials.len(), 10);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let (place, mut shell) = place();
    let sweep = begin(&place);
    shell.0 = Workers::new(place.path().join("gone"), Vec::new(), 1, 1);
    let error = sweep
        .run(&mut Plain, &mut shell, &AtomicBool::new(false), &mut |_| {})
        .unwrap_err();
    assert!(
        error.to_string().contains("a worker cannot be started"),
        "{error}"
    );
}

#[test]
fn a_sweep_that_is_stopped_says_how_to_go_on() {
    let (place, mut shell) = place();
    let sweep = begin(&place);
    let error = sweep
        .run(&mut Plain, &mut shell, &AtomicBool::new(true), &mut |_| {})
        .unwrap_err();
    assert!(error.to_string().contains("--resume"), "{error}");
}

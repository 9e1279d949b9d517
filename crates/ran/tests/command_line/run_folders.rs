//! Run folders on hard days: locks, edited configurations, killed runs, readers that go away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    FILES, TEST, TRAIN, assert_sentence, assert_usage, command, experiment, files_below, run,
    succeed, without_seconds,
};

fn text(place: &Path, file: &str) -> String {
    fs::read_to_string(place.join(file)).unwrap()
}

/// Leaves the records of a run's first seeds alone, as if it had been killed after them.
fn cut(place: &Path, folder: &str, kept: usize) {
    let file = format!("{folder}/records.jsonl");
    let records = text(place, &file);
    let lines = records.split_inclusive('\n').take(kept);
    fs::write(place.join(file), lines.collect::<String>()).unwrap();
}

#[test]
fn a_configuration_that_was_edited_is_not_gone_on_with() {
    let place = TempDir::new().unwrap();
    let more = ["--seeds", "0..2", "--json", "--out", "run"];
    let whole = succeed(place.path(), &experiment(&more));
    cut(place.path(), "run", 1);
    let config = text(place.path(), "run/config.toml");
    fs::write(
        place.path().join("run/config.toml"),
        config.replace("leak = 0.5", "leak = 0.75"),
    )
    .unwrap();
    let resume = ["experiment", "--resume", "run", "--json"];
    let outcome = run(place.path(), &resume);
    assert_sentence(
        &outcome,
        &[
            "run/config.toml",
            "its reservoir.leak is 0.75",
            "record of seed 0 is 0.5",
        ],
    );
    assert_eq!(text(place.path(), "run/records.jsonl").lines().count(), 1);

    fs::write(place.path().join("run/config.toml"), config).unwrap();
    let outcome = succeed(place.path(), &resume);
    assert_eq!(without_seconds(&outcome.out), without_seconds(&whole.out));
}

/// Starts a run that does not end by itself, and waits until it has a record.
fn endless(place: &Path) -> Child {
    let mut command = command(
        place,
        &experiment(&["--seeds", "0..1000000", "--out", "run"]),
    );
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while !place.join("run/records.jsonl").exists() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "it ended before its first record");
        std::thread::yield_now();
    }
    child
}

#[test]
fn two_runs_do_not_share_a_folder_and_a_killed_one_holds_it_no_longer() {
    let place = TempDir::new().unwrap();
    let mut child = endless(place.path());
    let again = experiment(&["--out", "run"]);
    for arguments in [&again[..], &["experiment", "--resume", "run"]] {
        let outcome = run(place.path(), arguments);
        assert_sentence(&outcome, &["run: another run is writing into it"]);
        assert_eq!(outcome.out, "");
    }
    assert!(child.try_wait().unwrap().is_none(), "the first run goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    succeed(place.path(), &again);
    let records = text(place.path(), "run/records.jsonl");
    assert_eq!(records.lines().count(), 1);
    assert!(!place.path().join("run/.lock").exists());
}

#[test]
fn a_run_that_nobody_reads_goes_on_to_its_end() {
    let place = TempDir::new().unwrap();
    for format in [&["--json"][..], &[]] {
        let more = [&["--seeds", "0..4", "--out", "run"], format].concat();
        let mut command = command(place.path(), &experiment(&more));
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(text(place.path(), "run/records.jsonl").lines().count(), 4);
        let outcome = run(place.path(), &["experiment", "--resume", "run"]);
        assert_sentence(&outcome, &["complete"]);
    }
}

#[test]
fn a_run_that_was_killed_before_it_began_leaves_its_folder_to_a_new_one() {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join("run")).unwrap();
    let left = [".lock", ".run.json.aB3dE6"];
    for name in left {
        fs::write(place.path().join("run").join(name), "").unwrap();
        let outcome = run(place.path(), &["experiment", "--resume", "run"]);
        assert_sentence(&outcome, &["no run has begun in run yet", "--out run"]);
    }
    succeed(place.path(), &experiment(&["--out", "run"]));
    let hidden = |path: &PathBuf| path.to_str().unwrap().starts_with('.');
    assert!(!files_below(&place.path().join("run")).iter().any(hidden));
}

#[test]
fn a_run_that_was_killed_after_its_first_file_is_taken_up() {
    let place = TempDir::new().unwrap();
    let more = [
        "--seeds",
        "3..5",
        "--out",
        "run",
        "--set",
        "readout.ridge=0.5",
    ];
    succeed(place.path(), &experiment(&more));
    let folder = place.path().join("run");
    let (files, whole) = (files_below(&folder), text(place.path(), "run/config.toml"));
    for file in files.iter().filter(|file| !file.ends_with("run.json")) {
        fs::remove_file(folder.join(file)).unwrap();
    }
    fs::write(folder.join(".config.toml.aB3dE6"), "half").unwrap();
    succeed(place.path(), &["experiment", "--resume", "run"]);
    assert_eq!(files_below(&folder), files);
    assert_eq!(text(place.path(), "run/config.toml"), whole);
    let records = text(place.path(), "run/records.jsonl");
    assert_eq!(records.lines().count(), 2);
}

#[test]
fn what_cannot_be_fitted_is_known_before_an_earlier_run_goes() {
    let place = TempDir::new().unwrap();
    succeed(place.path(), &experiment(&["--out", "run"]));
    let records = text(place.path(), "run/records.jsonl");
    for (setting, words) in [
        ("learning.bias=quantile", "tanh units"),
        ("learning.qk=ridge", "queries and keys"),
    ] {
        let outcome = run(
            place.path(),
            &experiment(&["--out", "run", "--set", setting]),
        );
        assert_usage(&outcome, &[setting, words]);
        assert_eq!(text(place.path(), "run/records.jsonl"), records);
    }
}

#[test]
fn a_run_that_goes_on_sweeps_away_what_was_half_written() {
    let place = TempDir::new().unwrap();
    let more = ["--seeds", "0..2", "--out", "run"];
    succeed(place.path(), &experiment(&more));
    let files = files_below(&place.path().join("run"));
    cut(place.path(), "run", 1);
    for name in [".lock", ".records.jsonl.aB3dE6", ".confusion.png.Zz9yX8"] {
        fs::write(place.path().join("run").join(name), "half").unwrap();
    }
    succeed(place.path(), &["experiment", "--resume", "run"]);
    assert_eq!(files_below(&place.path().join("run")), files);
}

#[test]
fn somebodys_own_data_are_called_files_or_as_they_are_named() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    for (more, name) in [
        (&[][..], "files"),
        (&["japanese-vowels-two-kinds"], "files"),
        (&["--name", "my gestures"], "my gestures"),
    ] {
        let arguments = [&["experiment", "--json"], more, FILES].concat();
        let lines = succeed(place.path(), &arguments).lines();
        assert!(
            lines.iter().all(|line| line["experiment"] == name),
            "{lines:?}"
        );
        assert!(place.path().join("runs").join(name).is_dir());
        fs::remove_dir_all(place.path().join("runs")).unwrap();
    }
    for name in ["", "a/b", "..", ".a", "a\\b", "a\nb"] {
        let outcome = run(place.path(), &experiment(&["--name", name]));
        assert_usage(&outcome, &["cannot be called", &format!("{name:?}")]);
    }
    assert!(!place.path().join("runs").exists());
}

#[test]
fn a_run_leaves_its_model_and_pictures_out_where_it_is_told_to() {
    let place = TempDir::new().unwrap();
    let both = ["--no-model", "--no-pictures"];
    for (more, left_out) in [
        (&both[..1], &["model.safetensors"][..]),
        (&both[1..], &["confusion.png", "confusion.svg"]),
        (
            &both,
            &["model.safetensors", "confusion.png", "confusion.svg"],
        ),
    ] {
        let arguments = experiment(&[more, &["--seeds", "0..2", "--out", "run"]].concat());
        succeed(place.path(), &arguments);
        for name in ["model.safetensors", "confusion.png", "confusion.svg"] {
            let there = place.path().join("run").join(name).exists();
            assert_eq!(there, !left_out.contains(&name), "{more:?}: {name}");
        }
    }
    // Whoever goes on with the run leaves them out too.
    cut(place.path(), "run", 0);
    succeed(place.path(), &["experiment", "--resume", "run"]);
    let files = files_below(&place.path().join("run"));
    let names: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(names, ["config.toml", "records.jsonl", "run.json"]);
}

#[test]
fn a_collection_lists_the_seeds_that_are_missing() {
    let place = TempDir::new().unwrap();
    for (folder, seeds, units) in [("a", "0..5", "10"), ("b", "0..2", "4"), ("c", "5..8", "10")] {
        let units = format!("reservoir.population.0.units={units}");
        let out = format!("sweep/{folder}");
        let more = [
            "--seeds",
            seeds,
            "--out",
            &out,
            "--set",
            &units,
            "--no-pictures",
        ];
        succeed(place.path(), &experiment(&more));
    }
    // One was killed after two seeds, one before its first; and one failed.
    cut(place.path(), "sweep/a", 2);
    for file in ["records.jsonl", "config.toml"] {
        fs::remove_file(place.path().join("sweep/c").join(file)).unwrap();
    }
    let state = text(place.path(), "sweep/c/run.json");
    let mut state: Value = serde_json::from_str(&state).unwrap();
    state["failed"] = json!({ "seed": 5, "problem": "the disk burnt" });
    fs::write(place.path().join("sweep/c/run.json"), state.to_string()).unwrap();

    let collect = ["experiment", "collect", "sweep"];
    let outcome = succeed(place.path(), &[&collect[..], &["--json"]].concat());
    let lines = outcome.lines();
    assert_eq!(lines.len(), 2);
    let key = "reservoir.population.0.units";
    // Four comes before ten.
    assert_eq!(
        [&lines[0]["settings"][key], &lines[1]["settings"][key]],
        [4, 10]
    );
    assert_eq!(lines[0]["missing"], json!([]));
    assert_eq!(lines[0]["interrupted"], false);
    assert_eq!(lines[0]["trained_parameters"], 32 * 9 * 2 + 9);
    assert_eq!(lines[0]["fixed_parameters"], 11 * 64 * 4 + 8 * 8 * 4);
    assert_eq!(lines[1]["planned"], 8);
    assert_eq!(lines[1]["missing"], json!(["2..8"]));
    assert_eq!(
        lines[1]["failed"],
        json!([{ "seed": 5, "problem": "the disk burnt" }])
    );
    assert_eq!(lines[1]["interrupted"], true);

    let text = succeed(place.path(), &collect).out;
    for words in [
        "  2 of 8  ",
        "reservoir.population.0.units=10: 6 of 8 seeds missing: 2..8",
        "seed 5 failed: the disk burnt",
    ] {
        assert!(text.contains(words), "{words:?} is missing from: {text}");
    }
    let alone = succeed(place.path(), &["experiment", "collect", "sweep/a"]).out;
    assert!(alone.ends_with("3 of 5 seeds missing: 2..5\n"), "{alone}");
    let outcome = run(place.path(), &["experiment", "collect", "sweep/c"]);
    assert_eq!(outcome.code, Some(1));
    for words in [
        "sweep/c has no finished seed of the 5..8",
        "the disk burnt",
        "no run there",
    ] {
        assert!(outcome.err.contains(words), "{}", outcome.err);
    }
}

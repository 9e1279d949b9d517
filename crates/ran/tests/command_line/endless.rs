//! Files without an end: each is answered with a sentence, at once and in little memory.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Stdio;

use tempfile::TempDir;

use crate::{Outcome, assert_sentence, command, experiment, run, succeed};

const DEVICE: &str = "it is a device or a pipe; a regular file is needed";

/// A folder with a link to a device at a path.
fn endless(path: &str) -> TempDir {
    let place = TempDir::new().unwrap();
    let path = place.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("/dev/zero", path).unwrap();
    place
}

#[test]
fn a_model_without_end_is_refused_wherever_one_is_named() {
    let place = endless("m.safetensors");
    for words in [
        &["evaluate", "m.safetensors"][..],
        &["predict", "m.safetensors", "--input", "-"],
        &["export", "m.safetensors"],
    ] {
        let outcome = run(place.path(), &[&["experiment"], words].concat());
        assert_sentence(&outcome, &["m.safetensors cannot be read", DEVICE]);
    }
}

#[test]
fn a_configuration_without_end_is_refused() {
    let place = endless("x.toml");
    for command in ["experiment", "describe"] {
        let outcome = run(place.path(), &[command, "x.toml"]);
        assert_sentence(
            &outcome,
            &["x.toml cannot be read", "more than 16777216 bytes"],
        );
    }
}

#[test]
fn files_of_a_run_without_end_are_refused() {
    let place = endless("run/run.json");
    let resumed = run(place.path(), &["experiment", "--resume", "run"]);
    assert_sentence(&resumed, &["run.json cannot be read", DEVICE]);
    fs::write(place.path().join("run/records.jsonl"), "").unwrap();
    let collected = run(place.path(), &["experiment", "collect", "run"]);
    assert_sentence(&collected, &["run.json", DEVICE]);
}

#[test]
fn a_data_set_without_end_is_unreadable() {
    let place = endless("digits/digits.csv.gz");
    let verified = run(place.path(), &["datasets", "verify", "--folder", "."]);
    assert_eq!(verified.code, Some(1), "{}", verified.err);
    let line = format!("digits/digits.csv.gz  unreadable: {DEVICE}");
    assert!(verified.out.contains(&line), "{}", verified.out);
}

#[test]
fn a_line_without_end_on_standard_input_is_refused() {
    let place = TempDir::new().unwrap();
    let trained = experiment(&["--quiet", "--no-pictures", "--out", "run"]);
    succeed(place.path(), &trained);
    let words = [
        "experiment",
        "predict",
        "run/model.safetensors",
        "--input",
        "-",
    ];
    let mut command = command(place.path(), &words);
    let zeros = File::open("/dev/zero").unwrap();
    let output = command.stdin(Stdio::from(zeros)).output().unwrap();
    let outcome = Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert_sentence(
        &outcome,
        &["standard input, line 1: the line has more than 16777216 bytes"],
    );
    assert_eq!(outcome.out.lines().count(), 1, "the columns' names alone");
}

//! Odd names, settings that concern nothing, and readers that have gone.

use std::fs;
use std::process::Stdio;

use tempfile::TempDir;

use crate::{assert_sentence, assert_usage, command, experiment, run, succeed};

/// A folder with a model of Japanese Vowels.
fn trained() -> TempDir {
    let place = TempDir::new().unwrap();
    let more = ["--quiet", "--no-pictures", "--out", "run"];
    succeed(place.path(), &experiment(&more));
    place
}

const MODEL: &str = "run/model.safetensors";

#[test]
fn control_characters_of_names_and_fields_are_written_out() {
    let place = trained();
    let missing = run(place.path(), &["experiment", "no\nwhere\u{1b}[2J.toml"]);
    assert_sentence(&missing, &["no\\nwhere\\u{1b}[2J.toml cannot be read"]);
    fs::write(
        place.path().join("s.csv"),
        "1,2,3,4,5,6,7,8,9,10,11,\u{1b}[1m\n",
    )
    .unwrap();
    let words = ["experiment", "predict", MODEL, "--input", "s.csv"];
    let predicted = run(place.path(), &words);
    assert_sentence(&predicted, &["line 1: `\\u{1b}[1m` is not a number"]);
}

#[test]
fn a_setting_that_a_saved_model_has_no_use_for_is_refused() {
    let place = trained();
    fs::write(place.path().join("s.csv"), "a\n1\n").unwrap();
    for words in [
        &["evaluate", MODEL][..],
        &["predict", MODEL, "--input", "s.csv"],
        &["export", MODEL, "--out", "x.npz"],
    ] {
        for setting in ["x=1", "reservoir.leak=0.1"] {
            let words = [&["experiment"], words, &["--set", setting]].concat();
            let outcome = run(place.path(), &words);
            let key = setting.split(['.', '=']).next().unwrap();
            assert_usage(&outcome, &["--set", setting, key, "task"]);
        }
    }
}

/// A pipe whose reader has gone, as the writer's end for a child process.
#[cfg(unix)]
fn nobody() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[cfg(unix)]
#[test]
fn a_program_that_nobody_listens_to_does_its_work_and_does_not_panic() {
    let place = TempDir::new().unwrap();
    let describe = |threads: &str, vectors: &str| {
        let mut command = command(place.path(), &["describe"]);
        command.env("RAYON_NUM_THREADS", threads);
        command.env("RAN_VECTORS", vectors).stdout(Stdio::null());
        command.stderr(nobody()).status().unwrap().code()
    };
    assert_eq!(describe("100000", "plain"), Some(0));
    assert_eq!(describe("1", "none"), Some(2));
    let export = [
        "experiment",
        "export",
        "narma-10",
        "--set",
        "task.train=50",
        "--set",
        "task.test=50",
    ];
    let what = [
        "--set",
        "reservoir.population.0.units=20",
        "--what",
        "predictions",
        "--out",
        "x.npz",
    ];
    let mut command = command(place.path(), &[&export[..], &what].concat());
    let code = command.stdout(nobody()).stderr(nobody()).status().unwrap();
    assert_eq!(code.code(), Some(0));
    assert!(place.path().join("x.npz").is_file());
}

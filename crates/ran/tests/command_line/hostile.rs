//! What is absurd is answered with a sentence: no panic, no abort, no hang.

use std::fs;

use tempfile::TempDir;

use crate::{assert_sentence, assert_usage, command, experiment, run};

#[test]
fn a_setting_that_is_nested_too_deep_is_refused() {
    let place = TempDir::new().unwrap();
    let key = format!("task.{}=1", vec!["a"; 20_000].join("."));
    let value = format!("task.a={{{}=1}}", vec!["a"; 20_000].join("."));
    let lists = format!("task.a={}", "[".repeat(20_000));
    for setting in [&key, &value, &lists] {
        let outcome = run(place.path(), &experiment(&["--set", setting]));
        assert_usage(&outcome, &["--set", "task.", "levels", "at most 32"]);
        assert!(outcome.err.len() < 400, "{}", outcome.err);
    }
}

#[test]
fn a_file_that_is_nested_too_deep_is_refused() {
    let place = TempDir::new().unwrap();
    let deep = vec!["a"; 50].join(".");
    for text in [
        format!("[task]\n{} = 1\n", vec!["a"; 50_000].join(".")),
        format!("[task]\na = {}\n", "[".repeat(50_000)),
        format!("[{deep}]\n{deep} = {{ {deep} = {{ {deep} = 1 }} }}\n"),
    ] {
        fs::write(place.path().join("deep.toml"), text).unwrap();
        let outcome = run(place.path(), &["experiment", "deep.toml"]);
        assert_sentence(&outcome, &["deep.toml, line ", "levels", "at most 32"]);
    }
}

#[test]
fn an_absurd_number_of_threads_is_limited_with_a_sentence() {
    let place = TempDir::new().unwrap();
    for (threads, words) in [
        ("100000", "RAYON_NUM_THREADS is 100000: "),
        ("abc", "RAYON_NUM_THREADS is \"abc\""),
    ] {
        let mut command = command(place.path(), &experiment(&["--quiet", "--out", threads]));
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{err}");
        assert!(err.contains(words) && err.contains(" are started"), "{err}");
    }
    let mut command = command(place.path(), &experiment(&["--quiet", "--out", "two"]));
    let output = command.env("RAYON_NUM_THREADS", "2").output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!err.contains("RAYON"), "{err}");
}

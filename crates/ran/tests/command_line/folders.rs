//! What a run leaves in its folder, also when it fails or is killed.

use std::fs;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::{assert_sentence, command, experiment, files_below, run, succeed, without_seconds};

#[test]
fn a_run_leaves_a_folder_whose_configuration_runs_again() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &experiment(&[]));
    let written = files_below(place.path());
    let names: Vec<_> = written
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "config.toml",
            "confusion.png",
            "confusion.svg",
            "model.safetensors",
            "records.jsonl",
            "run.json"
        ]
    );
    assert!(
        written[0].starts_with("runs/japanese-vowels"),
        "{written:?}"
    );
    let run_folder = written[0].parent().unwrap().to_str().unwrap();
    assert!(outcome.out.contains(run_folder), "{}", outcome.out);

    let config = written[0].to_str().unwrap();
    let again = succeed(
        place.path(),
        &["experiment", config, "--json", "--out", "again"],
    );
    let records = fs::read_to_string(place.path().join(&written[4])).unwrap();
    let first: Value = serde_json::from_str(&records).unwrap();
    for field in ["test", "train", "ridge", "config"] {
        assert_eq!(again.lines()[0][field], first[field], "{field}");
    }
    assert_eq!(again.lines()[0]["experiment"], "config");
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_any_work() {
    let place = TempDir::new().unwrap();
    // A path below a regular file is one that not even root can create.
    fs::write(place.path().join("file"), "kept").unwrap();
    let outcome = run(place.path(), &experiment(&["--json", "--out", "file/run"]));
    assert_sentence(&outcome, &["file/run", "cannot be written"]);
    assert_eq!(outcome.out, "");
    fs::write(place.path().join("runs"), "kept").unwrap();
    let outcome = run(place.path(), &experiment(&[]));
    assert_sentence(&outcome, &["runs", "cannot be written"]);
    assert_eq!(
        fs::read_to_string(place.path().join("runs")).unwrap(),
        "kept"
    );
    assert_eq!(files_below(place.path()).len(), 2);
}

#[test]
fn a_run_that_is_killed_leaves_whole_files() {
    let place = TempDir::new().unwrap();
    let mut child = command(
        place.path(),
        &experiment(&["--seeds", "0..1000000", "--out", "run"]),
    )
    .stdout(Stdio::null())
    .spawn()
    .unwrap();
    let records = place.path().join("run/records.jsonl");
    while !records.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended too early"
        );
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let records = fs::read_to_string(records).unwrap();
    assert!(records.ends_with('\n'));
    assert!(!without_seconds(&records).is_empty());
    let config = fs::read_to_string(place.path().join("run/config.toml")).unwrap();
    assert!(config.parse::<toml::Table>().is_ok());
    assert!(place.path().join("run/model.safetensors").exists());
}

/// Runs the program where no file can be longer than a limit, as on a disk that is full: writes fail half-way.
#[cfg(unix)]
pub(super) fn run_with_little_room(
    place: &std::path::Path,
    blocks: usize,
    arguments: &[&str],
) -> crate::Outcome {
    // A signal that would end the program is ignored, so that writing fails instead.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_ran")]);
    let output = shell.args(arguments).current_dir(place).output().unwrap();
    crate::Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[cfg(unix)]
#[test]
fn a_disk_without_room_for_a_checkpoint_ends_a_run_with_a_sentence_and_nothing_broken() {
    let place = TempDir::new().unwrap();
    let more = [
        "--set",
        "learning.regime=full",
        "--set",
        "learning.epochs=2",
        "--quiet",
        "--out",
        "run",
    ];
    // A shell counts blocks of 512 or of 1024 bytes: the configuration fits, parameters and Adam's moments do not.
    let outcome = run_with_little_room(place.path(), 16, &experiment(&more));
    assert_sentence(&outcome, &["checkpoint.safetensors", "cannot be written"]);
    assert_eq!(outcome.out, "");
    assert_eq!(files_below(place.path()), Vec::<std::path::PathBuf>::new());

    // Where there is room for nothing, it is known at once.
    let outcome = run_with_little_room(place.path(), 0, &experiment(&more));
    assert_sentence(&outcome, &["run", "cannot be written"]);
    assert_eq!(files_below(place.path()), Vec::<std::path::PathBuf>::new());
}

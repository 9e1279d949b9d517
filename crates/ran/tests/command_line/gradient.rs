//! Runs that train by gradient: what they leave, and how they stop and go on.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    FILES, TEST, TRAIN, assert_sentence, assert_usage, command, files_below, model, run, succeed,
};

/// Training on a few short sequences: an epoch takes a blink.
const TINY: &[&str] = &[
    "--set",
    "reservoir.population.0.units=2",
    "--set",
    "reservoir.population.0.d_unit=4",
    "--set",
    "reservoir.input_copies=1",
    "--set",
    "learning.batch=2",
    "--set",
    "learning.input_noise=0.2",
];

fn arguments<'a>(regime: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["experiment"], FILES, TINY, &["--set", regime], more].concat()
}

fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    place
}

fn json(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn a_run_leaves_its_history_and_no_checkpoint() {
    let place = place();
    for regime in ["full", "fixed-qk", "hybrid"] {
        let set = format!("learning.regime={regime}");
        let epochs = [
            "--set",
            "learning.epochs=3",
            "--seeds",
            "0..2",
            "--json",
            "--out",
            regime,
        ];
        let outcome = succeed(place.path(), &arguments(&set, &epochs));
        let lines = outcome.lines();
        let record = &lines[0];
        assert_eq!(record["regime"], regime);
        assert_eq!(record["epochs"], 3);
        assert_eq!(record["interrupted"], false);
        assert_eq!(lines[2]["interrupted"], false);
        // 11·D²·U + 8·D·U in the units, of which the queries and keys have 2·D² + 2·D each.
        let units = 11 * 16 * 2 + 8 * 4 * 2;
        let frozen = if regime == "fixed-qk" {
            2 * (2 * 16 + 2 * 4)
        } else {
            0
        };
        let readout = 8 * 2 + 2;
        assert_eq!(record["trained_parameters"], units - frozen + readout);
        assert_eq!(record["fixed_parameters"], frozen);
        let folder = place.path().join(regime);
        let files = files_below(&folder);
        let names: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        let expected = [
            "config.toml",
            "confusion.png",
            "confusion.svg",
            "history.jsonl",
            "learning.png",
            "learning.svg",
            "model.safetensors",
            "records.jsonl",
            "run.json",
        ];
        assert_eq!(names, expected);
        let history = json(&folder.join("history.jsonl"));
        assert_eq!(history.len(), 6);
        assert_eq!(
            (&history[4]["seed"], &history[4]["epoch"]),
            (&1.into(), &2.into())
        );
        assert!(
            history
                .iter()
                .all(|line| line["loss"].as_f64().unwrap() > 0.0)
        );
    }
}

/// Starts a run of more epochs than it could end in this test, and waits until there is a checkpoint.
fn begun(place: &Path, seeds: &str) -> Child {
    let set = "learning.epochs=100000";
    let more = ["--set", set, "--seeds", seeds, "--json", "--out", "run"];
    let mut command = command(place, &arguments("learning.regime=full", &more));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    while !place.join("run/checkpoint.safetensors").exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before its first checkpoint"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child
}

#[cfg(unix)]
pub(super) fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(sent.unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_with_a_record_of_what_was_done() {
    let place = place();
    let child = begun(place.path(), "0..3");
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("--resume run"), "{err}");
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [record, summary] = &lines[..] else {
        panic!("a record and a summary, got {lines:?}");
    };
    assert_eq!(record["interrupted"], true);
    assert_eq!(record["test"], Value::Null);
    let epochs = record["epochs"].as_u64().unwrap();
    assert!(epochs >= 1);
    assert_eq!(
        (&summary["interrupted"], &summary["mean"]),
        (&true.into(), &Value::Null)
    );
    let folder = place.path().join("run");
    assert_eq!(json(&folder.join("records.jsonl")), lines[..1]);
    assert_eq!(json(&folder.join("history.jsonl")).len() as u64, epochs);
    let evaluated = ["experiment", "evaluate", "run/model.safetensors", "--json"];
    succeed(place.path(), &evaluated);
}

/// Shortens a run that was begun to `more` epochs beyond its checkpoint, by changing its configuration and its
/// checkpoint, so that the test need not wait for all of them.
fn shorten(folder: &Path, more: u64) -> u64 {
    let history = json(&folder.join("history.jsonl"));
    let checkpoint = fs::read(folder.join("checkpoint.safetensors")).unwrap();
    let (header, numbers) = model(&checkpoint);
    let card = header["__metadata__"]["ran-checkpoint"].as_str().unwrap();
    let card: Value = serde_json::from_str(card).unwrap();
    let done = card["last"]["epoch"].as_u64().unwrap();
    assert!(history.len() as u64 >= done);
    let epochs = done + more;
    let text = serde_json::to_string(&header).unwrap();
    let text = text.replace(r#"\"epochs\":100000"#, &format!(r#"\"epochs\":{epochs}"#));
    let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes.extend(numbers);
    fs::write(folder.join("checkpoint.safetensors"), bytes).unwrap();
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    let config = config.replace("epochs = 100000", &format!("epochs = {epochs}"));
    fs::write(folder.join("config.toml"), config).unwrap();
    epochs
}

#[cfg(unix)]
#[test]
fn a_killed_run_goes_on_to_the_numbers_of_one_that_was_left_alone() {
    let place = place();
    let mut child = begun(place.path(), "0..2");
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = place.path().join("run");
    let epochs = shorten(&folder, 3);
    let resumed = succeed(place.path(), &["experiment", "--resume", "run", "--json"]);

    let set = format!("learning.epochs={epochs}");
    let more = ["--set", &set, "--seeds", "0..2", "--json", "--out", "whole"];
    let whole = succeed(place.path(), &arguments("learning.regime=full", &more));
    let without_seconds = |text: &str| crate::without_seconds(text);
    let resumed = without_seconds(&resumed.out);
    assert_eq!(resumed.len(), 3);
    assert_eq!(resumed, without_seconds(&whole.out));
    let read = |run: &str, file: &str| fs::read(place.path().join(run).join(file)).unwrap();
    assert!(
        model(&read("run", "model.safetensors")).1 == model(&read("whole", "model.safetensors")).1
    );
    let history = |run: &str| {
        let mut lines = json(&place.path().join(run).join("history.jsonl"));
        for line in &mut lines {
            // The run was planned longer than it was.
            line.as_object_mut().unwrap().remove("epochs");
        }
        lines
    };
    assert_eq!(history("run"), history("whole"));

    let complete = run(place.path(), &["experiment", "--resume", "run"]);
    assert_sentence(&complete, &["the run in run is complete"]);
}

#[test]
fn what_is_no_run_cannot_go_on() {
    let place = place();
    let outcome = run(place.path(), &["experiment", "--resume", "."]);
    assert_sentence(&outcome, &["is not the folder of a run", "run.json"]);
    let outcome = run(place.path(), &["experiment", "--resume", "nowhere"]);
    assert_sentence(&outcome, &["nowhere is not the folder of a run"]);
    fs::create_dir_all(place.path().join("odd/run.json")).unwrap();
    let outcome = run(place.path(), &["experiment", "--resume", "odd"]);
    assert_sentence(&outcome, &["odd/run.json cannot be read"]);
    let both = run(
        place.path(),
        &["experiment", "--resume", ".", "--seeds", "0..2"],
    );
    assert_eq!(both.code, Some(2));
}

#[test]
fn a_loss_that_is_no_number_keeps_the_best_model() {
    let place = place();
    // Units without bounds grow with each step that is far too long.
    let wild = |batch| {
        let settings = [
            "--set",
            "reservoir.population.0.output=identity",
            "--set",
            "learning.learning_rate=1e12",
            "--set",
            "learning.clip=0",
            "--set",
            batch,
            "--quiet",
            "--out",
            "run",
        ];
        run(place.path(), &arguments("learning.regime=full", &settings))
    };
    // Two of the four sequences in a step: the first epoch does not come to its end.
    let outcome = wild("learning.batch=2");
    let words = ["epoch 1", "step 2", "learning.learning_rate"];
    assert_sentence(&outcome, &words);
    assert!(!place.path().join("run").exists(), "{}", outcome.err);
    // All four in a step, whose loss is that of the first weights.
    let outcome = wild("learning.batch=4");
    let words = ["epoch 2", "step 1", "the model of epoch 1 is kept in run"];
    assert_sentence(&outcome, &words);
    let evaluated = ["experiment", "evaluate", "run/model.safetensors"];
    succeed(place.path(), &evaluated);
}

#[test]
fn a_wrong_value_is_answered_with_its_key() {
    let place = place();
    for (setting, words) in [
        (
            "learning.dropout=1.5",
            &["learning.dropout", "below 1", "got 1.5"][..],
        ),
        ("learning.truncate=0", &["learning.truncate", "at least 1"]),
        (
            "learning.schedule=step",
            &["learning.schedule", "step", "cosine"],
        ),
        ("learning.momentum=0.9", &["momentum", "learning_rate"]),
        ("learning.fixed_qk=true", &["learning.fixed_qk", "hybrid"]),
        ("readout.online.rule=rls", &["readout.online", "reservoir"]),
        (
            "learning.validation=0.01",
            &["learning.validation", "leaves none for validation"],
        ),
    ] {
        let more = ["--set", setting];
        let outcome = run(place.path(), &arguments("learning.regime=full", &more));
        assert_usage(&outcome, words);
    }
    assert_eq!(files_below(place.path()).len(), 2);
}

#[test]
fn where_there_is_no_terminal_progress_is_a_few_plain_lines_on_standard_error() {
    let place = place();
    let more = [
        "--set",
        "learning.epochs=30",
        "--set",
        "learning.validation=0.5",
        "--seeds",
        "4..6",
        "--json",
    ];
    let outcome = succeed(place.path(), &arguments("learning.regime=full", &more));
    assert_eq!(
        outcome.lines().len(),
        3,
        "standard output has records alone"
    );
    let lines: Vec<&str> = outcome.err.lines().collect();
    assert_eq!(lines.len(), 20, "{}", outcome.err);
    for (at, line) in lines.iter().enumerate() {
        let seed = if at < 10 { 4 } else { 5 };
        let epoch = 3 * (at % 10 + 1);
        let begin = format!("seed {seed}, epoch {epoch} of 30: loss ");
        assert!(line.starts_with(&begin), "{line}");
        for word in [
            ", train ",
            ", valid ",
            ", best epoch ",
            ", learning rate 1.00e-3",
        ] {
            assert!(line.contains(word), "{line}");
        }
        assert_eq!(line.ends_with(" left"), epoch < 30, "{line}");
    }
    let quiet = [&more[..], &["--quiet"]].concat();
    let outcome = succeed(place.path(), &arguments("learning.regime=full", &quiet));
    assert_eq!(outcome.err, "");
}

//! Saved models: judged again, and asked about new signals.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;

use crate::{FILES, TEST, TRAIN, assert_sentence, assert_usage, command, experiment, run, succeed};

const MODEL: &str = "run/model.safetensors";

/// A model of the two classes of the toy data, and its record.
fn toy() -> (TempDir, Value) {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    let arguments = [experiment(&["--json", "--out", "run"]), FILES.to_vec()].concat();
    let record = succeed(place.path(), &arguments).lines().remove(0);
    (place, record)
}

fn evaluated(place: &Path, more: &[&str]) -> Value {
    let arguments = [&["experiment", "evaluate", MODEL, "--json"], more].concat();
    succeed(place, &arguments).lines().remove(0)
}

#[test]
fn a_model_scores_on_its_task_what_its_record_says() {
    let place = TempDir::new().unwrap();
    let arguments = experiment(&["--json", "--out", "run", "--set", "task.valid=0.3"]);
    let record = succeed(place.path(), &arguments).lines().remove(0);
    let found = evaluated(place.path(), &[]);
    assert_eq!(found["metric"], "accuracy");
    for (at, split) in ["train", "valid", "test"].into_iter().enumerate() {
        assert_eq!(found["splits"][at]["name"], split);
        assert_eq!(found["splits"][at]["score"], record[split], "{split}");
    }
    let text = succeed(place.path(), &["experiment", "evaluate", MODEL]).out;
    let test = format!("{:.4}", record["test"].as_f64().unwrap());
    assert!(
        text.contains("japanese-vowels") && text.contains(&test),
        "{text}"
    );
}

#[test]
fn a_file_is_judged_as_a_whole_with_the_models_standardisation_and_classes() {
    let (place, record) = toy();
    let found = evaluated(place.path(), &["--data", "test.ts"]);
    assert_eq!(found["splits"][0]["sequences"], 2);
    assert_eq!(found["splits"][0]["score"], record["test"]);
    // The same sequences with the classes in another order, and then swapped.
    let other = TEST.replace("true up down", "true down up");
    fs::write(place.path().join("other.ts"), &other).unwrap();
    let found = evaluated(place.path(), &["--data", "other.ts"]);
    assert_eq!(found["splits"][0]["score"], record["test"]);
    let swapped = TEST
        .replace(":up", ":x")
        .replace(":down", ":up")
        .replace(":x", ":down");
    fs::write(place.path().join("swapped.ts"), swapped).unwrap();
    let found = evaluated(place.path(), &["--data", "swapped.ts"]);
    let score = 1.0 - record["test"].as_f64().unwrap();
    assert_eq!(found["splits"][0]["score"], score);
}

#[test]
fn data_of_another_shape_and_files_that_are_no_models_are_refused() {
    let (place, _) = toy();
    let path = place.path();
    let narrow = "@problemName toy\n@classLabel true up down\n@data\n1,2,3:up\n3,2,1:down\n";
    fs::write(path.join("narrow.ts"), narrow).unwrap();
    let outcome = run(
        path,
        &["experiment", "evaluate", MODEL, "--data", "narrow.ts"],
    );
    assert_sentence(&outcome, &["[steps, 2]", "[steps, 1]", MODEL]);
    let stranger = TEST
        .replace("true up down", "true up sideways")
        .replace(":down", ":sideways");
    fs::write(path.join("stranger.ts"), stranger).unwrap();
    let outcome = run(
        path,
        &["experiment", "evaluate", MODEL, "--data", "stranger.ts"],
    );
    assert_sentence(&outcome, &["up, down", "sideways"]);
    let bytes = fs::read(path.join(MODEL)).unwrap();
    fs::write(path.join("cut.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    for arguments in [
        &["experiment", "evaluate", "cut.safetensors"][..],
        &["experiment", "predict", "cut.safetensors", "--input", "-"],
    ] {
        let outcome = run(path, arguments);
        assert_sentence(&outcome, &["cut.safetensors", "truncated"]);
    }
    let outcome = run(path, &["experiment", "evaluate", "none.safetensors"]);
    assert_sentence(&outcome, &["none.safetensors cannot be read"]);
    for (setting, words) in [
        (
            "task.lable=class",
            &["--set task.lable=class", "`label`"][..],
        ),
        ("task.valid=2", &["`valid`", "2", "less than 1"]),
    ] {
        let outcome = run(path, &["experiment", "evaluate", MODEL, "--set", setting]);
        assert_usage(&outcome, words);
    }
}

/// The first test sequence, a step per line, and the second.
const SIGNAL: &str = "a,b\n1,0\n2,0\n3,1\n4,1\n\n4,1\n3,1\n2,0\n1,0\n";

#[test]
fn a_signal_is_answered_at_every_step_and_a_sequence_as_in_its_evaluation() {
    let (place, record) = toy();
    let path = place.path();
    fs::write(path.join("signal.csv"), SIGNAL).unwrap();
    let arguments = ["experiment", "predict", MODEL, "--input", "signal.csv"];
    let text = succeed(path, &arguments).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "signal,step,label,p(up),p(down)");
    assert_eq!(lines.len(), 9);
    assert!(
        lines[4].starts_with("0,3,") && lines[5].starts_with("1,0,"),
        "{text}"
    );
    // Without names of columns, and with the mark that some programs begin a file with.
    let (_, numbers) = SIGNAL.split_once('\n').unwrap();
    fs::write(path.join("marked.csv"), format!("\u{feff}{numbers}")).unwrap();
    let marked = ["experiment", "predict", MODEL, "--input", "marked.csv"];
    assert_eq!(succeed(path, &marked).out, text);
    let last = [&arguments[..], &["--last", "--json"]].concat();
    let last = succeed(path, &last).lines();
    assert_eq!(last.len(), 2);
    let right = ["up", "down"]
        .iter()
        .zip(&last)
        .filter(|(class, line)| line["label"] == **class);
    assert_eq!(right.count() as f64 / 2.0, record["test"].as_f64().unwrap());
    for line in &last {
        let outputs = line["outputs"].as_array().unwrap();
        let sum: f64 = outputs.iter().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line}");
    }
}

#[test]
fn standard_input_is_answered_line_by_line() {
    let (place, _) = toy();
    fs::write(place.path().join("signal.csv"), SIGNAL).unwrap();
    let whole = succeed(
        place.path(),
        &["experiment", "predict", MODEL, "--input", "signal.csv"],
    );
    let mut command = command(
        place.path(),
        &["experiment", "predict", MODEL, "--input", "-"],
    );
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut into = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || answers.next().unwrap().unwrap();
    let mut got = vec![next()];
    for line in SIGNAL.lines() {
        writeln!(into, "{line}").unwrap();
        into.flush().unwrap();
        // Each step is answered before the next one is sent: a program that waited for more would wait for ever.
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            got.push(next());
        }
    }
    drop(into);
    assert!(child.wait().unwrap().success());
    assert_eq!(got, whole.out.lines().collect::<Vec<_>>());
}

#[test]
fn a_line_that_is_wrong_gets_a_sentence_with_its_number() {
    let (place, _) = toy();
    for (text, words) in [
        (
            "1,0\n1,0,0\n",
            &["signal.csv, line 2", "3 inputs", "trained on 2"][..],
        ),
        ("1,0\n1,x\n", &["signal.csv, line 2", "`x` is not a number"]),
        ("1,nan\n", &["signal.csv, line 1", "finite"]),
    ] {
        fs::write(place.path().join("signal.csv"), text).unwrap();
        let outcome = run(
            place.path(),
            &["experiment", "predict", MODEL, "--input", "signal.csv"],
        );
        assert_sentence(&outcome, words);
    }
    let outcome = run(
        place.path(),
        &["experiment", "predict", MODEL, "--input", "signal.wav"],
    );
    assert_sentence(&outcome, &["signal.wav", ".npy"]);
}

#[test]
fn an_input_that_cannot_be_read_is_answered_with_the_reason_before_any_output() {
    let (place, _) = toy();
    let path = place.path();
    fs::create_dir(path.join("folder.csv")).unwrap();
    fs::write(path.join("broken.npy"), "no array").unwrap();
    let predict = |input: &str| {
        let outcome = run(path, &["experiment", "predict", MODEL, "--input", input]);
        assert_eq!(outcome.out, "", "{input}");
        outcome
    };
    for (input, reason) in [
        ("nowhere.csv", "No such file or directory"),
        ("nowhere.npy", "No such file or directory"),
        ("folder.csv", "directory"),
        ("broken.npy", "npy"),
    ] {
        assert_sentence(&predict(input), &[input, reason]);
    }
    // Root may read everything.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let secret = path.join("secret.csv");
        fs::write(&secret, SIGNAL).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read(&secret).is_err() {
            let outcome = predict("secret.csv");
            assert_sentence(
                &outcome,
                &["secret.csv cannot be read", "Permission denied"],
            );
        }
    }
}

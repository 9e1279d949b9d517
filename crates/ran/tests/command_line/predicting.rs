//! Columns by name, every format that trains, and what is printed of it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Outcome, TEST, TRAIN, assert_sentence, assert_usage, experiment, run, succeed};

const MODEL: &str = "run/model.safetensors";

/// A place with some files and a model of the task `files` with these keys.
fn trained(files: &[(&str, &str)], keys: &[&str]) -> TempDir {
    let place = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(place.path().join(name), text).unwrap();
    }
    let keys = keys.iter().map(|key| format!("task.{key}"));
    let keys: Vec<String> = keys.flat_map(|key| ["--set".into(), key]).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let named = ["--set", "task.name=files"];
    let arguments = [experiment(&["--out", "run"]), named.to_vec(), keys].concat();
    succeed(place.path(), &arguments);
    place
}

fn predict(place: &Path, more: &[&str]) -> Outcome {
    let arguments = [&["experiment", "predict", MODEL, "--input"], more].concat();
    run(place, &arguments)
}

fn predicted(place: &Path, more: &[&str]) -> String {
    let outcome = predict(place, more);
    assert_eq!(outcome.code, Some(0), "{more:?}: {}", outcome.err);
    outcome.out
}

/// Two columns of a series, in both orders, with and without a third.
fn power(rows: usize) -> [String; 3] {
    let value = |row: usize| ((row as f32 * 0.7).sin() * 30.0, (row as f32 * 0.4).cos());
    let table = |head: &str, line: &dyn Fn(f32, f32) -> String| {
        let lines = (0..rows).map(|row| {
            let (load, wind) = value(row);
            line(load, wind) + "\n"
        });
        head.to_owned() + &lines.collect::<String>()
    };
    [
        table("load,wind\n", &|load, wind| format!("{load},{wind}")),
        table("wind,note,load\n", &|load, wind| {
            format!("{wind},\"a, b\",{load}")
        }),
        table("", &|load, wind| format!("{load},{wind}")),
    ]
}

#[test]
fn swapped_columns_are_matched_by_name_by_predict_and_evaluate() {
    let [straight, swapped, bare] = power(40);
    let files = [
        ("power.csv", &*straight),
        ("swapped.csv", &swapped),
        ("bare.csv", &bare),
    ];
    let place = trained(&files, &["data=power.csv", "horizon=1"]);
    let path = place.path();
    let expected = predicted(path, &["power.csv"]);
    assert_eq!(expected.lines().count(), 41);
    for name in ["swapped.csv", "bare.csv"] {
        assert_eq!(predicted(path, &[name]), expected, "{name}");
    }
    let evaluate = |name: &str| {
        let arguments = ["experiment", "evaluate", MODEL, "--json", "--data", name];
        succeed(path, &arguments).lines().remove(0)["splits"].clone()
    };
    for name in ["swapped.csv", "bare.csv"] {
        assert_eq!(evaluate(name), evaluate("power.csv"), "{name}");
    }
    fs::write(path.join("lacking.csv"), "load,gust\n1,2\n").unwrap();
    let outcome = predict(path, &["lacking.csv"]);
    assert_sentence(
        &outcome,
        &[
            "lacking.csv, line 1",
            "no column wind",
            "load, wind",
            "load, gust",
        ],
    );
    assert_eq!(outcome.out, "");
    let outcome = run(
        path,
        &["experiment", "evaluate", MODEL, "--data", "lacking.csv"],
    );
    assert_sentence(&outcome, &["no column wind", "load, gust"]);
    fs::write(path.join("twice.csv"), "load,wind,load\n1,2,3\n").unwrap();
    assert_sentence(&predict(path, &["twice.csv"]), &["both named load"]);
    fs::write(path.join("garbage.csv"), "booting\n1,2\n").unwrap();
    assert_sentence(
        &predict(path, &["garbage.csv"]),
        &["garbage.csv, line 1", "no column load"],
    );
    fs::write(path.join("wide.csv"), "1,2,3\n").unwrap();
    assert_sentence(
        &predict(path, &["wide.csv"]),
        &["3 inputs", "2 inputs: load, wind"],
    );
}

#[test]
fn a_header_for_a_model_without_names_is_told_and_garbage_refused() {
    let files = [("train.ts", TRAIN), ("test.ts", TEST)];
    let place = trained(&files, &["train=train.ts", "test=test.ts"]);
    let path = place.path();
    fs::write(path.join("named.csv"), "a,b\n1,0\n").unwrap();
    let outcome = predict(path, &["named.csv"]);
    assert_eq!(outcome.code, Some(0));
    assert!(
        outcome
            .err
            .contains("note: named.csv, line 1: `a, b` is left out"),
        "{}",
        outcome.err
    );
    fs::write(path.join("garbage.csv"), "sensor ready\n1,0\n").unwrap();
    assert_sentence(
        &predict(path, &["garbage.csv"]),
        &["garbage.csv, line 1", "2 inputs"],
    );
}

#[test]
fn names_of_classes_are_quoted_where_they_need_be() {
    let tame = |text: &str| text.replace("true up down", "true");
    let hostile = |text: &str| tame(text).replace(":up", ":a, \"b\"");
    let place = trained(
        &[("train.ts", &hostile(TRAIN)), ("test.ts", &hostile(TEST))],
        &["train=train.ts", "test=test.ts"],
    );
    let text = predicted(place.path(), &["test.ts", "--last"]);
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("signal,step,label,\"p(a, \"\"b\"\")\",p(down)")
    );
    for line in lines {
        let named = line.contains(",\"a, \"\"b\"\"\",") || line.contains(",down,");
        assert!(named, "{line}");
    }
}

#[test]
fn sequences_of_a_table_are_predicted_as_they_were_learnt() {
    let walks = "who,x,y,what\na,1,0,up\na,2,0,up\nb,4,1,down\nb,3,1,down\nc,1,0,up\nc,3,0,up\nd,3,1,down\nd,1,1,down\n";
    let unlabelled = "y,who,x\n0,a,1\n1,b,4\n0,a,2\n1,b,3\n";
    let files = [
        ("walks.csv", walks),
        ("new.csv", unlabelled),
        ("steps.csv", "x,y\n1,0\n2,0\n\n4,1\n3,1\n"),
    ];
    let keys = [
        "data=walks.csv",
        "sequence=who",
        "label=what",
        "test_fraction=0.5",
    ];
    let place = trained(&files, &keys);
    let path = place.path();
    let found = predicted(path, &["new.csv"]);
    let ends: Vec<&str> = found.lines().skip(1).map(|line| &line[..4]).collect();
    assert_eq!(ends, ["0,0,", "0,1,", "1,0,", "1,1,"]);
    let all = predicted(path, &["walks.csv"]);
    assert_eq!(all.lines().count(), 9);
    assert!(all.starts_with(&found), "{all}\n{found}");
    let outcome = predict(path, &["steps.csv"]);
    assert_sentence(&outcome, &["`sequence`", "no column who"]);
}

#[test]
fn a_table_with_a_sequence_per_row_is_predicted_row_by_row() {
    let beats =
        "0.0,0.7,1.3,0.2,normal\n0.1,0.6,1.1,,normal\n0.9,0.1,0.3,0.8,early\n0.8,0.2,,,early\n";
    let files = [("beats.csv", beats)];
    let place = trained(&files, &["data=beats.csv", "label=4", "test_fraction=0.5"]);
    let text = predicted(place.path(), &["beats.csv", "--last"]);
    let steps: Vec<&str> = text.lines().skip(1).map(|line| &line[..4]).collect();
    assert_eq!(steps, ["0,3,", "1,2,", "2,3,", "3,1,"]);
}

#[test]
fn ts_files_are_predicted_and_other_options_may_be_set() {
    let files = [("train.ts", TRAIN), ("test.ts", TEST)];
    let place = trained(&files, &["train=train.ts", "test=test.ts"]);
    let path = place.path();
    let text = predicted(path, &["test.ts"]);
    assert_eq!(text.lines().count(), 9);
    fs::write(
        path.join("steps.csv"),
        "1,0\n2,0\n3,1\n4,1\n\n4,1\n3,1\n2,0\n1,0\n",
    )
    .unwrap();
    assert_eq!(predicted(path, &["steps.csv"]), text);
    let grouped = "id,x,y\n7,1,0\n7,2,0\n7,3,1\n7,4,1\n8,4,1\n8,3,1\n8,2,0\n8,1,0\n";
    fs::write(path.join("grouped.csv"), grouped).unwrap();
    let set = ["grouped.csv", "--set", "task.sequence=id"];
    assert_eq!(predicted(path, &set), text);
    let wrong = ["grouped.csv", "--set", "task.sequnce=id"];
    assert_usage(
        &predict(path, &wrong),
        &["--set task.sequnce=id", "`sequence`"],
    );
}

/// The bytes of a `.npy` file of 64-bit integers or floats.
fn npy(descr: &str, shape: &str, values: &[[u8; 8]]) -> Vec<u8> {
    let mut head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while !(head.len() + 11).is_multiple_of(64) {
        head.push(' ');
    }
    head.push('\n');
    let length = (head.len() as u16).to_le_bytes();
    let mut bytes = [b"\x93NUMPY\x01\x00", &length[..], head.as_bytes()].concat();
    bytes.extend(values.iter().flatten());
    bytes
}

#[test]
fn npy_files_are_predicted_and_judged_with_labels_of_their_own() {
    let place = TempDir::new().unwrap();
    let path = place.path();
    let values = [
        0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 1.0, 3.0, 4.0, 2.0, 0.0_f64,
    ];
    let floats = npy("<f8", "(4, 3)", &values.map(f64::to_le_bytes));
    fs::write(path.join("x.npy"), &floats).unwrap();
    fs::write(
        path.join("y.npy"),
        npy("<i8", "(4,)", &[1_i64, 0, 1, 0].map(i64::to_le_bytes)),
    )
    .unwrap();
    fs::write(
        path.join("swapped.npy"),
        npy("<i8", "(4,)", &[0_i64, 1, 0, 1].map(i64::to_le_bytes)),
    )
    .unwrap();
    let mut arguments = experiment(&["--out", "run"]);
    for key in [
        "task.name=files",
        "task.data=x.npy",
        "task.labels=y.npy",
        "task.test_fraction=0.5",
    ] {
        arguments.extend(["--set", key]);
    }
    succeed(path, &arguments);
    let text = predicted(path, &["x.npy", "--last"]);
    let steps: Vec<&str> = text.lines().skip(1).map(|line| &line[..4]).collect();
    assert_eq!(steps, ["0,2,", "1,2,", "2,2,", "3,2,"]);
    let judged = |labels: &str| {
        let labels = format!("task.labels={labels}");
        let arguments = [
            "experiment",
            "evaluate",
            MODEL,
            "--json",
            "--data",
            "x.npy",
            "--set",
            &labels,
        ];
        succeed(path, &arguments).lines().remove(0)["splits"][0]["score"]
            .as_f64()
            .unwrap()
    };
    assert!((judged("y.npy") + judged("swapped.npy") - 1.0).abs() < 1e-9);
    let outcome = run(path, &["experiment", "evaluate", MODEL, "--data", "x.npy"]);
    assert_sentence(&outcome, &["`labels`", ".npy file does not say"]);
}

/// A model file with another card.
fn with_card(bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, numbers) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    let card = header["__metadata__"]["ran"].as_str().unwrap();
    let mut card: Value = serde_json::from_str(card).unwrap();
    change(&mut card);
    header["__metadata__"]["ran"] = card.to_string().into();
    let mut header = header.to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], &header, numbers].concat()
}

#[test]
fn a_model_of_an_earlier_version_without_names_still_predicts() {
    let [straight, ..] = power(40);
    let place = trained(
        &[("power.csv", &straight)],
        &["data=power.csv", "horizon=1"],
    );
    let path = place.path();
    let expected = predicted(path, &["power.csv"]);
    let bytes = fs::read(path.join(MODEL)).unwrap();
    let earlier = with_card(&bytes, |card| {
        for key in ["input_names", "output_names"] {
            let names = card.as_object_mut().unwrap().remove(key);
            assert_eq!(names, Some(serde_json::json!(["load", "wind"])));
        }
    });
    fs::write(path.join(MODEL), earlier).unwrap();
    assert_eq!(predicted(path, &["power.csv"]), expected);
    let damaged = with_card(&bytes, |card| {
        card["input_names"] = serde_json::json!(["load"])
    });
    fs::write(path.join(MODEL), damaged).unwrap();
    assert_sentence(
        &predict(path, &["power.csv"]),
        &["is damaged", "1 names for 2 inputs"],
    );
}

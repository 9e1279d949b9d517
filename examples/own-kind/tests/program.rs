//! The kind all the way: mixed with a kind of the project in one reservoir, fitted, trained by gradient, kept in a model file and
//! used from there, by the program that registers it.

use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_own-kind"));
    let output = command.args(arguments).current_dir(folder).output();
    output.expect("the program can be started")
}

/// What it says on standard output, once it has done what it was asked.
#[track_caller]
fn said(arguments: &[&str], folder: &Path) -> String {
    let output = run(arguments, folder);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("text")
}

fn accuracy(line: &str) -> f64 {
    let record: serde_json::Value = serde_json::from_str(line).expect("a record");
    record["test"].as_f64().expect("a score")
}

const MIXED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mixed.toml");

#[test]
fn a_reservoir_of_the_kind_and_the_projects_is_fitted_and_its_model_file_scores_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let told = said(&["describe", MIXED], folder);
    assert!(
        told.contains("mean-0") && told.contains("attention-block-1"),
        "{told}"
    );
    let fit = [
        "experiment",
        MIXED,
        "--seeds",
        "1..2",
        "--json",
        "--out",
        "run",
        "--no-pictures",
    ];
    let record = said(&fit, folder);
    let first = record.lines().next().expect("a record");
    let scored = accuracy(first);
    // Nine speakers: chance is 0.11.
    assert!(scored > 0.9, "{first}");
    let evaluate = ["experiment", "evaluate", "run/model.safetensors", "--json"];
    let again = said(&evaluate, folder);
    assert!(again.contains(&scored.to_string()), "{scored}: {again}");
}

#[test]
fn the_kind_is_trained_by_gradient_and_its_model_file_scores_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let train = [
        "experiment",
        MIXED,
        "--seeds",
        "1..2",
        "--json",
        "--out",
        "run",
        "--no-pictures",
        "--set",
        "learning.regime=full",
        "--set",
        "learning.epochs=3",
        "--set",
        "learning.learning_rate=0.01",
    ];
    let record = said(&train, folder);
    let first = record.lines().next().expect("a record");
    let json: serde_json::Value = serde_json::from_str(first).expect("a record");
    // Nothing is left fixed: 40·4 gains and as many biases are trained with the block and the readout.
    assert_eq!(json["fixed_parameters"], 0, "{first}");
    let scored = accuracy(first);
    assert!(scored > 0.5, "{first}");
    let evaluate = ["experiment", "evaluate", "run/model.safetensors", "--json"];
    let again = said(&evaluate, folder);
    assert!(again.contains(&scored.to_string()), "{scored}: {again}");
}

#[test]
fn wrong_options_of_the_kind_get_a_sentence_and_name_the_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    for (setting, expected) in [
        (
            "reservoir.population[0].options={gain=-1}",
            "must have a gain above 0, got -1",
        ),
        (
            "reservoir.population[0].options={gian=1}",
            "unknown field `gian`",
        ),
    ] {
        let output = run(&["experiment", MIXED, "--set", setting], folder.path());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !output.status.success() && error.contains(expected),
            "{error}"
        );
        assert!(error.contains("population[0].options"), "{error}");
    }
}

//! The kind all the way: mixed with a kind of the project in one reservoir, fitted, trained by gradient, kept in a model file and
//! used from there, by the program that registers it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

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

const MIXED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mixed.toml");

/// The record of a run with these settings, and its test accuracy, once the model file has been seen to score the same.
fn scored(settings: &[&str], folder: &Path) -> (Value, f64) {
    let mut arguments = vec![
        "experiment",
        MIXED,
        "--seeds",
        "1..2",
        "--json",
        "--out",
        "run",
    ];
    arguments.push("--no-pictures");
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let lines = said(&arguments, folder);
    let first = lines.lines().next().expect("a record");
    let record: Value = serde_json::from_str(first).expect("JSON");
    let score = record["test"].as_f64().expect("a score");
    let evaluate = ["experiment", "evaluate", "run/model.safetensors", "--json"];
    let again = said(&evaluate, folder);
    assert!(again.contains(&score.to_string()), "{score}: {again}");
    (record, score)
}

#[test]
fn a_reservoir_of_the_kind_and_the_projects_is_fitted_and_its_model_file_scores_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = said(&["describe", MIXED], folder.path());
    for name in ["mean-0", "attention-block-1"] {
        assert!(told.contains(name), "{told}");
    }
    let (record, score) = scored(&[], folder.path());
    // Nine speakers: chance is 0.11.
    assert!(score > 0.9, "{record}");
}

#[test]
fn the_kind_is_trained_by_gradient_and_its_model_file_scores_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [
        "learning.regime=full",
        "learning.epochs=3",
        "learning.learning_rate=0.01",
    ];
    let (record, score) = scored(&settings, folder.path());
    // Nothing is left fixed: 40·4 gains and as many biases are trained with the block and the readout.
    assert_eq!(record["fixed_parameters"], 0, "{record}");
    assert!(score > 0.5, "{record}");
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

//! What a run draws, and forecasts in closed loop.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{assert_usage, experiment, files_below, run, succeed};

const SERIES: &[&str] = &[
    "--set",
    "task.name=mackey-glass",
    "--set",
    "task.train=300",
    "--set",
    "task.valid=20",
    "--set",
    "task.test=80",
    "--out",
    "run",
];

const FREE_RUN: &[&str] = &[
    "--set",
    "evaluation.free_run=20",
    "--set",
    "evaluation.starts=3",
];

fn pictures(folder: &std::path::Path) -> Vec<String> {
    let files = files_below(folder);
    let names = files.iter().map(|file| file.to_str().unwrap().to_string());
    names
        .filter(|name| name.ends_with("png") || name.ends_with("svg"))
        .collect()
}

#[test]
fn a_classification_leaves_its_confusion_matrix() {
    let place = TempDir::new().unwrap();
    succeed(
        place.path(),
        &experiment(&["--seeds", "0..2", "--out", "run"]),
    );
    let names = ["confusion.png", "confusion.svg"];
    assert_eq!(pictures(&place.path().join("run")), names);
    let read = |name: &str| fs::read(place.path().join("run").join(name)).unwrap();
    assert_eq!(read("confusion.png")[..8], *b"\x89PNG\r\n\x1a\n");
    let svg = String::from_utf8(read("confusion.svg")).unwrap();
    let records = String::from_utf8(read("records.jsonl")).unwrap();
    let first: Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    // The matrix is of the first seed, whose model is kept: what it says is right is the record's accuracy.
    let right = (first["test"].as_f64().unwrap() * 370.0).round();
    assert!(svg.contains("test set, seed 0"));
    assert!(svg.contains(&format!("\n{right} of 370 right")), "{right}");
}

#[test]
fn a_forecast_in_closed_loop_is_scored_and_drawn() {
    let place = TempDir::new().unwrap();
    let arguments = experiment(&[SERIES, FREE_RUN, &["--seeds", "0..2", "--json"]].concat());
    let lines = succeed(place.path(), &arguments).lines();
    for record in &lines[..2] {
        let scores = &record["free_run"];
        assert_eq!(
            (&scores["steps"], &scores["starts"]),
            (&20.into(), &3.into())
        );
        let number = |name: &str| scores[name].as_f64().unwrap();
        assert!(number("nrmse") > 0.0 && number("nrmse_last") > 0.0);
        assert!((1.0 - number("nrmse").powi(2) - number("r_squared")).abs() < 1e-9);
        assert!((0.0..=20.0).contains(&number("valid_steps")));
        assert_eq!(scores["lyapunov"], Value::Null);
        assert_eq!(record["config"]["evaluation"]["free_run"], 20);
    }
    let steps = [0, 1].map(|seed: usize| lines[seed]["free_run"]["valid_steps"].as_f64().unwrap());
    let mean = lines[2]["free_run"]["valid_steps"][0].as_f64().unwrap();
    assert!((mean - (steps[0] + steps[1]) / 2.0).abs() < 1e-9);
    let expected = [
        "forecast.png",
        "forecast.svg",
        "free-run.png",
        "free-run.svg",
    ];
    assert_eq!(pictures(&place.path().join("run")), expected);
    let svg = fs::read_to_string(place.path().join("run/free-run.svg")).unwrap();
    assert!(svg.contains("truth") && svg.contains("prediction") && svg.contains("valid for"));

    // Without it the next run into the folder leaves no old picture, and the record says nothing of it.
    let outcome = succeed(place.path(), &experiment(&[SERIES, &["--json"]].concat()));
    assert_eq!(pictures(&place.path().join("run")), expected[..2]);
    assert!(outcome.lines()[0].get("free_run").is_none());
    let table = succeed(place.path(), &experiment(&[SERIES, FREE_RUN].concat())).out;
    assert!(table.contains("free run: NRMSE"), "{table}");
}

#[test]
fn lorenz_is_judged_in_lyapunov_times() {
    let place = TempDir::new().unwrap();
    let lorenz = [
        "--set",
        "task.name=lorenz",
        "--set",
        "task.train=400",
        "--set",
        "task.test=60",
    ];
    let arguments = experiment(&[&lorenz, FREE_RUN, &["--json"]].concat());
    let record = succeed(place.path(), &arguments).lines().remove(0);
    let time = &record["free_run"]["lyapunov"];
    let steps = record["free_run"]["valid_steps"].as_f64().unwrap();
    assert!((time["valid_time"].as_f64().unwrap() - steps * 0.02 * 0.9056).abs() < 1e-9);
    assert!(time["source"].as_str().unwrap().contains("Sprott"));
}

#[test]
fn what_cannot_go_on_by_itself_is_refused_before_any_work() {
    let place = TempDir::new().unwrap();
    for (more, words) in [
        (
            &["--set", "evaluation.free_run=5"][..],
            &["evaluation.free_run", "japanese-vowels"][..],
        ),
        (
            &[SERIES, FREE_RUN, &["--set", "task.horizon=3"]].concat(),
            &["evaluation.free_run", "task.horizon = 1"],
        ),
        (
            &[SERIES, &["--set", "evaluation.free_run=81"]].concat(),
            &["evaluation.free_run", "80 test steps", "81"],
        ),
        (
            &["--set", "evaluation.freerun=5"],
            &["evaluation.freerun", "`free_run`"],
        ),
    ] {
        assert_usage(&run(place.path(), &experiment(more)), words);
    }
    assert!(files_below(place.path()).is_empty());
}

#[test]
fn a_task_of_several_labels_leaves_the_counts_of_each() {
    let place = TempDir::new().unwrap();
    let more = [
        "--set",
        "task.name=cross-situation",
        "--json",
        "--out",
        "run",
    ];
    let record = succeed(place.path(), &experiment(&more)).lines().remove(0);
    let names = ["labels.png", "labels.svg"];
    assert_eq!(pictures(&place.path().join("run")), names);
    let svg = fs::read_to_string(place.path().join("run/labels.svg")).unwrap();
    assert!(svg.contains("cross-situation: test set, seed 0"), "{svg}");
    let words = svg.split_once(" right (").unwrap().0;
    let numbers = words.rsplit('\n').next().unwrap();
    let (right, all) = numbers.split_once(" of ").unwrap();
    let share = right.parse::<f64>().unwrap() / all.parse::<f64>().unwrap();
    assert!((share - record["test"].as_f64().unwrap()).abs() < 1e-12);
}

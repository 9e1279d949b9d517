//! Records of several runs, brought together.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{assert_sentence, assert_usage, experiment, run, succeed};

/// Runs some seeds with a setting into a folder of their own, as a cluster's job does.
fn job(place: &Path, out: &str, seeds: &str, leak: &str) {
    let leak = format!("reservoir.leak={leak}");
    let valid = ["--set", &leak, "--set", "task.valid=0.3"];
    let arguments = [
        experiment(&["--seeds", seeds, "--out", out]),
        valid.to_vec(),
    ]
    .concat();
    succeed(place, &arguments);
}

#[test]
fn seeds_of_several_jobs_are_summed_up_as_those_of_one_run() {
    let place = TempDir::new().unwrap();
    let settings = ["--set", "reservoir.leak=0.5", "--set", "task.valid=0.3"];
    let whole = experiment(&["--seeds", "0..3", "--json", "--out", "whole"]);
    let whole = succeed(place.path(), &[whole, settings.to_vec()].concat()).lines();
    job(place.path(), "jobs/b", "0", "0.5");
    job(place.path(), "jobs/a", "1..3", "0.5");
    let found = succeed(place.path(), &["experiment", "collect", "jobs", "--json"]).lines();
    assert_eq!(found.len(), 1);
    for key in ["experiment", "metric", "mean", "std", "scores", "seeds"] {
        assert_eq!(found[0][key], whole[3][key], "{key}");
    }
    assert_eq!(found[0]["settings"], serde_json::json!({}));
    let valid = whole[..3]
        .iter()
        .map(|record| record["valid"].as_f64().unwrap());
    let mean = found[0]["valid"][0].as_f64().unwrap();
    assert!((mean - valid.sum::<f64>() / 3.0).abs() < 1e-12, "{mean}");
    // A run that is named twice counts once.
    let twice = ["experiment", "collect", "jobs/b", "jobs/a", "jobs", "whole"];
    let text = succeed(place.path(), &twice).out;
    assert!(text.contains("over 3 seeds"), "{text}");
    let rows = text
        .lines()
        .filter(|line| line.ends_with(|c: char| c.is_ascii_digit()));
    assert_eq!(rows.count(), 3, "{text}");
}

#[test]
fn what_is_collected_is_also_written_as_tables() {
    let place = TempDir::new().unwrap();
    job(place.path(), "jobs/1", "0..2", "0.5");
    job(place.path(), "jobs/2", "0..2", "1.0");
    succeed(
        place.path(),
        &["experiment", "collect", "jobs", "--out", "tables/of"],
    );
    let folder = place.path().join("tables/of");
    let mut table = csv::Reader::from_path(folder.join("collected.csv")).unwrap();
    let heads: Vec<String> = table.headers().unwrap().iter().map(String::from).collect();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let column = |name: &str| {
        let at = heads.iter().position(|head| head == name).expect(name);
        rows.iter()
            .map(|row| row[at].to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(column("reservoir.leak"), ["0.5", "0.5", "1.0", "1.0"]);
    assert_eq!(column("seed"), ["0", "1", "0", "1"]);
    let records = fs::read_to_string(place.path().join("jobs/1/records.jsonl")).unwrap();
    let record: serde_json::Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    assert_eq!(column("test")[0], record["test"].to_string());
    assert_eq!(column("score")[0], column("score")[1]);
    assert_eq!(
        &fs::read(folder.join("collected.parquet")).unwrap()[..4],
        b"PAR1"
    );

    // One table has one score.
    let narma = [
        "--set",
        "task.name=narma",
        "--set",
        "readout.features=last",
        "--seeds",
        "0..1",
        "--out",
        "jobs/3",
    ];
    succeed(place.path(), &experiment(&narma));
    let both = ["experiment", "collect", "jobs", "--out", "both"];
    assert_usage(&run(place.path(), &both), &["accuracy", "mse"]);
    assert!(!place.path().join("both").exists());
}

#[test]
fn configurations_are_compared_by_the_settings_in_which_they_differ() {
    let place = TempDir::new().unwrap();
    job(place.path(), "sweep/1", "0..2", "0.5");
    job(place.path(), "sweep/2", "0..2", "1.0");
    let found = succeed(place.path(), &["experiment", "collect", "sweep", "--json"]).lines();
    assert_eq!(found.len(), 2);
    for (group, leak) in found.iter().zip([0.5, 1.0]) {
        assert_eq!(
            group["settings"],
            serde_json::json!({ "reservoir.leak": leak })
        );
        assert_eq!(group["seeds"], serde_json::json!([0, 1]));
    }
    let text = succeed(place.path(), &["experiment", "collect", "sweep"]).out;
    let line = text
        .lines()
        .find(|line| line.starts_with("reservoir.leak=0.5 "));
    let mean = format!("{:.4} ±", found[0]["mean"].as_f64().unwrap());
    assert!(line.is_some_and(|line| line.contains(&mean)), "{text}");
}

#[test]
fn a_seed_of_two_scores_is_pointed_out_and_the_first_counts() {
    let place = TempDir::new().unwrap();
    job(place.path(), "jobs/a", "0", "0.5");
    let record = fs::read_to_string(place.path().join("jobs/a/records.jsonl")).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&record).unwrap();
    let first = other["test"].take();
    other["test"] = 0.125.into();
    fs::create_dir(place.path().join("jobs/b")).unwrap();
    fs::write(place.path().join("jobs/b/records.jsonl"), other.to_string()).unwrap();
    let outcome = succeed(place.path(), &["experiment", "collect", "jobs", "--json"]);
    assert!(outcome.err.contains("seed 0"), "{}", outcome.err);
    assert_eq!(outcome.lines()[0]["mean"], first);
}

#[test]
fn what_is_no_run_gets_a_sentence() {
    let place = TempDir::new().unwrap();
    fs::create_dir_all(place.path().join("empty")).unwrap();
    fs::create_dir_all(place.path().join("broken")).unwrap();
    fs::write(place.path().join("broken/records.jsonl"), "{\"seed\": 1}\n").unwrap();
    for (folder, words) in [
        ("empty", &["empty", "records.jsonl", "runs/NAME"][..]),
        ("missing", &["missing", "cannot read"]),
        ("broken", &["broken", "line 1", "no record"]),
    ] {
        let outcome = run(place.path(), &["experiment", "collect", folder]);
        assert_sentence(&outcome, words);
    }
    assert_eq!(run(place.path(), &["experiment", "collect"]).code, Some(2));
}

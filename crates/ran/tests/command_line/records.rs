//! What is printed: records, summaries, tables, the list of experiments.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{experiment, succeed, without_seconds};

#[test]
fn with_json_standard_output_is_records_and_their_summary() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &experiment(&["--seeds", "3..5", "--json"]));
    assert_eq!(outcome.err, "", "quiet when piped");
    let lines = outcome.lines();
    let [first, second, summary] = &lines[..] else {
        panic!("two records and a summary, got {}", outcome.out);
    };
    for (record, seed) in [(first, 3), (second, 4)] {
        assert_eq!(record["experiment"], "japanese-vowels");
        assert_eq!(record["task"], "japanese-vowels");
        assert_eq!(record["backend"], "ndarray");
        assert_eq!(record["seed"], seed);
        assert_eq!(record["regime"], "reservoir");
        assert_eq!(record["metric"], "accuracy");
        // U·D·O·2 + O for the mean and the last state; 11·D²·U + 8·D·U fixed.
        assert_eq!(record["trained_parameters"], 32 * 9 * 2 + 9);
        assert_eq!(record["fixed_parameters"], 11 * 64 * 4 + 8 * 8 * 4);
        assert_eq!(record["valid"], Value::Null);
        assert_eq!(record["config"]["reservoir"]["population"][0]["units"], 4);
        assert!(record["seconds"].as_f64().unwrap() >= 0.0);
        assert!(record["ridge"].as_f64().unwrap() > 0.0);
        for score in ["train", "test"] {
            // Nine classes: chance is about a ninth.
            let score = record[score].as_f64().unwrap();
            assert!((0.5..=1.0).contains(&score), "{record}");
        }
        assert_eq!(record["scores"]["test"]["accuracy"], record["test"]);
        assert_eq!(record["scores"]["train"]["accuracy"], record["train"]);
        assert_eq!(record["scores"].get("valid"), None);
        assert!(record.get("summary").is_none());
    }
    let tests = [first, second].map(|record| record["test"].as_f64().unwrap());
    assert_eq!(summary["summary"], true);
    assert_eq!(summary["metric"], "accuracy");
    assert_eq!(summary["seeds"], serde_json::json!([3, 4]));
    let mean = (tests[0] + tests[1]) / 2.0;
    assert!((summary["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    // Of two numbers the deviation of a sample is their distance over the root of 2.
    let deviation = (tests[0] - tests[1]).abs() / 2_f64.sqrt();
    assert!((summary["std"].as_f64().unwrap() - deviation).abs() < 1e-12);
}

#[test]
fn twice_the_same_command_differs_in_seconds_alone() {
    let place = TempDir::new().unwrap();
    let outcomes = ["a", "b"].map(|name| {
        let arguments = experiment(&["--seeds", "0..2", "--json", "--out", name]);
        let outcome = succeed(place.path(), &arguments);
        let read = |file: &str| fs::read(place.path().join(name).join(file)).unwrap();
        let records = String::from_utf8(read("records.jsonl")).unwrap();
        let printed = without_seconds(&outcome.out);
        assert_eq!(
            without_seconds(&records),
            printed[..2],
            "the file has the printed records"
        );
        (printed, read("config.toml"), read("model.safetensors"))
    });
    assert!(outcomes[0] == outcomes[1]);
}

#[test]
fn the_table_has_a_line_per_seed_and_the_mean() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &experiment(&["--seeds", "0..2"]));
    let json = succeed(place.path(), &experiment(&["--seeds", "0..2", "--json"])).lines();
    for record in &json[..2] {
        let test = format!("{:.4}", record["test"].as_f64().unwrap());
        let seed = record["seed"].to_string();
        let mut rows = outcome
            .out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows.find(|row| row.first() == Some(&&seed[..])).unwrap();
        assert_eq!(row[3], test, "{}", outcome.out);
    }
    let mean = json[2]["mean"].as_f64().unwrap();
    let std = json[2]["std"].as_f64().unwrap();
    let expected = format!("test accuracy {mean:.4} ± {std:.4} over 2 seeds");
    assert!(outcome.out.contains(&expected), "{}", outcome.out);
}

#[test]
fn the_list_names_and_describes_the_presets() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &["experiment", "--list"]);
    for name in [
        "japanese-vowels",
        "japanese-vowels-two-kinds",
        "sequential-digits",
    ] {
        let mut lines = outcome.out.lines().map(|line| line.split_once("  "));
        let found = lines.find_map(|line| line.filter(|(found, _)| found.trim() == name));
        assert!(
            found.is_some_and(|(_, text)| text.trim().len() > 10),
            "{}",
            outcome.out
        );
    }
    let json = succeed(place.path(), &["experiment", "--list", "--json"]).lines();
    assert_eq!(json.len(), outcome.out.lines().count());
}

#[test]
fn a_record_has_all_scores_that_apply_to_its_task() {
    let place = TempDir::new().unwrap();
    let labels = ["--set", "task.name=cross-situation"];
    let capacity = [
        "--set",
        "task.name=memory-capacity",
        "--set",
        "task.train=60",
        "--set",
        "task.delays=5",
        "--set",
        "readout.features=last",
    ];
    for (task, metric, others) in [
        (&labels[..], "bit-accuracy", &["exact-match"][..]),
        (
            &capacity,
            "memory-capacity",
            &["mse", "rmse", "nrmse", "r2"],
        ),
    ] {
        let more = [task, &["--seeds", "0..2"]].concat();
        let with_json = [&more[..], &["--json"]].concat();
        let lines = succeed(place.path(), &experiment(&with_json)).lines();
        for split in ["train", "valid", "test"] {
            let scores = &lines[0]["scores"][split];
            assert_eq!(scores[metric], lines[0][split], "{split}");
            assert_eq!(scores.as_object().unwrap().len(), 1 + others.len());
        }
        assert_eq!(lines[0]["metric"], metric);
        let score = |name: &str, at: usize| lines[at]["scores"]["test"][name].as_f64().unwrap();
        let text = succeed(place.path(), &experiment(&more)).out;
        for name in others {
            let [mean, _] = [0, 1].map(|at| lines[2]["scores"][*name][at].as_f64().unwrap());
            assert!((mean - (score(name, 0) + score(name, 1)) / 2.0).abs() < 1e-12);
            let columns = text.lines().nth(2).unwrap();
            assert!(columns.contains(name), "{text}");
            assert!(text.contains(&format!("{name} {mean:.4} ± ")), "{text}");
        }
        match metric {
            // A sentence that is right as a whole is right in every label.
            "bit-accuracy" => assert!(score("exact-match", 0) <= score("bit-accuracy", 0)),
            // Five delays, each of which counts for at most one.
            _ => assert!((0.0..=5.0).contains(&score("memory-capacity", 0))),
        }
    }
}

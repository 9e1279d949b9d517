//! Data as users have them: with holes, far from zero, in too many or too few classes, or without end.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    Outcome, assert_sentence, assert_usage, command, experiment, files_below, run, succeed,
};

const PAGE: &str = include_str!("../../../../docs/own-data.md");

fn set<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    settings
        .iter()
        .flat_map(|setting| ["--set", *setting])
        .collect()
}

/// A run on a file that stands in a folder.
fn run_on(folder: &Path, settings: &[&str], more: &[&str]) -> Outcome {
    let arguments = [&["--json"], &set(settings)[..], more].concat();
    run(folder, &experiment(&arguments))
}

fn record(outcome: &Outcome) -> Value {
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    outcome.lines()[0].clone()
}

/// White noise in [−1, 1), the same everywhere (a linear congruential generator of Knuth's).
fn noise() -> impl Iterator<Item = f64> {
    let mut state = 1_u64;
    std::iter::from_fn(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        Some((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    })
}

#[test]
fn noise_with_holes_cannot_be_forecast() {
    let place = TempDir::new().unwrap();
    let mut values = noise();
    let mut text = String::from("x\n");
    let mut missing = 0;
    for _ in 0..2000 {
        let (value, coin) = (values.next().unwrap(), values.next().unwrap());
        if coin < 0.0 {
            text += "?\n";
            missing += 1;
        } else {
            text += &format!("{value}\n");
        }
    }
    fs::write(place.path().join("noise.csv"), text).unwrap();
    let settings = ["task.name=files", "task.data=noise.csv", "task.horizon=1"];
    for holes in ["carry-forward", "mask"] {
        let holes = format!("task.holes={holes}");
        let settings = [&settings[..], &[holes.as_str()]].concat();
        let record = record(&run_on(place.path(), &settings, &[]));
        let r2 = record["scores"]["test"]["r2"].as_f64().unwrap();
        assert!(r2 < 0.05, "{holes}: noise is forecast with an R² of {r2}");
        let warnings = record["warnings"].to_string();
        let counted = format!("{missing} of 2000 input values are missing");
        assert!(warnings.contains(&counted), "{warnings}");
        assert!(
            warnings.contains("of 1999 steps have a target that is missing, and are not scored"),
            "{warnings}"
        );
    }
}

#[test]
fn a_series_far_from_zero_is_forecast_as_well_as_one_about_zero() {
    let place = TempDir::new().unwrap();
    let text = |offset: f64| -> String {
        let lines = (0..600).map(|step| format!("{}\n", offset + (f64::from(step) / 5.0).sin()));
        std::iter::once("x\n".to_string()).chain(lines).collect()
    };
    fs::write(place.path().join("far.csv"), text(1e7)).unwrap();
    let settings = ["task.name=files", "task.data=far.csv", "task.horizon=1"];
    let record = record(&run_on(place.path(), &settings, &["--out", "run"]));
    let r2 = record["scores"]["test"]["r2"].as_f64().unwrap();
    assert!(r2 > 0.999, "{r2}");
    // The model says numbers of the series' own unit, and keeps its digits in a stream and on another file.
    let predicted = succeed(
        place.path(),
        &[
            "experiment",
            "predict",
            "run/model.safetensors",
            "--input",
            "far.csv",
        ],
    );
    let last = predicted.out.lines().last().unwrap();
    let last: f64 = last.rsplit(',').next().unwrap().parse().unwrap();
    let due = 1e7 + (600.0_f64 / 5.0).sin();
    assert!((last - due).abs() < 0.05, "{last} where {due} is due");
    let evaluated = succeed(
        place.path(),
        &[
            "experiment",
            "evaluate",
            "run/model.safetensors",
            "--data",
            "far.csv",
            "--json",
        ],
    );
    let r2 = evaluated.lines()[0]["splits"][0]["scores"]["r2"]
        .as_f64()
        .unwrap();
    assert!(r2 > 0.99, "{r2}");
}

#[test]
fn one_class_is_nothing_to_learn_and_leaves_no_file() {
    let place = TempDir::new().unwrap();
    let text = "id,x,what\n1,1,up\n1,2,up\n2,3,up\n3,4,up\n";
    fs::write(place.path().join("one.csv"), text).unwrap();
    let settings = [
        "task.name=files",
        "task.data=one.csv",
        "task.sequence=id",
        "task.label=what",
        "task.test_fraction=0.5",
    ];
    let outcome = run_on(place.path(), &settings, &[]);
    assert_sentence(
        &outcome,
        &[
            "--set task.data=one.csv",
            "one class only, \"up\"",
            "at least two are needed",
        ],
    );
    assert_eq!(files_below(place.path()), [Path::new("one.csv")]);

    // Settings of something else have no part in it.
    let task = settings
        .map(|one| one.replacen('=', "='", 1) + "'")
        .join("\n");
    let task = task.replace("test_fraction='0.5'", "test_fraction=0.5");
    let population =
        "reservoir.context=1\nreservoir.population=[{kind='tanh-unit',units=4,d_unit=1}]";
    let config = format!("{task}\n{population}\n");
    fs::write(place.path().join("one.toml"), config).unwrap();
    let unrelated = ["experiment", "one.toml", "--set", "reservoir.leak=0.5"];
    let outcome = run(place.path(), &unrelated);
    assert_sentence(&outcome, &["one.toml", "one class only"]);
    assert!(!outcome.err.contains("leak"), "{}", outcome.err);
}

#[test]
fn a_limit_keeps_so_many_training_sequences() {
    let place = TempDir::new().unwrap();
    let limited = record(&run_on(place.path(), &["task.limit=18"], &[]));
    let whole = record(&run_on(place.path(), &[], &[]));
    assert_eq!(limited["config"]["task"]["limit"], 18);
    let test = |record: &Value| record["test"].as_f64().unwrap();
    assert!(
        test(&limited) < test(&whole),
        "270 sequences teach more than 18"
    );
    let outcome = run_on(place.path(), &["task.limit=271"], &[]);
    assert_usage(&outcome, &["`limit`", "271 is not allowed", "270"]);
}

#[cfg(unix)]
#[test]
fn a_device_without_end_is_refused_at_once() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("x.npy"), b"not read").unwrap();
    let settings = ["task.name=files", "task.data=/dev/zero", "task.horizon=1"];
    assert_sentence(
        &run_on(place.path(), &settings, &[]),
        &["/dev/zero", "cannot be read"],
    );
    std::os::unix::fs::symlink("/dev/zero", place.path().join("endless.csv")).unwrap();
    let settings = ["task.name=files", "task.data=endless.csv", "task.horizon=1"];
    let outcome = run_on(place.path(), &settings, &[]);
    assert_sentence(
        &outcome,
        &[
            "endless.csv",
            "a device or a pipe; a regular file is needed",
        ],
    );
}

#[test]
fn verifying_outside_the_repository_says_what_to_do() {
    let (place, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut command = command(place.path(), &["datasets", "verify"]);
    let output = command.env("RAN_CACHE", cache.path()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in [
        "nothing to verify",
        "--folder",
        &cache.path().display().to_string(),
    ] {
        assert!(told.contains(word), "{word:?} is missing from: {told}");
    }
}

/// The words of a command line, of which some are in single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            letter => words.last_mut().unwrap().push(letter),
        }
    }
    words
}

#[test]
fn the_commands_of_the_page_on_own_data_run_on_its_own_files() {
    let place = TempDir::new().unwrap();
    let blocks: Vec<_> = PAGE.split("```").skip(1).step_by(2).collect();
    let blocks: Vec<_> = blocks
        .iter()
        .map(|block| block.split_once('\n').unwrap())
        .collect();
    for (info, text) in &blocks {
        if let Some((_, name)) = info.split_once(' ') {
            fs::write(place.path().join(name), text).unwrap();
        }
    }
    let commands = blocks.iter().filter(|(info, _)| *info == "sh");
    // Those on a model concern no user's file, and are tested elsewhere.
    let commands = commands.flat_map(|(_, text)| text.lines());
    let commands: Vec<&str> = commands.filter(|line| !line.contains("MODEL")).collect();
    assert_eq!(commands.len(), 3);
    for line in commands {
        let words = words(line.strip_prefix("cargo xtask ").unwrap());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        succeed(place.path(), &words);
    }
}

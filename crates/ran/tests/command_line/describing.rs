//! What the other subcommands print.

use std::path::Path;

use tempfile::TempDir;

use crate::{assert_usage, files_below, run, succeed};

#[test]
fn describe_agrees_with_the_posters_formula() {
    let place = TempDir::new().unwrap();
    // The formula is for one population of attention blocks: P = 11·D²·U + U·D·O + 8·D·U + O.
    for (units, d_unit) in [(20, 16), (4, 8), (100, 3)] {
        let [units_set, d_unit_set] = [("units", units), ("d_unit", d_unit)]
            .map(|(key, value)| format!("reservoir.population.0.{key}={value}"));
        let arguments = [
            "describe",
            "--json",
            "--set",
            &units_set,
            "--set",
            &d_unit_set,
            "--set",
            "reservoir.input_copies=1",
            "--set",
            "learning.regime=full",
        ];
        let description = &succeed(place.path(), &arguments).lines()[0];
        let (u, d, o, c) = (units, d_unit, 9, 4);
        assert_eq!(
            description["trained_parameters"],
            11 * d * d * u + u * d * o + 8 * d * u + o
        );
        assert_eq!(description["fixed_parameters"], 0);
        assert_eq!(description["d_input"], 12);
        assert_eq!(description["d_output"], o);
        assert_eq!(description["d_state"], u * d);
        assert_eq!(
            description["multiply_adds_per_step"],
            u * (11 * d * d + 2 * c * d)
        );
        assert_eq!(description["remembered"], c * u * d);
        assert_eq!(description["wiring"]["slots_reading_inputs"], 12);
        assert_eq!(description["wiring"]["unread_states"], 12);
    }
    assert!(
        files_below(place.path()).is_empty(),
        "describing writes nothing"
    );
}

#[test]
fn describe_tells_people_the_same() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &["describe", "japanese-vowels-two-kinds"]);
    for words in [
        "cortex",
        "hippocampus",
        "qkv-unit",
        "memory-unit",
        "12 inputs, 9 outputs",
        "width 640",
        "16,320",
        "42,560",
        "10,240 bytes",
    ] {
        assert!(
            outcome.out.contains(words),
            "{words} is missing from:\n{}",
            outcome.out
        );
    }
}

#[test]
fn projections_are_counted_as_they_were_asked_for() {
    let place = TempDir::new().unwrap();
    let preset = "japanese-vowels-cortex-hippocampus";
    let described = succeed(place.path(), &["describe", preset, "--json"]);
    let populations = &described.lines()[0]["populations"];
    // 96 copies of inputs feed the cortex; the hippocampus reads the cortex in all of its 320 slots.
    assert_eq!(populations[0]["reads_inputs"], 96);
    assert_eq!(populations[1]["reads_inputs"], 0);
    assert_eq!(populations[1]["reads_populations"][0], 320);
    assert_eq!(populations[1]["reads_populations"][1], 0);
    let table = succeed(place.path(), &["describe", preset]).out;
    let row = table
        .lines()
        .find(|line| line.starts_with("hippocampus") && line.contains("320"));
    let cells: Vec<_> = row.unwrap().split_whitespace().collect();
    assert_eq!(cells, ["hippocampus", "0", "320", "0"], "{table}");
    let cut = "reservoir.projections.cortex.hippocampus=0";
    let outcome = run(place.path(), &["describe", preset, "--set", cut]);
    assert_ne!(outcome.code, Some(0));
    assert!(
        outcome.err.contains("population \"hippocampus\""),
        "{}",
        outcome.err
    );
}

#[test]
fn data_sets_are_listed_and_verified() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = succeed(&root, &["datasets", "list"]).out;
    assert!(
        listed.contains("japanese-vowels") && listed.contains("CC BY 4.0"),
        "{listed}"
    );
    let verified = succeed(&root.join("docs"), &["datasets", "verify"]).out;
    assert!(
        verified.contains("JapaneseVowels_TRAIN.ts  intact"),
        "{verified}"
    );

    let place = TempDir::new().unwrap();
    let outcome = run(place.path(), &["datasets", "verify", "--folder", "."]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.out.contains("unreadable") && outcome.err.contains("not as they should be"));
    let outcome = run(place.path(), &["datasets", "fetch", "mnits"]);
    assert_usage(&outcome, &["mnits", "mnist", "spoken-digits"]);
}

//! What the other subcommands print.

use std::path::Path;

use tempfile::TempDir;

use crate::{files_below, run, succeed};

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
    ] {
        assert!(
            outcome.out.contains(words),
            "{words} is missing from:\n{}",
            outcome.out
        );
    }
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
}

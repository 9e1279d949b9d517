//! What numbers a configuration gives, and that they are the same wherever it runs.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{command, model, succeed, without_seconds};

/// What a run prints and the model that it leaves, with a number of threads.
fn outcome(arguments: &[&str], threads: &str) -> (Vec<Value>, (Value, Vec<u8>)) {
    let place = TempDir::new().unwrap();
    let always = ["--json", "--quiet", "--seeds", "3..4", "--out", "runs"];
    let output = command(
        place.path(),
        &[&["experiment"], arguments, &always].concat(),
    )
    .env("RAYON_NUM_THREADS", threads)
    .output()
    .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
    let folder = place.path().join("runs");
    let records = fs::read_to_string(folder.join("records.jsonl")).unwrap();
    let bytes = fs::read(folder.join("model.safetensors")).unwrap();
    (without_seconds(&records), model(&bytes))
}

#[test]
fn a_configuration_gives_the_same_records_and_weights_on_any_number_of_threads() {
    let table: &[&[&str]] = &[
        // More rows than features and a spectral radius; fewer rows, with λ by leave-one-out and given.
        &["narma-10"],
        &["japanese-vowels"],
        &[
            "japanese-vowels",
            "--set",
            "readout.ridge=0.1",
            "--set",
            "readout.features=last",
        ],
        // By gradient, with what is drawn on the way, and then in closed form.
        &["japanese-vowels-full", "--set", "learning.epochs=2"],
        &[
            "japanese-vowels-hybrid",
            "--set",
            "learning.epochs=1",
            "--set",
            "learning.batch=100",
        ],
        &[
            "narma-10",
            "--set",
            "reservoir.memory=rewritten",
            "--set",
            "reservoir.context=2",
            "--set",
            "readout.online={ rule = 'rls', forgetting = 1.0, delta = 0.01 }",
        ],
    ];
    for arguments in table {
        let one = outcome(arguments, "1");
        for threads in ["2", "4"] {
            let more = outcome(arguments, threads);
            assert_eq!(more.0, one.0, "{arguments:?}, {threads} threads");
            assert!(
                more.1 == one.1,
                "{arguments:?}, {threads} threads: the model"
            );
        }
    }
}

#[test]
fn describe_says_what_a_share_of_inputs_comes_to() {
    let place = TempDir::new().unwrap();
    let describe = |share: &str| {
        let set = format!("reservoir.input_share={share}");
        succeed(
            place.path(),
            &["describe", "japanese-vowels", "--set", &set],
        )
        .out
    };
    // Twelve inputs, 320 slots: 240 slots are 20 of each; 3 are not one of each, and become one.
    for (share, slots, each) in [("0.75", 240, 20), ("0.01", 12, 1)] {
        let text = describe(share);
        let words = format!("of 320 slots {slots} read inputs");
        assert!(text.contains(&words), "{words:?} is missing from: {text}");
        let words = format!("input_share {share} is {each} of each input");
        assert!(text.contains(&words), "{words:?} is missing from: {text}");
    }
}

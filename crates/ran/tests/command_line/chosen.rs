//! Seeds that chose a preset, and those that figures are published of.

use tempfile::TempDir;

use crate::succeed;

/// A run of the default preset, which was chosen on the seeds 0 to 4: its warnings, and its records.
fn run(more: &[&str]) -> (String, Vec<serde_json::Value>) {
    let place = TempDir::new().unwrap();
    let few = ["experiment", "--json", "--no-model", "--no-pictures"];
    let outcome = succeed(place.path(), &[&few, more].concat());
    (outcome.err.clone(), outcome.lines())
}

#[test]
fn a_run_of_seeds_that_chose_its_preset_warns_once_and_in_their_records() {
    let (err, lines) = run(&["--seeds", "3..6"]);
    assert_eq!(err.lines().count(), 1, "{err}");
    for word in ["warning: ", "seeds 0..5", "tried: 10", "from 1000 on"] {
        assert!(err.contains(word), "{word:?} is missing from: {err}");
    }
    let warning = err.trim_end().strip_prefix("warning: ").unwrap();
    for (record, expected) in lines.iter().zip([1, 1, 0]) {
        let warnings = record["warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), expected, "{record}");
        assert!(warnings.iter().all(|told| told == warning));
        assert_eq!(record["config"]["chosen"]["seeds"], "0..5");
    }
}

#[test]
fn fresh_seeds_and_other_configurations_have_nothing_to_be_warned_of() {
    for (more, chosen) in [
        (&["--seeds", "1000"][..], true),
        (&["--set", "reservoir.leak=0.4"], false),
        (&["--set", "readout.ridge=0.1"], false),
        (&["--set", "input_map.width=6"], false),
        (&["--set", "network.kind=gru"], false),
    ] {
        let (err, lines) = run(more);
        assert_eq!(err, "", "{more:?}");
        assert_eq!(lines[0]["warnings"], serde_json::json!([]), "{more:?}");
        assert_eq!(
            lines[0]["config"].get("chosen").is_some(),
            chosen,
            "{more:?}"
        );
    }
}

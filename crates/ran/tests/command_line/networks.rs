//! Another network in the reservoir's place: trained, described, saved, followed and looked into by the same commands.

use std::fs;
use std::path::Path;

use crate::{Outcome, run};

const RIVAL: [&str; 10] = [
    "japanese-vowels-full",
    "--set",
    "network.kind=gru",
    "--set",
    "network.width=24",
    "--set",
    "learning.learning_rate=0.01",
    "--set",
    "learning.epochs=8",
    "--quiet",
];

fn rival(folder: &Path, options: &[&str]) -> Outcome {
    run(folder, &[&["experiment"], &RIVAL[..], options].concat())
}

#[test]
fn a_setting_turns_a_preset_into_a_rival() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let outcome = rival(folder, &["--json", "--out", "out"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let record = &outcome.lines()[0];
    // A tenth of the speakers is guessed right by chance.
    assert!(record["test"].as_f64().unwrap() > 0.8, "{record}");
    let trained = 3 * 24 * (12 + 24) + 6 * 24 + 2 * 24 * 9 + 9;
    assert_eq!(record["trained_parameters"], trained, "{record}");
    assert_eq!(record["config"]["network"]["kind"], "gru");
    assert!(record["config"].get("reservoir").is_none(), "{record}");

    let evaluated = run(
        folder,
        &["experiment", "evaluate", "out/model.safetensors", "--json"],
    );
    assert_eq!(evaluated.code, Some(0), "{}", evaluated.err);
    let splits = &evaluated.lines()[0]["splits"];
    assert_eq!(splits[1]["name"], "test", "{splits}");
    assert_eq!(splits[1]["score"], record["test"], "{splits}");

    let named: Vec<String> = (0..12)
        .map(|place| format!("coefficient {place}"))
        .collect();
    let steps = format!(
        "{}\n{}",
        named.join(","),
        "0.5,1,0,0,0,0,0,0,0,0,0,0\n".repeat(3)
    );
    fs::write(folder.join("steps.csv"), steps).unwrap();
    let arguments = [
        "experiment",
        "predict",
        "out/model.safetensors",
        "--input",
        "steps.csv",
    ];
    let predicted = run(folder, &arguments);
    assert_eq!(predicted.code, Some(0), "{}", predicted.err);
    assert_eq!(predicted.out.lines().count(), 4, "{}", predicted.out);

    let arguments = [
        "experiment",
        "export",
        "out/model.safetensors",
        "--what",
        "states,features",
        "--out",
        "states.npz",
    ];
    let exported = run(folder, &arguments);
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    assert!(
        exported.out.contains("states_test_network"),
        "{}",
        exported.out
    );
    let arguments = [
        "experiment",
        "export",
        "out/model.safetensors",
        "--what",
        "attention",
    ];
    let refused = run(folder, &[&arguments[..], &["--out", "none.npz"]].concat());
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(
        refused.err.contains("no attention to export"),
        "{}",
        refused.err
    );
    assert!(!folder.join("none.npz").exists());
}

#[test]
fn a_description_says_what_a_step_costs_at_which_position() {
    let folder = tempfile::tempdir().unwrap();
    let described = |network: &str| {
        let setting = format!("network={network}");
        let arguments = ["describe", "japanese-vowels-full", "--set", &setting];
        let outcome = run(folder.path(), &arguments);
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
        outcome.out
    };
    let lstm = described("{ kind = 'lstm', width = 24 }");
    // 4·24·(12 + 24) of the gates, and two for each number of the cell; the hidden state and the cell.
    let cost = "a step     3,504 multiply-adds, 48 numbers remembered after it";
    assert!(lstm.contains(cost), "{lstm}");
    assert!(!lstm.contains("reservoir"), "{lstm}");
    let transformer = described("{ kind = 'transformer', width = 24, layers = 1 }");
    // A key and a value for each of 65 steps.
    assert!(
        transformer.contains("3,120 numbers remembered after it"),
        "{transformer}"
    );
}

#[test]
fn a_network_that_cannot_be_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, words) in [
        (&["network.kind=gru2"][..], "`echo-state-transformer`"),
        (&["network.width=24"], "kind"),
        (&["network.kind=gru", "network.heads=2"], "heads"),
        (
            &["network.kind=gru", "reservoir.leak=0.5"],
            "another network in its place",
        ),
        (
            &["network={kind='retnet',width=65536,value_factor=65536,feed_forward=1,layers=65536}"],
            "times value_factor must be at most",
        ),
        (
            &["network.kind=gru", "network.width=0"],
            "network.width must be between 1 and",
        ),
        (&["network.kind=rwkv", "network.heads=7"], "network.heads"),
        (
            &["network.kind=mamba", "learning.regime=fixed-qk"],
            "fixes queries and keys of units",
        ),
        (
            &["network.kind=gru", "readout.populations=['a']"],
            "another network in their place",
        ),
        (
            &[
                "network.kind=gru",
                "network.width=60000",
                "network.layers=64",
            ],
            "at most",
        ),
    ] {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments = ["experiment", "japanese-vowels-full"]
            .into_iter()
            .chain(settings);
        let arguments: Vec<&str> = arguments.collect();
        let refused = run(folder.path(), &arguments);
        assert_eq!(
            refused.code,
            Some(2),
            "{settings:?}: {}",
            refused.err,
            settings = arguments
        );
        assert_eq!(refused.err.trim().lines().count(), 1, "{}", refused.err);
        assert!(refused.err.contains(words), "{}", refused.err);
    }
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_search_varies_a_rivals_width_and_learning() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let search = |more: &[&str]| {
        let arguments = ["experiment", "japanese-vowels", "--set", "network.kind=gru"];
        run(
            folder,
            &[&arguments[..], &["--set", "learning.epochs=2"], more].concat(),
        )
    };
    let found = search(&["--search", "3", "--json", "--quiet", "--out", "out"]);
    assert_eq!(found.code, Some(0), "{}", found.err);
    let record = &found.lines()[0];
    assert_eq!(record["regime"], "full", "{record}");
    assert_eq!(record["config"]["chosen"]["tried"], 3, "{record}");
    assert_ne!(record["config"]["learning"]["learning_rate"], 0.001);
    let refused = search(&["--search", "3", "--space", "roles"]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("is of reservoirs"), "{}", refused.err);
    // What a closed form alone has goes with it.
    let force = [
        "experiment",
        "force-mackey-glass",
        "--set",
        "network.kind=gru",
    ];
    let more = [
        "--set",
        "learning.epochs=1",
        "--search",
        "1",
        "--json",
        "--quiet",
        "--out",
        "force",
    ];
    let found = run(folder, &[&force[..], &more].concat());
    assert_eq!(found.code, Some(0), "{}", found.err);
}

//! Populations that read inputs by name, as a user meets them.

use tempfile::TempDir;

use crate::{assert_sentence, assert_usage, run, succeed};

#[test]
fn describe_lists_the_groups_that_populations_can_read() {
    let place = TempDir::new().unwrap();
    let preset = "selective-copy-small-roles";
    let outcome = succeed(place.path(), &["describe", preset]);
    let groups = "symbol (3), marker (1), trigger (1)";
    assert!(outcome.out.contains(groups), "{}", outcome.out);
    let line = &succeed(place.path(), &["describe", preset, "--json"]).lines()[0];
    assert_eq!(line["groups"][0]["name"], "symbol");
    assert_eq!(line["groups"][2]["inputs"], serde_json::json!([4]));
    let reads = &line["populations"][4]["reads"];
    assert_eq!(reads["gate"]["from"], "marker");
    let plain = succeed(place.path(), &["describe", "narma-10"]);
    assert!(!plain.out.contains("groups"), "{}", plain.out);
}

#[test]
fn attention_with_roles_by_hand_recalls_without_an_error() {
    let place = TempDir::new().unwrap();
    for preset in [
        "associative-recall-small-roles",
        "sorting-problem-small-roles",
    ] {
        let arguments = [
            "experiment",
            preset,
            "--seeds",
            "100",
            "--json",
            "--no-pictures",
        ];
        let record = &succeed(place.path(), &arguments).lines()[0];
        let accuracy = record["test"].as_f64().unwrap();
        assert!(accuracy > 0.98, "{preset}: {accuracy}");
    }
}

#[test]
fn a_read_that_does_not_fit_the_task_is_named_with_what_there_is() {
    let place = TempDir::new().unwrap();
    let preset = "associative-recall-small-roles";
    for (setting, words) in [
        (
            "reservoir.population.1.reads.query=[\"word\"]",
            &[
                "reads.query",
                "\"word\"",
                "groups are inputs, symbol",
                "before, recall",
            ][..],
        ),
        (
            "reservoir.population.1.reads.key=[{ from = \"symbol\", delay = 2 }]",
            &["reads.key", "2 steps ago", "holds 1 steps"],
        ),
        (
            "reservoir.population.1.reads.delay=-1",
            &["reads", "under `delay`"],
        ),
        (
            "reservoir.population.1.reads.gate=\"symbol\"",
            &["reads.gate", "single signal, got 5"],
        ),
        (
            "reservoir.population.1.lag_bias=\"uniform\"",
            &["lag_bias", "`uniform`", "`cosine`"],
        ),
        (
            "reservoir.population.1.reads=7",
            &["reads", "a list of signals, or a table"],
        ),
        (
            "reservoir.population.0.lag_bias=\"normal\"",
            &["lag_bias", "\"tanh-unit\"", "recurrence"],
        ),
    ] {
        let outcome = run(place.path(), &["describe", preset, "--set", setting]);
        assert_usage(&outcome, words);
    }
    // The preset ties queries to keys: it is at fault as much as the setting.
    let setting = "reservoir.population.1.reads.query=[\"inputs\", \"before\"]";
    let outcome = run(place.path(), &["describe", preset, "--set", setting]);
    assert_sentence(&outcome, &["population[1].qk", "they read 10 and 5"]);
    // So are the key's own delay and that of all roles.
    let setting = "reservoir.population.1.reads.delay=1";
    let outcome = run(place.path(), &["describe", preset, "--set", setting]);
    assert_sentence(
        &outcome,
        &["reads.key", "2 steps ago", "holds 1 steps", setting],
    );
}

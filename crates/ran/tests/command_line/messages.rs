//! Who is blamed for a wrong configuration, and in what words.

use std::fs;

use tempfile::TempDir;

use crate::{assert_usage, experiment, run, succeed};

#[test]
fn the_setting_that_is_wrong_is_named_and_no_other_one_and_no_file() {
    let place = TempDir::new().unwrap();
    let step = "task.step=0.01";
    for (preset, settings, guilty, words) in [
        // Out of range, whatever else there is.
        (
            "japanese-vowels",
            &["reservoir.leak=3"][..],
            0,
            &["reservoir.leak must be"][..],
        ),
        (
            "japanese-vowels",
            &["reservoir.leak=3", "reservoir.context=2"],
            0,
            &["got 3"],
        ),
        // At odds with what the preset has.
        (
            "japanese-vowels",
            &[
                "reservoir.context=2",
                "reservoir.population.0.heads=3",
                "learning.epochs=2",
            ],
            1,
            &["reservoir.population[0].heads", "width of 16"],
        ),
        (
            "japanese-vowels",
            &["reservoir.population.0.d_unit=8", "reservoir.wiring=sparse"],
            1,
            &["reservoir.input_share belongs to"],
        ),
        (
            "lorenz",
            &["reservoir.population.1.kind=tanh-unit", "readout.ridge=1"],
            0,
            &["reservoir.population[1].output is not an option"],
        ),
        ("lorenz", &["network=gru"], 0, &["a table with a kind"]),
        // In tables whose kind is told by one of their keys, which are read in one piece.
        (
            "lorenz",
            &["task.horizon=far"],
            0,
            &["\"far\"", "a whole number"],
        ),
        ("lorenz", &[step, "task.horizon=far"], 1, &["\"far\""]),
        ("lorenz", &["task.horizon=far", step], 0, &["\"far\""]),
        (
            "force-mackey-glass",
            &["readout.online.delta=much", "reservoir.leak=0.5"],
            0,
            &["\"much\"", "a number"],
        ),
        (
            "force-mackey-glass",
            &["readout.online.delta=-1"],
            0,
            &["delta is -1"],
        ),
        // In lists.
        (
            "lorenz",
            &[
                "reservoir.population.0.units=3",
                "reservoir.population.1.units=many",
            ],
            1,
            &["\"many\""],
        ),
        (
            "lorenz",
            &["reservoir.population.2.units=4"],
            0,
            &["`kind`"],
        ),
    ] {
        let mut arguments = vec!["describe", preset];
        for setting in settings {
            arguments.extend(["--set", setting]);
        }
        let outcome = run(place.path(), &arguments);
        let blamed = format!("error: --set {}: ", settings[guilty]);
        assert_usage(&outcome, &[&[&blamed[..]], words].concat());
        assert!(!outcome.err.contains(".toml"), "{}", outcome.err);
    }
}

#[test]
fn of_settings_of_one_key_the_last_is_blamed_and_where_no_single_one_is_all_are() {
    let place = TempDir::new().unwrap();
    for (settings, blamed) in [
        (
            &["reservoir.leak=3", "reservoir.leak=4", "reservoir.leak=3"][..],
            "error: --set reservoir.leak=3: ",
        ),
        (
            &["learning.regime=full", "learning.fixed_qk=true"],
            "error: --set learning.fixed_qk=true: ",
        ),
        (
            &["task.horizon=far", "task.horizon=far"],
            "error: --set task.horizon=far --set task.horizon=far: ",
        ),
    ] {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let arguments: Vec<_> = ["describe", "lorenz"].into_iter().chain(settings).collect();
        assert_usage(&run(place.path(), &arguments), &[blamed]);
    }
}

#[test]
fn a_value_that_does_not_fit_the_data_names_its_setting_beside_the_file() {
    let place = TempDir::new().unwrap();
    let more = ["--set", "task.horizon=2", "--quiet", "--seeds", "1000"];
    let outcome = run(
        place.path(),
        &[&["experiment", "lorenz"], &more[..]].concat(),
    );
    let blamed = "docs/experiments/lorenz.toml with --set task.horizon=2: evaluation.free_run";
    assert!(outcome.err.contains(blamed), "{}", outcome.err);
    let more = ["--set", "reservoir.input_copies=9"];
    let outcome = run(place.path(), &experiment(&more));
    assert!(
        outcome.err.contains("--set reservoir.input_copies=9"),
        "{}",
        outcome.err
    );
    assert_usage(&outcome, &["12 inputs"]);
}

#[test]
fn a_file_is_named_with_the_line_of_what_is_out_of_range() {
    let place = TempDir::new().unwrap();
    let config = "[task]\nname = 'japanese-vowels'\n[reservoir]\ncontext = 4\nleak = 3\n\
                  [[reservoir.population]]\nkind = 'qkv-unit'\nunits = 10\nd_unit = 8\n";
    fs::write(place.path().join("own.toml"), config).unwrap();
    let more = ["describe", "own.toml", "--set", "reservoir.context=2"];
    let outcome = run(place.path(), &more);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .err
            .contains("own.toml, line 5: reservoir.leak must be"),
        "{}",
        outcome.err
    );
}

#[test]
fn sentences_are_in_the_words_of_a_configuration_and_say_what_to_write() {
    let place = TempDir::new().unwrap();
    for (preset, setting, words) in [
        (
            "japanese-vowels",
            "readout.features=segments",
            &["\"segments\" needs a value: write { segments = VALUE }"][..],
        ),
        (
            "lorenz",
            "readout.features.segments=4",
            &["readout.features is \"last\"", "{ segments = VALUE }"],
        ),
        (
            "japanese-vowels",
            "readout.features={segments=0}",
            &["a whole number of at least 1"],
        ),
        (
            "japanese-vowels-full",
            "readout.features=pooled",
            &["readout.features", "no gradient", "\"full\""],
        ),
        (
            "japanese-vowels",
            "reservoir.leak={from=0.1}",
            &["reservoir.leak", "`to`"],
        ),
        (
            "japanese-vowels",
            "reservoir.leak={from=0.1,to=2}",
            &["reservoir.leak.to must be above 0 and at most 1, got 2.0"],
        ),
        (
            "japanese-vowels",
            "reservoir.population.0.leak=0",
            &["leak must be above 0 and at most 1, got 0.0"],
        ),
        (
            "japanese-vowels",
            "reservoir=3",
            &["integer `3`, expected a table"],
        ),
        (
            "japanese-vowels",
            "task=3",
            &["integer `3`, expected a table"],
        ),
        (
            "japanese-vowels",
            "reservoir.population=3",
            &["expected a list"],
        ),
        (
            "japanese-vowels",
            "learning.regime=[1]",
            &["a list, expected a name in quotes"],
        ),
        (
            "japanese-vowels",
            "readout.ridge=[1]",
            &["a list, expected \"auto\""],
        ),
        ("japanese-vowels", "chosen.seeds=[3]", &["3", "string"]),
    ] {
        let outcome = run(place.path(), &["describe", preset, "--set", setting]);
        assert_usage(&outcome, words);
        for jargon in ["variant", "struct", "enum", "usize", "sequence"] {
            assert!(!outcome.err.contains(jargon), "{}", outcome.err);
        }
    }
    let right = [
        "describe",
        "lorenz",
        "--set",
        "readout.features={segments=4}",
    ];
    succeed(place.path(), &right);
}

#[test]
fn one_seed_has_no_deviation_in_the_table_and_0_in_json() {
    let place = TempDir::new().unwrap();
    let free = [
        "--set",
        "task.name=lorenz",
        "--set",
        "task.horizon=1",
        "--set",
        "task.test=100",
        "--set",
        "task.train=300",
        "--set",
        "readout.features=last",
        "--set",
        "evaluation.free_run=20",
        "--no-pictures",
    ];
    let text = succeed(place.path(), &experiment(&free)).out;
    assert!(
        text.contains("free run: NRMSE ") && !text.contains('±'),
        "{text}"
    );
    let json = [&free[..], &["--json"]].concat();
    let lines = succeed(place.path(), &experiment(&json)).lines();
    assert_eq!(lines[1]["std"], 0.0);
    assert_eq!(lines[1]["free_run"]["valid_steps"][1], 0.0);
}

//! What the program says when something is wrong.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::{FILES, TEST, TRAIN, assert_sentence, assert_usage, experiment, files_below, run};

#[test]
fn wrong_usage_exits_with_2() {
    let place = TempDir::new().unwrap();
    for (arguments, words) in [
        (
            &["experiment", "--backend", "cuda"][..],
            &["cuda", "ndarray", "wgpu"][..],
        ),
        (&["experiment", "--seeds", "5..1"], &["5..1", "0..5"]),
        (&["experiment", "--seeds", "-1..2"], &["-1..2", "0..5"]),
        (&["experiment", "--set", "leak"], &["leak", "KEY=VALUE"]),
        (
            &["experiment", "--set", "reservoir.population[0.units=3"],
            &["population[0.units", "KEY=VALUE"],
        ),
        (&["experiment", "--sets", "a=1"], &["--sets", "--set"]),
        (&["experiment", "a", "b"], &["'b'"]),
        (
            &["experiment", "--list", "--out", "x"],
            &["--list", "--out"],
        ),
        (
            &["sweep", "context-sorting-problem", "--set", "task.nme=3"],
            &["task.nme=3", "`nme`", "`size`"],
        ),
        (&["describe", "--seeds", "0..1"], &["--seeds"]),
        (&["train"], &["train"]),
        (&["datasets"], &["list", "verify"]),
        (&[], &["experiment", "describe", "datasets"]),
    ] {
        let outcome = run(place.path(), arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {}", outcome.err);
        assert_eq!(outcome.out, "", "{arguments:?}");
        for word in words {
            assert!(
                outcome.err.contains(word),
                "{word} is missing from: {}",
                outcome.err
            );
        }
    }
    assert!(files_below(place.path()).is_empty());
}

#[test]
fn wrong_data_get_a_sentence_and_leave_nothing() {
    for (train, test, words) in [
        (None, TEST.as_bytes(), &["train.ts", "cannot be read"][..]),
        (Some(&b""[..]), TEST.as_bytes(), &["train.ts", "@data"]),
        // Cut off in the middle of the header, of a case, and of a channel.
        (
            Some(&TRAIN.as_bytes()[..30]),
            TEST.as_bytes(),
            &["train.ts"],
        ),
        (
            Some(&TRAIN.as_bytes()[..TRAIN.find(":0,0,1,1").unwrap()]),
            TEST.as_bytes(),
            &["train.ts, line 5"],
        ),
        (
            Some(b"\xff\x00\x01garbled"),
            TEST.as_bytes(),
            &["train.ts, line 1", "UTF-8"],
        ),
        (
            Some(TRAIN.as_bytes()),
            &TEST.replace("0,0,1,1:up", "0,0,1:up").into_bytes(),
            &["test.ts, line 5", "channel 2", "3 steps", "4"],
        ),
        (
            Some(&TRAIN.replace("0,1,2,3", "0,NaN,2,3").into_bytes()),
            TEST.as_bytes(),
            &["train.ts, line 5", "NaN"],
        ),
        (
            Some(&TRAIN.replace("0,1,2,3", "0,x,2,3").into_bytes()),
            TEST.as_bytes(),
            &["train.ts, line 5", "`x`"],
        ),
        (
            Some(&TRAIN.replace(":down", ":up").into_bytes()),
            TEST.as_bytes(),
            &["test.ts", "down", "up"],
        ),
        (
            Some(TRAIN.as_bytes()),
            &TEST
                .replace(":0,0,1,1", "")
                .replace(":1,1,0,0", "")
                .replace("@dimensions 2\n", "")
                .into_bytes(),
            &["test.ts", "1", "2"],
        ),
    ] as [(Option<&[u8]>, &[u8], &[&str]); 10]
    {
        let place = TempDir::new().unwrap();
        if let Some(train) = train {
            fs::write(place.path().join("train.ts"), train).unwrap();
        }
        fs::write(place.path().join("test.ts"), test).unwrap();
        let before = files_below(place.path());
        let outcome = run(place.path(), &[&["experiment", "--json"], FILES].concat());
        assert_sentence(&outcome, words);
        assert_eq!(files_below(place.path()), before);
        assert!(!place.path().join("runs").exists());
    }
}

#[test]
fn wrong_configurations_get_a_sentence_and_leave_nothing() {
    let place = TempDir::new().unwrap();
    let config = "[task]\nname = 'japanese-vowels'\n[reservoir]\ncontext = 4\n\
                  [[reservoir.population]]\nkind = 'tanh-unit'\nunits = 40\nd_unit = 1\n";
    for (from, to, words) in [
        (
            "context",
            "contxt",
            &["bad.toml, line 4", "`contxt`", "`context`"][..],
        ),
        (
            "tanh-unit",
            "relu-unit",
            &[
                "bad.toml, line 6",
                "`relu-unit`",
                "`tanh-unit`",
                "`qkv-unit`",
            ],
        ),
        (
            "japanese-vowels",
            "vowels",
            &["bad.toml, line 2", "`vowels`", "`japanese-vowels`"],
        ),
        (
            "d_unit = 1",
            "d_unit = 1\nheads = 2",
            &["bad.toml", "population[0].heads", "must divide d_unit", "2"],
        ),
        (
            "d_unit = 1",
            "d_unit = 1\noutput = 'tanh'",
            &["bad.toml", "output", "tanh-unit", "bias"],
        ),
        (
            "units = 40",
            "units = 12",
            &["bad.toml", "12 inputs", "at least 13 slots", "got 12"],
        ),
        (
            "units = 40",
            "units = 'many'",
            &["bad.toml, line 7", "units", "\"many\"", "a whole number"],
        ),
        ("[task]", "[task", &["bad.toml, line 1"]),
    ] {
        fs::write(place.path().join("bad.toml"), config.replace(from, to)).unwrap();
        let outcome = run(place.path(), &["experiment", "bad.toml"]);
        assert_sentence(&outcome, words);
    }
    let missing = run(place.path(), &["experiment", "missing.toml"]);
    assert_sentence(&missing, &["missing.toml", "cannot be read"]);
    assert_eq!(files_below(place.path()), [PathBuf::from("bad.toml")]);
}

#[test]
fn what_is_not_there_or_cannot_be_set_is_wrong_usage() {
    let place = TempDir::new().unwrap();
    for command in ["describe", "experiment"] {
        let unknown = run(place.path(), &[command, "vowels"]);
        assert_usage(&unknown, &["\"vowels\", but japanese-vowels, ", "--list"]);
    }
    for (setting, words) in [
        (
            "readout.ridge=big",
            &["--set readout.ridge=big", "auto"][..],
        ),
        ("reservoir.leek=1", &["--set reservoir.leek=1", "`leak`"]),
        (
            "reservoir.leak.x=1",
            &["reservoir.leak is of type", "\"x\""],
        ),
        (
            "reservoir.leak=3",
            &["reservoir.leak", "at most 1", "got 3"],
        ),
        (
            "readout.online={rule='rls',forgetting=3}",
            &["readout.online", "forgetting factor is 3", "at most 1"],
        ),
        (
            "reservoir.population.0.heads=3",
            &["population[0].heads", "must divide d_unit"],
        ),
        // Nothing is wrong with any one of these alone: it is the network that cannot be wired, or the task that is not
        // told where its files are.
        ("reservoir.population.0.units=1", &["12 inputs", "got 8"]),
        ("task.name=files", &["`data`", "`train`"]),
        (
            "task.name=fashion-mnist",
            &["--set task.name=fashion-mnist", "`from`"],
        ),
        ("task.valid=2", &["`valid`", "less than 1"]),
    ] {
        let outcome = run(place.path(), &experiment(&["--set", setting]));
        assert_usage(&outcome, words);
    }
    let set = ["--set", "task.name=files", "--set", "task.data=nowhere.csv"];
    let missing = run(place.path(), &experiment(&set));
    assert_sentence(&missing, &["nowhere.csv", "cannot be read"]);
    assert!(files_below(place.path()).is_empty());
}

#[test]
fn what_no_machine_holds_is_refused_before_anything_is_counted_or_allocated() {
    let place = TempDir::new().unwrap();
    let most = i64::MAX;
    for (key, words) in [
        ("reservoir.context", &["reservoir.context", "65536"][..]),
        ("reservoir.population.0.units", &["16777216 slots"]),
        ("reservoir.population.0.d_unit", &["16777216 slots"]),
        ("reservoir.input_copies", &["12 inputs", "at least"]),
        (
            "readout.features.segments",
            &["readout.features", "16777216"],
        ),
        ("learning.epochs", &["learning.epochs", "1000000"]),
    ] {
        let setting = match key {
            "readout.features.segments" => format!("readout.features={{segments={most}}}"),
            key => format!("{key}={most}"),
        };
        for command in ["describe", "experiment"] {
            let outcome = run(place.path(), &[command, "--set", &setting]);
            assert_usage(&outcome, words);
        }
    }
    let both = ["units", "d_unit"].map(|key| format!("reservoir.population.0.{key}=4096"));
    let outcome = run(
        place.path(),
        &["describe", "--set", &both[0], "--set", &both[1]],
    );
    assert_usage(&outcome, &["4294967296 weights"]);
    assert!(files_below(place.path()).is_empty());
}

#[test]
fn a_file_is_at_fault_where_it_is_wrong_without_the_settings_too() {
    let place = TempDir::new().unwrap();
    let config = "[task]\nname = 'japanese-vowels'\n[reservoir]\ncontext = 4\n\
                  [[reservoir.population]]\nkind = 'qkv-unit'\nunits = 10\nd_unit = 8\nheads = 2\n";
    let of = |text: &str, setting: &str| {
        fs::write(place.path().join("own.toml"), text).unwrap();
        run(place.path(), &["describe", "own.toml", "--set", setting])
    };
    let d_unit = "reservoir.population.0.d_unit=7";
    assert_usage(&of(config, d_unit), &["population[0].heads", "7"]);
    let leak = "reservoir.leak=0.5";
    assert_eq!(of(config, leak).code, Some(0));
    for (from, to, words) in [
        (
            "heads = 2",
            "heads = 3",
            ["own.toml", "population[0].heads"],
        ),
        ("context", "contxt", ["own.toml, line 4", "`contxt`"]),
    ] {
        let outcome = of(&config.replace(from, to), leak);
        assert_sentence(&outcome, &words);
    }
}

use super::*;
use proptest::prelude::*;
use ran_learning::LearningConfig;

const TEXT: &str = "\
[task]
name = 'sequential-digits'

[reservoir]
context = 4

[[reservoir.population]]
kind = 'qkv-unit'
units = 2
d_unit = 8
";

fn parse(text: &str, settings: &[&str]) -> Result<Experiment, String> {
    let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
    Experiment::parse("x", "x.toml", text, &settings).map_err(|error| error.to_string())
}

fn assert_refused(text: &str, settings: &[&str], words: &[&str]) {
    let message = parse(text, settings).unwrap_err();
    for word in words {
        assert!(
            message.contains(word),
            "{word:?} is missing from: {message}"
        );
    }
    assert!(!message.contains('\n'), "one sentence, got: {message}");
}

#[test]
fn what_a_file_leaves_out_has_its_default() {
    let experiment = parse(TEXT, &[]).unwrap();
    assert_eq!(experiment.config.learning, LearningConfig::default());
    assert_eq!(experiment.config.reservoir.leak, 1.0.into());
}

#[test]
fn a_wrong_file_is_answered_with_line_key_value_and_what_is_allowed() {
    for (from, to, words) in [
        (
            "context = 4",
            "contxt = 4",
            &["line 5", "contxt", "context", "leak"][..],
        ),
        (
            "context = 4",
            "context = 'four'",
            &["line 5", "reservoir.context", "\"four\""],
        ),
        (
            "context = 4",
            "context = -1",
            &["line 5", "reservoir.context", "-1"],
        ),
        (
            "context = 4",
            "context = 0",
            &["reservoir.context", "from 1 to", "got 0"],
        ),
        (
            "context = 4",
            "context = 4\nmemory = 'slide'",
            &["line 6", "reservoir.memory", "slide", "rewritten"],
        ),
        (
            "context = 4",
            "context = 4\nleak = 3",
            &["reservoir.leak", "at most 1", "got 3"],
        ),
        ("context = 4", "context = ", &["x.toml, line 5"]),
        (
            "qkv-unit",
            "qkv",
            &[
                "line 8",
                "reservoir.population[0].kind",
                "`qkv`",
                "memory-unit",
            ],
        ),
        (
            "units = 2",
            "",
            &["line 7", "reservoir.population[0]", "`units`"],
        ),
        (
            "units = 2",
            "units = 2\nbias = 1",
            &["reservoir.population[0].bias", "qkv-unit", "heads"],
        ),
        (
            "sequential-digits",
            "digits",
            &["line 2", "task.name", "`digits`", "japanese-vowels"],
        ),
        (
            "[reservoir]",
            "ordr = 1\n[reservoir]",
            &["line 4", "task.ordr", "`order`"],
        ),
        (
            "[reservoir]",
            "[learn]\n[reservoir]",
            &["line 4", "learn", "`learning`"],
        ),
        (
            "[reservoir]",
            "[learning]\nregime = 'none'\n[reservoir]",
            &["line 5", "learning.regime", "`none`", "`full`"],
        ),
    ] {
        let text = TEXT.replace(from, to);
        let mut words = words.to_vec();
        words.push("x.toml");
        assert_refused(&text, &[], &words);
    }
}

#[test]
fn a_wrong_setting_is_named_as_it_was_given() {
    for (setting, words) in [
        (
            "reservoir.leak=much",
            &["--set reservoir.leak=much", "\"much\"", "a number"][..],
        ),
        (
            "reservoir.leek=1",
            &["--set reservoir.leek=1", "`leek`", "`leak`"],
        ),
        (
            "reservoir.population[0].kind=qkv",
            &["--set", "population[0].kind", "`qkv`", "qkv-unit"],
        ),
        (
            "task.name=vowels",
            &["--set task.name=vowels", "`vowels`", "japanese-vowels"],
        ),
        (
            "task.ordr=rows",
            &["--set task.ordr=rows", "`ordr`", "`order`"],
        ),
        (
            "reservoir.leak.a=1",
            &["--set reservoir.leak.a=1", "reservoir.leak"],
        ),
    ] {
        assert_refused(TEXT, &[setting], words);
    }
}

#[test]
fn an_experiment_that_is_not_there_is_answered_with_those_that_are() {
    let error = Experiment::open(Some("vowels"), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("\"vowels\"") && error.contains("japanese-vowels"),
        "{error}"
    );
    let error = Experiment::open(Some("nowhere/x.toml"), &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("nowhere/x.toml cannot be read"), "{error}");
}

#[test]
fn the_resolved_configuration_reads_back_as_itself() {
    for preset in Preset::experiments() {
        let experiment = Experiment::open(Some(preset.name), &[]).unwrap();
        let text = toml::to_string(&experiment.config).unwrap();
        let again = Experiment::parse(preset.name, "again", &text, &[]).unwrap();
        assert_eq!(again.config, experiment.config, "{}", preset.name);
    }
}

#[test]
fn another_task_replaces_the_presets() {
    let settings = ["task.name=files", "task.train=a.ts", "task.test=b.ts"];
    for preset in Preset::experiments() {
        let experiment = parse(preset.text, &settings).unwrap();
        assert_eq!(experiment.config.task.name(), "files");
    }
}

/// Values and keys as a file may hold them, right and wrong.
fn lines() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        "[a-z_.]{0,9}",
        Just("name".into()),
        Just("leak".into()),
        Just("context".into()),
        Just("population".into()),
        Just("kind".into()),
        Just("ridge".into()),
    ];
    let value = prop_oneof![
        "\\PC{0,9}",
        "-?[0-9]{1,25}",
        "[0-9]e[0-9]{1,4}",
        Just("nan".into()),
        Just("[]".into()),
        Just("[{}]".into()),
        Just("'files'".into()),
        Just("2024-01-01".into()),
    ];
    let header = prop_oneof![
        Just("[task]".to_string()),
        Just("[reservoir]".into()),
        Just("[[reservoir.population]]".into()),
        Just("[readout]".into()),
        "\\PC{0,9}",
    ];
    prop_oneof![
        (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        header
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = parse(&text, &[]);
    }

    #[test]
    fn no_file_makes_the_reader_panic(lines in prop::collection::vec(lines(), 0..12), at in 0..12_usize) {
        let _ = parse(&lines.join("\n"), &[]);
        let mut whole: Vec<_> = TEXT.lines().map(String::from).collect();
        for line in lines {
            whole.insert(at % whole.len(), line);
            let _ = parse(&whole.join("\n"), &[]);
        }
    }

    #[test]
    fn no_setting_makes_the_reader_panic(
        key in "(task|reservoir|learning|readout)(\\.[a-z_]{1,9}|\\.population\\.[0-2]\\.(units|kind|heads|d_unit)){0,2}",
        value in "\\PC{0,12}|-?[0-9]{1,25}|nan|inf|\\[\\]|\\{\\}",
    ) {
        if let Ok(setting) = format!("{key}={value}").parse::<Setting>() {
            let _ = Experiment::parse("x", "x.toml", TEXT, &[setting]);
        }
    }
}

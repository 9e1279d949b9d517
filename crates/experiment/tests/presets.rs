//! Every preset's network can be made for its task.

#![allow(missing_docs, reason = "a test crate")]

use ran_experiment::{Experiment, Preset, Trials, describe_experiment};
use ran_tasks::{Split, TaskConfig};

/// The width of the inputs of a task whose data are fetched, not generated or committed.
fn fetched_width(task: &TaskConfig) -> Option<usize> {
    let order = |order: &ran_tasks::PixelOrder| match order {
        ran_tasks::PixelOrder::Columns | ran_tasks::PixelOrder::Rows => 28,
        ran_tasks::PixelOrder::Pixels | ran_tasks::PixelOrder::Permuted => 1,
    };
    match task {
        TaskConfig::SequentialMnist(config) => Some(order(&config.order)),
        TaskConfig::FashionMnist(config) => Some(order(&config.order)),
        TaskConfig::SpokenDigits(_) => Some(13),
        TaskConfig::SantaFe(_) => Some(1),
        _ => None,
    }
}

#[test]
fn every_preset_loads_its_task_and_describes_its_network() {
    let folder = tempfile::tempdir().unwrap();
    for preset in Preset::experiments() {
        let mut experiment = Experiment::open(Some(preset.name), &[]).unwrap();
        if let Some(width) = fetched_width(&experiment.config.task) {
            // In place of what was not fetched, a table with as many columns.
            let table = folder.path().join(format!("{width}.csv"));
            let row = vec!["0.5"; width].join(",") + "\n";
            std::fs::write(&table, row.repeat(20)).unwrap();
            let files = ran_tasks::FilesConfig {
                data: Some(table),
                horizon: Some(1),
                ..Default::default()
            };
            experiment.config.task = TaskConfig::Files(Box::new(files));
        }
        let description = describe_experiment(&experiment, 0);
        let description = description.unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        assert!(description.trained_parameters > 0, "{}", preset.name);
        assert!(
            description
                .reservoir
                .is_none_or(|one| one.wiring.slots_reading_inputs > 0),
            "{}",
            preset.name
        );
        // What sweeps count without drawing the model.
        let facts = Trials::default()
            .facts(&experiment, 0, Split::Test)
            .unwrap();
        let counted = (facts.parameters.trained, facts.parameters.fixed);
        let described = (description.trained_parameters, description.fixed_parameters);
        assert_eq!(counted, described, "{}", preset.name);
        let drawn = 4 * (described.0 + described.1);
        assert!(
            facts.bytes > drawn,
            "{}: {} bytes",
            preset.name,
            facts.bytes
        );
    }
}

/// The keys of a table, as the error about one that is unknown names them.
fn known_keys(text: &str) -> Vec<String> {
    let error = Experiment::parse("keys", "keys.toml", text, &[]).unwrap_err();
    let error = error.to_string();
    let (_, known) = error.split_once("expected").expect(&error);
    let names = known.split('`').skip(1).step_by(2);
    // An older spelling, which is read.
    let names: Vec<_> = names.filter(|name| *name != "step-size").collect();
    assert!(error.contains("zzz") && !names.is_empty(), "{error}");
    names.into_iter().map(String::from).collect()
}

#[test]
fn the_page_of_the_configuration_names_every_key_and_task() {
    const PAGE: &str = include_str!("../../../docs/configuration.md");
    let section = |title: &str| {
        let (_, rest) = PAGE.split_once(&format!("\n## {title}\n")).expect(title);
        rest.split("\n## ").next().unwrap_or_default()
    };
    let model = "[task]\nname = 'narma'\n[reservoir]\ncontext = 1\nzzz_r\n[[reservoir.population]]\nkind = 'tanh-unit'\n\
                 units = 1\nd_unit = 1\nzzz_p\n[reservoir.projections]\n";
    let with = |place: &str| {
        let text = model.replace(place, "zzz = 1");
        text.replace("zzz_r\n", "").replace("zzz_p\n", "")
    };
    let mut expected = vec![
        ("`[reservoir]`", known_keys(&with("zzz_r"))),
        ("`[[reservoir.population]]`", known_keys(&with("zzz_p"))),
    ];
    for (title, table) in [
        ("`[input_map]`", "[input_map]"),
        ("`[learning]`", "[learning]"),
        ("`[readout]`", "[readout]"),
        ("`[readout]`", "[readout.online]\nrule = 'rls'"),
        ("`[readout]`", "[readout.online]\nrule = 'lms'"),
        ("`[readout]`", "[readout.online]\nrule = 'force'"),
        ("`[evaluation]`", "[evaluation]"),
        ("`[chosen]`", "[chosen]"),
    ] {
        let text = format!("{}{table}\nzzz = 1\n", with("nothing"));
        expected.push((title, known_keys(&text)));
    }
    for name in TaskConfig::NAMES {
        expected.push(("Tasks", vec![(*name).into()]));
        for key in known_keys(&format!("[task]\nname = '{name}'\nzzz = 1\n")) {
            let named = [section("`[task]`"), section("Tasks")].concat();
            assert!(named.contains(&format!("`{key}`")), "{name}: {key}");
        }
    }
    let network = |kind: &str, rest: &str| {
        known_keys(&format!(
            "[task]\nname = 'narma'\n[network]\nkind = '{kind}'\n{rest}"
        ))
    };
    for kind in network("zzz", "") {
        expected.push(("`[network]`", network(&kind, "zzz = 1")));
        expected.push(("`[network]`", vec![kind]));
    }
    for (title, keys) in expected {
        for key in keys {
            let named = section(title);
            let found = [format!("`{key}`"), format!("`\"{key}\"`")];
            assert!(
                found.iter().any(|one| named.contains(one)),
                "{title}: {key}"
            );
        }
    }
}

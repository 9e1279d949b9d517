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
    for preset in Preset::all() {
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

//! The space of another network in the reservoir's place: its width, and how it learns.

use ran_tasks::{Category, Dataset};
use toml::{Table, Value};

use super::{SearchSpace, table};
use crate::Experiment;

/// A network is trained by gradient, unless a setting says otherwise.
pub(super) fn space(mut base: Table, experiment: &Experiment, dataset: &Dataset) -> SearchSpace {
    let path = ["learning".to_owned(), "regime".to_owned()];
    if !experiment.settings.iter().any(|one| one.sets(&path)) {
        let learning = base.entry("learning");
        if let Value::Table(learning) = learning.or_insert_with(|| Value::Table(Table::new())) {
            learning.insert("regime".into(), "full".into());
        }
    }
    let mut keys = table(
        r#"
        "network.width" = [16, 32, 64]
        "learning.learning_rate" = { from = 3e-4, to = 3e-2, log = true }
        "learning.batch" = [8, 32]
        "learning.dropout" = [0.0, 0.1, 0.3]
        "learning.weight_decay" = [0.0, 0.01]
        "#,
    );
    let once = dataset.train.iter().all(|sample| sample.scored.len() == 1);
    if once && dataset.category != Category::Regression {
        keys.extend(table(
            r#""readout.features" = ["last", "mean", "mean-and-last"]"#,
        ));
    }
    SearchSpace { base, keys }
}

//! The space of another network in the reservoir's place: its width, and how it learns.

use ran_tasks::{Category, Dataset};
use toml::{Table, Value};

use super::{SearchSpace, is_closed, of_closed_form, table};
use crate::Experiment;

/// What belongs to readouts that are not trained by gradient.
const CLOSED: [&str; 5] = ["online", "passes", "loss", "features", "standardise"];

/// A network is trained by gradient, unless a setting says otherwise.
pub(super) fn space(mut base: Table, experiment: &Experiment, dataset: &Dataset) -> SearchSpace {
    let path = ["learning".to_owned(), "regime".to_owned()];
    if !experiment.settings.iter().any(|one| one.sets(&path)) {
        let learning = base.entry("learning");
        if let Value::Table(learning) = learning.or_insert_with(|| Value::Table(Table::new())) {
            learning.insert("regime".into(), "full".into());
        }
        if let Some(Value::Table(readout)) = base.get_mut("readout") {
            let is_set = |key: &str| {
                let path = format!("readout.{key}");
                experiment.settings.iter().any(|one| one.concerns(&path))
            };
            readout.retain(|key, _| !CLOSED.contains(&key) || is_set(key));
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
    if is_closed(&base) {
        keys.retain(|key, _| key == "network.width");
    }
    keys.extend(of_closed_form(&base));
    let once = dataset.train.iter().all(|sample| sample.scored.len() == 1);
    if once && dataset.category != Category::Regression {
        keys.extend(table(
            r#""readout.features" = ["last", "mean", "mean-and-last"]"#,
        ));
    }
    SearchSpace { base, keys }
}

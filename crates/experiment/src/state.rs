//! How a run was started, and why it ended early where it failed: the file `run.json`.

use serde::{Deserialize, Serialize};

use crate::{Experiment, RunOptions, Seeds};

/// How a run was started, and why it ended early where it failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunState {
    pub(crate) experiment: String,
    pub(crate) origin: String,
    pub(crate) seeds: Seeds,
    pub(crate) backend: String,
    pub(crate) version: String,
    /// The text of `config.toml`, which is written after this file: whoever finds this one alone can go on.
    #[serde(default)]
    pub(crate) configuration: String,
    /// Whether it keeps no model, and draws no pictures.
    #[serde(default)]
    pub(crate) without_model: bool,
    #[serde(default)]
    pub(crate) without_pictures: bool,
    /// The seed that it ended at with an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<FailedSeed>,
}

/// A seed that could not be run to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedSeed {
    /// The seed.
    pub seed: u64,
    /// Why not.
    pub problem: String,
}

impl RunState {
    pub(crate) fn of(experiment: &Experiment, options: &RunOptions) -> Self {
        Self {
            experiment: experiment.name.clone(),
            origin: experiment.origin.clone(),
            seeds: options.seeds.clone(),
            backend: options.backend.to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            configuration: configuration(experiment, options),
            without_model: options.without_model,
            without_pictures: options.without_pictures,
            failed: None,
        }
    }

    /// The configuration: what `config.toml` has, or would have if the run had not been killed before it was written.
    pub(crate) fn configuration(&self, file: Option<String>) -> Option<String> {
        let own = Some(&self.configuration).filter(|own| !own.is_empty());
        file.or_else(|| own.cloned())
    }

    pub(crate) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("a run's state is plain text") + "\n"
    }
}

/// The configuration, with how it is run as a comment.
fn configuration(experiment: &Experiment, options: &RunOptions) -> String {
    let config =
        toml::to_string(&experiment.config).expect("a configuration that was read is TOML");
    format!(
        "# {}: seeds {}, backend {}, version {}\n\n{config}",
        experiment.name,
        options.seeds,
        options.backend,
        env!("CARGO_PKG_VERSION")
    )
}

//! The configuration of an experiment: a task, a model, and how it learns.

use std::collections::BTreeMap;

use ran_learning::{
    BaselineConfig, InputMapConfig, LearningConfig, ModelConfig, ReadoutConfig, flat_keys,
};
use ran_reservoir::ReservoirConfig;
use ran_tasks::TaskConfig;
use serde::{Deserialize, Serialize};

use crate::{Chosen, EvaluationConfig};

/// An experiment, as it stands in a file.
///
/// ```
/// use ran_experiment::{Experiment, Preset};
///
/// let settings = ["reservoir.leak=0.5".parse()?];
/// let experiment = Experiment::open(Some(Preset::DEFAULT), &settings)?;
/// assert_eq!(experiment.config.task.name(), "japanese-vowels");
/// assert_eq!(experiment.config.reservoir.leak, 0.5.into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// What is learnt.
    pub task: TaskConfig,
    /// A linear map in front of the units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_map: Option<InputMapConfig>,
    /// A network in the reservoir's place, to compare one with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<BaselineConfig>,
    /// The reservoir; needed where there is no `network`.
    #[serde(default, skip_serializing_if = "ReservoirConfig::is_empty")]
    pub reservoir: ReservoirConfig,
    /// How the model learns.
    #[serde(default)]
    pub learning: LearningConfig,
    /// What is read off the states.
    #[serde(default)]
    pub readout: ReadoutConfig,
    /// What is judged beside the task's score.
    #[serde(default, skip_serializing_if = "EvaluationConfig::is_default")]
    pub evaluation: EvaluationConfig,
    /// How all this was chosen, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

impl ExperimentConfig {
    /// The part that a model is made from.
    #[must_use]
    pub fn model(&self) -> ModelConfig {
        ModelConfig {
            input_map: self.input_map,
            network: self.network.clone(),
            reservoir: self.reservoir.clone(),
            learning: self.learning.clone(),
            readout: self.readout.clone(),
        }
    }

    /// All that makes the numbers what they are, by key: how the configuration was chosen does not.
    pub(crate) fn keys(&self) -> BTreeMap<String, serde_json::Value> {
        let unchosen = Self {
            chosen: None,
            ..self.clone()
        };
        flat_keys(&unchosen)
    }
}

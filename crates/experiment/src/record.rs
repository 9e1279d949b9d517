//! What a run leaves in writing: a record per seed, and one that sums them up.

use serde::Serialize;

use crate::{ExperimentConfig, stats};

/// The outcome of one seed, and how it came about.
///
/// Of two runs of the same command on the same machine, only `seconds` differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// The experiment's name.
    pub experiment: String,
    /// The task's name.
    pub task: String,
    /// The backend that computed it.
    pub backend: &'static str,
    /// The seed of everything that was drawn.
    pub seed: u64,
    /// How the network learnt.
    pub regime: String,
    /// What the scores are.
    pub metric: &'static str,
    /// The score on the training set.
    pub train: f64,
    /// The score on the validation set, where there is one.
    pub valid: Option<f64>,
    /// The score on the test set, where there is one.
    pub test: Option<f64>,
    /// Parameters that were trained, by gradient or in closed form.
    pub trained_parameters: usize,
    /// Parameters that stayed as they were drawn.
    pub fixed_parameters: usize,
    /// The penalty λ of the readout, where ridge regression fitted it.
    pub ridge: Option<f64>,
    /// What was out of the ordinary.
    pub warnings: Vec<String>,
    /// Time of the whole seed, from loading the task to the last score.
    pub seconds: f64,
    /// The version of the program.
    pub version: &'static str,
    /// The configuration, with all settings made.
    pub config: ExperimentConfig,
}

/// The records of all seeds in one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Always true: what tells this record from the others.
    pub summary: bool,
    /// The experiment's name.
    pub experiment: String,
    /// The task's name.
    pub task: String,
    /// The backend that computed it.
    pub backend: &'static str,
    /// How the network learnt.
    pub regime: String,
    /// What the scores are.
    pub metric: &'static str,
    /// Mean of the test scores; none where a seed has no test score.
    pub mean: Option<f64>,
    /// Their deviation, that of a sample (n − 1 below the fraction); 0 where there is one seed.
    pub std: Option<f64>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Time of all seeds.
    pub seconds: f64,
}

impl Summary {
    /// Sums records of one experiment up; none if there are no records.
    #[must_use]
    pub fn of(records: &[Record]) -> Option<Self> {
        let first = records.first()?;
        let tests: Option<Vec<f64>> = records.iter().map(|record| record.test).collect();
        Some(Self {
            summary: true,
            experiment: first.experiment.clone(),
            task: first.task.clone(),
            backend: first.backend,
            regime: first.regime.clone(),
            metric: first.metric,
            mean: tests.as_deref().map(stats::mean),
            std: tests.as_deref().map(stats::deviation),
            seeds: records.iter().map(|record| record.seed).collect(),
            seconds: records.iter().map(|record| record.seconds).sum(),
        })
    }
}

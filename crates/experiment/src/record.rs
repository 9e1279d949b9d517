//! What a run leaves in writing: a record per seed, and one that sums them up.

use std::collections::BTreeMap;

use ran_learning::Report;
use ran_tasks::Metric;
use serde::{Deserialize, Serialize};

use crate::{ExperimentConfig, FreeRunScores, mean_and_deviation};

/// The outcome of one seed, and how it came about.
///
/// Of two runs of the same command on the same machine, only `seconds` differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The experiment's name.
    pub experiment: String,
    /// The task's name.
    pub task: String,
    /// The backend that computed it.
    pub backend: String,
    /// The seed of everything that was drawn.
    pub seed: u64,
    /// How the network learnt.
    pub regime: String,
    /// What the scores are.
    pub metric: String,
    /// What the training found.
    #[serde(flatten)]
    pub report: Report,
    /// How good forecasts in closed loop are, where `evaluation.free_run` asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_run: Option<FreeRunScores>,
    /// Time of the whole seed, from loading the task to the last score.
    pub seconds: f64,
    /// The version of the program.
    pub version: String,
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
    pub backend: String,
    /// How the network learnt.
    pub regime: String,
    /// What the scores are.
    pub metric: String,
    /// Whether the run was stopped before its last seed was done; `ran experiment --resume` goes on with it.
    pub interrupted: bool,
    /// Mean of the test scores of all finished seeds; none where one has no test score, or there are none.
    pub mean: Option<f64>,
    /// Their deviation, that of a sample (n − 1 below the fraction); 0 where there is one seed, which has none: what people
    /// read then shows no deviation.
    pub std: Option<f64>,
    /// Mean and deviation of these and of all other scores on the test set that every finished seed has.
    pub scores: BTreeMap<Metric, [f64; 2]>,
    /// Forecasts in closed loop, where every seed has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_run: Option<FreeRunSummary>,
    /// The finished seeds.
    pub seeds: Vec<u64>,
    /// Time of all seeds.
    pub seconds: f64,
}

/// Scores of forecasts in closed loop over seeds: mean and deviation of each, as of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FreeRunSummary {
    /// NRMSE of all steps; none where a seed has none.
    pub nrmse: Option<[f64; 2]>,
    /// NRMSE of the last step; none where a seed has none.
    pub nrmse_last: Option<[f64; 2]>,
    /// Steps for which a forecast is valid.
    pub valid_steps: [f64; 2],
    /// The same in Lyapunov times, where the exponent is known.
    pub valid_time: Option<[f64; 2]>,
}

impl FreeRunSummary {
    fn of(records: &[&Record]) -> Option<Self> {
        let scores = records.iter().map(|record| record.free_run.as_ref());
        let scores = scores.collect::<Option<Vec<&FreeRunScores>>>()?;
        let over = |values: Vec<f64>| mean_and_deviation(&values);
        let some = |score: fn(&FreeRunScores) -> Option<f64>| {
            let values = scores.iter().map(|scores| score(scores));
            values.collect::<Option<Vec<f64>>>().map(over)
        };
        (!scores.is_empty()).then(|| Self {
            nrmse: some(|scores| scores.nrmse),
            nrmse_last: some(|scores| scores.nrmse_last),
            valid_steps: over(scores.iter().map(|scores| scores.valid_steps).collect()),
            valid_time: some(|scores| scores.lyapunov.as_ref().map(|time| time.valid_time)),
        })
    }
}

/// Mean and deviation over seeds of each score on the test set that all seeds have.
fn over_seeds(records: &[&Record]) -> BTreeMap<Metric, [f64; 2]> {
    let first = records.first().into_iter();
    let metrics = first.flat_map(|record| record.report.scores.test.keys().copied());
    let over = metrics.filter_map(|metric| {
        let scores = records.iter().map(|record| &record.report.scores.test);
        let values = scores.map(|scores| scores.get(&metric).copied());
        let values: Vec<f64> = values.collect::<Option<_>>()?;
        Some((metric, mean_and_deviation(&values)))
    });
    over.collect()
}

impl Summary {
    /// Sums up the records of a run of `planned` seeds; none if there are no records.
    #[must_use]
    pub fn of(records: &[Record], planned: usize) -> Option<Self> {
        let first = records.first()?;
        let done: Vec<&Record> = records
            .iter()
            .filter(|record| !record.report.interrupted)
            .collect();
        let tests: Option<Vec<f64>> = done.iter().map(|record| record.report.test).collect();
        let tests = tests.filter(|tests| !tests.is_empty());
        let tests = tests.map(|tests| mean_and_deviation(&tests));
        Some(Self {
            summary: true,
            experiment: first.experiment.clone(),
            task: first.task.clone(),
            backend: first.backend.clone(),
            interrupted: done.len() < planned,
            regime: first.regime.clone(),
            metric: first.metric.clone(),
            mean: tests.map(|[mean, _]| mean),
            std: tests.map(|[_, std]| std),
            scores: over_seeds(&done),
            free_run: FreeRunSummary::of(&done),
            seeds: done.iter().map(|record| record.seed).collect(),
            seconds: records.iter().map(|record| record.seconds).sum(),
        })
    }
}

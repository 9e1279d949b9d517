//! What is judged beside the task's score: forecasts in closed loop.

use ndarray::{Array2, Axis};
use ran_learning::{FreeRun, FreeRunPlan, LearningError};
use ran_tasks::{Dataset, LorenzConfig, TaskConfig, scores, stack_rows};
use serde::{Deserialize, Serialize};

use crate::stats;

/// What is judged beside the task's score.
///
/// ```toml
/// [task]
/// name = "lorenz"
/// horizon = 1
///
/// [evaluation]
/// free_run = 500   # after the training: 500 steps of its own, fed with its own predictions
/// starts = 10      # from 10 places of the test steps
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationConfig {
    /// For how many steps the trained model goes on by itself, fed with its own predictions. For forecasts of all inputs
    /// a step ahead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_run: Option<usize>,
    /// From how many places of the test steps, at equal distances (default 1: from the first one).
    pub starts: usize,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            free_run: None,
            starts: 1,
        }
    }
}

/// How good forecasts in closed loop are. A score is absent where a forecast left the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FreeRunScores {
    /// Steps of each forecast.
    pub steps: usize,
    /// How many forecasts there are.
    pub starts: usize,
    /// The root mean squared error of all steps of all forecasts, over the truth's deviation.
    pub nrmse: Option<f64>,
    /// The same of the last steps alone, over the deviation of all: with `free_run = 84` on Mackey-Glass it is the
    /// NRMSE₈₄ of the literature (Jaeger 2001).
    pub nrmse_last: Option<f64>,
    /// 1 − NRMSE².
    pub r_squared: Option<f64>,
    /// The error up to which a forecast counts as valid; see [`scores::valid_steps`].
    pub threshold: f64,
    /// For how many steps forecasts are valid, in the mean.
    pub valid_steps: f64,
    /// The same in Lyapunov times, where the task's exponent is known.
    pub lyapunov: Option<LyapunovTime>,
}

/// A valid prediction time in units of the time in which two near states part by a factor e.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LyapunovTime {
    /// The mean valid prediction time.
    pub valid_time: f64,
    /// The largest Lyapunov exponent.
    pub exponent: f64,
    /// The time between steps.
    pub step: f64,
    /// Where the exponent is from.
    pub source: String,
}

/// The usual threshold (Pathak et al. 2018).
const THRESHOLD: f64 = 0.4;

impl EvaluationConfig {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Where and how long a model is to go on by itself, if it is.
    pub(crate) fn plan(&self, dataset: &Dataset) -> Result<Option<FreeRunPlan>, LearningError> {
        if self.free_run.is_none() && !self.is_default() {
            return Err(LearningError::config(
                "evaluation.starts",
                "needs evaluation.free_run: how many steps each forecast has",
            ));
        }
        let plan = |steps| FreeRunPlan::new(dataset, steps, self.starts);
        self.free_run.map(plan).transpose()
    }
}

impl FreeRunScores {
    /// Judges forecasts of a task; none if there are none.
    pub(crate) fn of(task: &TaskConfig, runs: &[FreeRun]) -> Option<Self> {
        let steps = runs.first()?.truth.nrows();
        let truth = stack_rows(runs.iter().map(|run| &run.truth));
        let predictions = stack_rows(runs.iter().map(|run| &run.predictions));
        let last = |rows: &Array2<f32>| -> Vec<usize> {
            (1..=rows.nrows() / steps)
                .map(|run| run * steps - 1)
                .collect()
        };
        let (last_truth, last_predictions) = (
            truth.select(Axis(0), &last(&truth)),
            predictions.select(Axis(0), &last(&predictions)),
        );
        let mean = truth.mean_axis(Axis(0)).expect("a forecast has steps");
        let mean = mean
            .broadcast(truth.dim())
            .expect("a row has the width of all");
        let deviation = scores::rmse(mean, truth.view());
        let finite = |score: f64| score.is_finite().then_some(score);
        let valid: Vec<f64> = runs.iter().map(valid_steps).collect();
        let valid_steps = stats::mean(&valid);
        Some(Self {
            steps,
            starts: runs.len(),
            nrmse: finite(scores::nrmse(predictions.view(), truth.view())),
            nrmse_last: finite(
                scores::rmse(last_predictions.view(), last_truth.view()) / deviation,
            ),
            r_squared: finite(scores::r_squared(predictions.view(), truth.view())),
            threshold: THRESHOLD,
            valid_steps,
            lyapunov: LyapunovTime::of(task, valid_steps),
        })
    }
}

impl LyapunovTime {
    /// A number of steps of a task in Lyapunov times; none where its exponent is not known.
    pub(crate) fn of(task: &TaskConfig, steps: f64) -> Option<Self> {
        let TaskConfig::Lorenz(config) = task else {
            return None;
        };
        Some(Self {
            valid_time: steps * config.step * LorenzConfig::EXPONENT,
            exponent: LorenzConfig::EXPONENT,
            step: config.step,
            source: "Sprott, Chaos and Time-Series Analysis (2003)".into(),
        })
    }
}

/// For how many steps a forecast is valid.
pub(crate) fn valid_steps(run: &FreeRun) -> f64 {
    scores::valid_steps(run.predictions.view(), run.truth.view(), THRESHOLD) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::array;

    fn task(text: &str) -> TaskConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn scores_equal_values_worked_by_hand() {
        // The truth's variance about its mean 1 is 1. Errors 0, 0, 0, 2 and 0, 0, 0, 0: mean square 4/8; of the last
        // steps 4/2. The first forecast is valid for three steps, the second for all four.
        let truth = array![[0.0], [2.0], [0.0], [2.0]];
        let runs = [
            FreeRun {
                after: 9,
                predictions: array![[0.0], [2.0], [0.0], [0.0]],
                truth: truth.clone(),
            },
            FreeRun {
                after: 13,
                predictions: truth.clone(),
                truth,
            },
        ];
        let scores = FreeRunScores::of(&task("name = 'lorenz'\nstep = 0.01"), &runs).unwrap();
        assert_eq!((scores.steps, scores.starts), (4, 2));
        assert_relative_eq!(scores.nrmse.unwrap(), 0.5_f64.sqrt());
        assert_relative_eq!(scores.nrmse_last.unwrap(), 2.0_f64.sqrt());
        assert_relative_eq!(scores.r_squared.unwrap(), 0.5);
        assert_eq!(scores.valid_steps, 3.5);
        let lyapunov = scores.lyapunov.unwrap();
        assert_relative_eq!(lyapunov.valid_time, 3.5 * 0.01 * 0.9056);
        let other = FreeRunScores::of(&task("name = 'mackey-glass'"), &runs).unwrap();
        assert!(other.lyapunov.is_none());
    }

    #[test]
    fn places_to_start_from_need_a_number_of_steps() {
        let dataset = task("name = 'narma'\ntrain = 60\nvalid = 10\ntest = 10\nwarm_up = 10")
            .load(0)
            .unwrap();
        let starts = |starts| EvaluationConfig {
            free_run: None,
            starts,
        };
        let error = starts(0).plan(&dataset).unwrap_err().to_string();
        assert!(
            error.contains("evaluation.starts needs evaluation.free_run"),
            "{error}"
        );
        assert!(starts(1).plan(&dataset).unwrap().is_none());
    }

    #[test]
    fn a_forecast_that_left_the_numbers_has_no_error_but_a_valid_time() {
        let run = FreeRun {
            after: 0,
            predictions: array![[0.0], [2.0], [f32::NAN], [f32::NAN]],
            truth: array![[0.0], [2.0], [0.0], [2.0]],
        };
        let scores = FreeRunScores::of(&task("name = 'mackey-glass'"), &[run]).unwrap();
        assert_eq!((scores.nrmse, scores.r_squared), (None, None));
        assert_eq!(scores.valid_steps, 2.0);
        let line = serde_json::to_string(&scores).unwrap();
        assert_eq!(
            serde_json::from_str::<FreeRunScores>(&line).unwrap(),
            scores
        );
    }
}

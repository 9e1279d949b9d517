//! Judging a model on the splits of a task.

use burn::module::Module;
use ndarray::{Array2, Axis, concatenate};
use ran_tasks::{Dataset, Sample, ScoreTable, stack_targets};
use serde::{Deserialize, Serialize};

use crate::describe::Counts;
use crate::session::Session;
use crate::{LearningBackend, LearningError, Model, Report, Trained};

/// All scores that apply to a task, on each of its splits; none of a split that is not there or was not judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitScores {
    /// On the training set.
    #[serde(skip_serializing_if = "ScoreTable::is_empty")]
    pub train: ScoreTable,
    /// On the validation set.
    #[serde(skip_serializing_if = "ScoreTable::is_empty")]
    pub valid: ScoreTable,
    /// On the test set.
    #[serde(skip_serializing_if = "ScoreTable::is_empty")]
    pub test: ScoreTable,
}

/// Judges a model on all splits; the predictions for the training set are known already.
///
/// # Errors
///
/// If the session is stopped while there is more than a moment's work left.
pub(crate) fn judged<B: LearningBackend>(
    model: Model<B>,
    dataset: &Dataset,
    train_predictions: &[Array2<f32>],
    device: &B::Device,
    session: &Session<'_>,
) -> Result<Trained<B>, LearningError> {
    let judge = |split: &[Sample], predictions: &[Array2<f32>]| {
        if split.is_empty() {
            return (None, ScoreTable::new());
        }
        let (predictions, targets) = (stack(predictions), stack_targets(split));
        let (predictions, targets) = (predictions.view(), targets.view());
        let metric = dataset.metric;
        let table = metric.table(dataset.category, predictions, targets);
        (Some(metric.score(predictions, targets)), table)
    };
    let (train, on_train) = judge(&dataset.train, train_predictions);
    let predict = |split| model.predict_while(split, device, &mut |left| session.ends(left));
    let valid_predictions = predict(&dataset.valid)?;
    let (valid, on_valid) = judge(&dataset.valid, &valid_predictions);
    let test_predictions = predict(&dataset.test)?;
    let (test, on_test) = judge(&dataset.test, &test_predictions);
    let counts = Counts::of(&model.reservoir.populations, &model.card.config.learning);
    let report = Report {
        train: train.unwrap_or(f64::NAN),
        valid,
        test,
        scores: SplitScores {
            train: on_train,
            valid: on_valid,
            test: on_test,
        },
        trained_parameters: counts.trained + model.readout.num_params(),
        fixed_parameters: counts.fixed,
        ridge: None,
        epochs: None,
        best_epoch: None,
        interrupted: false,
        warnings: Vec::new(),
    };
    Ok(Trained {
        model,
        report,
        test_predictions,
    })
}

/// The task's score of predictions, one `[scored steps, d_output]` per sequence.
pub(crate) fn score(dataset: &Dataset, split: &[Sample], predictions: &[Array2<f32>]) -> f64 {
    let (predictions, targets) = (stack(predictions), stack_targets(split));
    dataset.metric.score(predictions.view(), targets.view())
}

/// The rows of all sequences one below another.
pub(crate) fn stack(predictions: &[Array2<f32>]) -> Array2<f32> {
    let rows: Vec<_> = predictions.iter().map(|rows| rows.view()).collect();
    concatenate(Axis(0), &rows).expect("predictions share d_output")
}

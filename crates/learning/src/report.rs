//! What a training run found.

use burn::module::Module;
use burn::tensor::backend::Backend;
use ndarray::Array2;
use ran_tasks::ScoreTable;
use serde::{Deserialize, Serialize};

use crate::Model;
use crate::describe::ParameterCounts;

/// What a training run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Score on the training set, by the task's metric.
    pub train: f64,
    /// Score on the validation set, where there is one.
    pub valid: Option<f64>,
    /// Score on the test set, where there is one.
    pub test: Option<f64>,
    /// These and all other scores that apply to the task, by split and name.
    #[serde(default)]
    pub scores: SplitScores,
    /// Parameters that were trained, by gradient or in closed form.
    pub trained_parameters: usize,
    /// Parameters that stayed as they were drawn.
    pub fixed_parameters: usize,
    /// The penalty λ of the readout, where ridge regression fitted it.
    pub ridge: Option<f64>,
    /// Epochs of training by gradient that are done.
    pub epochs: Option<usize>,
    /// The one whose parameters the model has, counted from 1.
    pub best_epoch: Option<usize>,
    /// Whether it was stopped before its end; `train` and `valid` are then the last epoch's, and nothing else was judged.
    pub interrupted: bool,
    /// What was out of the ordinary.
    pub warnings: Vec<String>,
}

/// A trained model and what was found.
#[derive(Clone, Debug)]
pub struct Trained<B: Backend> {
    /// The model.
    pub model: Model<B>,
    /// What was found.
    pub report: Report,
    /// What it predicts for the test set, one `[scored steps, d_output]` per sequence; empty where it was interrupted.
    pub test_predictions: Vec<Array2<f32>>,
}

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

impl Report {
    /// The report of a model that has not been judged: it counts the parameters, and the score on the training set is NaN.
    pub(crate) fn unjudged<B: Backend>(model: &Model<B>) -> Self {
        let counts = ParameterCounts::of(&model.backbone, &model.card.config.learning);
        Self {
            train: f64::NAN,
            valid: None,
            test: None,
            scores: SplitScores::default(),
            trained_parameters: counts.trained + model.readout.num_params(),
            fixed_parameters: counts.fixed,
            ridge: None,
            epochs: None,
            best_epoch: None,
            interrupted: false,
            warnings: Vec::new(),
        }
    }
}

//! What a task yields: sequences with targets at their scored steps, in three splits.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// What the targets are, and so how predictions are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Real-valued targets.
    Regression,
    /// One-hot targets; the prediction is the argmax.
    Classification,
    /// Targets of independent 0/1 labels.
    MultiLabel,
}

/// One sequence with a target per scored step.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The inputs, `[steps, d_input]`, all finite.
    pub inputs: Array2<f32>,
    /// The scored steps (0-based, ascending, each less than `steps`).
    pub scored: Vec<usize>,
    /// The targets, `[scored.len(), d_output]`; one-hot rows for classification.
    pub targets: Array2<f32>,
}

/// A task's data: what a model trains on, is selected on and is judged on.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The task's name.
    pub name: String,
    /// What the targets are.
    pub category: Category,
    /// Width of the inputs, I.
    pub d_input: usize,
    /// Width of the targets, O.
    pub d_output: usize,
    /// One name per class or label (empty for regression).
    pub labels: Vec<String>,
    /// What a model trains on.
    pub train: Vec<Sample>,
    /// What hyper-parameters are chosen on; empty when the task has no such split.
    pub valid: Vec<Sample>,
    /// What a model is judged on.
    pub test: Vec<Sample>,
}

//! Training a model on a task, and judging it.

use burn::module::Module;
use burn::tensor::backend::Backend;
use ndarray::{Array2, Axis, concatenate};
use ran_readout::{LinearReadout, fit_ridge};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::{Dataset, Sample, scores, stack_targets};
use serde::Serialize;

use crate::describe::Counts;
use crate::model::Readout;
use crate::samples::StateSamples;
use crate::{LearningError, Model, ModelCard, ModelConfig, Regime};

/// What happens while a model is trained, for whoever shows progress.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Sequences of the training set have gone through the reservoir.
    States {
        /// How many.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// The readout is being fitted.
    Fitting,
    /// The model is being judged on the validation and test sets.
    Judging,
}

/// What a training run found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Score on the training set.
    pub train: f64,
    /// Score on the validation set, where there is one.
    pub valid: Option<f64>,
    /// Score on the test set, where there is one.
    pub test: Option<f64>,
    /// Parameters that were trained.
    pub trained_parameters: usize,
    /// Parameters that stayed as they were drawn.
    pub fixed_parameters: usize,
    /// The penalty λ of the ridge regression.
    pub ridge: Option<f64>,
    /// What the user should know about the run.
    pub warnings: Vec<String>,
}

/// A trained model and what was found.
#[derive(Clone, Debug)]
pub struct Trained<B: Backend> {
    /// The model.
    pub model: Model<B>,
    /// What was found.
    pub report: Report,
}

/// Draws a model from a seed, trains it on a task's training set and judges it on the others.
///
/// # Errors
///
/// If the configuration is wrong or does not fit the task, or the training set does not determine a readout.
pub fn train<B: ScanBackend>(
    config: &ModelConfig,
    dataset: &Dataset,
    seed: u64,
    device: &B::Device,
    observe: &mut dyn FnMut(Event),
) -> Result<Trained<B>, LearningError> {
    config.validate()?;
    let regime = config.learning.regime;
    if regime != Regime::Reservoir {
        return Err(LearningError::Untrained(regime.name()));
    }
    if dataset.train.is_empty() {
        return Err(LearningError::NoTraining(dataset.name.clone()));
    }
    let reservoir = Reservoir::<B>::init(
        &config.reservoir,
        dataset.d_input,
        regime.initializer(),
        seed,
        device,
    )?;
    fit(config, dataset, seed, reservoir, device, observe)
}

/// Fits the readout in closed form on the states of a reservoir, and judges the model.
fn fit<B: ScanBackend>(
    config: &ModelConfig,
    dataset: &Dataset,
    seed: u64,
    reservoir: Reservoir<B>,
    device: &B::Device,
    observe: &mut dyn FnMut(Event),
) -> Result<Trained<B>, LearningError> {
    let features = config.features();
    let samples = StateSamples::new(
        &reservoir,
        features,
        &dataset.train,
        dataset.d_output,
        device,
        &mut *observe,
    );
    let found = fit_ridge(&samples, config.readout.ridge)?;
    let model = Model {
        card: ModelCard::new(config, dataset, seed),
        reservoir: reservoir.clone(),
        readout: LinearReadout::from_ridge(&found, device),
    };

    let mut predictions = vec![Array2::zeros((0, 0)); dataset.train.len()];
    let readout = Readout::of(&model);
    samples.each(&mut |index, rows| {
        predictions[index] = readout.predict(&dataset.train[index], rows);
    });
    drop(samples);
    observe(Event::Judging);
    let judge = |split: &[Sample]| {
        (!split.is_empty()).then(|| score(dataset, split, &model.predict(split, device)))
    };
    let counts = Counts::of(&reservoir.populations, config.learning.regime);
    let mut warnings = Vec::new();
    if found.at_edge {
        warnings.push(format!(
            "the best ridge penalty, {:.3e}, lies at the end of the grid that was searched: the features may be of an \
             unusual scale, or carry nothing about the targets",
            found.lambda
        ));
    }
    let report = Report {
        train: score(dataset, &dataset.train, &predictions),
        valid: judge(&dataset.valid),
        test: judge(&dataset.test),
        trained_parameters: counts.trained + model.readout.num_params(),
        fixed_parameters: counts.fixed,
        ridge: Some(found.lambda),
        warnings,
    };
    Ok(Trained { model, report })
}

/// The task's score of predictions, one `[scored steps, d_output]` per sequence.
pub(crate) fn score(dataset: &Dataset, split: &[Sample], predictions: &[Array2<f32>]) -> f64 {
    let rows: Vec<_> = predictions.iter().map(|rows| rows.view()).collect();
    let predictions = concatenate(Axis(0), &rows).expect("predictions share d_output");
    scores::score(
        dataset.category,
        predictions.view(),
        stack_targets(split).view(),
    )
}

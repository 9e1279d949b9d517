//! Training a model on a task, and judging it.

use std::borrow::Cow;

use burn::tensor::backend::Backend;
use ran_tasks::{Dataset, TaskError};

use crate::backbone::Backbone;
use crate::bias::fit_biases;
use crate::check::check_training;
use crate::fit::fit;
use crate::gradient::{Outcome, train_by_gradient};
use crate::judge::judged;
use crate::qk::fit_qk;
use crate::session::{Event, Session};
use crate::{
    BiasFit, LearningBackend, LearningError, Model, ModelCard, ModelConfig, QkFit, Regime, Report,
    Trained,
};

/// Draws a model from a seed, trains it on a task's training set and judges it on the others.
///
/// # Errors
///
/// If the configuration is wrong or does not fit the task, the training set does not determine a readout, or the
/// training diverges.
pub fn train<B: LearningBackend>(
    config: &ModelConfig,
    dataset: &Dataset,
    seed: u64,
    device: &B::Device,
    observe: &mut dyn FnMut(Event),
) -> Result<Trained<B>, LearningError> {
    let session = Session {
        observe: Some(observe),
        ..Session::default()
    };
    train_in(config, dataset, seed, device, session)
}

/// Trains as [`train`] does, in a session that can be stopped, saved and taken up again.
///
/// A training by gradient that is stopped returns the model as it is then, with `interrupted` in the report and without a
/// score on the test set.
///
/// # Errors
///
/// As [`train`], and if the checkpoint to go on from is not this run's, a checkpoint cannot be saved, or the session is
/// stopped before there is a model.
pub fn train_in<B: LearningBackend>(
    config: &ModelConfig,
    dataset: &Dataset,
    seed: u64,
    device: &B::Device,
    mut session: Session<'_>,
) -> Result<Trained<B>, LearningError> {
    config.validate()?;
    let learning = &config.learning;
    check_training(config, dataset)?;
    let dataset = &*with_validation(config, dataset, seed)?;
    let card = ModelCard::new(config, session.task, dataset, seed);
    if learning.gradient_regime().is_none() {
        let mut backbone = Backbone::<B>::init(config, &card.inputs(), seed, device)?;
        if let Some(BiasFit::Quantile) = learning.bias {
            fit_biases(&mut backbone, &card, dataset, device, &session)?;
        }
        if let Some(QkFit::Ridge) = learning.qk {
            fit_qk(&mut backbone, &card, dataset, device, &session)?;
        }
        return fit(card, dataset, backbone, device, &mut session);
    }
    let outcome = train_by_gradient::<B>(&card, dataset, device, &mut session)?;
    let epochs = Some(outcome.epochs);
    let best_epoch = Some(outcome.epoch);
    if outcome.interrupted && outcome.epochs == 0 {
        return Err(LearningError::Stopped);
    }
    if outcome.interrupted {
        return Ok(interrupted(card, outcome));
    }
    let mut trained = if learning.regime == Regime::Hybrid {
        let backbone = outcome.network.backbone.clone();
        match fit(card.clone(), dataset, backbone, device, &mut session) {
            // What was trained by gradient is a model already.
            Err(LearningError::Stopped) => return Ok(interrupted(card, outcome)),
            fitted => fitted?,
        }
    } else {
        let model = outcome.network.clone().into_model(card.clone());
        session.tell(Event::Judging);
        match judge(model, dataset, device, &session) {
            Err(LearningError::Stopped) => return Ok(interrupted(card, outcome)),
            judged => judged?,
        }
    };
    trained.report.epochs = epochs;
    trained.report.best_epoch = best_epoch;
    Ok(trained)
}

/// Judges a model that was trained by gradient, on the training set too.
fn judge<B: LearningBackend>(
    model: Model<B>,
    dataset: &Dataset,
    device: &B::Device,
    session: &Session<'_>,
) -> Result<Trained<B>, LearningError> {
    let mut go_on = |left| session.ends(left);
    let train = dataset.judged_train(model.card.config.learning.carry);
    let predictions = model.predict_while(&train, device, &mut go_on)?;
    judged(model, dataset, &train, &predictions, device, session)
}

/// The data set with a part of the training set split off for validation, where that is asked for and there is none.
fn with_validation<'a>(
    config: &ModelConfig,
    dataset: &'a Dataset,
    seed: u64,
) -> Result<Cow<'a, Dataset>, LearningError> {
    let learning = &config.learning;
    let share = learning.validation_share();
    if share == 0.0 || !dataset.valid.is_empty() {
        return Ok(Cow::Borrowed(dataset));
    }
    let mut dataset = dataset.clone();
    let split = dataset.split_off_valid(share, seed);
    split.map_err(|error| match error {
        // The task has no such key: it is how the model learns that asks for it.
        TaskError::Key { problem, .. } => {
            LearningError::config("learning.validation", format!("is too small: {problem}"))
        }
        other => other.into(),
    })?;
    Ok(Cow::Owned(dataset))
}

/// What a training by gradient that was stopped has come to.
fn interrupted<B: Backend>(mut card: ModelCard, outcome: Outcome<B>) -> Trained<B> {
    card.forget_closed_form();
    let model = outcome.network.into_model(card);
    let report = Report {
        train: outcome.last.map_or(f64::NAN, |epoch| epoch.train),
        valid: outcome.last.and_then(|epoch| epoch.valid),
        epochs: Some(outcome.epochs),
        best_epoch: Some(outcome.epoch),
        interrupted: true,
        ..Report::unjudged(&model)
    };
    Trained {
        model,
        report,
        test_predictions: Vec::new(),
    }
}

//! Fitting a readout on the states of a reservoir, in closed form or step by step.

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2};
use ran_readout::{
    LinearReadout, Link, OnlineReadout, Samples, Standardised, fit_cross_entropy, fit_ridge,
};
use ran_tasks::Dataset;

use crate::backbone::Backbone;
use crate::closed_loop::teach;
use crate::judge::judged;
use crate::model::{Predictions, Readout};
use crate::online::fit_online;
use crate::samples::StateSamples;
use crate::session::{Event, Session};
use crate::{
    LearningBackend, LearningError, Model, ModelCard, OnlineConfig, ReadoutConfig, ReadoutLoss,
    Trained,
};

/// Fits the readout in closed form or step by step on the states of a backbone, and judges the model.
pub(crate) fn fit<B: LearningBackend>(
    card: ModelCard,
    dataset: &Dataset,
    backbone: Backbone<B>,
    device: &B::Device,
    session: &mut Session<'_>,
) -> Result<Trained<B>, LearningError> {
    let config = &card.config;
    let view = card.view();
    let passes = config.readout.passes.unwrap_or(1);
    let taught = match &config.readout.online {
        Some(OnlineConfig::Force(force)) => {
            let taught = teach(&backbone, &view, dataset, force, passes, device, session)?;
            Some(Fitted::online(&taught, device))
        }
        _ => None,
    };
    let samples = StateSamples::new(&backbone, &view, dataset, device, &mut *session);
    let fitted = match taught {
        Some(taught) => taught,
        None => fit_readout(&config.readout, card.link(), &samples, device),
    };
    let judged_train = dataset.judged_train(false);
    let mut predictions = Vec::new();
    if let Ok(fitted) = &fitted {
        let readout = Readout::of(&fitted.readout, card.link());
        let mut found = Predictions::new(&readout, &view, &judged_train);
        samples.each(&mut |index, _, rows| {
            if index < judged_train.len() {
                found.add(index, rows);
            }
        });
        predictions = found.of;
    }
    drop(samples);
    // Where the pass was broken off, what the fit says of it is beside the point.
    if session.stopped() {
        return Err(LearningError::Stopped);
    }
    let fitted = fitted?;
    session.tell(Event::Judging);
    let model = Model {
        card,
        backbone,
        readout: fitted.readout,
    };
    let mut trained = judged(model, dataset, &judged_train, &predictions, device, session)?;
    trained.report.ridge = fitted.ridge;
    trained.report.warnings = fitted.warnings;
    Ok(trained)
}

/// A readout that was fitted, with the penalty and the warnings.
struct Fitted<B: Backend> {
    readout: LinearReadout<B>,
    ridge: Option<f64>,
    warnings: Vec<String>,
}

impl<B: Backend> Fitted<B> {
    /// A readout that has learnt step by step.
    fn online(readout: &OnlineReadout, device: &B::Device) -> Result<Self, LearningError> {
        Ok(Self {
            readout: with_weights(&readout.weights(), &readout.bias(), device)?,
            ridge: None,
            warnings: Vec::new(),
        })
    }
}

/// A readout with weights that were found; a model file holds them in 32 bits.
fn with_weights<B: Backend>(
    weights: &Array2<f64>,
    bias: &Array1<f64>,
    device: &B::Device,
) -> Result<LinearReadout<B>, LearningError> {
    let mut numbers = weights.iter().chain(bias);
    match numbers.find(|number| !(**number as f32).is_finite()) {
        Some(&number) => Err(LearningError::Weights(number)),
        None => Ok(LinearReadout::from_weights(weights, bias, device)),
    }
}

fn fit_readout<B: Backend>(
    config: &ReadoutConfig,
    link: Link,
    samples: &dyn Samples,
    device: &B::Device,
) -> Result<Fitted<B>, LearningError> {
    if let Some(online) = &config.online {
        let found = fit_online(samples, online, config.passes.unwrap_or(1))?;
        return Fitted::online(&found, device);
    }
    let standardised = match config.standardise {
        true => Some(Standardised::new(samples)?),
        false => None,
    };
    let samples = match &standardised {
        Some(standardised) => standardised,
        None => samples,
    };
    let mut warnings = Vec::new();
    let (mut weights, bias, lambda, at_edge) = match config.loss {
        ReadoutLoss::SquaredError => {
            let found = fit_ridge(samples, config.ridge)?;
            (found.weights, found.bias, found.lambda, found.at_edge)
        }
        ReadoutLoss::CrossEntropy => {
            let found = fit_cross_entropy(samples, link, config.ridge)?;
            if !found.converged {
                warnings.push(
                    "the readout by cross-entropy was still changing when its search ended: a larger readout.ridge makes it easier to find"
                        .into(),
                );
            }
            (found.weights, found.bias, found.lambda, found.at_edge)
        }
    };
    if let Some(standardised) = &standardised {
        standardised.restore(&mut weights);
    }
    if at_edge {
        warnings.push(format!(
            "the best penalty, {lambda:.3e}, lies at the end of the grid that was searched: the features may be of an \
             unusual scale, or carry nothing about the targets"
        ));
    }
    Ok(Fitted {
        readout: with_weights(&weights, &bias, device)?,
        ridge: Some(lambda),
        warnings,
    })
}

//! What must hold of a data set for a configuration, known before anything is drawn.

use ran_baselines::BaselineConfig;
use ran_tasks::{Category, Dataset};

use crate::qk::asked;
use crate::{LearningError, ModelCard, ModelConfig, ReadoutLoss};

/// Checks that a configuration can learn from a data set: there is something to learn (a scored training step, and two classes where there
/// are classes), and what the configuration asks for is for such data.
///
/// # Errors
///
/// If it cannot; the field that is at fault, where one is.
pub fn check_training(config: &ModelConfig, dataset: &Dataset) -> Result<(), LearningError> {
    let learning = &config.learning;
    let task = || dataset.name.clone();
    let mut rows = dataset
        .train
        .iter()
        .flat_map(|sample| sample.targets.rows());
    let Some(first) = rows.next() else {
        return Err(LearningError::NoTraining(task()));
    };
    if dataset.category == Category::Classification && rows.all(|row| row == first) {
        let class = match dataset.symbols {
            true => Some(first[0] as usize),
            false => first.iter().position(|&bit| bit == 1.0),
        };
        let class = class.and_then(|class| dataset.labels.get(class));
        return Err(LearningError::OneClass {
            task: task(),
            class: class.cloned().unwrap_or_default(),
        });
    }
    if learning.label_smoothing > 0.0 && dataset.category != Category::Classification {
        let problem = format!("is for classification; the task {:?} is not", dataset.name);
        return Err(LearningError::config("learning.label_smoothing", problem));
    }
    if config.readout.loss == ReadoutLoss::CrossEntropy && dataset.category == Category::Regression
    {
        let problem = format!(
            "must be \"squared-error\" for the task {:?}, whose targets are no classes or labels",
            dataset.name
        );
        return Err(LearningError::config("readout.loss", problem));
    }
    if learning.carry && !dataset.continues {
        let problem = format!(
            "is for training sequences that go on from one another, as the segments of a text; those of the task {:?} do \
             not",
            dataset.name
        );
        return Err(LearningError::config("learning.carry", problem));
    }
    if learning.carry && dataset.train.len() < learning.batch {
        let problem = format!(
            "must be at most the number of training sequences with learning.carry, {}, got {}",
            dataset.train.len(),
            learning.batch
        );
        return Err(LearningError::config("learning.batch", problem));
    }
    if let Some(BaselineConfig::Transformer(network)) = &config.network
        && network.context.is_none()
        && dataset.continues
    {
        let problem = "must be given for a text, such as 64: without it each step attends to all before, and a text is one long sequence where it is judged";
        return Err(LearningError::config("network.context", problem));
    }
    let fits = [
        ("learning.qk", learning.qk.is_some()),
        ("learning.bias", learning.bias.is_some()),
    ];
    if let Some((field, _)) = fits.into_iter().find(|(_, fits)| *fits && dataset.symbols) {
        let problem = "reads inputs as they are: it does not go with symbols";
        return Err(LearningError::config(field, problem));
    }
    if learning.input_noise > 0.0 && dataset.symbols {
        let problem = format!(
            "is for inputs that are numbers; those of the task {:?} are symbols",
            dataset.name
        );
        return Err(LearningError::config("learning.input_noise", problem));
    }
    if learning.qk.is_some() {
        asked(&ModelCard::new(config, None, dataset, 0), dataset)?;
    }
    Ok(())
}

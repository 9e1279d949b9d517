//! What is computed on a backend: describing and training a model.

use std::io;
use std::sync::atomic::AtomicBool;

use ndarray::Array2;
use ran_learning::{
    Description, Event, FreeRun, LearningBackend, LearningError, Report, Session, describe,
    train_in,
};
use ran_tasks::Dataset;

use crate::Experiment;
use crate::backend::Work;

/// Draws a model and counts what it is made of.
pub(crate) struct Describing<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) dataset: &'a Dataset,
    pub(crate) seed: u64,
}

impl Work for Describing<'_> {
    type Output = Result<Description, LearningError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.experiment.config.model();
        let dataset = self.dataset;
        describe::<B>(&model, dataset, dataset.d_output, self.seed, device)
    }
}

/// What a seed came to.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    /// The model's bytes, where they were asked for.
    pub(crate) model: Option<Vec<u8>>,
    pub(crate) test_predictions: Vec<Array2<f32>>,
    /// Forecasts in closed loop, where the configuration asks for them.
    pub(crate) free_runs: Vec<FreeRun>,
}

/// Trains and judges a model.
pub(crate) struct Training<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) dataset: &'a Dataset,
    pub(crate) seed: u64,
    /// Whether the model's bytes are asked for.
    pub(crate) save: bool,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) resume: Option<&'a [u8]>,
    pub(crate) observe: &'a mut dyn FnMut(Event),
    pub(crate) checkpoint: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
}

impl Work for Training<'_> {
    type Output = Result<Outcome, LearningError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.experiment.config.model();
        let session = Session {
            observe: Some(self.observe),
            stop: Some(self.stop),
            save: Some(self.checkpoint),
            resume: self.resume,
            task: Some(&self.experiment.config.task),
        };
        let trained = train_in::<B>(&model, self.dataset, self.seed, device, session)?;
        let model = self.save.then(|| trained.model.to_bytes()).transpose()?;
        let plan = self.experiment.config.evaluation.plan(self.dataset)?;
        let free_runs = match plan.filter(|_| !trained.report.interrupted) {
            Some(plan) => plan.run(&trained.model, device, self.stop)?,
            None => Vec::new(),
        };
        Ok(Outcome {
            report: trained.report,
            model,
            test_predictions: trained.test_predictions,
            free_runs,
        })
    }
}

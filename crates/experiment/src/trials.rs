//! Runs that leave no folder: what sweeps are made of.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;

use ran_learning::{LearningBackend, LearningError, ParameterCounts, Report, count_parameters};
use ran_tasks::{Dataset, Split, TaskConfig};

use crate::backend::{BackendKind, Work, compute};
use crate::run::wrong_model;
use crate::work::Training;
use crate::{Experiment, RunError};

/// Runs of many configurations in one process, which loads data once for all that need the same.
#[derive(Debug, Default)]
pub struct Trials {
    backend: BackendKind,
    data: VecDeque<Loaded>,
}

/// A task's data, drawn with a seed.
#[derive(Debug)]
struct Loaded {
    task: TaskConfig,
    seed: u64,
    dataset: Dataset,
    bytes: usize,
}

/// Data that are kept, in bytes; more where the last alone take more.
const KEPT: usize = 512 << 20;
/// Memory of a process beside what grows with data and model, in bytes: the program, its threads, batches of states.
const LEAST: usize = 256 << 20;

/// What is known of a configuration before it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialFacts {
    /// Its model's parameters.
    pub parameters: ParameterCounts,
    /// Memory that its run needs, about, in bytes.
    pub bytes: usize,
}

impl Trials {
    /// Runs on a backend.
    #[must_use]
    pub fn new(backend: BackendKind) -> Self {
        let data = VecDeque::new();
        Self { backend, data }
    }

    /// The data of an experiment's task.
    ///
    /// # Errors
    ///
    /// When they cannot be loaded.
    pub fn dataset(&mut self, experiment: &Experiment, seed: u64) -> Result<&Dataset, RunError> {
        Ok(self.load(&experiment.config.task, seed)?)
    }

    /// Counts what an experiment's model is made of, without drawing it.
    ///
    /// # Errors
    ///
    /// When the task cannot be loaded, the model does not fit it, or there is no split to judge it on.
    pub fn facts(
        &mut self,
        experiment: &Experiment,
        seed: u64,
        judged: Split,
    ) -> Result<TrialFacts, RunError> {
        let backend = self.backend;
        let model = experiment.config.model();
        let loaded = self.loaded(&experiment.config.task, seed)?;
        let dataset = &loaded.dataset;
        check_split(experiment, dataset, judged)?;
        let parameters = compute(
            backend,
            Counting {
                experiment,
                dataset,
            },
        )?;
        let parameters = parameters.map_err(|source| wrong_model(experiment, source))?;
        let width = model
            .readout_width()
            .map_err(|source| wrong_model(experiment, source))?;
        let rows: usize = dataset.train.iter().map(|sample| sample.scored.len()).sum();
        // Rows of features are kept up to a size, and a fit holds a few squares of their width in 64 bits.
        let features = (4 * rows * width).min(1 << 30) + 24 * width * width;
        let weights = 16 * (parameters.trained + parameters.fixed);
        let bytes = LEAST + 2 * loaded.bytes + features + weights;
        Ok(TrialFacts { parameters, bytes })
    }

    /// Trains an experiment's model with a seed, and judges it on the training set and on one split alone, the validation
    /// or the test set. Where the validation set is what counts, the test set is not looked at.
    ///
    /// # Errors
    ///
    /// When the task cannot be loaded, the model does not fit it or cannot be trained, there is no such split, or `stop`
    /// became true.
    pub fn run(
        &mut self,
        experiment: &Experiment,
        seed: u64,
        judged: Split,
        stop: &AtomicBool,
    ) -> Result<Report, RunError> {
        let backend = self.backend;
        let loaded = self.load(&experiment.config.task, seed)?;
        check_split(experiment, loaded, judged)?;
        let test = match judged {
            Split::Valid => std::mem::take(&mut loaded.test),
            _ => Vec::new(),
        };
        // Forecasts in closed loop go on from the test set.
        let mut alone = experiment.clone();
        alone.config.evaluation = crate::EvaluationConfig::default();
        let experiment = &alone;
        let job = Training {
            experiment,
            dataset: loaded,
            seed,
            save: false,
            stop,
            resume: None,
            observe: &mut drop,
            checkpoint: &mut |_| Ok(()),
        };
        let outcome = compute(backend, job);
        if judged == Split::Valid {
            loaded.test = test;
        }
        let outcome = outcome?.map_err(|source| match source {
            LearningError::Stopped => RunError::Stopped,
            other => wrong_model(experiment, other),
        })?;
        match outcome.report.interrupted {
            true => Err(RunError::Stopped),
            false => Ok(outcome.report),
        }
    }

    fn load(&mut self, task: &TaskConfig, seed: u64) -> Result<&mut Dataset, RunError> {
        Ok(&mut self.loaded(task, seed)?.dataset)
    }

    fn loaded(&mut self, task: &TaskConfig, seed: u64) -> Result<&mut Loaded, RunError> {
        let is_it = |one: &Loaded| one.seed == seed && one.task == *task;
        if let Some(place) = self.data.iter().position(is_it) {
            return Ok(&mut self.data[place]);
        }
        let dataset = task.load(seed)?;
        let numbers = |samples: &[ran_tasks::Sample]| -> usize {
            samples
                .iter()
                .map(|one| one.inputs.len() + one.targets.len())
                .sum()
        };
        let bytes = 4 * Split::ALL
            .map(|split| numbers(dataset.samples(split)))
            .iter()
            .sum::<usize>();
        let mut kept = bytes + self.data.iter().map(|one| one.bytes).sum::<usize>();
        while kept > KEPT {
            let Some(oldest) = self.data.pop_front() else {
                break;
            };
            kept -= oldest.bytes;
        }
        let task = task.clone();
        self.data.push_back(Loaded {
            task,
            seed,
            dataset,
            bytes,
        });
        Ok(self.data.back_mut().expect("it was put there above"))
    }
}

/// Checks that there is a split to judge a model on.
fn check_split(experiment: &Experiment, dataset: &Dataset, judged: Split) -> Result<(), RunError> {
    let splits_off = experiment.config.learning.validation_share() > 0.0;
    let problem = match judged {
        Split::Valid if dataset.valid.is_empty() && !splits_off => {
            "is 0 and the task has no validation set: a part of the training set must be split off, as with task.valid=0.3 or \
             learning.validation=0.3"
        }
        Split::Test if dataset.test.is_empty() => "does not matter: the task has no test set",
        _ => return Ok(()),
    };
    let source = LearningError::config("learning.validation", problem);
    Err(wrong_model(experiment, source))
}

/// Counts parameters.
struct Counting<'a> {
    experiment: &'a Experiment,
    dataset: &'a Dataset,
}

impl Work for Counting<'_> {
    type Output = Result<ParameterCounts, LearningError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.experiment.config.model();
        count_parameters::<B>(&model, self.dataset, self.dataset.d_output, device)
    }
}

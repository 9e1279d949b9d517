//! What configurations of a sweep are made of.

use ran_experiment::{BackendKind, Experiment, RunError, Setting, SettingError, Trials};
use ran_sweep::{Bench, Facts, Judged, Metric, Parameters, TrialConfig};
use ran_tasks::Split;

/// Configurations that begin with a base.
pub(crate) struct TrialBench {
    base: String,
    seed: u64,
    trials: Trials,
}

impl TrialBench {
    /// Begins with a preset or a file. Data are those of the first of the trials' seeds.
    pub(crate) fn new(base: &str, trial: &TrialConfig) -> Self {
        Self {
            base: base.into(),
            seed: trial.seeds.iter().next().unwrap_or_default(),
            trials: Trials::new(BackendKind::default()),
        }
    }
}

/// The split that a sweep judges.
pub(super) fn split(judged: Judged) -> Split {
    match judged {
        Judged::Valid => Split::Valid,
        Judged::Test => Split::Test,
    }
}

/// The base with assignments `KEY=VALUE`.
pub(super) fn experiment(base: &str, assignments: &[String]) -> Result<Experiment, String> {
    let settings: Result<Vec<Setting>, SettingError> =
        assignments.iter().map(|one| one.parse()).collect();
    let settings = settings.map_err(|error| error.to_string())?;
    Experiment::open(Some(base), &settings).map_err(|error| error.to_string())
}

impl Bench for TrialBench {
    fn metric(&mut self) -> Result<Metric, String> {
        let experiment = experiment(&self.base, &[])?;
        let metric = self.trials.metric(&experiment, self.seed);
        let metric = metric.map_err(|error: RunError| error.to_string())?;
        Ok(Metric {
            name: metric.name().into(),
            higher_is_better: metric.higher_is_better(),
        })
    }

    fn facts(&mut self, assignments: &[String], judged: Judged) -> Result<Facts, String> {
        let experiment = experiment(&self.base, assignments)?;
        let facts = self.trials.facts(&experiment, self.seed, split(judged));
        let facts = facts.map_err(|error| error.to_string())?;
        Ok(Facts {
            parameters: Parameters {
                trained: facts.parameters.trained as u64,
                fixed: facts.parameters.fixed as u64,
            },
            bytes: facts.bytes as u64,
        })
    }
}

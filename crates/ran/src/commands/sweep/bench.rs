//! What configurations of a sweep are made of.

use std::path::Path;

use ran_experiment::{BackendKind, Experiment, RunError, Setting, SettingError, Trials};
use ran_sweep::{Bench, Facts, Judged, Metric, Parameters, SweepConfig};
use ran_tasks::Split;

/// Configurations that begin with a base.
pub(crate) struct TrialBench {
    base: String,
    text: Option<String>,
    /// What all trials have beyond it, as `--set` takes it.
    set: Vec<String>,
    seed: u64,
    trials: Trials,
}

impl TrialBench {
    /// Begins with a preset or a file, which may have its text from elsewhere. Data are those of the first of the trials' seeds.
    pub(crate) fn new(base: &str, text: Option<&str>, config: &SweepConfig) -> Self {
        Self {
            base: base.into(),
            text: text.map(Into::into),
            set: config.in_common(),
            seed: config.trial.seeds.iter().next().unwrap_or_default(),
            trials: Trials::new(BackendKind::default()),
        }
    }

    fn experiment(&self, assignments: &[String]) -> Result<Experiment, String> {
        let Some(text) = &self.text else {
            return experiment(&self.base, assignments);
        };
        let name = Path::new(&self.base).file_stem().unwrap_or_default();
        let settings = settings(assignments)?;
        let parsed = Experiment::parse(&name.to_string_lossy(), &self.base, text, &settings);
        parsed.map_err(|error| error.to_string())
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
    Experiment::open(Some(base), &settings(assignments)?).map_err(|error| error.to_string())
}

fn settings(assignments: &[String]) -> Result<Vec<Setting>, String> {
    let settings: Result<_, SettingError> = assignments.iter().map(|one| one.parse()).collect();
    settings.map_err(|error| error.to_string())
}

impl Bench for TrialBench {
    fn metric(&mut self) -> Result<Metric, String> {
        // What all trials have may be no configuration before a point says the rest; the score follows from the task.
        let of_task = |one: &&String| one.starts_with("task=") || one.starts_with("task.");
        let task: Vec<String> = self.set.iter().filter(of_task).cloned().collect();
        let experiment = self.experiment(&self.set);
        let experiment = experiment.or_else(|problem| {
            let by_task = self.experiment(&task);
            by_task.map_err(|_| problem)
        })?;
        let dataset = self.trials.dataset(&experiment, self.seed);
        let metric = dataset.map_err(|error: RunError| error.to_string())?.metric;
        Ok(Metric {
            name: metric.name().into(),
            higher_is_better: metric.higher_is_better(),
        })
    }

    fn facts(&mut self, assignments: &[String], judged: Judged) -> Result<Facts, String> {
        let experiment = self.experiment(assignments)?;
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

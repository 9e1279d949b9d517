//! What a sweep is: its file.

use std::collections::BTreeMap;

use ran_seed::Seeds;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::assign::{SAME_AS, same_as, same_as_with_dots};
use crate::slurm::SlurmConfig;
use crate::space::{TWICE, dotted, holds, is_finite, with_dots};
use crate::{Method, Space};

/// A sweep, as it stands in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepConfig {
    /// What all trials begin with: a preset's name, or the path of a configuration's file.
    pub base: String,
    /// Keys that are the same in all trials, as `--set` names them, and their values; `{ same_as = KEY }` is the value that a
    /// key of the space has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
    /// The keys that differ.
    pub space: Space,
    /// What a point must fulfil; others are not tried.
    #[serde(default, skip_serializing_if = "Constraints::is_empty")]
    pub constraints: Constraints,
    /// How points are chosen, and how many.
    pub method: Method,
    /// How a point is judged.
    #[serde(default)]
    pub trial: TrialConfig,
    /// What becomes of the best points. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#final: Option<FinalConfig>,
    /// How jobs are submitted to a Slurm cluster (`--on slurm`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmConfig>,
}

/// Bounds of what a configuration's model is made of; they are counted before anything is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Constraints {
    /// All parameters.
    #[serde(skip_serializing_if = "Bounds::is_empty")]
    pub parameters: Bounds,
    /// Those that are trained.
    #[serde(skip_serializing_if = "Bounds::is_empty")]
    pub trained_parameters: Bounds,
}

/// From where to where a number may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// The least that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
    /// The most that is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

impl Bounds {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn allows(self, number: u64) -> bool {
        self.at_least.is_none_or(|least| number >= least)
            && self.at_most.is_none_or(|most| number <= most)
    }
}

impl Constraints {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a model with these parameters may be tried.
    #[must_use]
    pub fn allow(&self, parameters: crate::Parameters) -> bool {
        self.parameters.allows(parameters.total())
            && self.trained_parameters.allows(parameters.trained)
    }
}

/// The split of the data that a point is judged on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judged {
    /// The validation set: what chooses. The test set is not looked at.
    #[default]
    Valid,
    /// The test set: for a picture of a space, out of which nothing is chosen.
    Test,
}

impl Judged {
    /// Its name, which is that of the split too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// How a point is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrialConfig {
    /// Its seeds; its score is the mean over them. Default: 100 alone.
    pub seeds: Seeds,
    /// The split that counts.
    pub judge: Judged,
}

impl Default for TrialConfig {
    fn default() -> Self {
        Self {
            seeds: "100".parse().expect("it is a number"),
            judge: Judged::default(),
        }
    }
}

/// What becomes of the best points: they are judged once more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FinalConfig {
    /// How many of them.
    pub best: u64,
    /// With which seeds, none of which may be a trial's. Default: 1000..1005.
    pub seeds: Seeds,
    /// On which split. Default: the test set. On the validation set, data of more seeds tell good points apart that are equal
    /// on the trials' few.
    pub judge: Judged,
    /// Keys that are others than in the trials, as `"task.valid" = 0.0` where the part of the training set that chose is
    /// trained on at the end.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, Value>,
}

impl Default for FinalConfig {
    fn default() -> Self {
        Self {
            best: 1,
            seeds: "1000..1005".parse().expect("it is a range"),
            judge: Judged::Test,
            set: BTreeMap::new(),
        }
    }
}

/// Seeds of a trial, at most, whose mean is its score.
const MOST_SEEDS: u64 = 10_000;

/// A sweep that cannot be run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} {problem}")]
pub struct ConfigError {
    key: String,
    problem: String,
}

impl SweepConfig {
    /// Spells all keys as `--set` does.
    ///
    /// # Errors
    ///
    /// When a key stands there in two spellings.
    pub(crate) fn with_dots(&mut self) -> Result<(), ConfigError> {
        let last = self.r#final.as_mut();
        let last = last.map(|last| ("final.set", &mut last.set));
        for (table, set) in [("set", &mut self.set)].into_iter().chain(last) {
            *set = with_dots(std::mem::take(set)).map_err(|key| ConfigError {
                key: format!("{table}.{key:?}"),
                problem: TWICE.into(),
            })?;
            set.values_mut().for_each(same_as_with_dots);
        }
        if let Method::Halving(halving) = &mut self.method {
            halving.resource = dotted(&halving.resource);
        }
        Ok(())
    }

    /// Has a key be the same in all trials, whatever the file says of it, of what holds it and of what it holds.
    pub fn settle(&mut self, key: &str, value: &Value) {
        let mut value = value.clone();
        same_as_with_dots(&mut value);
        // A key of the space that is to be the same as another is not varied any more.
        if same_as(&value).is_some() {
            self.space.remove(key);
        }
        if !self.space.fix(key, &value) {
            self.set.retain(|other, _| !holds(key, other));
            self.set.insert(key.into(), value);
        }
    }

    /// Checks what its parts do not see alone.
    ///
    /// # Errors
    ///
    /// When the method does not fit the space, or a choice would be made on the test set or with the seeds that judge it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, problem: String| {
            let key = key.into();
            Err(ConfigError { key, problem })
        };
        if self.space.keys().next().is_none() {
            return wrong("space", "has no key; a sweep needs at least one".into());
        }
        if let Some(key) = self
            .method
            .resource()
            .filter(|key| self.set.contains_key(*key))
        {
            let problem = format!("has {key:?}, which is the resource of successive halving");
            return wrong("set", problem);
        }
        let last = self.r#final.iter().map(|last| ("final.set", &last.set));
        for (table, set) in [("set", &self.set)].into_iter().chain(last) {
            for (key, value) in set {
                let varied = |other: &&str| *other == key || holds(other, key);
                if let Some(other) = self.space.keys().find(varied) {
                    let problem = match other == key {
                        true => format!("has {key:?}, which the space varies"),
                        false => {
                            format!("has {key:?}, which is in {other:?}, which the space varies")
                        }
                    };
                    return wrong(table, problem);
                }
                if !is_finite(value) {
                    let problem = format!("has {key:?} be {value}: numbers must be finite");
                    return wrong(table, problem);
                }
                let problem = match (same_as(value), value.get(SAME_AS)) {
                    (Some(other), _) if self.space.has(other) => continue,
                    (Some(other), _) => {
                        format!(
                            "has {key:?} be the same as {other:?}, which is no key of the space"
                        )
                    }
                    (None, Some(_)) => {
                        format!("has {key:?} be {value}: write {{ same_as = \"KEY\" }} and no more")
                    }
                    (None, None) => continue,
                };
                return wrong(table, problem);
            }
        }
        if let Err(problem) = self.method.check(&self.space) {
            return wrong("method", problem);
        }
        if let Some(Err(error)) = self.slurm.as_ref().map(SlurmConfig::check) {
            let (key, problem) = ("[slurm]".into(), format!("is wrong: {error}"));
            return Err(ConfigError { key, problem });
        }
        let last = self.r#final.iter().map(|last| ("final.seeds", &last.seeds));
        for (key, seeds) in [("trial.seeds", &self.trial.seeds)].into_iter().chain(last) {
            if seeds.count() > MOST_SEEDS {
                let problem = format!(
                    "has {} seeds; at most {MOST_SEEDS} are allowed",
                    seeds.count()
                );
                return wrong(key, problem);
            }
        }
        let chooses = self.method.chooses() || self.r#final.is_some();
        if self.trial.judge == Judged::Test && chooses {
            return wrong(
                "trial.judge",
                "is \"test\", but what chooses must not see the test set: leave it out, or take method grid, random or sobol without [final]".into(),
            );
        }
        if let Some(last) = &self.r#final {
            if last.best == 0 {
                return wrong("final.best", "must be at least 1, got 0".into());
            }
            let of_task = |key: &&String| ["task", "task.name"].contains(&key.as_str());
            if let Some(key) = last.set.keys().find(of_task) {
                let problem =
                    format!("has {key:?}: the best of one task are not judged on another");
                return wrong("final.set", problem);
            }
            if let Some(seed) = self.trial.seeds.shared(&last.seeds) {
                return wrong(
                    "final.seeds",
                    format!(
                        "has {seed}, which is one of trial.seeds: what was chosen with a seed is not judged with it"
                    ),
                );
            }
        }
        Ok(())
    }
}

//! `ran experiment --search`: a configuration for a task of which nothing is known.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ran_experiment::{
    BackendKind, Chosen, Experiment, ExperimentError, Place, SearchSpace, Seeds, Setting,
    SpaceKind, Trials,
};
use ran_sweep::{
    Bounds, Constraints, FinalConfig, Judged, Method, Results, Space, SweepConfig, SweepError,
    Trial, TrialConfig,
};
use toml::Value;

use crate::commands::sweep::{Run, settle};
use crate::exit::{Interrupted, Usage};

/// What is searched, and how.
pub(crate) struct Search<'a> {
    pub(crate) trials: u64,
    pub(crate) space: SpaceKind,
    /// The configuration whose roles are taken in place of searched ones.
    pub(crate) roles_of: Option<&'a str>,
    /// Parameters that may be trained, at most.
    pub(crate) trained: Option<u64>,
    pub(crate) out: Option<&'a Path>,
    pub(crate) workers: Option<usize>,
    pub(crate) quiet: bool,
    pub(crate) stop: &'static AtomicBool,
}

/// Seeds of a trial on data that are drawn anew for each.
const SEEDS: Range<u64> = 100..103;
/// Seeds on which the best trials are judged again where the task has a validation set, before one is taken: on a few, many are perfect.
/// Where each seed splits one off, these begin at its end.
const AGAIN: Range<u64> = 103..113;
/// Of how many trials one is judged again, and how many at most: where the task has a validation set, and where each seed splits one off.
const OF_DRAWN: (u64, u64) = (20, 10);
const OF_SPLIT: (u64, u64) = (5, 8);
/// Seeds of a trial on data that are what they are, at least and at most.
const FEWEST_SEEDS: u64 = 2;
const MOST_SEEDS: u64 = 10;
/// Sequences that a trial is judged on, all its seeds together, where there are enough seeds: on a handful many are perfect.
const JUDGED: f64 = 150.0;
/// The share of the training set that chooses, where the task has no validation set.
const VALIDATION: f64 = 0.3;
/// The keys that say so: a task's own, which knows how a series is split by time, or for any task.
const SPLITS: [&str; 2] = ["task.valid", "learning.validation"];

impl Search<'_> {
    /// Searches, and gives the experiment with the best configuration, which says how it was chosen. What is set is the same in
    /// all trials.
    pub(crate) fn best(
        &self,
        experiment: Experiment,
        settings: &[Setting],
    ) -> anyhow::Result<Experiment> {
        if experiment.config.network.is_some() && self.space == SpaceKind::Roles {
            let problem = "the space roles is of reservoirs, and network.kind names another network: --space standard varies its width and \
                           its learning";
            return Err(Usage(problem.into()).into());
        }
        let mut trials = Trials::new(BackendKind::default());
        let dataset = trials.dataset(&experiment, SEEDS.start)?;
        let mut space = SearchSpace::of(self.space, &experiment, dataset);
        if let Some(which) = self.roles_of {
            self.take_roles(&mut space, which, settings)?;
        }
        let text = toml::to_string(&space.base)?;
        // A setting that means nothing is known before anything is tried. One that means something beside keys of the space alone
        // is looked at with some points.
        let origin = format!("the space {}", self.space.name());
        let settled = match Experiment::parse(&experiment.name, &origin, &text, settings) {
            Err(ExperimentError::Invalid { .. }) => None,
            settled => Some(settled?.config.learning.validation_share()),
        };
        let share = settled.unwrap_or_else(|| experiment.config.learning.validation_share());
        let splits = dataset.valid.is_empty() && share == 0.0;
        let (seeds, others, (one_in, most)) = match splits {
            true => {
                let count = splitting_seeds(dataset.train.len());
                let others = AGAIN.end..AGAIN.end + 2 * count;
                (SEEDS.start..SEEDS.start + count, others, OF_SPLIT)
            }
            false => (SEEDS, AGAIN, OF_DRAWN),
        };
        let seeds = range(seeds);
        let again = (self.trials / one_in).min(most);
        let again = (again > 1).then(|| FinalConfig {
            best: again,
            seeds: range(others),
            judge: Judged::Valid,
            set: BTreeMap::new(),
        });
        let keys: Space = space
            .keys
            .try_into()
            .map_err(|error: toml::de::Error| Usage(error.to_string()))?;
        let all: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let keys_text = toml::to_string(&keys)?;
        let folder = self.folder(
            &experiment.name,
            &format!("{text}{keys_text}{}", all.join("\n")),
        );
        let base = folder
            .join("base")
            .join(format!("{}.toml", experiment.name));
        let mut config = SweepConfig {
            base: base.to_string_lossy().into_owned(),
            set: BTreeMap::new(),
            space: keys,
            constraints: Constraints {
                trained_parameters: Bounds {
                    at_most: self.trained,
                    ..Bounds::default()
                },
                ..Constraints::default()
            },
            method: Method::tpe(self.trials),
            trial: TrialConfig {
                seeds: seeds.clone(),
                judge: Judged::Valid,
            },
            r#final: again.clone(),
            slurm: None,
        };
        settle(&mut config, settings);
        let held_out = splits.then(|| split(&experiment.name, &text, &mut trials));
        if let Some(key) = held_out {
            config.set.insert(key.into(), Value::Float(VALIDATION));
        }
        config
            .validate()
            .map_err(|error| Usage(error.to_string()))?;
        let run = Run {
            stop: self.stop,
            workers: self.workers,
            place: Some(crate::commands::sweep::Place::Local),
            json: false,
            quiet: self.quiet,
        };
        let (sweep, mut bench) = run.begin(&folder, &experiment.name, &config, Some(&text))?;
        let done = run.all(&mut io::sink(), &sweep, &mut bench);
        let (results, last) = done.map_err(|error| match error.downcast_ref() {
            Some(SweepError::Stopped(_)) => match self.out {
                Some(_) => Interrupted::Search.into(),
                None => Interrupted::SearchOfItsOwn(folder.clone()).into(),
            },
            _ => error,
        })?;
        let best = chosen(&results, last.as_ref())?;
        let assignments = sweep.assignments_of(best);
        let settings: Result<Vec<_>, _> = assignments
            .iter()
            .filter(|one| !held_out.is_some_and(|key| one.starts_with(key)))
            .map(|one| one.parse())
            .collect();
        let mut found =
            Experiment::open(Some(&sweep.base()), &settings?)?.named(&experiment.name)?;
        found.config.chosen = Some(Chosen {
            seeds: [seeds]
                .into_iter()
                .chain(again.map(|again| again.seeds))
                .collect(),
            tried: results.trials.len(),
            by: format!(
                "{} on validation data, space {}{}, method tpe",
                results.metric,
                self.space.name(),
                self.roles_of
                    .map_or(String::new(), |which| format!(" with the roles of {which}"))
            ),
        });
        found.config.evaluation = experiment.config.evaluation;
        Ok(found)
    }

    /// Has the space's populations read what those of another configuration read.
    fn take_roles(
        &self,
        space: &mut SearchSpace,
        which: &str,
        settings: &[Setting],
    ) -> anyhow::Result<()> {
        if self.space != SpaceKind::Roles {
            let problem = "--roles-of means something with --space roles alone";
            return Err(Usage(problem.into()).into());
        }
        let found = Experiment::open(Some(which), &[])?;
        let taken = space.with_roles_of(&found, settings);
        Ok(taken.map_err(|problem| Usage(format!("--roles-of {which} {problem}")))?)
    }

    fn folder(&self, name: &str, what: &str) -> PathBuf {
        match self.out {
            Some(out) => out.join("search"),
            None => Place::own_folder(&format!("{name}-search"), what),
        }
    }
}

fn range(seeds: Range<u64>) -> Seeds {
    let text = format!("{}..{}", seeds.start, seeds.end);
    text.parse().expect("it is a range")
}

/// How many seeds, each of which splits a training set of some sequences in its own way, a trial needs to be judged.
fn splitting_seeds(sequences: usize) -> u64 {
    // One series is split by time, which no seed changes.
    if sequences == 1 {
        return FEWEST_SEEDS;
    }
    let judged = sequences as f64 * VALIDATION;
    ((JUDGED / judged).ceil() as u64).clamp(FEWEST_SEEDS, MOST_SEEDS)
}

/// The key that splits a part of the training set off: the task's own, where its data can be split so.
fn split(name: &str, text: &str, trials: &mut Trials) -> &'static str {
    let mut known = |key: &&str| {
        let setting = format!("{key}={VALIDATION}").parse();
        let setting: Setting = setting.expect("it is a key and a value");
        let experiment = Experiment::parse(name, "the space", text, &[setting]);
        experiment.is_ok_and(|experiment| trials.dataset(&experiment, SEEDS.start).is_ok())
    };
    let mut keys = SPLITS.into_iter();
    keys.find(|key| known(key)).unwrap_or(SPLITS[1])
}

/// Says what was tried and what was best.
pub(crate) fn say_found(out: &mut impl Write, found: &Experiment) -> io::Result<()> {
    let Some(chosen) = &found.config.chosen else {
        return Ok(());
    };
    let settings: Vec<String> = found.settings.iter().map(ToString::to_string).collect();
    writeln!(
        out,
        "tried {} configurations, by {}; the best:\n  {}\n",
        chosen.tried,
        chosen.by,
        settings.join("\n  ")
    )
}

/// The best of the trials that were judged again, or of all where none of these has a score.
fn chosen<'a>(results: &'a Results, again: Option<&'a Results>) -> anyhow::Result<&'a Trial> {
    let best = again.and_then(best).or_else(|| best(results));
    best.ok_or_else(|| anyhow::anyhow!("no trial of the search has a score"))
}

fn best(results: &Results) -> Option<&Trial> {
    let scored = results
        .trials
        .iter()
        .filter_map(|trial| Some((results.goodness(trial.score?), trial)));
    // Of equals the first: which was found without the others' help, or was the better before it was judged again.
    let best = scored.reduce(|best, one| if one.0 > best.0 { one } else { best });
    best.map(|(_, trial)| trial)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trials by their scores, of which higher ones are better.
    fn results(scores: &[Option<f64>]) -> Results {
        let trial = |(number, score): (usize, &Option<f64>)| {
            let (trial, score) = (number as u64, *score);
            serde_json::from_value(serde_json::json!({
                "trial": trial, "point": {}, "parameters": null, "seeds": [], "score": score, "problem": null, "seconds": 0.0,
                "command": ""
            }))
            .unwrap()
        };
        Results {
            name: "x".into(),
            metric: "accuracy".into(),
            judged: "valid".into(),
            higher_is_better: true,
            keys: Vec::new(),
            logarithmic: Vec::new(),
            planned: scores.len() as u64,
            trials: scores.iter().enumerate().map(trial).collect(),
        }
    }

    #[test]
    fn the_best_of_those_that_were_judged_again_is_chosen() {
        let first = results(&[Some(0.2), Some(1.0), None, Some(1.0)]);
        let number = |again: Option<&Results>| chosen(&first, again).unwrap().trial;
        assert_eq!(number(None), 1);
        assert_eq!(
            number(Some(&results(&[Some(0.7), Some(0.7), Some(0.9)]))),
            2
        );
        assert_eq!(number(Some(&results(&[Some(0.7), Some(0.7)]))), 0);
        assert_eq!(number(Some(&results(&[None]))), 1);
        assert!(chosen(&results(&[None]), None).is_err());
        let lower = Results {
            higher_is_better: false,
            ..first
        };
        assert_eq!(chosen(&lower, None).unwrap().trial, 0);
    }

    #[test]
    fn few_sequences_are_split_by_more_seeds() {
        assert_eq!([36, 50, 200, 5_000].map(splitting_seeds), [10, 10, 3, 2]);
        assert_eq!(splitting_seeds(1), 2);
    }
}

//! A sweep from its plan to its results.
//!
//! ```text
//! DIR/sweep.toml   what was asked for
//! DIR/…            its trials (see `Stage`)
//! DIR/final/…      the best points' trials, once more
//! ```

use std::cmp::Ordering;
use std::collections::HashSet;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{self, AtomicBool};

use ran_files::{FolderError, FolderLock, write_file};

use crate::folder::{FILE, FINAL, base_in, described, is_kept, keep_base, results};
use crate::method::Tried;
use crate::stage::{Stage, StageConfig};
use crate::{
    Bench, Bounds, Executor, Facts, Method, Metric, Point, Results, SweepConfig, SweepError, Trial,
};

/// What happens during a sweep, to be shown.
#[derive(Clone, Copy, Debug)]
pub enum SweepNotice<'a> {
    /// Trials are about to run.
    Planned {
        /// Those of the stage that are done, of earlier batches and runs.
        done: u64,
        /// Those that it is going to have in all.
        of: u64,
        /// Whether these are the best points', once more.
        last: bool,
    },
    /// A trial is done.
    Trial(&'a Trial),
}

/// A sweep in its folder, which is locked for it.
#[derive(Debug)]
pub struct Sweep {
    folder: PathBuf,
    name: String,
    config: SweepConfig,
    _lock: FolderLock,
}

/// Points that are looked at, at most, before anything is written: of a space whose keys hang together, few may fit.
const LOOKED_AT: usize = 256;

impl Sweep {
    /// Begins a sweep in a folder, or goes on with the same one that is there.
    ///
    /// Before anything is written some points are looked at, and the first batch is found.
    ///
    /// # Errors
    ///
    /// When the folder is another sweep's, or in use; when no point can be tried, or none meets the constraints.
    pub fn begin(
        folder: &Path,
        name: &str,
        config: &SweepConfig,
        bench: &mut dyn Bench,
    ) -> Result<Self, SweepError> {
        let text = toml::to_string(config).expect("a sweep that was read is TOML");
        let text = format!("# {name}, version {}\n\n{text}", env!("CARGO_PKG_VERSION"));
        let path = folder.join(FILE);
        if path.exists() {
            let there = Self::open(folder)?;
            if there.config != *config || !is_kept(&config.base, folder) {
                let problem =
                    "is another sweep's: name another folder, or go on with that one by --resume";
                return Err(SweepError::File {
                    path,
                    problem: problem.into(),
                });
            }
            return Ok(there);
        }
        check_first(config, bench)?;
        let first = propose(config, &[], bench)?;
        fs::create_dir_all(folder).map_err(|source| FolderError {
            path: folder.into(),
            source,
        })?;
        let lock = FolderLock::take(folder)?;
        if path.exists() {
            let problem = "another sweep began here in the meantime";
            return Err(SweepError::File {
                path,
                problem: problem.into(),
            });
        }
        keep_base(&config.base, folder)?;
        // The last one: where it is, all is.
        write_file(&path, text.as_bytes())?;
        let sweep = Self {
            folder: folder.into(),
            name: name.into(),
            config: config.clone(),
            _lock: lock,
        };
        // Where a sweep is stopped before this, `run` finds the same points again.
        sweep.stage(folder, &sweep.search())?.add(first)?;
        Ok(sweep)
    }

    /// Opens a sweep's folder, to go on with it.
    ///
    /// # Errors
    ///
    /// When there is none, or it is in use.
    pub fn open(folder: &Path) -> Result<Self, SweepError> {
        let (name, config) = described(folder)?;
        Ok(Self {
            folder: folder.into(),
            name,
            config,
            _lock: FolderLock::take(folder)?,
        })
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was asked for.
    #[must_use]
    pub fn config(&self) -> &SweepConfig {
        &self.config
    }

    /// What all trials begin with: a preset's name, or the path of the copy of a file that the folder holds.
    #[must_use]
    pub fn base(&self) -> String {
        base_in(&self.config.base, &self.folder)
    }

    /// The assignments of a trial's point, as `--set` takes them.
    #[must_use]
    pub fn assignments_of(&self, trial: &Trial) -> Vec<String> {
        let values = trial.point.iter().filter_map(|(key, value)| {
            let value = toml::Value::try_from(value).ok()?;
            Some((key.clone(), value))
        });
        self.config.assignments(&values.collect())
    }

    /// Runs the trials that are left, batch by batch, then the best points once more, as `[final]` says.
    ///
    /// # Errors
    ///
    /// When it is stopped, trials cannot be run at all, or no point meets the constraints.
    pub fn run(
        &self,
        bench: &mut dyn Bench,
        executor: &mut dyn Executor,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(SweepNotice<'_>),
    ) -> Result<(), SweepError> {
        let higher_is_better = metric(bench)?.higher_is_better;
        let mut stage = self.stage(&self.folder, &self.search())?;
        let total = self.config.method.trials(&self.config.space);
        let mut tried: Vec<Tried> = Vec::new();
        loop {
            self.run_stage(&stage, total, false, bench, executor, stop, observe)?;
            for trial in tried.len() as u64..stage.points().len() as u64 {
                let result = stage.result(trial)?;
                let score = result
                    .and_then(|result| result.score)
                    .filter(|score| score.is_finite());
                let loss = score.map(|score| if higher_is_better { -score } else { score });
                let point = stage.points()[trial as usize].clone();
                tried.push(Tried { trial, point, loss });
            }
            let points = propose(&self.config, &tried, bench)?;
            if points.is_empty() {
                break;
            }
            stage.add(points)?;
        }
        let Some(last) = &self.config.r#final else {
            return Ok(());
        };
        let mut best: Vec<&Tried> = tried.iter().filter(|one| one.loss.is_some()).collect();
        best.sort_by(|one, other| one.loss.partial_cmp(&other.loss).unwrap_or(Ordering::Equal));
        best.truncate(last.best as usize);
        if best.is_empty() {
            return Ok(());
        }
        let points: Vec<Point> = best.into_iter().map(|one| one.point.clone()).collect();
        let mut config = StageConfig {
            seeds: last.seeds.clone(),
            judge: last.judge,
            ..stage.config().clone()
        };
        config.set.extend(last.set.clone());
        let mut stage = self.stage(&self.folder.join(FINAL), &config)?;
        if stage.points().is_empty() {
            stage.add(points)?;
        }
        let total = stage.points().len() as u64;
        self.run_stage(&stage, total, true, bench, executor, stop, observe)
    }

    /// The results so far: of the trials, and of the best points, judged once more.
    ///
    /// # Errors
    ///
    /// When files are damaged.
    pub fn results(&self, bench: &mut dyn Bench) -> Result<(Results, Option<Results>), SweepError> {
        results(&self.folder, &self.name, &self.config, metric(bench)?)
    }

    /// The folders of its stages: that of the search, and that of what is judged once more, which may not be there.
    pub fn stages(&self) -> [PathBuf; 2] {
        [self.folder.clone(), self.folder.join(FINAL)]
    }

    /// What all trials of the search have in common.
    fn search(&self) -> StageConfig {
        StageConfig {
            base: self.base(),
            set: self.config.set.clone(),
            seeds: self.config.trial.seeds.clone(),
            judge: self.config.trial.judge,
        }
    }

    fn stage(&self, folder: &Path, config: &StageConfig) -> Result<Stage, SweepError> {
        if !Stage::is_at(folder) {
            return Ok(Stage::create(folder, config)?);
        }
        let stage = Stage::open(folder)?;
        stage.tidy();
        Ok(stage)
    }

    /// Runs the trials of a stage that are planned and not done.
    #[expect(clippy::too_many_arguments, reason = "it is one half of `run`")]
    fn run_stage(
        &self,
        stage: &Stage,
        of: u64,
        last: bool,
        bench: &mut dyn Bench,
        executor: &mut dyn Executor,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(SweepNotice<'_>),
    ) -> Result<(), SweepError> {
        let planned = stage.points().len() as u64;
        let left: Vec<u64> = (0..planned)
            .filter(|&trial| !stage.is_done(trial))
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        // A grid has fewer points where conditions and constraints leave some out.
        let of = if self.config.method == Method::Grid {
            planned
        } else {
            of
        };
        let done = planned - left.len() as u64;
        observe(SweepNotice::Planned { done, of, last });
        let facts = self.largest(stage, &left, bench);
        let mut tell = |trial: u64| {
            if let Some(result) = stage.result(trial)? {
                observe(SweepNotice::Trial(&result));
            }
            Ok(())
        };
        executor.run(stage, &left, facts, stop, &mut tell)?;
        if left.iter().all(|&trial| stage.is_done(trial)) {
            return Ok(());
        }
        match stop.load(atomic::Ordering::Relaxed) {
            true => Err(SweepError::Stopped(self.folder.clone())),
            false => {
                let problem = "the workers ended before all trials were done";
                Err(SweepError::workers(&self.folder, problem))
            }
        }
    }

    /// The facts of the trial that needs the most memory, of a hundred of those that are left.
    fn largest(&self, stage: &Stage, left: &[u64], bench: &mut dyn Bench) -> Option<Facts> {
        let step = left.len().div_ceil(100);
        let facts = left.iter().step_by(step).filter_map(|&trial| {
            let assignments = stage.assignments(&stage.points()[trial as usize]);
            bench.facts(&assignments, stage.config().judge).ok()
        });
        facts.max_by_key(|facts| facts.bytes)
    }
}

fn metric(bench: &mut dyn Bench) -> Result<Metric, SweepError> {
    bench.metric().map_err(SweepError::Nothing)
}

/// Looks at some points: refuses what is wrong with all of them.
fn check_first(config: &SweepConfig, bench: &mut dyn Bench) -> Result<(), SweepError> {
    metric(bench)?;
    // Without constraints, to see what is wrong with the points themselves. Of those that are drawn one by one, any
    // are as good as the first.
    let method = match config.method.clone() {
        Method::Random { seed, .. } | Method::Sobol { seed, .. } | Method::Tpe { seed, .. } => {
            Method::Random {
                trials: LOOKED_AT as u64,
                seed,
            }
        }
        other => other,
    };
    let Ok(points) = method.propose(&config.space, &[], &mut |_| Ok::<_, Infallible>(true));
    let points = points.unwrap_or_default();
    let step = points.len().div_ceil(LOOKED_AT).max(1);
    let mut wrong = None;
    let mut before = HashSet::new();
    for point in points.iter().step_by(step) {
        if !before.insert(format!("{point:?}")) {
            continue;
        }
        match check_point(config, point, bench) {
            Ok(()) => return Ok(()),
            Err(problem) => {
                wrong.get_or_insert(problem);
            }
        }
    }
    let looked_at = before.len();
    match wrong {
        Some(problem) => Err(SweepError::Nothing(format!(
            "none of {looked_at} points of the space that were looked at can be run: {problem}"
        ))),
        None => Err(no_point(config)),
    }
}

/// Looks at a point as a trial has it, and as `[final]` judges it.
fn check_point(config: &SweepConfig, point: &Point, bench: &mut dyn Bench) -> Result<(), String> {
    bench.facts(&config.assignments(point), config.trial.judge)?;
    let Some(of) = &config.r#final else {
        return Ok(());
    };
    let mut last = config.clone();
    last.set.extend(of.set.clone());
    let judged = bench.facts(&last.assignments(point), of.judge);
    let judged = judged.map_err(|problem| format!("as [final] judges it: {problem}"));
    judged.map(|_| ())
}

/// The next batch of points, empty where the method is done.
fn propose(
    config: &SweepConfig,
    tried: &[Tried],
    bench: &mut dyn Bench,
) -> Result<Vec<Point>, SweepError> {
    let mut allowed = |point: &Point| {
        if config.constraints.is_empty() {
            return Ok(true);
        }
        let facts = bench.facts(&config.assignments(point), config.trial.judge);
        Ok::<_, Infallible>(facts.is_ok_and(|facts| config.constraints.allow(facts.parameters)))
    };
    let Ok(points) = config.method.propose(&config.space, tried, &mut allowed);
    points.ok_or_else(|| no_point(config))
}

fn no_point(config: &SweepConfig) -> SweepError {
    let of = |name: &str, bounds: Bounds| {
        let least = bounds
            .at_least
            .map(|least| format!("{name} at least {least}"));
        let most = bounds.at_most.map(|most| format!("{name} at most {most}"));
        least.into_iter().chain(most)
    };
    let asked: Vec<String> = of("parameters", config.constraints.parameters)
        .chain(of(
            "trained_parameters",
            config.constraints.trained_parameters,
        ))
        .collect();
    SweepError::Nothing(format!(
        "no point of the space was found that meets the constraints ({})",
        asked.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Judged;
    use crate::{Metric, Parameters};

    /// A model that fits where the key `a` is 7 alone.
    struct Narrow;

    impl Bench for Narrow {
        fn metric(&mut self) -> Result<Metric, String> {
            Ok(Metric {
                name: "accuracy".into(),
                higher_is_better: true,
            })
        }

        fn facts(&mut self, assignments: &[String], _: Judged) -> Result<Facts, String> {
            match assignments == ["a=7"] {
                true => Ok(Facts {
                    parameters: Parameters {
                        trained: 1,
                        fixed: 0,
                    },
                    bytes: 1,
                }),
                false => Err("it does not fit".into()),
            }
        }
    }

    #[test]
    fn a_space_of_which_few_points_fit_is_begun_and_one_of_which_none_does_is_not() {
        let checked = |to: u64| {
            let text = format!(
                "base = 'x'\n[space]\na = {{ from = 0, to = {to} }}\n[method]\nname = 'tpe'\ntrials = 20"
            );
            check_first(&toml::from_str(&text).unwrap(), &mut Narrow)
        };
        checked(40).unwrap();
        let error = checked(6).unwrap_err().to_string();
        assert!(error.contains("it does not fit"), "{error}");
    }
}

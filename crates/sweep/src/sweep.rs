//! A sweep from its plan to its results.
//!
//! ```text
//! DIR/sweep.toml   what was asked for
//! DIR/…            its trials (see `Stage`)
//! DIR/final/…      the best points' trials, once more
//! ```

use std::path::{Path, PathBuf};
use std::sync::atomic::{self, AtomicBool};

use ran_files::{FolderLock, create_folder, write_file};

use crate::assign::values;
use crate::base::{FINAL, base_in, is_kept, kept_base};
use crate::folder::{FILE, described, results};
use crate::method::Tried;
use crate::points;
use crate::stage::{Stage, StageConfig};
use crate::{Bench, Executor, Facts, Method, Metric, Results, SweepConfig, SweepError, Trial};

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

impl Sweep {
    /// Begins a sweep in a folder, or goes on with the same one that is there.
    ///
    /// `base` is the text of what all trials begin with, where that is no preset: the folder keeps it. Before anything is written some
    /// points are looked at, and the first batch is found.
    ///
    /// # Errors
    ///
    /// When the folder is another sweep's, or in use; when no point can be tried, or none meets the constraints, or `stop` was true
    /// before one was found.
    pub fn begin(
        folder: &Path,
        name: &str,
        config: &SweepConfig,
        base: Option<&str>,
        bench: &mut dyn Bench,
        stop: &AtomicBool,
    ) -> Result<Self, SweepError> {
        let text = toml::to_string(config).expect("a sweep that was read is TOML");
        let text = format!("# {name}, version {}\n\n{text}", env!("CARGO_PKG_VERSION"));
        let path = folder.join(FILE);
        if path.exists() {
            let there = Self::open(folder)?;
            if there.config != *config || !is_kept(&config.base, base, folder) {
                let problem =
                    "is another sweep's: name another folder, or go on with that one by --resume";
                return Err(SweepError::File {
                    path,
                    problem: problem.into(),
                });
            }
            return Ok(there);
        }
        metric(bench)?;
        let first = points::first(config, bench, stop)?;
        create_folder(folder)?;
        let lock = FolderLock::take(folder)?;
        if path.exists() {
            let problem = "another sweep began here in the meantime";
            return Err(SweepError::File {
                path,
                problem: problem.into(),
            });
        }
        if let Some(text) = base {
            write_file(&kept_base(&config.base, folder), text.as_bytes())?;
        }
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
        self.config.assignments(&values(&trial.point))
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
            let stopped = || SweepError::Stopped(self.folder.clone());
            let points = points::next(&self.config, &tried, bench, stop)?;
            let points = points.ok_or_else(stopped)?;
            if points.is_empty() {
                break;
            }
            stage.add(points)?;
        }
        let Some(last) = &self.config.r#final else {
            return Ok(());
        };
        let mut points = points::best(&self.config, &tried);
        points.truncate(last.best as usize);
        if points.is_empty() {
            return Ok(());
        }
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

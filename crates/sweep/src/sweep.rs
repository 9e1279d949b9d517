//! A sweep from its plan to its results.
//!
//! ```text
//! DIR/sweep.toml   what was asked for
//! DIR/…            its trials (see `Stage`)
//! DIR/final/…      the best points' trials on the test set
//! ```

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{self, AtomicBool};

use ran_files::{FolderError, FolderLock, Lasting, write_whole};

use crate::method::Tried;
use crate::stage::{Stage, StageConfig, StageError};
use crate::{Bounds, ConfigError, Judged, Parameters, Point, Results, SweepConfig, Trial};

/// What is known of a configuration before anything is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its model's parameters.
    pub parameters: Parameters,
    /// Memory that a process which runs it needs, about, in bytes.
    pub bytes: u64,
}

/// What a score is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, as records have it.
    pub name: String,
    /// Whether a higher one is better.
    pub higher_is_better: bool,
}

/// What the score of a base is, and what its configurations are made of: what the program says that runs trials.
pub trait Bench {
    /// What the score is.
    ///
    /// # Errors
    ///
    /// A sentence, where the base cannot be run.
    fn metric(&mut self) -> Result<Metric, String>;

    /// Counts what the base with these assignments is made of.
    ///
    /// # Errors
    ///
    /// A sentence, where this is no configuration.
    fn facts(&mut self, assignments: &[String]) -> Result<Facts, String>;
}

/// What runs trials: processes of this machine, or a cluster.
pub trait Executor {
    /// Runs trials of a stage until each has its result, or `stop` is true; tells the number of each that is done.
    ///
    /// # Errors
    ///
    /// When trials cannot be run at all.
    fn run(
        &mut self,
        stage: &Stage,
        trials: &[u64],
        facts: Option<Facts>,
        stop: &AtomicBool,
        done: &mut dyn FnMut(u64) -> Result<(), StageError>,
    ) -> Result<(), SweepError>;
}

/// What happens during a sweep, to be shown.
#[derive(Clone, Copy, Debug)]
pub enum SweepNotice<'a> {
    /// Trials are about to run.
    Planned {
        /// Those of the stage that are done, of earlier batches and runs.
        done: u64,
        /// Those that it is going to have in all.
        of: u64,
        /// Whether these are the best points' on the test set.
        last: bool,
    },
    /// A trial is done.
    Trial(&'a Trial),
}

/// Why a sweep ends early.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The file is wrong.
    #[error("{}: {source}", origin.display())]
    Config {
        /// The file.
        origin: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// The file cannot be read, or is no sweep's.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No point can be tried.
    #[error("{0}")]
    Nothing(String),
    /// The sweep was stopped; what is done is kept.
    #[error("the sweep was stopped; `cargo xtask sweep --resume {}` goes on with it", .0.display())]
    Stopped(PathBuf),
    /// No worker can run.
    #[error("{source}; what is done is kept, and `cargo xtask sweep --resume {}` goes on with it", folder.display())]
    Workers {
        /// The sweep's folder.
        folder: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Files cannot be read or written.
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl From<FolderError> for SweepError {
    fn from(error: FolderError) -> Self {
        Self::Stage(error.into())
    }
}

/// A sweep in its folder, which is locked for it.
#[derive(Debug)]
pub struct Sweep {
    folder: PathBuf,
    name: String,
    config: SweepConfig,
    _lock: FolderLock,
}

/// The file that a sweep's folder is known by.
const FILE: &str = "sweep.toml";
/// The folder of the best points' trials.
const FINAL: &str = "final";
/// Points of the first batch that are looked at before anything is written.
const LOOKED_AT: usize = 32;

impl SweepConfig {
    /// Reads a sweep's file.
    ///
    /// # Errors
    ///
    /// A sentence with the line and what is allowed.
    pub fn read(path: &Path) -> Result<Self, SweepError> {
        let wrong = |problem: String| SweepError::File {
            path: path.into(),
            problem,
        };
        let text =
            fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        Self::parse(&text, path)
    }

    /// Reads a sweep's text; `origin` is for messages.
    ///
    /// # Errors
    ///
    /// As [`SweepConfig::read`].
    pub fn parse(text: &str, origin: &Path) -> Result<Self, SweepError> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            SweepError::File {
                path: origin.into(),
                problem: format!("{line}{}", error.message().replace('\n', " ")),
            }
        })?;
        let checked = config.validate();
        checked.map_err(|source| SweepError::Config {
            origin: origin.into(),
            source,
        })?;
        Ok(config)
    }

    fn assignments(&self, point: &Point) -> Vec<String> {
        crate::assignments(&self.set, point)
    }
}

impl Sweep {
    /// Begins a sweep in a folder, or goes on with the same one that is there.
    ///
    /// Whatever is wrong with all of the first points is known before anything is written.
    ///
    /// # Errors
    ///
    /// When the folder is another sweep's, or in use; when no point can be tried.
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
        fs::create_dir_all(folder).map_err(|source| FolderError {
            path: folder.into(),
            source,
        })?;
        let lock = FolderLock::take(folder)?;
        keep_base(&config.base, folder)?;
        // The last one: where it is, all is.
        write_whole(&path, Lasting::Power, |file| {
            file.write_all(text.as_bytes())
        })?;
        Ok(Self {
            folder: folder.into(),
            name: name.into(),
            config: config.clone(),
            _lock: lock,
        })
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

    /// Runs the trials that are left, batch by batch, then the best points on the test set.
    ///
    /// # Errors
    ///
    /// When it is stopped, trials cannot be run at all, or all of them fail.
    pub fn run(
        &self,
        bench: &mut dyn Bench,
        executor: &mut dyn Executor,
        stop: &AtomicBool,
        observe: &mut dyn FnMut(SweepNotice<'_>),
    ) -> Result<(), SweepError> {
        let higher_is_better = self.metric(bench)?.higher_is_better;
        let config = StageConfig {
            base: self.base(),
            set: self.config.set.clone(),
            seeds: self.config.trial.seeds.clone(),
            judge: self.config.trial.judge,
        };
        let mut stage = self.stage(&self.folder, &config)?;
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
            let mut allowed = |point: &Point| Ok::<_, Infallible>(self.allows(point, bench));
            let Ok(points) = self
                .config
                .method
                .propose(&self.config.space, &tried, &mut allowed);
            match points {
                None => return Err(no_point(&self.config)),
                Some(points) if points.is_empty() => break,
                Some(points) => stage.add(points)?,
            }
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
        let config = StageConfig {
            seeds: last.seeds.clone(),
            judge: Judged::Test,
            set: {
                let others = last
                    .set
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone()));
                stage
                    .config()
                    .set
                    .clone()
                    .into_iter()
                    .chain(others)
                    .collect()
            },
            ..stage.config().clone()
        };
        let mut stage = self.stage(&self.folder.join(FINAL), &config)?;
        if stage.points().is_empty() {
            stage.add(points)?;
        }
        let total = stage.points().len() as u64;
        self.run_stage(&stage, total, true, bench, executor, stop, observe)
    }

    /// The results so far: of the trials, and of the best points on the test set.
    ///
    /// # Errors
    ///
    /// When files are damaged.
    pub fn results(&self, bench: &mut dyn Bench) -> Result<(Results, Option<Results>), SweepError> {
        let metric = self.metric(bench)?;
        results(&self.folder, &self.name, &self.config, metric)
    }

    fn metric(&self, bench: &mut dyn Bench) -> Result<Metric, SweepError> {
        bench.metric().map_err(SweepError::Nothing)
    }

    fn stage(&self, folder: &Path, config: &StageConfig) -> Result<Stage, SweepError> {
        if !Stage::is_at(folder) {
            return Ok(Stage::create(folder, config)?);
        }
        let stage = Stage::open(folder)?;
        stage.tidy();
        Ok(stage)
    }

    fn allows(&self, point: &Point, bench: &mut dyn Bench) -> bool {
        if self.config.constraints.is_empty() {
            return true;
        }
        let facts = bench.facts(&self.config.assignments(point));
        facts.is_ok_and(|facts| self.config.constraints.allow(facts.parameters))
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
        let of = if self.config.method == crate::Method::Grid {
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
            false => Err(SweepError::Workers {
                folder: self.folder.clone(),
                source: "the workers ended before all trials were done".into(),
            }),
        }
    }

    /// The facts of the trial that needs the most memory, of a hundred of those that are left.
    fn largest(&self, stage: &Stage, left: &[u64], bench: &mut dyn Bench) -> Option<Facts> {
        let step = left.len().div_ceil(100);
        let facts = left.iter().step_by(step).filter_map(|&trial| {
            let assignments = stage.assignments(&stage.points()[trial as usize]);
            bench.facts(&assignments).ok()
        });
        facts.max_by_key(|facts| facts.bytes)
    }
}

/// The results in a sweep's folder, which another program may be writing at the moment; `metric` says what the score is of
/// a base and a sweep.
///
/// # Errors
///
/// When there is no sweep, or files are damaged.
pub fn read_results(
    folder: &Path,
    metric: &mut dyn FnMut(&str, &SweepConfig) -> Result<Metric, String>,
) -> Result<(Results, Option<Results>), SweepError> {
    let (name, config) = described(folder)?;
    let metric = metric(&base_in(&config.base, folder), &config);
    let metric = metric.map_err(SweepError::Nothing)?;
    results(folder, &name, &config, metric)
}

fn results(
    folder: &Path,
    name: &str,
    config: &SweepConfig,
    metric: Metric,
) -> Result<(Results, Option<Results>), SweepError> {
    let of_stage = |folder: &Path, planned: Option<u64>, judged: Judged| {
        let stage = Stage::open(folder)?;
        let mut trials = Vec::new();
        for trial in 0..stage.points().len() as u64 {
            trials.extend(stage.result(trial)?);
        }
        let mut keys: Vec<String> = config.space.keys().map(String::from).collect();
        keys.extend(config.method.resource().map(String::from));
        Ok::<_, SweepError>(Results {
            name: name.into(),
            metric: metric.name.clone(),
            judged: judged.name().into(),
            higher_is_better: metric.higher_is_better,
            keys,
            logarithmic: config.space.logarithmic().map(String::from).collect(),
            planned: planned.unwrap_or(stage.points().len() as u64),
            trials,
        })
    };
    let planned = match config.method {
        crate::Method::Grid => None,
        ref method => Some(method.trials(&config.space)),
    };
    let search = of_stage(folder, planned, config.trial.judge)?;
    let last = folder.join(FINAL);
    let last = match Stage::is_at(&last) {
        true => Some(of_stage(&last, None, Judged::Test)?),
        false => None,
    };
    Ok((search, last))
}

/// The name and the file of the sweep in a folder.
fn described(folder: &Path) -> Result<(String, SweepConfig), SweepError> {
    let path = folder.join(FILE);
    if !path.exists() {
        let problem = format!("holds no {FILE}: it is not the folder of a sweep");
        return Err(SweepError::File {
            path: folder.into(),
            problem,
        });
    }
    let text = fs::read_to_string(&path).map_err(|source| StageError::Read {
        path: path.clone(),
        source,
    })?;
    let config = SweepConfig::parse(&text, &path)?;
    let name = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# ")?.rsplit_once(", version "));
    let name = name.map_or("sweep", |(name, _)| name);
    Ok((name.into(), config))
}

/// Where a folder keeps the file that trials begin with, if it is one.
fn base_in(base: &str, folder: &Path) -> String {
    let kept = kept_base(base, folder);
    match kept.exists() {
        true => kept.to_string_lossy().into_owned(),
        false => base.into(),
    }
}

fn kept_base(base: &str, folder: &Path) -> PathBuf {
    let name = Path::new(base).file_name().unwrap_or_default();
    folder.join("base").join(name)
}

/// Copies the file that trials begin with into the folder, so that what is done to it later changes no trial.
fn keep_base(base: &str, folder: &Path) -> Result<(), SweepError> {
    if !Path::new(base).is_file() {
        return Ok(());
    }
    let text = fs::read(base).map_err(|source| StageError::Read {
        path: base.into(),
        source,
    })?;
    Ok(ran_files::write_file(&kept_base(base, folder), &text)?)
}

/// Whether a folder's trials begin with what a base is now.
fn is_kept(base: &str, folder: &Path) -> bool {
    let kept = kept_base(base, folder);
    !kept.exists() || fs::read(base).ok() == fs::read(kept).ok()
}

/// Looks at the first points: refuses what is wrong with all of them.
fn check_first(config: &SweepConfig, bench: &mut dyn Bench) -> Result<(), SweepError> {
    bench.metric().map_err(SweepError::Nothing)?;
    let mut facts = |point: &Point| bench.facts(&config.assignments(point));
    // Without constraints, to see what is wrong with the points themselves.
    let Ok(points) = config
        .method
        .propose(&config.space, &[], &mut |_| Ok::<_, Infallible>(true));
    let points = points.unwrap_or_default();
    let step = points.len().div_ceil(LOOKED_AT).max(1);
    let mut wrong = None;
    for point in points.iter().step_by(step) {
        match facts(point) {
            Ok(_) => return Ok(()),
            Err(problem) => {
                wrong.get_or_insert(problem);
            }
        }
    }
    match wrong {
        Some(problem) => Err(SweepError::Nothing(format!(
            "no point of the space can be run: {problem}"
        ))),
        None => Err(no_point(config)),
    }
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

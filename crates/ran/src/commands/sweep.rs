//! `ran sweep`: many configurations, on all cores or a cluster.

mod bench;
mod executors;
mod named;
mod report;
mod summary;
mod worker;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use ran_experiment::{Experiment, Preset, Setting};
use ran_sweep::{Bench, Executor, Results, Sweep, SweepConfig, SweepError, SweepNotice};

use crate::exit::Usage;
use crate::progress::{draw_target, is_drawn_on};
use crate::signal::stop_on_signal;
use crate::table;
pub(crate) use bench::TrialBench;
use executors::{Cluster, Local};
pub(crate) use summary::tables;

/// Tries many configurations, chooses on validation data, and judges the best once more, on the test set unless [final] says
/// otherwise.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// A sweep that comes with the program (see --list), or a FILE.toml.
    #[arg(value_name = "NAME | FILE.toml", required_unless_present_any = ["list", "resume"])]
    which: Option<String>,
    /// What all trials begin with, in place of the sweep's own: an experiment of the program, or a FILE.toml.
    #[arg(long, value_name = "NAME | FILE.toml")]
    base: Option<String>,
    /// Sets a key in all trials, as in task.valid=0.3; one of the space is not varied then.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// Where results go; a sweep that is there already is continued, if it is the same [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where trials run [default: on a cluster where one has run trials of this sweep, else on this machine].
    #[arg(long, value_enum)]
    on: Option<Place>,
    /// How many trials run at once, on this machine [default: as many as it has cores and memory for].
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Prints JSON Lines: each trial as it ends, those of the best, judged once more, with "last": true.
    #[arg(long)]
    json: bool,
    /// Shows no progress on standard error, only warnings.
    #[arg(long)]
    quiet: bool,
    /// Names the sweeps that come with the program.
    #[arg(long, conflicts_with_all = ["which", "resume"])]
    list: bool,
    /// Goes on with a sweep that was stopped or killed.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["which", "base", "settings", "out"])]
    resume: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

/// Where trials run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Place {
    /// On this machine, as many at once as it has cores and memory for.
    Local,
    /// As jobs of a Slurm cluster, by the table [slurm] of the sweep's file.
    Slurm,
}

#[derive(Debug, Subcommand)]
enum Action {
    Report(report::Arguments),
    #[command(hide = true)]
    Worker(worker::Arguments),
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.action {
        Some(Action::Worker(arguments)) => return worker::execute(arguments),
        Some(Action::Report(arguments)) => return report::execute(arguments),
        None => {}
    }
    let mut out = io::stdout().lock();
    if arguments.list {
        return Ok(table::list(&mut out, Preset::sweeps())?);
    }
    let stop = stop_on_signal()?;
    let place = match (arguments.on, arguments.workers) {
        (Some(Place::Slurm), Some(_)) => {
            let problem = "--workers is of this machine; on a cluster `max_running` of the table [slurm] says how many tasks run at once";
            return Err(Usage(problem.into()).into());
        }
        (None, Some(_)) => Some(Place::Local),
        (on, _) => on,
    };
    let run = Run {
        stop,
        workers: arguments.workers.map(NonZeroUsize::get),
        place,
        json: arguments.json,
        quiet: arguments.quiet,
    };
    let (sweep, mut bench) = match (&arguments.resume, &arguments.which) {
        (Some(folder), _) => {
            let sweep = Sweep::open(folder)?;
            let bench = TrialBench::new(&sweep.base(), None, sweep.config());
            (sweep, bench)
        }
        (None, which) => {
            let which = which.as_deref().unwrap_or_default();
            let (name, mut config) = named::open(which)?;
            if let Some(base) = &arguments.base {
                // A name that is none is a wrong command line, in whatever file.
                Experiment::open(Some(base), &[])?;
                config.base.clone_from(base);
            }
            settle(&mut config, &arguments.settings);
            config
                .validate()
                .map_err(|error| Usage(error.to_string()))?;
            let folder = arguments
                .out
                .clone()
                .unwrap_or_else(|| Path::new("runs").join(&name));
            let base = Path::new(&config.base);
            let text = match Preset::is_file(base) {
                true => Some(Experiment::read(base)?),
                false => None,
            };
            let begun = run.begin(&folder, &name, &config, text.as_deref());
            begun.map_err(|error| match error.downcast::<SweepError>() {
                // What no trial can have was asked for on the command line.
                Ok(SweepError::Nothing(problem)) if names_one_of(&problem, &arguments.settings) => {
                    Usage(problem).into()
                }
                Ok(error) => error.into(),
                Err(error) => error,
            })?
        }
    };
    run.all(&mut out, &sweep, &mut bench)?;
    Ok(())
}

/// Whether a sentence names the key of a setting.
fn names_one_of(problem: &str, settings: &[Setting]) -> bool {
    let mut keys = settings.iter().map(|setting| setting.key_and_value().0);
    keys.any(|key| problem.contains(&key))
}

/// Has settings be the same in all trials.
pub(crate) fn settle(config: &mut SweepConfig, settings: &[Setting]) {
    for setting in settings {
        let (key, value) = setting.key_and_value();
        config.settle(&key, &value);
    }
}

/// All trials of a sweep failed.
#[derive(Debug, thiserror::Error)]
#[error("no trial has a score; the first says: {0}")]
struct NoScore(String);

/// How a sweep is run and shown.
pub(crate) struct Run {
    pub(crate) stop: &'static AtomicBool,
    pub(crate) workers: Option<usize>,
    /// None: on a cluster where one has run trials of the sweep, else on this machine.
    pub(crate) place: Option<Place>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Run {
    /// Begins a sweep in a folder, whose base has this text if it is no preset.
    pub(crate) fn begin(
        &self,
        folder: &Path,
        name: &str,
        config: &SweepConfig,
        base: Option<&str>,
    ) -> anyhow::Result<(Sweep, TrialBench)> {
        let mut bench = TrialBench::new(&config.base, base, config);
        let sweep = Sweep::begin(folder, name, config, base, &mut bench, self.stop)?;
        Ok((sweep, bench))
    }

    /// Runs what is left of a sweep, and shows what it came to. Returns the results of its trials, and of the best, judged
    /// once more.
    pub(crate) fn all(
        &self,
        out: &mut impl Write,
        sweep: &Sweep,
        bench: &mut TrialBench,
    ) -> anyhow::Result<(Results, Option<Results>)> {
        let mut local = Local::new(self.workers);
        let mut cluster = Cluster::new(sweep.name(), sweep.config().slurm.as_ref(), self.quiet);
        let executor: &mut dyn Executor = match self.place {
            Some(Place::Slurm) => &mut cluster,
            // Jobs of a sweep that was killed may run still, and this machine would run the same trials.
            None if sweep.stages().iter().any(|stage| Cluster::has_run(stage)) => &mut cluster,
            Some(Place::Local) | None => &mut local,
        };
        let metric = bench.metric().map_err(SweepError::Nothing)?;
        let mut progress = Progress::new(self.quiet, metric.higher_is_better);
        let mut lost = None;
        let mut observe = |notice: SweepNotice<'_>| {
            progress.show(&notice);
            if let (SweepNotice::Trial(trial), true) = (notice, self.json) {
                let line = serde_json::to_value(trial).map(|mut line| {
                    line["last"] = progress.last.into();
                    line
                });
                let written = line
                    .map_err(io::Error::from)
                    .and_then(|line| progress.bar.suspend(|| writeln!(out, "{line}")));
                if let Err(error) = written {
                    lost.get_or_insert(error);
                }
            }
        };
        let done = sweep.run(bench, executor, self.stop, &mut observe);
        progress.bar.finish_and_clear();
        let (search, last) = sweep.results(bench)?;
        // Whatever ended the sweep, what is done is there to be looked at.
        let written = summary::write(sweep.folder(), &search, last.as_ref(), None);
        done?;
        written?;
        match lost.filter(|error| error.kind() != io::ErrorKind::BrokenPipe) {
            Some(error) => return Err(error.into()),
            None if self.json => {}
            None => write!(
                out,
                "{}",
                summary::text(sweep.folder(), &search, last.as_ref())
            )?,
        }
        match search.trials.iter().any(|trial| trial.score.is_some()) {
            true => Ok((search, last)),
            false => {
                let problem = search.trials.into_iter().find_map(|trial| trial.problem);
                Err(NoScore(problem.unwrap_or_default()).into())
            }
        }
    }
}

/// How a sweep goes: a bar with the time left on a terminal, elsewhere a line now and then.
struct Progress {
    bar: ProgressBar,
    lines: bool,
    higher_is_better: bool,
    best: Option<f64>,
    done: u64,
    of: u64,
    /// Trials at which the next line is due.
    next: u64,
    last: bool,
    /// When its trials began to run, and how many had been done.
    began: (Instant, u64),
}

const BAR: &str = "{spinner} {prefix} {wide_bar} {pos}/{len}, {eta} left{msg}";
/// Lines that a sweep has where there is no terminal, about.
const LINES: u64 = 20;

impl Progress {
    fn new(quiet: bool, higher_is_better: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, draw_target(quiet));
        bar.set_style(ProgressStyle::with_template(BAR).expect("the template is a constant"));
        Self {
            bar,
            lines: !quiet && !is_drawn_on(),
            higher_is_better,
            best: None,
            done: 0,
            of: 0,
            next: 0,
            last: false,
            began: (Instant::now(), 0),
        }
    }

    fn show(&mut self, notice: &SweepNotice<'_>) {
        match notice {
            SweepNotice::Planned { done, of, last } => {
                if self.last != *last {
                    self.best = None;
                    self.next = 0;
                }
                if self.of == 0 || self.last != *last {
                    self.began = (Instant::now(), *done);
                }
                (self.done, self.of, self.last) = (*done, *of, *last);
                self.bar.set_prefix(what(*last));
                self.bar.set_length(*of);
                self.bar.set_position(*done);
                self.bar.enable_steady_tick(Duration::from_millis(200));
            }
            SweepNotice::Trial(trial) => {
                self.done += 1;
                if let Some(score) = trial.score {
                    let better = self
                        .best
                        .is_none_or(|best| (score > best) == self.higher_is_better);
                    if better {
                        self.best = Some(score);
                    }
                }
                let best = self.best.map_or_else(String::new, |best| {
                    format!(", best {}", table::number(best))
                });
                self.bar.set_message(best.clone());
                self.bar.set_position(self.done);
                if self.lines && (self.done >= self.next || self.done == self.of) {
                    self.next = self.done + self.of.div_ceil(LINES);
                    let what = what(self.last);
                    let (began, before) = self.began;
                    let left = left(
                        began.elapsed(),
                        self.done - before,
                        self.of.saturating_sub(self.done),
                    );
                    crate::say::say(&format!("{what}: {} of {}{left}{best}", self.done, self.of));
                }
            }
        }
    }
}

/// How long is left, at the pace of the trials so far.
fn left(elapsed: Duration, done: u64, left: u64) -> String {
    if left == 0 || done == 0 {
        return String::new();
    }
    let seconds = elapsed.as_secs_f64() * left as f64 / done as f64;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) => format!(", {} left", HumanDuration(time)),
        Err(_) => String::new(),
    }
}

/// What trials are called.
fn what(last: bool) -> &'static str {
    match last {
        true => "the best once more",
        false => "trials",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_at_the_pace_so_far() {
        let minute = Duration::from_secs(60);
        assert_eq!(left(minute, 2, 4), ", 2 minutes left");
        assert_eq!(left(minute, 0, 4), "");
        assert_eq!(left(minute, 2, 0), "");
        assert_eq!(left(Duration::MAX, 1, u64::MAX), "");
    }
}

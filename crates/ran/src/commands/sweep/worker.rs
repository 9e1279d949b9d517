//! A process that runs trials of a sweep: `ran sweep worker DIR`.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;
use ran_experiment::{BackendKind, Experiment, Preset, RunError, Trials};
use ran_sweep::slurm::trials_from_text;
use ran_sweep::{Answer, Judged, Parameters, SeedScore, Stage, Trial};

use super::bench::{experiment, split};
use crate::exit::Usage;
use crate::signal::stop_on_signal;

/// Runs trials whose numbers it reads, a line each, and answers each with a line when its file is written.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of the trials.
    folder: PathBuf,
    /// Runs these instead, as in 0..10,12, those that have no result; ends between two of them when it is asked to.
    trials: Option<String>,
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let mut stage = Stage::open_for_worker(&arguments.folder)?;
    let mut trials = Trials::new(BackendKind::default());
    if let Some(text) = &arguments.trials {
        let numbers = trials_from_text(text).map_err(|error| Usage(error.to_string()))?;
        for trial in numbers {
            let stopped = stop.load(Ordering::Relaxed);
            if stopped || (!stage.is_done(trial) && !run(&mut stage, trial, &mut trials, stop)?) {
                break;
            }
        }
        return Ok(());
    }
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let answer = match line?.trim().parse() {
            Err(error) => Answer::Broken(format!("a trial's number was expected: {error}")),
            Ok(trial) => match run(&mut stage, trial, &mut trials, stop) {
                Ok(true) => Answer::Done,
                Ok(false) => break,
                Err(error) => Answer::Broken(error.to_string()),
            },
        };
        writeln!(out, "{}", answer.line())?;
        out.flush()?;
    }
    Ok(())
}

/// Runs a trial and writes down what it came to. False where it was stopped.
fn run(
    stage: &mut Stage,
    trial: u64,
    trials: &mut Trials,
    stop: &AtomicBool,
) -> anyhow::Result<bool> {
    let Some(point) = stage.point(trial)?.cloned() else {
        anyhow::bail!("{} has no trial {trial}", stage.folder().display());
    };
    // That what trials begin with cannot be read says nothing of this one.
    let base = Path::new(&stage.config().base);
    if Preset::is_file(base) {
        Experiment::read(base)?;
    }
    let mut result = stage.trial(trial, &point);
    let begin = Instant::now();
    match judged(stage, &stage.assignments(&point), &mut result, trials, stop) {
        Ok(true) => {}
        Ok(false) => return Ok(false),
        Err(problem) => {
            result.problem = Some(problem);
            result.score = None;
        }
    }
    result.seconds = (begin.elapsed().as_secs_f64() * 1e3).round() / 1e3;
    stage.keep(&result)?;
    Ok(true)
}

/// Runs the seeds of a trial. False where it was stopped.
fn judged(
    stage: &Stage,
    assignments: &[String],
    result: &mut Trial,
    trials: &mut Trials,
    stop: &AtomicBool,
) -> Result<bool, String> {
    let config = stage.config();
    let experiment = experiment(&config.base, assignments)?;
    let split = split(config.judge);
    let mut scores = Vec::new();
    for seed in config.seeds.iter() {
        let report = match trials.run(&experiment, seed, split, stop) {
            Err(RunError::Stopped) => return Ok(false),
            report => report.map_err(|error| error.to_string())?,
        };
        result.parameters = Some(Parameters {
            trained: report.trained_parameters as u64,
            fixed: report.fixed_parameters as u64,
        });
        let finite = |score: Option<f64>| score.filter(|score| score.is_finite());
        let (valid, test) = (finite(report.valid), finite(report.test));
        scores.extend(match config.judge {
            Judged::Valid => valid,
            Judged::Test => test,
        });
        result.seeds.push(SeedScore {
            seed,
            train: finite(Some(report.train)),
            valid,
            test,
        });
    }
    if scores.len() < result.seeds.len() {
        return Err("the score of a seed is no finite number".into());
    }
    result.score = Some(scores.iter().sum::<f64>() / scores.len() as f64);
    Ok(true)
}

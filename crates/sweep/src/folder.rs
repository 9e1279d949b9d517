//! A sweep's folder: what was asked for, what its trials begin with, what they came to.

use std::fs;
use std::path::Path;

use crate::base::{FINAL, base_in};
use crate::{Judged, Method, Metric, Results, Stage, StageError, SweepConfig, SweepError};

/// The file that a sweep's folder is known by.
pub(crate) const FILE: &str = "sweep.toml";

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

pub(crate) fn results(
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
        Method::Grid => None,
        ref method => Some(method.trials(&config.space)),
    };
    let search = of_stage(folder, planned, config.trial.judge)?;
    let last = folder.join(FINAL);
    let last = match &config.r#final {
        Some(of) if Stage::is_at(&last) => Some(of_stage(&last, None, of.judge)?),
        _ => None,
    };
    Ok((search, last))
}

/// The name and the file of the sweep in a folder.
pub(crate) fn described(folder: &Path) -> Result<(String, SweepConfig), SweepError> {
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

//! Forecasting: columns of a series, so many steps later.

use super::labelled::check_widths;
use super::recording::{Case, Recordings};
use crate::{Category, Dataset, FilesConfig, Sample, TaskError, series, split};
use ndarray::s;
use std::path::Path;

/// The data set of one series, split by time: train, validation, test.
pub(super) fn by_time(
    data: &Recordings,
    horizon: usize,
    test: f64,
    valid: f64,
) -> Result<Dataset, TaskError> {
    let case = &data.cases[0];
    let steps = check_length(case, horizon, &data.path)?;
    let train = steps - (steps as f64 * test).round() as usize;
    let learnt = train - (train as f64 * valid).round() as usize;
    for (key, fraction, part) in [
        ("test_fraction", test, steps - train),
        ("valid", valid, train - learnt),
    ] {
        if (part == 0 && (key == "test_fraction" || fraction > 0.0)) || learnt == 0 {
            let problem =
                format!("{fraction} of {steps} scored steps leaves a part of the series empty");
            return Err(TaskError::key(FilesConfig::NAME, key, problem));
        }
    }
    let inputs = case.inputs.slice(s![..steps, ..]);
    let targets = case.series.slice(s![horizon.., ..]);
    let scored = series::Scored {
        train: 0..learnt,
        valid: learnt..train,
        test: train..steps,
    };
    Ok(Dataset {
        input_names: data.input_names.clone(),
        output_names: data.output_names.clone(),
        ..series::by_time(FilesConfig::NAME, inputs, targets, scored)
    })
}

/// The data set of training and test series. Several training series are split at random for validation, one by time.
pub(super) fn pair(
    train: Recordings,
    test: Recordings,
    horizon: usize,
    valid: f64,
    seed: u64,
) -> Result<Dataset, TaskError> {
    let d_input = check_widths(&train, &test)?;
    let samples = |recordings: &Recordings| -> Result<Vec<Sample>, TaskError> {
        recordings
            .cases
            .iter()
            .map(|case| sample(case, horizon, &recordings.path))
            .collect()
    };
    let mut dataset = Dataset {
        name: FilesConfig::NAME.into(),
        category: Category::Regression,
        metric: Category::Regression.metric(),
        d_input,
        d_output: train.cases[0].series.ncols(),
        input_names: train.input_names.clone(),
        output_names: train.output_names.clone(),
        labels: Vec::new(),
        standardiser: None,
        train: samples(&train)?,
        valid: Vec::new(),
        test: samples(&test)?,
    };
    if train.cases.len() == 1 && valid > 0.0 {
        // The validation part takes the place of the test part in time.
        let parts = by_time(&train, horizon, valid, 0.0)
            .map_err(|error| TaskError::key(FilesConfig::NAME, "valid", error.to_string()))?;
        dataset.train = parts.train;
        dataset.valid = parts.test;
    } else {
        split::split_off_valid(&mut dataset, FilesConfig::NAME, valid, seed)?;
    }
    Ok(dataset)
}

fn sample(case: &Case, horizon: usize, path: &Path) -> Result<Sample, TaskError> {
    let steps = check_length(case, horizon, path)?;
    Ok(Sample {
        inputs: case.inputs.slice(s![..steps, ..]).to_owned(),
        scored: (0..steps).collect(),
        targets: case.series.slice(s![horizon.., ..]).to_owned(),
    })
}

/// How many steps have a target, at least one.
fn check_length(case: &Case, horizon: usize, path: &Path) -> Result<usize, TaskError> {
    let steps = case.inputs.nrows();
    steps
        .checked_sub(horizon)
        .filter(|&scored| scored > 0)
        .ok_or_else(|| {
            let problem = format!(
                "the series has {steps} steps; a horizon of {horizon} needs more than that many"
            );
            case.place.error(path, problem)
        })
}

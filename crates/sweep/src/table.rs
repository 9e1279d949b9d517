//! The results as a flat table, as CSV and as Parquet: one row per trial and seed.
//!
//! A trial that failed has one row without a seed and scores. docs/sweep-results.md names the columns.

mod column;
mod parquet;

use std::io::Write;

use crate::{Results, SeedScore, Trial};
use column::Column;

pub use column::text;

/// Why a table cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// What is written to refused it.
    #[error("the table cannot be written as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// What is written to refused it.
    #[error("the table cannot be written as Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Writes the table as CSV (RFC 4180, UTF-8): the names of the columns, then the rows. What is absent is empty.
///
/// # Errors
///
/// When `into` refuses what is written.
///
/// ```
/// use ran_sweep::Results;
///
/// let results: Results = serde_json::from_str(r#"{
///     "name": "leaks", "metric": "accuracy", "judged": "valid", "higher_is_better": true,
///     "keys": ["leak"], "logarithmic": [], "planned": 1,
///     "trials": [{
///         "trial": 0, "point": {"leak": 0.3}, "parameters": {"trained": 90, "fixed": 400},
///         "seeds": [{"seed": 7, "train": 1.0, "valid": 0.95, "test": null}],
///         "score": 0.95, "problem": null, "seconds": 0.5, "command": "run --set leak=0.3"
///     }]
/// }"#)?;
/// let mut text = Vec::new();
/// ran_sweep::table::write_csv(&results, &mut text)?;
/// assert_eq!(
///     String::from_utf8(text)?,
///     "trial,leak,seed,train,valid,test,score,trained_parameters,fixed_parameters,seconds,problem,command\n\
///      0,0.3,7,1.0,0.95,,0.95,90,400,0.5,,run --set leak=0.3\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_csv(results: &Results, into: impl Write) -> Result<(), TableError> {
    let columns = columns(results);
    let mut writer = csv::Writer::from_writer(into);
    writer.write_record(columns.iter().map(|(name, _)| name))?;
    for row in 0..rows(results).count() {
        writer.write_record(columns.iter().map(|(_, column)| column.text(row)))?;
    }
    Ok(writer.flush().map_err(csv::Error::from)?)
}

/// Writes the table as Parquet, compressed with Snappy. Columns are 64-bit integers, 64-bit floating-point numbers, truth
/// values or UTF-8 text; a key that has values of several kinds is text. What is absent is null.
///
/// # Errors
///
/// When `into` refuses what is written.
pub fn write_parquet(results: &Results, into: impl Write + Send) -> Result<(), TableError> {
    parquet::write(&columns(results), into)
}

/// The trials with their seeds, in the order of the rows.
fn rows(results: &Results) -> impl Iterator<Item = (&Trial, Option<&SeedScore>)> {
    results.trials.iter().flat_map(|trial| {
        let failed = trial.seeds.is_empty().then_some((trial, None));
        failed
            .into_iter()
            .chain(trial.seeds.iter().map(move |seed| (trial, Some(seed))))
    })
}

/// The columns by name. A key that is called as another column is gets `key.` before its name.
fn columns(results: &Results) -> Vec<(String, Column)> {
    let integers = |of: &dyn Fn(&Trial, Option<&SeedScore>) -> Option<u64>| {
        let numbers = rows(results).map(|(trial, seed)| of(trial, seed));
        Column::integers(numbers)
    };
    let numbers = |of: &dyn Fn(&Trial, Option<&SeedScore>) -> Option<f64>| {
        Column::Number(rows(results).map(|(trial, seed)| of(trial, seed)).collect())
    };
    let texts = |of: &dyn Fn(&Trial) -> Option<String>| {
        Column::Text(rows(results).map(|(trial, _)| of(trial)).collect())
    };
    let first = [("trial", integers(&|trial, _| Some(trial.trial)))];
    let last = [
        ("seed", integers(&|_, seed| seed.map(|seed| seed.seed))),
        ("train", numbers(&|_, seed| seed?.train)),
        ("valid", numbers(&|_, seed| seed?.valid)),
        ("test", numbers(&|_, seed| seed?.test)),
        ("score", numbers(&|trial, _| trial.score)),
        (
            "trained_parameters",
            integers(&|trial, _| Some(trial.parameters?.trained)),
        ),
        (
            "fixed_parameters",
            integers(&|trial, _| Some(trial.parameters?.fixed)),
        ),
        ("seconds", numbers(&|trial, _| Some(trial.seconds))),
        ("problem", texts(&|trial| trial.problem.clone())),
        ("command", texts(&|trial| Some(trial.command.clone()))),
    ];
    let taken: Vec<&str> = first.iter().chain(&last).map(|(name, _)| *name).collect();
    let keys = results.keys.iter().map(|key| {
        let values = rows(results).map(|(trial, _)| trial.point.get(key));
        let name = if taken.contains(&key.as_str()) {
            format!("key.{key}")
        } else {
            key.clone()
        };
        (name, Column::values(values))
    });
    let keys: Vec<(String, Column)> = keys.collect();
    let named = |(name, column): (&str, Column)| (name.to_owned(), column);
    let first = first.into_iter().map(named);
    first
        .chain(keys)
        .chain(last.into_iter().map(named))
        .collect()
}

//! What a sweep came to: files in its folder, and text to read.

use std::fmt::Write as _;
use std::path::Path;

use ran_experiment::FolderError;
use ran_sweep::{Results, Trial};
use serde_json::Value;

use crate::table::{grouped, spread};

/// Rows that people are shown.
const SHOWN: usize = 10;

/// Writes the results into a sweep's folder.
pub(super) fn write(
    _folder: &Path,
    _search: &Results,
    _last: Option<&Results>,
) -> Result<(), FolderError> {
    Ok(())
}

/// The best trials, then what they came to on the test set.
pub(super) fn text(folder: &Path, search: &Results, last: Option<&Results>) -> String {
    let failed: Vec<&Trial> = search
        .trials
        .iter()
        .filter(|trial| trial.score.is_none())
        .collect();
    let (done, planned) = (search.trials.len(), search.planned);
    let mut text = format!("{}: {done} of {planned} trials done", search.name);
    if !failed.is_empty() {
        let _ = write!(text, ", {} of them failed", failed.len());
    }
    let _ = writeln!(
        text,
        "; {} on {} data, best first\n",
        search.metric,
        split(&search.judged)
    );
    text += &table(search, SHOWN);
    if let Some(trial) = failed.first() {
        let _ = writeln!(
            text,
            "\ntrial {} failed: {}",
            trial.trial,
            trial.problem.as_deref().unwrap_or("its score is no number")
        );
    }
    if let Some(last) = last {
        let _ = writeln!(
            text,
            "\nThe best of them on the test set, with seeds that chose nothing:\n"
        );
        text += &table(last, usize::MAX);
        if let Some(first) = last.trials.first() {
            let _ = writeln!(text, "\n{}", first.command);
        }
    }
    let _ = writeln!(text, "\nwritten to {}", folder.display());
    text
}

fn split(judged: &str) -> &str {
    match judged {
        "valid" => "validation",
        other => other,
    }
}

/// Rows of trials: those on the test set as they are, others the best first.
fn table(results: &Results, most: usize) -> String {
    let mut trials: Vec<&Trial> = results
        .trials
        .iter()
        .filter(|trial| trial.score.is_some())
        .collect();
    if results.judged != "test" {
        trials.sort_by(|one, other| {
            let (one, other) = (one.score.unwrap_or(0.0), other.score.unwrap_or(0.0));
            match results.higher_is_better {
                true => other.total_cmp(&one),
                false => one.total_cmp(&other),
            }
        });
    }
    trials.truncate(most);
    let heads = ["trial", results.metric.as_str(), "parameters"].map(String::from);
    let heads = heads
        .into_iter()
        .chain(results.keys.iter().map(|key| short(key, &results.keys)));
    let mut rows: Vec<Vec<String>> = vec![heads.collect()];
    for trial in trials {
        let parameters = trial
            .parameters
            .map_or("-".into(), |all| grouped(all.total() as usize));
        let own = [trial.trial.to_string(), score(trial), parameters];
        let values = results.keys.iter().map(|key| value(trial.point.get(key)));
        rows.push(own.into_iter().chain(values).collect());
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:>width$}"))
            .collect();
        cells.join("  ") + "\n"
    });
    lines.collect()
}

/// Mean over seeds, and the deviation where there are several.
fn score(trial: &Trial) -> String {
    let scores: Vec<f64> = trial
        .seeds
        .iter()
        .filter_map(|seed| seed.test.or(seed.valid))
        .collect();
    let mean = trial.score.unwrap_or(f64::NAN);
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    let deviation = (squares / (scores.len().max(2) - 1) as f64).sqrt();
    spread(mean, deviation, scores.len())
}

/// The last name of a key, or as many as tell it from the others.
fn short(key: &str, keys: &[String]) -> String {
    let parts: Vec<&str> = key.split('.').collect();
    let ends = (1..=parts.len()).map(|count| parts[parts.len() - count..].join("."));
    let unique = |end: &String| {
        let same = keys
            .iter()
            .filter(|other| *other == end || other.ends_with(&format!(".{end}")));
        same.count() == 1
    };
    let mut ends = ends;
    ends.find(unique).unwrap_or_else(|| key.into())
}

fn value(value: Option<&Value>) -> String {
    match value {
        None => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_long_as_it_must_be() {
        let keys = [
            "reservoir.leak",
            "reservoir.population.0.units",
            "reservoir.population.1.units",
        ];
        let keys = keys.map(String::from);
        let short = keys.each_ref().map(|key| short(key, &keys));
        assert_eq!(short, ["leak", "0.units", "1.units"]);
    }
}

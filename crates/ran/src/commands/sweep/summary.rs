//! What a sweep came to: files in its folder, and text to read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ran_experiment::{FolderError, mean_and_deviation, write_file};
use ran_sweep::report::{self, Figure, ReportError};
use ran_sweep::{Results, Trial, table};

use crate::say::say;
use crate::table::{Side, aligned, grouped, spread};

/// Rows that people are shown.
const SHOWN: usize = 10;

/// Writes the results into a sweep's folder: tables, the page, and pictures, some of them over two axes, by default the first two
/// keys with numbers. Gives the files.
pub(super) fn write(
    folder: &Path,
    search: &Results,
    last: Option<&Results>,
    pair: Option<[&str; 2]>,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut keep = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_file(&path, bytes)?;
        written.push(path);
        Ok::<_, FolderError>(())
    };
    for (name, results) in [("results", Some(search)), ("final", last)] {
        let Some(results) = results else { continue };
        for (file, bytes) in tables(name, results)? {
            keep(&file, &bytes)?;
        }
    }
    keep("report.html", report::html(search).as_bytes())?;
    let asked = pair.is_some();
    let figures = match report::figures(search, pair) {
        Ok(figures) => figures,
        // Where nobody asked for pictures, there may be nothing to draw yet.
        Err(ReportError::NoScore { .. }) if !asked => return Ok(written),
        Err(error) if !asked => {
            say(&format!("note: there are no pictures: {error}"));
            return Ok(written);
        }
        Err(error) => return Err(error.into()),
    };
    for Figure { name, picture } in figures {
        keep(&format!("{name}.svg"), picture.svg().as_bytes())?;
        keep(&format!("{name}.pdf"), &picture.pdf()?)?;
        keep(&format!("{name}.png"), &picture.png()?)?;
    }
    Ok(written)
}

/// The tables of results, `NAME.csv` and `NAME.parquet`, with their bytes.
pub(crate) fn tables(name: &str, results: &Results) -> anyhow::Result<[(String, Vec<u8>); 2]> {
    let (mut csv, mut parquet) = (Vec::new(), Vec::new());
    table::write_csv(results, &mut csv)?;
    table::write_parquet(results, &mut parquet)?;
    Ok([
        (format!("{name}.csv"), csv),
        (format!("{name}.parquet"), parquet),
    ])
}

/// The best trials, then what they came to when they were judged once more.
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
        search.judged_data()
    );
    text += &rows(search, SHOWN);
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
            "\nThe best of them on {} data, with other seeds:\n",
            last.judged_data()
        );
        text += &rows(last, usize::MAX);
        let first = ranked(last).first().copied();
        match (first, last.trials.first()) {
            (Some(best), _) => {
                let _ = writeln!(text, "\n{}", best.command);
            }
            (None, Some(Trial { problem, .. })) => {
                let problem = problem.as_deref().unwrap_or("its score is no number");
                let _ = writeln!(text, "\nall of them failed; the first says: {problem}");
            }
            (None, None) => {}
        }
    }
    let _ = writeln!(
        text,
        "\nwritten to {}: open report.html in a browser",
        folder.display()
    );
    text
}

/// Trials with a score: those on the test set as they are, others the best first.
fn ranked(results: &Results) -> Vec<&Trial> {
    let mut trials: Vec<&Trial> = results
        .trials
        .iter()
        .filter(|trial| trial.score.is_some())
        .collect();
    if results.judged != "test" {
        let goodness = |trial: &Trial| results.goodness(trial.score.unwrap_or(0.0));
        trials.sort_by(|one, other| goodness(other).total_cmp(&goodness(one)));
    }
    trials
}

/// Rows of trials with a score.
fn rows(results: &Results, most: usize) -> String {
    let mut trials = ranked(results);
    trials.truncate(most);
    let heads = ["trial", results.metric.as_str(), "parameters"].map(String::from);
    let heads = heads
        .into_iter()
        .chain(results.keys.iter().map(|key| results.label(key)));
    let mut lines: Vec<Vec<String>> = vec![heads.collect()];
    for trial in trials {
        let parameters = trial
            .parameters
            .map_or("-".into(), |all| grouped(all.total() as usize));
        let own = [trial.trial.to_string(), score(trial), parameters];
        let value = |key| trial.point.get(key).map_or("-".into(), table::text);
        let values = results.keys.iter().map(value);
        lines.push(own.into_iter().chain(values).collect());
    }
    aligned(&lines, |_| Side::Right)
}

/// Mean over seeds, and the deviation where there are several.
fn score(trial: &Trial) -> String {
    let scores: Vec<f64> = trial
        .seeds
        .iter()
        .filter_map(|seed| seed.test.or(seed.valid))
        .collect();
    let [mean, deviation] = mean_and_deviation(&scores);
    spread(mean, deviation, scores.len())
}

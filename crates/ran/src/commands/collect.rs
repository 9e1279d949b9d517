//! `ran experiment collect`: the records of many runs as those of one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{Collection, FailedSeed, Group, collect, write_file};
use ran_sweep::{Parameters, Results, SeedScore, Trial};
use ran_tasks::Metric;
use serde_json::{Value, json};

use crate::commands::sweep::tables;
use crate::exit::Usage;
use crate::say::say;
use crate::table::{self, Side};

/// Sums up the records of several runs, as of a cluster's jobs: mean and deviation over all seeds of a configuration, and
/// the seeds that were asked for and are missing.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders of runs, as runs/NAME/ID, or folders that such folders lie in, as runs/NAME.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Prints JSON Lines: a summary per configuration, with the settings in which it differs from the others.
    #[arg(long)]
    json: bool,
    /// Also writes collected.csv and collected.parquet into this folder: a row per configuration and seed, as a sweep's tables have them.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// None of the runs has a record.
#[derive(Debug, thiserror::Error)]
#[error("no run there has finished a seed")]
struct NothingYet;

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let collection = collect(&arguments.folders)?;
    for warning in warnings(&collection) {
        say(&format!("warning: {warning}"));
    }
    if let Some(folder) = &arguments.out {
        let files = tables("collected", &results(&collection.groups)?)?;
        for (name, bytes) in files {
            write_file(&folder.join(name), &bytes)?;
        }
    }
    let mut out = io::stdout().lock();
    if arguments.json {
        for group in &collection.groups {
            writeln!(out, "{}", line(group)?)?;
        }
    } else {
        write!(out, "{}", text(&collection.groups))?;
    }
    out.flush()?;
    match collection.groups.is_empty() {
        true => Err(NothingYet.into()),
        false => Ok(()),
    }
}

/// Configurations as the trials of a sweep over the settings in which they differ; their score is the test score.
fn results(groups: &[Group]) -> anyhow::Result<Results> {
    let of = |group: &Group| {
        (
            group.summary.experiment.clone(),
            group.summary.metric.clone(),
        )
    };
    let (name, metric) = groups.first().map(of).ok_or(NothingYet)?;
    if let Some(other) = groups.iter().find(|group| group.summary.metric != metric) {
        let other = of(other);
        return Err(Usage(format!(
            "--out writes one table, and the runs have different scores: {metric} ({name}) and {} ({}); name folders of one",
            other.1, other.0
        ))
        .into());
    }
    let known: Metric = serde_json::from_value(Value::String(metric.clone()))?;
    let keys = groups
        .iter()
        .flat_map(|group| group.settings.keys().cloned());
    let trials = groups
        .iter()
        .zip(0..)
        .map(|(group, trial)| trial_of(group, trial));
    Ok(Results {
        name,
        metric,
        judged: "test".into(),
        higher_is_better: known.higher_is_better(),
        keys: keys.collect::<BTreeSet<_>>().into_iter().collect(),
        logarithmic: Vec::new(),
        planned: groups.len() as u64,
        trials: trials.collect(),
    })
}

fn trial_of(group: &Group, trial: u64) -> Trial {
    let point = group.settings.iter().filter(|(_, value)| !value.is_null());
    let point: BTreeMap<_, _> = point
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let report = group.records.first().map(|record| &record.report);
    Trial {
        trial,
        parameters: report.map(|report| Parameters {
            trained: report.trained_parameters as u64,
            fixed: report.fixed_parameters as u64,
        }),
        seeds: group
            .records
            .iter()
            .map(|record| SeedScore {
                seed: record.seed,
                train: Some(record.report.train).filter(|score| score.is_finite()),
                valid: record.report.valid,
                test: record.report.test,
            })
            .collect(),
        score: group.summary.mean,
        problem: group.failed.first().map(why),
        seconds: group.records.iter().map(|record| record.seconds).sum(),
        // Settings that all runs share are in none.
        command: String::new(),
        point,
    }
}

/// What is out of the ordinary: seeds with two scores, and runs without any.
fn warnings(collection: &Collection) -> Vec<String> {
    let contradicted = collection.groups.iter().flat_map(|group| {
        let name = &group.summary.experiment;
        group.contradicted.iter().map(move |seed| {
            format!(
                "seed {seed} of {name} was run more than once, to different test scores; the first counts"
            )
        })
    });
    let unrecorded = collection.unrecorded.iter().map(|run| {
        let (folder, seeds) = (run.folder.display(), &run.seeds);
        let why = run
            .failed
            .as_ref()
            .map(|failed| format!("; {}", why(failed)));
        let why = why.unwrap_or_default();
        format!("{folder} has no finished seed of the {seeds} that it was asked for{why}")
    });
    contradicted.chain(unrecorded).collect()
}

/// The group's summary with its settings, its validation score, its parameters, and what is missing.
fn line(group: &Group) -> serde_json::Result<String> {
    let mut line = serde_json::to_value(&group.summary)?;
    line["valid"] = json!(group.valid);
    line["settings"] = json!(group.settings);
    if let Some(record) = group.records.first() {
        line["trained_parameters"] = record.report.trained_parameters.into();
        line["fixed_parameters"] = record.report.fixed_parameters.into();
    }
    line["planned"] = group.planned.into();
    line["missing"] = json!(group.missing.iter().collect::<Vec<_>>());
    line["failed"] = json!(group.failed);
    serde_json::to_string(&line)
}

/// One configuration as a run shows it, several as a row each; then what is missing.
fn text(groups: &[Group]) -> String {
    let incomplete = groups.iter().filter(|group| !group.missing.is_empty());
    let missing: String = incomplete.map(missing).collect();
    match groups {
        [] => String::new(),
        [group] => {
            let head = group.records.first().map(table::head);
            let rows = group.records.iter().map(table::row);
            head.into_iter().chain(rows).collect::<String>()
                + &table::foot(&group.summary)
                + &missing
        }
        groups => comparison(groups) + if missing.is_empty() { "" } else { "\n" } + &missing,
    }
}

/// The seeds of a group that were asked for and are not there, and why as far as it is known.
fn missing(group: &Group) -> String {
    let settings = settings(group);
    let of = match settings.is_empty() {
        true => String::new(),
        false => format!("{settings}: "),
    };
    let (count, planned, ranges) = (group.missing.count(), group.planned, &group.missing);
    let mut text = format!("{of}{count} of {planned} seeds missing: {ranges}\n");
    for failed in &group.failed {
        text += &format!("{of}{}\n", why(failed));
    }
    text
}

fn why(failed: &FailedSeed) -> String {
    format!("seed {} failed: {}", failed.seed, failed.problem)
}

/// The settings in which a group differs from the others.
fn settings(group: &Group) -> String {
    let settings = group.settings.iter().filter(|(_, value)| !value.is_null());
    let settings: Vec<_> = settings
        .map(|(key, value)| format!("{key}={}", ran_sweep::table::text(value)))
        .collect();
    settings.join(" ")
}

/// A row per configuration: the settings that differ, and the scores over seeds.
fn comparison(groups: &[Group]) -> String {
    let heads = ["settings", "seeds", "trained", "valid", "test", ""].map(String::from);
    let mut rows = vec![Vec::from(heads)];
    for group in groups {
        let summary = &group.summary;
        let trained = group.records.first();
        let trained = trained.map(|record| table::grouped(record.report.trained_parameters));
        let seeds = summary.seeds.len();
        let score = |score: Option<[f64; 2]>| match score {
            Some([mean, std]) => table::spread(mean, std, seeds),
            None => "-".into(),
        };
        rows.push(vec![
            settings(group),
            match group.missing.is_empty() {
                true => seeds.to_string(),
                false => format!("{seeds} of {}", group.planned),
            },
            trained.unwrap_or_default(),
            score(group.valid),
            score(summary.mean.zip(summary.std).map(<[f64; 2]>::from)),
            summary.metric.clone(),
        ]);
    }
    let right = [1, 2];
    table::aligned(&rows, |column| match right.contains(&column) {
        true => Side::Right,
        false => Side::Left,
    })
}

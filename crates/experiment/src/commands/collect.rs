//! `ran experiment collect`: the records of many runs as those of one.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{Group, collect};
use serde_json::Value;

use crate::table;

/// Sums up the records of several runs, as of a cluster's jobs: mean and deviation over all seeds of a configuration.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders of runs, as runs/NAME/ID, or folders that such folders lie in, as runs/NAME.
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Prints JSON Lines: a summary per configuration, with the settings in which it differs from the others.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let groups = collect(&arguments.folders)?;
    let mut out = io::stdout().lock();
    for group in &groups {
        for seed in &group.contradicted {
            let name = &group.summary.experiment;
            eprintln!(
                "warning: seed {seed} of {name} was run more than once, to different test scores; the first counts"
            );
        }
        if arguments.json {
            writeln!(out, "{}", line(group)?)?;
        }
    }
    if !arguments.json {
        write!(out, "{}", text(&groups))?;
    }
    Ok(out.flush()?)
}

/// The group's summary with its settings and its validation score.
fn line(group: &Group) -> serde_json::Result<String> {
    let mut line = serde_json::to_value(&group.summary)?;
    line["valid"] = serde_json::to_value(group.valid)?;
    line["settings"] = serde_json::to_value(&group.settings)?;
    serde_json::to_string(&line)
}

/// One configuration as a run shows it, several as a row each.
fn text(groups: &[Group]) -> String {
    match groups {
        [group] => {
            let head = group.records.first().map(table::head);
            let rows = group.records.iter().map(table::row);
            head.into_iter().chain(rows).collect::<String>() + &table::foot(&group.summary)
        }
        groups => comparison(groups),
    }
}

/// A row per configuration: the settings that differ, and the scores over seeds.
fn comparison(groups: &[Group]) -> String {
    let mut rows = vec![["settings", "seeds", "trained", "valid", "test", ""].map(String::from)];
    for group in groups {
        let settings = group.settings.iter();
        let settings = settings.filter(|(_, value)| !value.is_null());
        let settings: Vec<_> = settings
            .map(|(key, value)| match value {
                Value::String(text) => format!("{key}={text}"),
                value => format!("{key}={value}"),
            })
            .collect();
        let summary = &group.summary;
        let trained = group.records.first();
        let trained = trained.map(|record| table::grouped(record.trained_parameters));
        let seeds = summary.seeds.len();
        let score = |score: Option<[f64; 2]>| match score {
            Some([mean, std]) => table::spread(mean, std, seeds),
            None => "-".into(),
        };
        rows.push([
            settings.join(" "),
            seeds.to_string(),
            trained.unwrap_or_default(),
            score(group.valid),
            score(summary.mean.zip(summary.std).map(<[f64; 2]>::from)),
            summary.metric.clone(),
        ]);
    }
    let widths = [0, 1, 2, 3, 4].map(|at| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0)
    });
    let lines = rows
        .iter()
        .map(|[settings, seeds, trained, valid, test, metric]| {
            let [a, b, c, d, e] = widths;
            let line = format!(
                "{settings:a$}  {seeds:>b$}  {trained:>c$}  {valid:d$}  {test:e$}  {metric}"
            );
            line.trim_end().to_string() + "\n"
        });
    lines.collect()
}

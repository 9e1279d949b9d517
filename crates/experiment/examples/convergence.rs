//! Draws how runs converged: a curve per run, the mean over its seeds with their deviation, against the epoch.
//!
//! `cargo run --package ran-experiment --example convergence -- loss curves.svg "full=runs/a" "fixed QK=runs/b"`, where
//! `loss` is any number of a line of `history.jsonl`.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use anyhow::{Context, bail};
use ran_picture::{Axis, Chart, Scale, Series};
use serde_json::Value;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, out, runs @ ..] = &arguments[..] else {
        bail!("wanted: WHAT OUT.svg NAME=FOLDER...");
    };
    let series = runs.iter().map(|run| {
        let (name, folder) = run.split_once('=').context("a run is NAME=FOLDER")?;
        curve(what, name, Path::new(folder))
    });
    let scale = match what.as_str() {
        "loss" | "valid_loss" => Scale::Log,
        _ => Scale::default(),
    };
    let chart = Chart {
        title: format!(
            "{} by epoch, mean and deviation over seeds",
            what.replace('_', " ")
        ),
        x: Axis::new("epoch"),
        y: Axis {
            scale,
            ..Axis::new(&what.replace('_', " "))
        },
        series: series.collect::<anyhow::Result<_>>()?,
        ..Chart::default()
    };
    Ok(fs::write(out, chart.draw()?.svg())?)
}

/// The mean of a number over the seeds of a run, for each epoch that all of them have.
fn curve(what: &str, name: &str, folder: &Path) -> anyhow::Result<Series> {
    let path = folder.join("history.jsonl");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut epochs: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let number = |key: &str| {
            line[key]
                .as_f64()
                .with_context(|| format!("no {key} in {line}"))
        };
        epochs
            .entry(number("epoch")? as u64)
            .or_default()
            .push(number(what)?);
    }
    let seeds = epochs.values().map(Vec::len).max().unwrap_or(0);
    let mut series = Series::new(name, Vec::new());
    let mut deviations = Vec::new();
    for (epoch, values) in epochs.iter().filter(|(_, values)| values.len() == seeds) {
        let mean = values.iter().sum::<f64>() / seeds as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        series.points.push([*epoch as f64, mean]);
        deviations.push((squares / (seeds - 1).max(1) as f64).sqrt());
    }
    series.deviation = (seeds > 1).then_some(deviations);
    Ok(series)
}

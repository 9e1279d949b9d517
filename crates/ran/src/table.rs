//! What people read: a line per seed, and one that sums them up.

use std::io::{self, Write};

use indicatif::HumanCount;
use ran_experiment::{FreeRunSummary, Preset, Record, Summary};
use ran_tasks::{Metric, ScoreTable};

/// The title and the names of the columns.
pub(crate) fn head(record: &Record) -> String {
    let others = others(&record.report.scores.test, &record.metric);
    format!(
        "{} on {}: {}, regime {}, {} trained and {} fixed parameters\n\n{:>8}{:>10}{:>10}{:>10}{}{:>10}\n",
        record.experiment,
        record.backend,
        record.metric,
        record.regime,
        grouped(record.report.trained_parameters),
        grouped(record.report.fixed_parameters),
        "seed",
        "train",
        "valid",
        "test",
        others
            .map(|(name, _)| format!("{name:>width$}", width = width(name)))
            .collect::<String>(),
        "seconds"
    )
}

/// A seed's scores: the task's on each split, and all others that apply on the test set.
pub(crate) fn row(record: &Record) -> String {
    let others = others(&record.report.scores.test, &record.metric);
    format!(
        "{:>8}{:>10}{:>10}{:>10}{}{:>10.2}\n",
        record.seed,
        number(record.report.train),
        score(record.report.valid),
        score(record.report.test),
        others
            .map(|(name, score)| format!("{:>width$}", number(score), width = width(name)))
            .collect::<String>(),
        record.seconds
    )
}

/// The width of a score's column.
fn width(name: &str) -> usize {
    (name.len() + 2).max(13)
}

/// The mean over seeds, and the deviation where there are several.
pub(crate) fn foot(summary: &Summary) -> String {
    let seeds = summary.seeds.len();
    let both = |mean: f64, std: f64| spread(mean, std, seeds);
    let main = match (summary.mean, summary.std) {
        (Some(mean), Some(std)) => both(mean, std),
        _ => score(summary.mean),
    };
    let over = match seeds {
        0 | 1 => String::new(),
        _ => format!(" over {seeds} seeds"),
    };
    let mut text = format!("\ntest {} {main}{over}\n", summary.metric);
    let others = summary.scores.iter();
    let others = others.filter(|(metric, _)| metric.name() != summary.metric);
    let others: Vec<_> = others
        .map(|(metric, [mean, std])| format!("{} {}", metric.name(), both(*mean, *std)))
        .collect();
    if !others.is_empty() {
        text += &format!("also {}\n", others.join(", "));
    }
    text + &summary
        .free_run
        .as_ref()
        .map(|scores| closed_loop(scores, seeds))
        .unwrap_or_default()
}

/// A mean over seeds, and the deviation where there are several.
pub(crate) fn spread(mean: f64, std: f64, seeds: usize) -> String {
    match seeds {
        0 | 1 => number(mean),
        _ => format!("{} ± {}", number(mean), number(std)),
    }
}

/// The scores beside the one by a metric.
pub(crate) fn others<'a>(
    scores: &'a ScoreTable,
    metric: &'a str,
) -> impl Iterator<Item = (&'static str, f64)> + 'a {
    let named = scores
        .iter()
        .map(|(other, score)| (Metric::name(*other), *score));
    named.filter(move |(name, _)| *name != metric)
}

/// How good forecasts in closed loop are.
fn closed_loop(summary: &FreeRunSummary, seeds: usize) -> String {
    let both = |[mean, std]: [f64; 2]| spread(mean, std, seeds);
    let or_dash = |score: Option<[f64; 2]>| score.map_or("-".into(), both);
    let [steps, deviation] = summary.valid_steps;
    let steps = match seeds {
        0 | 1 => format!("{steps:.1}"),
        _ => format!("{steps:.1} ± {deviation:.1}"),
    };
    let mut line = format!(
        "free run: NRMSE {}, at the last step {}, valid for {steps} steps",
        or_dash(summary.nrmse),
        or_dash(summary.nrmse_last)
    );
    if let Some(time) = summary.valid_time {
        line += &format!(", {} Lyapunov times", both(time));
    }
    line + "\n"
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Rows whose columns stand below one another.
pub(crate) fn aligned(rows: &[Vec<String>], side: impl Fn(usize) -> Side) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<_> = cells
            .map(|(column, (cell, &width))| match side(column) {
                Side::Left => format!("{cell:width$}"),
                Side::Right => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

/// The names of presets, and what they are.
pub(crate) fn list(out: &mut impl Write, presets: &[Preset]) -> io::Result<()> {
    let rows = presets.iter();
    let rows = rows.map(|preset| {
        [preset.name, preset.description()]
            .map(String::from)
            .to_vec()
    });
    let rows: Vec<_> = rows.collect();
    out.write_all(aligned(&rows, |_| Side::Left).as_bytes())
}

/// A number with a comma before every three digits.
pub(crate) fn grouped(number: usize) -> String {
    HumanCount(number as u64).to_string()
}

fn score(score: Option<f64>) -> String {
    score.map_or("-".into(), number)
}

/// A score with four digits behind the point, or three in all where these would show nothing of it or too much.
pub(crate) fn number(score: f64) -> String {
    if score != 0.0 && !(1e-3..1e4).contains(&score.abs()) && score.is_finite() {
        format!("{score:.2e}")
    } else {
        format!("{score:.4}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_error_keeps_its_digits() {
        for (score, expected) in [
            (0.98765, "0.9877"),
            (0.0, "0.0000"),
            (2.489e-5, "2.49e-5"),
            (-0.25, "-0.2500"),
            (9999.5, "9999.5000"),
            (-1712055712435.8, "-1.71e12"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(score), expected);
        }
    }

    #[test]
    fn columns_stand_below_one_another_and_nothing_trails() {
        let rows = [["a", "1", ""], ["bcd", "20", "x"]].map(|row| row.map(String::from).to_vec());
        let side = |column| match column {
            1 => Side::Right,
            _ => Side::Left,
        };
        assert_eq!(aligned(&rows, side), "a     1\nbcd  20  x\n");
    }

    #[test]
    fn a_seed_alone_has_no_deviation() {
        let summary = FreeRunSummary {
            nrmse: Some([0.25, 0.0]),
            nrmse_last: None,
            valid_steps: [12.0, 0.0],
            valid_time: Some([1.5, 0.0]),
        };
        let one = closed_loop(&summary, 1);
        assert!(one.contains("NRMSE 0.2500, ") && one.contains("valid for 12.0 steps, 1.5000"));
        assert!(!one.contains('±'), "{one}");
        assert!(closed_loop(&summary, 2).contains("12.0 ± 0.0 steps"));
    }

    #[test]
    fn numbers_are_grouped_by_threes() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1234567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
}

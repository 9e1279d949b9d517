//! What people read: a line per seed, and one that sums them up.

use ran_experiment::{FreeRunSummary, Record, Summary};

/// The title and the names of the columns.
pub(crate) fn head(record: &Record) -> String {
    format!(
        "{} on {}: {}, regime {}, {} trained and {} fixed parameters\n\n{:>8}{:>10}{:>10}{:>10}{:>10}\n",
        record.experiment,
        record.backend,
        record.metric,
        record.regime,
        grouped(record.trained_parameters),
        grouped(record.fixed_parameters),
        "seed",
        "train",
        "valid",
        "test",
        "seconds"
    )
}

/// A seed's scores.
pub(crate) fn row(record: &Record) -> String {
    format!(
        "{:>8}{:>10}{:>10}{:>10}{:>10.2}\n",
        record.seed,
        score(Some(record.train)),
        score(record.valid),
        score(record.test),
        record.seconds
    )
}

/// The mean over seeds, and the deviation where there are several.
pub(crate) fn foot(summary: &Summary) -> String {
    let mean = score(summary.mean);
    let seeds = summary.seeds.len();
    let test = match summary.std {
        Some(std) if seeds > 1 => format!(
            "\ntest {} {mean} ± {std:.4} over {seeds} seeds\n",
            summary.metric
        ),
        _ => format!("\ntest {} {mean}\n", summary.metric),
    };
    test + &summary
        .free_run
        .as_ref()
        .map(closed_loop)
        .unwrap_or_default()
}

/// How good forecasts in closed loop are.
fn closed_loop(summary: &FreeRunSummary) -> String {
    let both = |[mean, std]: [f64; 2]| format!("{mean:.4} ± {std:.4}");
    let or_dash = |score: Option<[f64; 2]>| score.map_or("-".into(), both);
    let [steps, deviation] = summary.valid_steps;
    let mut line = format!(
        "free run: NRMSE {}, at the last step {}, valid for {steps:.1} ± {deviation:.1} steps",
        or_dash(summary.nrmse),
        or_dash(summary.nrmse_last)
    );
    if let Some(time) = summary.valid_time {
        line += &format!(", {} Lyapunov times", both(time));
    }
    line + "\n"
}

/// A number with a comma before every three digits.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn score(score: Option<f64>) -> String {
    score.map_or("-".into(), |score| format!("{score:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

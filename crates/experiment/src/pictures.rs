//! Pictures of tasks and of what a model makes of them.

mod capacity;
mod confusion;
mod examples;
mod forecast;
mod labels;
mod learning;
mod near;

pub use examples::show_examples;

use ran_learning::FreeRun;
use ran_picture::{Picture, PictureError};
use ran_tasks::{Dataset, TaskConfig};

use crate::evaluation::{LyapunovTime, valid_steps};
use crate::work::Outcome;

/// The pictures of a run that fit its task, each with the name of its files; `history` has a line per epoch.
pub(crate) fn pictures_of_run(
    task: &TaskConfig,
    dataset: &Dataset,
    outcome: &Outcome,
    history: &str,
    seed: u64,
) -> Vec<(&'static str, Result<Picture, PictureError>)> {
    let outputs = &dataset.output_names;
    let predictions = outcome.test_predictions.iter();
    let predictions: Vec<_> = predictions.map(|rows| dataset.with_offset(rows)).collect();
    let (dataset, predictions) = (&*dataset.with_raw_targets(), &predictions);
    let caption = |run: &FreeRun| {
        let steps = valid_steps(run);
        let time = LyapunovTime::of(task, steps);
        let time = time.map(|time| format!(", {:.2} Lyapunov times", time.valid_time));
        let time = time.unwrap_or_default();
        format!("after step {}: valid for {steps} steps{time}", run.after)
    };
    let free_run = (!outcome.free_runs.is_empty())
        .then(|| forecast::free_runs(dataset, outputs, &outcome.free_runs, &caption, seed));
    let drawn = [
        (
            "confusion",
            confusion::test_confusion(dataset, predictions, seed),
        ),
        ("labels", labels::test_labels(dataset, predictions, seed)),
        (
            "forecast",
            forecast::test_forecast(dataset, outputs, predictions, seed),
        ),
        ("free-run", free_run),
        (
            "capacity",
            capacity::test_capacity(dataset, predictions, seed),
        ),
        (
            "learning",
            learning::learning_curves(dataset, history, seed),
        ),
    ];
    let drawn = drawn.into_iter();
    drawn
        .filter_map(|(name, picture)| Some((name, picture?)))
        .collect()
}

//! Truth against prediction, on the test set.

use ndarray::{Array2, ArrayView2, Axis, concatenate, stack};
use ran_learning::FreeRun;
use ran_picture::{
    Axis as ChartAxis, Chart, Picture, PictureError, Sequence, Series, Stroke, Style, Track,
    sequences,
};
use ran_tasks::{Category, Dataset};

/// Steps, sequences and channels that are shown.
const MOST_STEPS: usize = 400;
const MOST_SEQUENCES: usize = 3;
const MOST_CHANNELS: usize = 6;

/// Draws predictions for the test set, one `[scored steps, d_output]` per sequence, against the truth: over time, or, where
/// a sequence has one target, as points about the diagonal. None where the task is not one of numbers.
pub(crate) fn test_forecast(
    dataset: &Dataset,
    channels: &[String],
    predictions: &[Array2<f32>],
    seed: u64,
) -> Option<Result<Picture, PictureError>> {
    if dataset.category != Category::Regression || dataset.test.is_empty() {
        return None;
    }
    let title = format!(
        "{}: truth and prediction on the test set, seed {seed}",
        dataset.name
    );
    if dataset.test.iter().all(|sample| sample.scored.len() <= 1) {
        return Some(points(&title, dataset, predictions));
    }
    let shown = dataset.test.iter().zip(predictions).take(MOST_SEQUENCES);
    let shown = shown.enumerate().map(|(index, (sample, predictions))| {
        let first = sample.scored.first().copied().unwrap_or(0);
        let last = sample.scored.last().copied().unwrap_or(0);
        let length = (last + 1 - first).min(MOST_STEPS);
        let steps: Vec<usize> = sample.scored.iter().map(|step| step - first).collect();
        let count = steps.iter().take_while(|&&step| step < length).count();
        let mut caption = format!("sequence {}", index + 1);
        if count < steps.len() {
            caption += &format!(", the first {count} of {} scored steps", steps.len());
        }
        Sequence {
            caption,
            first,
            length,
            tracks: tracks(
                &steps[..count],
                channels,
                sample.targets.view(),
                predictions.view(),
            ),
            image: None,
        }
    });
    let shown: Vec<Sequence> = shown.collect();
    Some(sequences(&title, &shown))
}

/// Draws forecasts in closed loop against the truth, the first few.
pub(crate) fn free_runs(
    dataset: &Dataset,
    channels: &[String],
    runs: &[FreeRun],
    caption: &dyn Fn(&FreeRun) -> String,
    seed: u64,
) -> Result<Picture, PictureError> {
    let title = format!(
        "{}: fed with its own predictions, seed {seed}",
        dataset.name
    );
    let shown = runs.iter().take(MOST_SEQUENCES).map(|run| {
        let length = run.truth.nrows().min(1_000);
        let steps: Vec<usize> = (0..length).collect();
        Sequence {
            caption: caption(run),
            first: run.after + 1,
            length,
            tracks: tracks(&steps, channels, run.truth.view(), near(run).view()),
            image: None,
        }
    });
    let shown: Vec<Sequence> = shown.collect();
    sequences(&title, &shown)
}

/// The predictions, held within half the truth's range about it: one that runs away would leave the truth a flat line.
fn near(run: &FreeRun) -> Array2<f32> {
    let mut near = run.predictions.clone();
    for (mut predictions, truth) in near.columns_mut().into_iter().zip(run.truth.columns()) {
        let low = truth.iter().copied().fold(f32::INFINITY, f32::min);
        let high = truth.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let margin = (high - low) / 2.0;
        let held = |x: f32| {
            if x.is_nan() {
                x
            } else {
                x.clamp(low - margin, high + margin)
            }
        };
        predictions.mapv_inplace(held);
    }
    near
}

/// A track per channel, with what came and what was predicted.
fn tracks(
    steps: &[usize],
    channels: &[String],
    truth: ArrayView2<'_, f32>,
    predictions: ArrayView2<'_, f32>,
) -> Vec<Track> {
    let width = truth.ncols();
    let named = channels.len() == width;
    let track = |channel: usize| {
        let both = [truth.column(channel), predictions.column(channel)];
        let both = stack(Axis(1), &both).expect("a prediction has the truth's shape");
        Track {
            name: match (named, width) {
                (true, _) => channels[channel].clone(),
                (false, 1) => String::new(),
                (false, _) => format!("output {channel}"),
            },
            channels: ["truth", "prediction"].map(String::from).into(),
            steps: steps.to_vec(),
            values: both.slice_axis(Axis(0), (..steps.len()).into()).to_owned(),
            style: Style::Compare,
        }
    };
    (0..width.min(MOST_CHANNELS)).map(track).collect()
}

/// Points about the diagonal, a series per output.
fn points(
    title: &str,
    dataset: &Dataset,
    predictions: &[Array2<f32>],
) -> Result<Picture, PictureError> {
    let join = |rows: Vec<ArrayView2<'_, f32>>| {
        concatenate(Axis(0), &rows).expect("predictions and targets share d_output")
    };
    let truth = join(
        dataset
            .test
            .iter()
            .map(|sample| sample.targets.view())
            .collect(),
    );
    let predictions = join(predictions.iter().map(|rows| rows.view()).collect());
    let finite = truth.iter().filter(|x| x.is_finite());
    let ends = finite.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &x| {
        [low.min(x), high.max(x)]
    });
    let diagonal = Series {
        stroke: Stroke::Dashed,
        ..Series::new("exact", ends.map(|x| [f64::from(x); 2]).to_vec())
    };
    let output = |channel: usize| {
        let pairs = truth
            .column(channel)
            .into_iter()
            .zip(predictions.column(channel));
        let name = if truth.ncols() == 1 {
            "sequences".into()
        } else {
            format!("output {channel}")
        };
        Series {
            stroke: Stroke::Dots,
            ..Series::new(
                &name,
                pairs.map(|(&x, &y)| [f64::from(x), f64::from(y)]).collect(),
            )
        }
    };
    let outputs = (0..truth.ncols().min(MOST_CHANNELS)).map(output);
    let chart = Chart {
        title: title.into(),
        x: ChartAxis::new("truth"),
        y: ChartAxis::new("prediction"),
        series: outputs.chain([diagonal]).collect(),
        ..Chart::default()
    };
    chart.draw()
}

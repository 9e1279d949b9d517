//! Truth against prediction, on the test set.

use ndarray::{Array2, ArrayView2, Axis, s, stack};
use ran_learning::FreeRun;
use ran_picture::{
    Axis as ChartAxis, Chart, Picture, PictureError, Sequence, Series, Stroke, Style, Track,
    sequences,
};
use ran_tasks::{Category, Dataset, stack_rows};

use super::near::{Near, ends};

/// Steps, sequences and channels that are shown.
const MOST_STEPS: usize = 400;
const MOST_STEPS_IF_ROUGH: usize = 120;
const MOST_SEQUENCES: usize = 3;
const MOST_CHANNELS: usize = 6;

/// Draws predictions for the test set, one `[scored steps, d_output]` per sequence, against the truth: over time, or, where
/// a sequence has one target, as points about the diagonal. None where the task is not one of numbers.
pub(crate) fn test_forecast(
    dataset: &Dataset,
    outputs: &[String],
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
        return Some(points(title, dataset, outputs, predictions));
    }
    let all = dataset.test.len();
    let shown = dataset.test.iter().zip(predictions).take(MOST_SEQUENCES);
    let shown = shown.enumerate().map(|(index, (sample, predictions))| {
        let first = sample.scored.first().copied().unwrap_or(0);
        let last = sample.scored.last().copied().unwrap_or(0);
        let most = match is_rough(sample.targets.view()) {
            true => MOST_STEPS_IF_ROUGH,
            false => MOST_STEPS,
        };
        let length = (last + 1 - first).min(most);
        let steps: Vec<usize> = sample.scored.iter().map(|step| step - first).collect();
        let count = steps.iter().take_while(|&&step| step < length).count();
        let mut caption = match all {
            1 => "sequence 1".into(),
            _ => format!("sequence {} of {all}", index + 1),
        };
        if count < steps.len() {
            caption += &format!(", the first {count} of {} scored steps", steps.len());
        }
        let rows = |of: ArrayView2<'_, f32>| of.slice_move(s![..count, ..]).to_owned();
        let (truth, predictions) = (rows(sample.targets.view()), rows(predictions.view()));
        drawn(
            caption,
            first,
            length,
            &steps[..count],
            outputs,
            &truth,
            &predictions,
        )
    });
    let shown: Vec<Sequence> = shown.collect();
    Some(sequences(&title, &shown))
}

/// Draws forecasts in closed loop against the truth, the first few.
pub(crate) fn free_runs(
    dataset: &Dataset,
    outputs: &[String],
    runs: &[FreeRun],
    caption: &dyn Fn(&FreeRun) -> String,
    seed: u64,
) -> Result<Picture, PictureError> {
    let title = format!(
        "{}: fed with its own predictions, seed {seed}",
        dataset.name
    );
    let all = runs.len();
    let shown = runs.iter().take(MOST_SEQUENCES).enumerate();
    let shown = shown.map(|(index, run)| {
        let steps = run.truth.nrows();
        let length = steps.min(1_000);
        let mut caption = caption(run);
        if all > MOST_SEQUENCES {
            caption = format!("forecast {} of {all}, {caption}", index + 1);
        }
        if length < steps {
            caption += &format!(", the first {length} of {steps} steps");
        }
        let rows = |of: &Array2<f32>| of.slice(s![..length, ..]).to_owned();
        let numbers: Vec<usize> = (0..length).collect();
        let (truth, predictions) = (rows(&run.truth), rows(&run.predictions));
        drawn(
            caption,
            run.after + 1,
            length,
            &numbers,
            outputs,
            &truth,
            &predictions,
        )
    });
    let shown: Vec<Sequence> = shown.collect();
    sequences(&title, &shown)
}

/// Whether a truth goes up and down so much from step to step that many steps would be a blot: by more than a tenth of
/// its range, in the mean, in the output that does most.
fn is_rough(truth: ArrayView2<'_, f32>) -> bool {
    truth.columns().into_iter().any(|values| {
        let values: Vec<f32> = values.iter().copied().filter(|x| x.is_finite()).collect();
        let [low, high] = ends(values.iter().copied());
        let moved: f32 = values
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).abs())
            .sum();
        let moved = moved / values.len().saturating_sub(1).max(1) as f32;
        high > low && moved > 0.1 * (high - low)
    })
}

/// A sequence with a track per output, of what was due and what was predicted.
fn drawn(
    mut caption: String,
    first: usize,
    length: usize,
    steps: &[usize],
    outputs: &[String],
    truth: &Array2<f32>,
    predictions: &Array2<f32>,
) -> Sequence {
    let width = truth.ncols();
    let shown = width.min(MOST_CHANNELS);
    if shown < width {
        caption += &format!(", {shown} of {width} outputs");
    }
    let near = Near::of(
        truth.slice(s![.., ..shown]),
        predictions.slice(s![.., ..shown]),
    );
    caption += &near.remarks();
    let track = |output: usize| {
        let both = [truth.column(output), near.values.column(output)];
        Track {
            name: name(outputs, width, output).unwrap_or_default(),
            channels: ["truth", "prediction"].map(String::from).into(),
            steps: steps.to_vec(),
            values: stack(Axis(1), &both).expect("a prediction has the truth's shape"),
            style: Style::Compare,
        }
    };
    Sequence {
        caption,
        first,
        length,
        tracks: (0..shown).map(track).collect(),
        image: None,
    }
}

/// What an output is called: its own name, or its number where there are several.
fn name(outputs: &[String], width: usize, output: usize) -> Option<String> {
    match outputs.len() == width {
        true => Some(outputs[output].clone()),
        false => (width > 1).then(|| format!("output {output}")),
    }
}

/// Points about the diagonal, a series per output.
fn points(
    mut title: String,
    dataset: &Dataset,
    outputs: &[String],
    predictions: &[Array2<f32>],
) -> Result<Picture, PictureError> {
    let predictions = stack_rows(predictions);
    let truth = dataset.stack_targets(&dataset.test);
    let width = truth.ncols();
    let shown = width.min(MOST_CHANNELS);
    if shown < width {
        title += &format!(", {shown} of {width} outputs");
    }
    let truth = truth.slice(s![.., ..shown]);
    let near = Near::of(truth, predictions.slice(s![.., ..shown]));
    title += &near.remarks();
    let diagonal = Series {
        stroke: Stroke::Dashed,
        ..Series::new(
            "exact",
            ends(truth.iter().copied())
                .map(|x| [f64::from(x); 2])
                .to_vec(),
        )
    };
    let output = |output: usize| {
        let pairs = truth
            .column(output)
            .into_iter()
            .zip(near.values.column(output));
        let name = name(outputs, width, output);
        Series {
            stroke: Stroke::Dots,
            ..Series::new(
                &name.unwrap_or_else(|| "sequences".into()),
                pairs.map(|(&x, &y)| [f64::from(x), f64::from(y)]).collect(),
            )
        }
    };
    let chart = Chart {
        title,
        x: ChartAxis::new("truth"),
        y: ChartAxis::new("prediction"),
        series: (0..shown).map(output).chain([diagonal]).collect(),
        ..Chart::default()
    };
    chart.draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ran_tasks::Sample;

    /// A data set of `sequences` with `targets` in its test set, `[steps, outputs]`.
    fn dataset(sequences: usize, targets: &Array2<f32>) -> Dataset {
        let sample = Sample {
            inputs: Array2::zeros((targets.nrows(), 1)),
            scored: (0..targets.nrows()).collect(),
            targets: targets.clone(),
        };
        Dataset {
            test: vec![sample; sequences],
            ..Dataset::new("toy", Category::Regression, [1, targets.ncols()])
        }
    }

    fn svg(sequences: usize, targets: &Array2<f32>, said: &Array2<f32>, names: &[&str]) -> String {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let dataset = dataset(sequences, targets);
        let said = vec![said.clone(); sequences];
        let picture = test_forecast(&dataset, &names, &said, 0).unwrap().unwrap();
        assert!(picture.png().is_ok());
        picture.svg().to_string()
    }

    #[test]
    fn outputs_and_sequences_that_are_left_out_are_counted() {
        let wave = |rows: usize, columns: usize| {
            Array2::from_shape_fn((rows, columns), |(step, column)| {
                (step as f32 * 0.05 + column as f32).sin()
            })
        };
        let targets = wave(500, 20);
        let drawn = svg(30, &targets, &targets, &[]);
        let caption = "sequence 2 of 30, the first 400 of 500 scored steps, 6 of 20 outputs";
        assert!(
            drawn.contains(caption) && drawn.contains("output 5"),
            "{drawn}"
        );
        assert!(!drawn.contains("output 6") && !drawn.contains("sequence 4"));
        let targets = wave(1, 20);
        let drawn = svg(30, &targets, &targets, &[]);
        assert!(drawn.contains("seed 0, 6 of 20 outputs"), "{drawn}");
    }

    #[test]
    fn outputs_have_the_names_of_their_columns() {
        for steps in [1, 9] {
            let targets =
                Array2::from_shape_fn((steps, 2), |(step, column)| (step + column) as f32);
            let drawn = svg(2, &targets, &targets, &["load", "wind"]);
            assert!(
                drawn.contains(">\nload\n<") && drawn.contains(">\nwind\n<"),
                "{drawn}"
            );
            assert!(!drawn.contains("output 0"));
        }
    }

    #[test]
    fn fewer_steps_of_a_rough_series_are_drawn() {
        let zigzag = Array2::from_shape_fn((500, 1), |(step, _)| (step % 2) as f32);
        let drawn = svg(1, &zigzag, &zigzag, &[]);
        assert!(
            drawn.contains("the first 120 of 500 scored steps"),
            "{drawn}"
        );
    }

    #[test]
    fn predictions_that_are_no_numbers_are_counted_and_the_truth_is_drawn() {
        for steps in [1, 9] {
            let targets = Array2::from_shape_fn((steps, 1), |(step, _)| step as f32);
            let nothing = Array2::from_elem((steps, 1), f32::NAN);
            let drawn = svg(1, &targets, &nothing, &[]);
            assert!(
                drawn.contains(&format!("{steps} no number and not drawn")),
                "{drawn}"
            );
        }
    }
}

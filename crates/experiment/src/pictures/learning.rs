//! How training by gradient went: loss and score per epoch.

use ran_picture::{Axis, Chart, Picture, PictureError, Scale, Series, charts};
use ran_tasks::{Category, Dataset};
use serde_json::Value;

/// Draws the loss and the score per epoch of a seed from the lines of a run's history; none where it has no epochs. Where the score is the
/// loss, as that of a text, it is drawn once.
pub(crate) fn learning_curves(
    dataset: &Dataset,
    history: &str,
    seed: u64,
) -> Option<Result<Picture, PictureError>> {
    let lines = history.lines();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let epochs: Vec<Value> = lines.filter(|line| line["seed"] == seed).collect();
    let best = epochs.last()?["best"].as_f64();
    let loss = match dataset.category {
        Category::Classification => "cross-entropy (nats)",
        Category::MultiLabel => "binary cross-entropy (nats)",
        Category::Regression => "mean squared error",
    };
    let score = dataset.metric.name();
    let panel = |what: &str, label: &str, keys: [&str; 2]| {
        let names = ["training set, over the epoch's steps", "validation set"];
        let curves = names.iter().zip(keys);
        let curves: Vec<Series> = curves
            .map(|(name, key)| Series::new(name, curve(&epochs, key)))
            .filter(|series| series.points.iter().any(|point| point[1].is_finite()))
            .collect();
        Chart {
            title: format!("{}: {what} per epoch, seed {seed}", dataset.name),
            x: Axis {
                scale: Scale::Count,
                ..Axis::new("epoch")
            },
            y: Axis {
                scale: scale(&curves),
                ..Axis::new(label)
            },
            series: curves,
            marks: best
                .map(|epoch| (epoch, format!("best epoch: {epoch}")))
                .into_iter()
                .collect(),
        }
    };
    let mut panels = vec![panel("loss", loss, ["loss", "valid_loss"])];
    let is_loss =
        |epoch: &Value| epoch["train"] == epoch["loss"] && epoch["valid"] == epoch["valid_loss"];
    if !epochs.iter().all(is_loss) {
        panels.push(panel(score, score, ["train", "valid"]));
    }
    Some(charts(&panels))
}

/// A number per epoch; what was no number is none in the history.
fn curve(epochs: &[Value], key: &str) -> Vec<[f64; 2]> {
    let number = |epoch: &Value, key: &str| epoch[key].as_f64().unwrap_or(f64::NAN);
    let points = epochs.iter();
    points
        .map(|epoch| [number(epoch, "epoch"), number(epoch, key)])
        .collect()
}

/// Ratios where numbers above 0 fall or grow by more than a factor of ten, else differences.
fn scale(curves: &[Series]) -> Scale {
    let values = curves.iter().flat_map(|curve| &curve.points);
    let values = values.map(|point| point[1]).filter(|y| y.is_finite());
    let [low, high] = values.fold([f64::INFINITY, 0.0_f64], |[low, high], y| {
        [low.min(y), high.max(y)]
    });
    if low > 0.0 && high > 10.0 * low {
        Scale::Log
    } else {
        Scale::Linear
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_task;

    fn dataset() -> Dataset {
        open_task("japanese-vowels", &[]).unwrap().load(0).unwrap()
    }

    #[test]
    fn the_curves_are_those_of_the_seed_and_have_a_point_per_epoch() {
        let line = |seed: u64, epoch: usize, loss: &str| {
            format!(
                "{{\"seed\":{seed},\"epoch\":{epoch},\"loss\":{loss},\"train\":0.5,\"valid_loss\":0.7,\"valid\":0.25,\"best\":1}}\n"
            )
        };
        let history =
            line(3, 1, "2.0") + &line(3, 2, "1.5") + &line(3, 3, "1.25") + &line(4, 1, "7.0");
        let svg = learning_curves(&dataset(), &history, 3).unwrap().unwrap();
        let svg = svg.svg();
        for words in [
            "japanese-vowels: loss per epoch, seed 3",
            "japanese-vowels: accuracy per epoch, seed 3",
            "cross-entropy (nats)",
            "validation set",
            "best epoch: 1",
        ] {
            assert!(svg.contains(words), "{words} is missing");
        }
        // The other seed's loss of 7 would have a tick of its own.
        assert!(!svg.contains(">\n7\n<"));
        // Two lines in each of two panels, of three points each, beside the two samples of the legends.
        let curves = svg.matches("stroke-width=\"4\"").count();
        assert_eq!(curves, 4, "{svg}");
    }

    #[test]
    fn a_score_that_is_the_loss_is_drawn_once() {
        let drawn = |score: f64| {
            let line = format!("{{\"seed\":0,\"epoch\":1,\"loss\":1.5,\"train\":{score}}}\n");
            let picture = learning_curves(&dataset(), &line, 0).unwrap().unwrap();
            picture.svg().matches("per epoch").count()
        };
        assert_eq!(drawn(1.5) * 2, drawn(0.5));
    }

    #[test]
    fn epochs_that_were_no_numbers_are_left_out_and_none_is_no_picture() {
        let dataset = dataset();
        assert!(learning_curves(&dataset, "", 0).is_none());
        let lone = "{\"seed\":0,\"epoch\":1,\"loss\":0.5,\"train\":0.5,\"valid_loss\":null,\"valid\":null,\"best\":null}\n";
        let nothing = "{\"seed\":0,\"epoch\":2,\"loss\":null,\"train\":0.5}\n";
        let picture = learning_curves(&dataset, &format!("{lone}{nothing}half a li"), 0);
        let picture = picture.unwrap().unwrap();
        assert!(!picture.svg().contains("validation set") && picture.png().is_ok());
    }
}

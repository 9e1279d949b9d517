//! How much is remembered, delay by delay.

use ndarray::Array2;
use ran_picture::{Axis as ChartAxis, Chart, Picture, PictureError, Scale, Series};
use ran_tasks::{Dataset, Metric, scores, stack_rows};

/// Draws the squared correlation of each delay, on the test set: their sum is the memory capacity. None for another task.
pub(crate) fn test_capacity(
    dataset: &Dataset,
    predictions: &[Array2<f32>],
    seed: u64,
) -> Option<Result<Picture, PictureError>> {
    if dataset.metric != Metric::MemoryCapacity || dataset.test.is_empty() {
        return None;
    }
    let predictions = stack_rows(predictions);
    let targets = dataset.stack_targets(&dataset.test);
    let parts = scores::squared_correlations(predictions.view(), targets.view());
    let sum: f64 = parts.iter().sum();
    let points = parts.iter().enumerate();
    let points = points.map(|(at, &part)| [(at + 1) as f64, part]).collect();
    let title = format!(
        "{}: capacity {sum:.2} over delays 1 to {} on the test set, seed {seed}",
        dataset.name,
        parts.len()
    );
    let chart = Chart {
        title,
        x: ChartAxis {
            scale: Scale::Count,
            ..ChartAxis::new("delay (steps)")
        },
        y: ChartAxis {
            range: Some([0.0, 1.02]),
            ..ChartAxis::new("squared correlation, r²")
        },
        series: vec![Series::new("", points)],
        ..Chart::default()
    };
    Some(chart.draw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open_task;

    #[test]
    fn the_capacity_in_the_title_is_the_score_and_the_curve_has_a_point_per_delay() {
        let settings = ["task.delays=3", "task.train=50", "task.test=40"];
        let settings = settings.map(|text| text.parse().unwrap());
        let dataset = open_task("memory-capacity", &settings).unwrap().load(0);
        let dataset = dataset.unwrap();
        // The first two delays are said exactly, the third not at all.
        let mut said = dataset.test[0].targets.clone();
        said.column_mut(2).fill(0.25);
        let picture = test_capacity(&dataset, &[said], 5).unwrap().unwrap();
        let svg = picture.svg();
        let title = "memory-capacity: capacity 2.00 over delays 1 to 3 on the test set, seed 5";
        assert!(svg.contains(title), "{svg}");
        let curve = svg.split("stroke-width=\"4\"").nth(1).unwrap();
        let points = curve.split("points=\"").nth(1).unwrap();
        let points = points.split('"').next().unwrap();
        assert_eq!(points.split_whitespace().count(), 3, "{points}");
        let other = open_task("narma", &[]).unwrap().load(0).unwrap();
        assert!(test_capacity(&other, &[], 0).is_none());
    }
}

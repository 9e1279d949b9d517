//! What a model took for what, on the test set.

use ndarray::{Array2, Axis, concatenate};
use ran_picture::{Picture, PictureError, confusion};
use ran_tasks::{Category, Dataset, scores, stack_targets};

/// Draws the confusion matrix of predictions for the test set, one `[scored steps, d_output]` per sequence; none where
/// there are no classes, no test set, or too many classes for a picture.
pub(crate) fn test_confusion(
    dataset: &Dataset,
    predictions: &[Array2<f32>],
    seed: u64,
) -> Option<Result<Picture, PictureError>> {
    let fits = (1..=100).contains(&dataset.d_output);
    if dataset.category != Category::Classification || dataset.test.is_empty() || !fits {
        return None;
    }
    let rows: Vec<_> = predictions.iter().map(|rows| rows.view()).collect();
    let predictions = concatenate(Axis(0), &rows).expect("predictions share d_output");
    let counts = scores::confusion(predictions.view(), stack_targets(&dataset.test).view());
    let labels: Vec<String> = match dataset.labels.len() == dataset.d_output {
        true => dataset.labels.clone(),
        false => (0..dataset.d_output)
            .map(|class| class.to_string())
            .collect(),
    };
    let title = format!("{}: test set, seed {seed}", dataset.name);
    // A row of outputs that are no numbers is of no class, and counts as wrong in the score.
    let unanswered = predictions.nrows() - counts.sum();
    Some(confusion(&title, &labels, counts.view(), unanswered))
}

//! What a model took for what, on the test set.

use ndarray::Array2;
use ran_picture::{Picture, PictureError, confusion};
use ran_tasks::{Category, Dataset, scores, stack_rows};

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
    let predictions = stack_rows(predictions);
    let counts = scores::confusion(
        predictions.view(),
        dataset.stack_targets(&dataset.test).view(),
    );
    let title = format!("{}: test set, seed {seed}", dataset.name);
    // A row of outputs that are no numbers is of no class, and counts as wrong in the score.
    let unanswered = predictions.nrows() - counts.sum();
    Some(confusion(
        &title,
        &dataset.label_names(),
        counts.view(),
        unanswered,
    ))
}

//! How often each label was found, missed and wrong, on the test set.

use ndarray::Array2;
use ran_picture::{LabelCount, Picture, PictureError, label_counts};
use ran_tasks::{Category, Dataset, scores, stack_rows};

/// Draws how often each label was found, missed and wrong in predictions for the test set, one `[scored steps, d_output]`
/// per sequence; none where there are no labels, no test set, or too many labels for a picture.
pub(crate) fn test_labels(
    dataset: &Dataset,
    predictions: &[Array2<f32>],
    seed: u64,
) -> Option<Result<Picture, PictureError>> {
    let fits = (1..=100).contains(&dataset.d_output);
    if dataset.category != Category::MultiLabel || dataset.test.is_empty() || !fits {
        return None;
    }
    let predictions = stack_rows(predictions);
    let targets = dataset.stack_targets(&dataset.test);
    let counts = scores::label_confusion(predictions.view(), targets.view());
    let counts = counts.outer_iter().map(|counts| LabelCount {
        found: counts[[1, 1]],
        missed: counts[[1, 0]],
        wrong: counts[[0, 1]],
        absent: counts[[0, 0]],
    });
    let counts: Vec<_> = counts.collect();
    let title = format!("{}: test set, seed {seed}", dataset.name);
    Some(label_counts(&title, &dataset.label_names(), &counts))
}

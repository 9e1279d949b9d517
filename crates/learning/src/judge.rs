//! Judging a model on the splits of a task.

use ndarray::Array2;
use ran_tasks::{Dataset, Sample, ScoreTable};

use crate::session::Session;
use crate::{LearningBackend, LearningError, Model, Report, SplitScores, Trained};

/// Judges a model on all splits; of the training set on `train`, for which the predictions are known already.
///
/// # Errors
///
/// If the session is stopped while there is more than a moment's work left.
pub(crate) fn judged<B: LearningBackend>(
    model: Model<B>,
    dataset: &Dataset,
    train: &[Sample],
    train_predictions: &[Array2<f32>],
    device: &B::Device,
    session: &Session<'_>,
) -> Result<Trained<B>, LearningError> {
    let judge = |split: &[Sample], predictions: &[Array2<f32>]| match split.is_empty() {
        true => (None, ScoreTable::new()),
        false => {
            let (score, table) = dataset.judge(split, predictions);
            (Some(score), table)
        }
    };
    let (train, on_train) = judge(train, train_predictions);
    let predict = |split| model.predict_while(split, device, &mut |left| session.ends(left));
    let valid_predictions = predict(&dataset.valid)?;
    let (valid, on_valid) = judge(&dataset.valid, &valid_predictions);
    let test_predictions = predict(&dataset.test)?;
    let (test, on_test) = judge(&dataset.test, &test_predictions);
    let report = Report {
        train: train.unwrap_or(f64::NAN),
        valid,
        test,
        scores: SplitScores {
            train: on_train,
            valid: on_valid,
            test: on_test,
        },
        ..Report::unjudged(&model)
    };
    Ok(Trained {
        model,
        report,
        test_predictions,
    })
}

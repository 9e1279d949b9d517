//! Judging a saved model on its own task or on a file.

use std::path::Path;

use ndarray::Array2;
use ran_learning::LearningBackend;
use ran_tasks::{Sample, ScoreTable};
use serde::Serialize;

use crate::backend::{Work, compute};
use crate::model_data::load;
use crate::model_file::{ModelError, ModelFile};
use crate::{BackendKind, Setting};

/// How good a model is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model's file.
    pub model: String,
    /// The task that the model was trained on.
    pub task: String,
    /// The file that it was judged on, where it was not its task.
    pub data: Option<String>,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// How it learnt.
    pub regime: &'static str,
    /// What the scores are.
    pub metric: &'static str,
    /// The score on each set of sequences.
    pub splits: Vec<SplitScore>,
}

/// A model's score on some sequences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitScore {
    /// `train`, `valid`, `test`, or `data` for a file.
    pub name: &'static str,
    /// How many there are.
    pub sequences: usize,
    /// The score.
    pub score: f64,
    /// It and all other scores that apply.
    pub scores: ScoreTable,
}

/// Judges a saved model: on its own task's splits, or on all sequences of a file.
///
/// # Errors
///
/// If the model or the data cannot be read, or do not fit one another.
pub fn evaluate(
    model: &Path,
    data: Option<&Path>,
    settings: &[Setting],
    backend: BackendKind,
) -> Result<Evaluation, ModelError> {
    let file = ModelFile::open(model)?;
    let card = file.card.clone();
    let dataset = load(&card, model, data, settings)?;
    let train = dataset.judged_train(card.config.learning.carry);
    let splits = match data {
        // A file stands for both the training and the test set.
        Some(_) => vec![("data", &dataset.test[..])],
        None => vec![
            ("train", &*train),
            ("valid", &dataset.valid[..]),
            ("test", &dataset.test[..]),
        ],
    };
    let splits: Vec<_> = splits
        .into_iter()
        .filter(|(_, samples)| !samples.is_empty())
        .collect();
    let job = Predicting {
        file,
        splits: splits.iter().map(|(_, samples)| *samples).collect(),
    };
    let predictions = compute(backend, job)??;
    let splits = splits
        .iter()
        .zip(&predictions)
        .map(|((name, samples), predictions)| {
            let (score, scores) = dataset.judge(samples, predictions);
            SplitScore {
                name,
                sequences: samples.len(),
                score,
                scores,
            }
        });
    Ok(Evaluation {
        model: model.display().to_string(),
        task: card.task.clone(),
        data: data.map(|data| data.display().to_string()),
        seed: card.seed,
        regime: card.config.learning.regime.name(),
        metric: dataset.metric.name(),
        splits: splits.collect(),
    })
}

struct Predicting<'a> {
    file: ModelFile,
    splits: Vec<&'a [Sample]>,
}

impl Work for Predicting<'_> {
    type Output = Result<Vec<Vec<Array2<f32>>>, ModelError>;

    fn on<B: LearningBackend>(self, device: &B::Device) -> Self::Output {
        let model = self.file.model::<B>(device)?;
        let splits = self.splits.iter();
        Ok(splits
            .map(|samples| model.predict(samples, device))
            .collect())
    }
}

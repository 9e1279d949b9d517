//! A checkpoint: all that a run of training by gradient needs to go on as if it had never been interrupted.

use std::collections::BTreeMap;

use burn::tensor::TensorData;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::inspect::each_number;
use crate::model_file::entry;
use crate::network::Path;
use crate::optimiser::Moments;
use crate::{Difference, Epoch, LearningError, ModelCard, flat_keys};

/// The key of the header in the file's metadata.
const HEADER: &str = "ran-checkpoint";

/// The state of a run after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checkpoint {
    pub(crate) header: Header,
    /// The parameters after the epoch.
    pub(crate) now: BTreeMap<Path, TensorData>,
    /// The parameters after the best epoch, where it is another one.
    pub(crate) best: BTreeMap<Path, TensorData>,
    /// What the optimiser remembers.
    pub(crate) moments: BTreeMap<Path, Moments>,
}

/// What stands beside the numbers of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The run, which is the same where this is.
    pub(crate) card: ModelCard,
    /// What the last epoch that is done came to.
    pub(crate) last: Epoch,
    /// The best epoch so far.
    pub(crate) best: Option<Best>,
    /// Steps that the optimiser has made with each parameter.
    times: BTreeMap<Path, usize>,
}

/// The best epoch on the validation set so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) epoch: usize,
    pub(crate) score: f64,
    pub(crate) loss: f64,
}

/// How far a run had come when a checkpoint was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The seed that was trained.
    pub seed: u64,
    /// The epochs that were done.
    pub epochs: usize,
}

impl Reached {
    /// Reads it off a checkpoint.
    ///
    /// # Errors
    ///
    /// If the bytes are truncated or are no checkpoint of this project.
    pub fn of_checkpoint(bytes: &[u8]) -> Result<Self, LearningError> {
        let header = Header::read(bytes)?;
        Ok(Self {
            seed: header.card.seed,
            epochs: header.last.epoch,
        })
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, LearningError> {
        let refused = LearningError::Checkpoint;
        let header = entry(bytes, HEADER, "a checkpoint", refused)?;
        serde_json::from_str(&header).map_err(|error| {
            refused(format!(
                "is of another version, or damaged: its header {error}"
            ))
        })
    }
}

impl Checkpoint {
    pub(crate) fn new(
        card: ModelCard,
        last: Epoch,
        best: Option<Best>,
        now: BTreeMap<Path, TensorData>,
        best_numbers: BTreeMap<Path, TensorData>,
        moments: BTreeMap<Path, Moments>,
    ) -> Self {
        let times = moments.iter();
        let times = times.map(|(path, moments)| (path.clone(), moments.time));
        Self {
            header: Header {
                card,
                last,
                best,
                times: times.collect(),
            },
            now,
            best: best_numbers,
            moments,
        }
    }

    /// The checkpoint as the bytes of a safetensors file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, LearningError> {
        let failed = |error: String| LearningError::Checkpoint(format!("cannot be made: {error}"));
        let header = serde_json::to_string(&self.header);
        let header = header.map_err(|error| failed(error.to_string()))?;
        let parts = [("now", &self.now), ("best", &self.best)];
        let mut tensors: Vec<(String, &TensorData)> = Vec::new();
        for (part, numbers) in parts {
            tensors.extend(
                numbers
                    .iter()
                    .map(|(path, data)| (format!("{part}/{path}"), data)),
            );
        }
        for (path, moments) in &self.moments {
            tensors.push((format!("first/{path}"), &moments.first));
            tensors.push((format!("second/{path}"), &moments.second));
        }
        let views = tensors.iter().map(|(name, data)| {
            let view = TensorView::new(Dtype::F32, data.shape.to_vec(), &data.bytes);
            view.map(|view| (name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>, _>>();
        let views = views.map_err(|error| failed(error.to_string()))?;
        let metadata = [(HEADER.to_owned(), header)].into_iter().collect();
        safetensors::serialize(views, Some(metadata)).map_err(|error| failed(error.to_string()))
    }

    /// The checkpoint of a run with this card.
    ///
    /// # Errors
    ///
    /// If the bytes are no checkpoint, a truncated one, or another run's.
    pub(crate) fn from_bytes(bytes: &[u8], card: &ModelCard) -> Result<Self, LearningError> {
        let refused = LearningError::Checkpoint;
        let header = Header::read(bytes)?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| refused(error.to_string()))?;
        if header.card != *card {
            return Err(refused(difference(&header.card, card)));
        }
        let mut parts: BTreeMap<&str, BTreeMap<Path, TensorData>> = BTreeMap::new();
        for (name, view) in file.iter() {
            let (part, path) = name.split_once('/').unwrap_or(("", name));
            let numbers = each_number(view.data(), f32::from_le_bytes);
            let known = ["now", "best", "first", "second"];
            let known = known.into_iter().find(|known| *known == part);
            let Some(part) = known.filter(|_| view.dtype() == Dtype::F32) else {
                return Err(refused(format!("holds {name}, which no checkpoint has")));
            };
            let data = TensorData::new(numbers, view.shape().to_vec());
            parts.entry(part).or_default().insert(path.to_owned(), data);
        }
        let mut part = |name| parts.remove(name).unwrap_or_default();
        let (now, mut first, mut second) = (part("now"), part("first"), part("second"));
        let mut moments = BTreeMap::new();
        for (path, &time) in &header.times {
            let (Some(first), Some(second)) = (first.remove(path), second.remove(path)) else {
                return Err(refused(format!("lacks the optimiser's moments of {path}")));
            };
            let shape = now.get(path).map(|data| &data.shape);
            if [&first.shape, &second.shape].map(Some) != [shape; 2] {
                return Err(refused(format!(
                    "holds moments of {path} that are of another shape than it is"
                )));
            }
            moments.insert(
                path.clone(),
                Moments {
                    time,
                    first,
                    second,
                },
            );
        }
        Ok(Self {
            now,
            best: part("best"),
            moments,
            header,
        })
    }
}

/// The first key in which the run of a checkpoint differs from this one, with both values.
fn difference(theirs: &ModelCard, own: &ModelCard) -> String {
    let Some(found) = Difference::of(&flat_keys(theirs), &flat_keys(own)) else {
        return "is of another run".into();
    };
    // The card has the tables of a configuration under names of its own.
    let key = match found.key.split_once('.') {
        Some(("config", key)) => key.into(),
        Some(("task_config", key)) => format!("task.{key}"),
        _ => found.key.clone(),
    };
    let (theirs, own) = (found.first(), found.second());
    format!("is of another run: its {key} is {theirs}, this run's is {own}")
}

//! A stream that is put away and taken up again.

use burn::tensor::backend::Backend;
use ran_readout::{Features, LiveFeatures};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::core::MemoryNumbers;
use crate::network::Network;
use crate::steps::Steps;
use crate::{LearningError, Model, ModelStream};

/// What a [`ModelStream`] remembers of a signal: the working memory, and what is kept for its features.
///
/// It is plain numbers, so that it can be saved with serde or as [bytes](Self::to_bytes), and restored with
/// [`Model::restore`] in another process and on another backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamState {
    /// The model's fingerprint: SHA-256 of its card and numbers.
    model: String,
    memory: MemoryNumbers,
    features: LiveFeatures,
    /// The mean of the outputs, where it stands for each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outputs: Option<LiveFeatures>,
}

impl StreamState {
    /// The state as bytes (JSON).
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, LearningError> {
        let bytes = serde_json::to_vec(self);
        bytes.map_err(|error| LearningError::Stream(format!("cannot be written: {error}")))
    }

    /// The state that [`to_bytes`](Self::to_bytes) made bytes of.
    ///
    /// # Errors
    ///
    /// If the bytes are of something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LearningError> {
        let state = serde_json::from_slice(bytes);
        state.map_err(|error| LearningError::Stream(format!("is damaged: {error}")))
    }
}

impl<B: Backend> ModelStream<'_, B> {
    /// All that the stream remembers of its signal.
    pub fn state(&self) -> StreamState {
        StreamState {
            model: fingerprint(self.model),
            memory: self.memory.memory(),
            features: self.features.clone(),
            outputs: self.outputs.clone(),
        }
    }
}

impl<B: Backend> Model<B> {
    /// Goes on with a signal where a stream of this model was when its [state](ModelStream::state) was taken.
    ///
    /// The predictions are those of the stream that went on without a break, up to the rounding of sums over the window.
    ///
    /// # Errors
    ///
    /// If the state is another model's, or damaged.
    pub fn restore(
        &self,
        state: &StreamState,
        device: &B::Device,
    ) -> Result<ModelStream<'_, B>, LearningError> {
        let refused = |problem: String| Err(LearningError::Stream(problem));
        if state.model != fingerprint(self) {
            return refused(
                "is of another model: it goes on with the one that it was taken of".into(),
            );
        }
        let mut stream = self.stream(device);
        let view = self.card.view();
        let whole = match (&state.outputs, &stream.outputs) {
            (None, None) => Ok(()),
            (Some(mean), Some(_)) => mean.check(Features::Mean, self.card.d_output),
            _ => Err("its mean of outputs is not the model's".into()),
        };
        let whole = whole.and_then(|()| state.features.check(view.features, view.d_state()));
        if let Err(problem) = whole {
            return refused(format!("is damaged: {problem}"));
        }
        stream.memory = Steps::restore(&self.backbone, &state.memory, device)?;
        stream.features = state.features.clone();
        stream.outputs = state.outputs.clone();
        Ok(stream)
    }
}

/// SHA-256 of a model's card and all of its numbers, in hexadecimal digits.
fn fingerprint<B: Backend>(model: &Model<B>) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&model.card).unwrap_or_default());
    let network = Network {
        backbone: model.backbone.clone(),
        readout: model.readout.clone(),
    };
    for (path, data) in network.numbers() {
        hash.update(path);
        hash.update(&*data.bytes);
    }
    if let Some(reservoir) = model.reservoir() {
        let wiring = reservoir.wiring();
        for offset in wiring.offsets() {
            hash.update((*offset as u64).to_le_bytes());
        }
        for (source, weight) in wiring.sources().iter().zip(wiring.weights()) {
            hash.update(source.to_le_bytes());
            hash.update(weight.to_le_bytes());
        }
    }
    format!("{:x}", hash.finalize())
}

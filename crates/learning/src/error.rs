//! What can go wrong while a model is made, trained or loaded.

use ran_readout::ReadoutError;
use ran_reservoir::ReservoirError;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearningError {
    /// The reservoir's configuration is wrong.
    #[error(transparent)]
    Reservoir(#[from] ReservoirError),
    /// The readout cannot be fitted.
    #[error("the readout cannot be fitted: {0}")]
    Readout(#[from] ReadoutError),
    /// A regime that this version does not train.
    #[error(
        "learning.regime = {0:?} is described but not trained by this version; allowed for a run: \"reservoir\""
    )]
    Untrained(&'static str),
    /// A data set without sequences to train on.
    #[error("the task {0:?} has no sequences to train on")]
    NoTraining(String),
    /// A saved model cannot be read.
    #[error("the model file {0}")]
    ModelFile(String),
}

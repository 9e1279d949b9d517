//! A saved model's file, and why it cannot be used.

use std::path::{Path, PathBuf};

use ran_learning::{LearningBackend, LearningError, Model, ModelCard};
use ran_tasks::TaskError;

use crate::{BackendError, Located, SettingError, Unread};

/// A model's file that has been read.
#[derive(Debug)]
pub(crate) struct ModelFile {
    pub(crate) path: PathBuf,
    bytes: Vec<u8>,
    /// What the model was made for and how.
    pub(crate) card: ModelCard,
}

/// Why a saved model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] Unread),
    /// The file is not a model, or not one for this.
    #[error("{path}: {source}", path = path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LearningError,
    },
    /// The data are of another shape than the model's.
    #[error("{path}: the model has {model}, the data have {data}", path = path.display())]
    Shape {
        /// The model's file.
        path: PathBuf,
        /// What the model has.
        model: String,
        /// What the data have.
        data: String,
    },
    /// The model does not say what task it was trained on.
    #[error("{path} does not say how its task was configured: name the data with --data", path = path.display())]
    NoTask {
        /// The model's file.
        path: PathBuf,
    },
    /// The model is of a text, which is no table.
    #[error("{path} is a model of a text: --set task.file=FILE in place of --data judges it on another", path = path.display())]
    Text {
        /// The model's file.
        path: PathBuf,
    },
    /// The data cannot be loaded.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A setting cannot be made.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A setting's value is wrong.
    #[error(transparent)]
    Located(#[from] Located),
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl ModelFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no model of this version.
    pub(crate) fn open(path: &Path) -> Result<Self, ModelError> {
        let bytes = ran_tasks::read_file(path).map_err(Unread::at(path.into()))?;
        let card = ModelCard::from_bytes(&bytes).map_err(|source| wrong(path, source))?;
        Ok(Self {
            path: path.into(),
            bytes,
            card,
        })
    }

    /// The model on a device.
    ///
    /// # Errors
    ///
    /// If the file is damaged.
    pub(crate) fn model<B: LearningBackend>(
        self,
        device: &B::Device,
    ) -> Result<Model<B>, ModelError> {
        Model::from_bytes(self.bytes, device).map_err(|source| wrong(&self.path, source))
    }
}

pub(crate) fn wrong(path: &Path, source: LearningError) -> ModelError {
    ModelError::Model {
        path: path.into(),
        source,
    }
}

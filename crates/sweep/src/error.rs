//! Why a sweep ends early.

use std::path::{Path, PathBuf};

use ran_files::FolderError;

use crate::{ConfigError, StageError};

/// Why a sweep ends early.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The file is wrong.
    #[error("{}: {source}", origin.display())]
    Config {
        /// The file.
        origin: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// The file cannot be read, or is no sweep's.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// No point can be tried.
    #[error("{0}")]
    Nothing(String),
    /// The sweep was stopped before it began.
    #[error("the sweep was stopped before its first points were found; nothing was written")]
    NotBegun,
    /// The sweep was stopped; what is done is kept.
    #[error("the sweep was stopped; `cargo xtask sweep --resume {}` goes on with it", .0.display())]
    Stopped(PathBuf),
    /// No worker can run.
    #[error("{source}; what is done is kept, and `cargo xtask sweep --resume {}` goes on with it", folder.display())]
    Workers {
        /// The sweep's folder.
        folder: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Files cannot be read or written.
    #[error(transparent)]
    Stage(#[from] StageError),
}

impl From<FolderError> for SweepError {
    fn from(error: FolderError) -> Self {
        Self::Stage(error.into())
    }
}

impl SweepError {
    /// No worker can run the trials of a folder.
    #[must_use]
    pub fn workers(
        folder: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Workers {
            folder: folder.into(),
            source: source.into(),
        }
    }
}

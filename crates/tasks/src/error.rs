//! What can go wrong when a task is loaded, each as a full sentence.

use std::path::{Path, PathBuf};

/// Why a task could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// A file or folder could not be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file or folder could not be written.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A line of a text file breaks its format.
    #[error("{path}, line {line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was found and what is allowed.
        problem: String,
    },
    /// A file as a whole breaks its format, or does not fit the other files.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What was found and what is allowed.
        problem: String,
    },
    /// A key of the task has a value that is not allowed.
    #[error("task {task}, key `{key}`: {problem}")]
    Key {
        /// The task's name.
        task: &'static str,
        /// The key.
        key: &'static str,
        /// What it was and what is allowed.
        problem: String,
    },
    /// A data set is not at hand and could not be fetched.
    #[error("data set {name}: {problem}")]
    Fetch {
        /// The data set's name.
        name: String,
        /// What happened and what to do.
        problem: String,
    },
}

impl TaskError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn line(path: &Path, line: usize, problem: impl Into<String>) -> Self {
        Self::Line {
            path: path.into(),
            line,
            problem: problem.into(),
        }
    }

    pub(crate) fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File {
            path: path.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn fetch(name: &str, problem: impl Into<String>) -> Self {
        Self::Fetch {
            name: name.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn key(task: &'static str, key: &'static str, problem: impl Into<String>) -> Self {
        Self::Key {
            task,
            key,
            problem: problem.into(),
        }
    }
}

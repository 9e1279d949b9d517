//! What can be wrong with a reservoir's configuration or memory.

use ran_topology::TopologyError;

/// Why a reservoir cannot be built or restored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReservoirError {
    /// A field of the configuration is out of range, or does not fit the others.
    #[error("{field} {problem}")]
    Config {
        /// The field's path, as in the file.
        field: String,
        /// What it was and what is allowed.
        problem: String,
    },
    /// The wiring cannot be drawn.
    #[error("the wiring of the reservoir: {0}")]
    Wiring(#[from] TopologyError),
    /// A saved working memory does not fit the reservoir.
    #[error("the saved memory's {part} has shape {got:?}, the reservoir needs {expected:?}")]
    Memory {
        /// Which part.
        part: &'static str,
        /// The shape that the reservoir needs.
        expected: Vec<usize>,
        /// The shape that was saved.
        got: Vec<usize>,
    },
    /// A saved working memory's numbers are not floats, or their number does not fit its shape.
    #[error("the saved memory's {part} must be {expected} float numbers, got {got}")]
    MemoryNumbers {
        /// Which part.
        part: &'static str,
        /// How many numbers its shape has.
        expected: usize,
        /// What was saved.
        got: String,
    },
}

impl ReservoirError {
    pub(crate) fn config(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

//! What can be wrong with a network's configuration or memory.

/// Why a network cannot be drawn, or its memory not be restored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BaselineError {
    /// An option is out of range, or does not fit the others.
    #[error("{field} {problem}")]
    Config {
        /// The option's name, as in the file.
        field: &'static str,
        /// What it was and what is allowed.
        problem: String,
    },
    /// A saved memory is another network's.
    #[error("the saved memory is that of the network `{got}`, this one is `{expected}`")]
    OtherNetwork {
        /// The network that is to be restored.
        expected: String,
        /// The network that was saved.
        got: String,
    },
    /// A saved memory is of more steps than a network counts.
    #[error("the saved memory is that of {got} steps, a network counts up to {most}")]
    Position {
        /// The most that there may be.
        most: usize,
        /// What was saved.
        got: usize,
    },
    /// A saved memory has other parts than the network.
    #[error("the saved memory has the parts {got:?}, the network needs {expected:?}")]
    Parts {
        /// The names that the network needs.
        expected: Vec<String>,
        /// The names that were saved.
        got: Vec<String>,
    },
    /// A part of a saved memory has another shape than the network's.
    #[error("the saved memory's {part} has shape {got:?}, the network needs {expected:?}")]
    Shape {
        /// Which part.
        part: String,
        /// The shape that the network needs.
        expected: Vec<usize>,
        /// The shape that was saved.
        got: Vec<usize>,
    },
    /// A part's numbers are not floats, or their number does not fit their shape.
    #[error("the saved memory's {part} must be {expected} float numbers, got {got}")]
    Numbers {
        /// Which part.
        part: String,
        /// How many numbers its shape has.
        expected: usize,
        /// What was saved.
        got: String,
    },
}

impl BaselineError {
    pub(crate) fn config(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Config {
            field,
            problem: problem.into(),
        }
    }
}

/// Largest width of anything, so that no product of a few of them overflows.
const MOST: usize = 1 << 16;

/// Checks that an option is a count that can be drawn.
pub(crate) fn check_count(field: &'static str, count: usize) -> Result<(), BaselineError> {
    match count {
        1..=MOST => Ok(()),
        _ => {
            let problem = format!("must be between 1 and {MOST}, got {count}");
            Err(BaselineError::config(field, problem))
        }
    }
}

/// Checks that heads share a width evenly.
pub(crate) fn check_heads(heads: usize, width: usize) -> Result<(), BaselineError> {
    check_count("heads", heads)?;
    if width.is_multiple_of(heads) {
        return Ok(());
    }
    let problem = format!("must divide width, got {heads} heads for a width of {width}");
    Err(BaselineError::config("heads", problem))
}

/// Checks that a head's numbers form pairs, which rotary positions turn.
pub(crate) fn check_rotary(heads: usize, width: usize) -> Result<(), BaselineError> {
    check_heads(heads, width)?;
    let d_head = width / heads;
    if d_head.is_multiple_of(2) {
        return Ok(());
    }
    let problem = format!(
        "must be an even number times heads, as positions turn pairs of a head's numbers, got {width} for {heads} heads"
    );
    Err(BaselineError::config("width", problem))
}

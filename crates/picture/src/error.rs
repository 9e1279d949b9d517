//! Why a picture cannot be drawn, each as a full sentence.

/// Why a picture cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// There is nothing that could be drawn.
    #[error("the picture {title:?} has nothing to show: {problem}")]
    Empty {
        /// The picture's title.
        title: String,
        /// What is missing.
        problem: String,
    },
    /// Parts of the data do not fit one another.
    #[error("the picture {title:?} cannot be drawn: {problem}")]
    Shape {
        /// The picture's title.
        title: String,
        /// What was expected, and what came.
        problem: String,
    },
    /// The drawing itself failed.
    #[error("the picture cannot be drawn: {0}")]
    Drawing(String),
}

impl PictureError {
    pub(crate) fn empty(title: &str, problem: impl Into<String>) -> Self {
        Self::Empty {
            title: title.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn shape(title: &str, problem: impl Into<String>) -> Self {
        Self::Shape {
            title: title.into(),
            problem: problem.into(),
        }
    }
}

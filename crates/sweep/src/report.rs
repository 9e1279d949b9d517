//! What a sweep came to, to be looked at: a page for a browser, and pictures for a paper.

mod axis;
mod colours;
mod curves;
mod figures;
mod importance;
mod page;

pub use figures::{Figure, figures};
pub use page::html;

/// Why a picture of the results cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// An axis was asked for that the results do not have.
    #[error("unknown key {key:?}; known: {known}")]
    UnknownKey {
        /// What was asked for.
        key: String,
        /// What there is.
        known: String,
    },
    /// No trial has a score.
    #[error("no trial of {name:?} has a score; there is nothing to draw")]
    NoScore {
        /// The sweep's name.
        name: String,
    },
    /// The drawing itself failed.
    #[error(transparent)]
    Picture(#[from] ran_picture::PictureError),
}

//! How an experiment is run.

use crate::{BackendKind, Place, Seeds};

/// How an experiment is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// What computes it.
    pub backend: BackendKind,
    /// The seeds, one run each.
    pub seeds: Seeds,
    /// Where the files go.
    pub place: Place,
    /// Leaves the first seed's model out of the folder.
    pub without_model: bool,
    /// Leaves the pictures out of the folder.
    pub without_pictures: bool,
}

//! What bounds the rows that a unit returns.

use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::norm::normalise;

/// The last function of a unit, applied to each of its rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// The row itself: the poster's.
    #[default]
    Identity,
    /// tanh of every entry. A random untrained reservoir needs a bounded output.
    Tanh,
    /// The row, centred and divided by its deviation (Ba, Kiros & Hinton 2016), without gain or bias.
    LayerNorm,
}

impl Output {
    /// Applies the function to the last dimension's rows.
    pub fn forward<B: Backend, const R: usize>(self, rows: Tensor<B, R>) -> Tensor<B, R> {
        match self {
            Self::Identity => rows,
            Self::Tanh => rows.tanh(),
            Self::LayerNorm => normalise(rows),
        }
    }
}

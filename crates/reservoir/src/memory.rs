//! The working memory: all that a reservoir carries from one step to the next.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use serde::{Deserialize, Serialize};

/// The working memory of a batch of sequences; its newest row is the state h.
///
/// It belongs to the caller, who hands it in with the next inputs: that is what makes streaming equal batch. Save it
/// with [`to_data`](Memory::to_data), restore it with [`Reservoir::restore`](crate::Reservoir::restore).
#[derive(Clone, Debug)]
pub struct Memory<B: Backend> {
    /// `[batch, context, d_state]`. The newest row is h_t. With `sliding` memory the older rows are the last
    /// context − 1 rows of unit inputs z; with `rewritten` memory they are the older rows of M.
    pub rows: Tensor<B, 3>,
    /// The last context − 1 inputs, `[batch, context − 1, d_input]`: what `rewritten` memory reads again. `None` with
    /// `sliding` memory and with a context of 1.
    pub inputs: Option<Tensor<B, 3>>,
}

/// A working memory as plain numbers, to be saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryData {
    /// See [`Memory::rows`].
    pub rows: TensorData,
    /// See [`Memory::inputs`].
    pub inputs: Option<TensorData>,
}

impl<B: Backend> Memory<B> {
    /// The state h_t.
    ///
    /// # Shapes
    ///
    /// - output: `[batch, d_state]`
    pub fn state(&self) -> Tensor<B, 2> {
        let context = self.rows.dims()[1];
        self.rows.clone().narrow(1, context - 1, 1).squeeze_dim(1)
    }

    /// The same numbers, through which no gradient flows.
    pub fn detach(self) -> Self {
        Self {
            rows: self.rows.detach(),
            inputs: self.inputs.map(Tensor::detach),
        }
    }

    /// Copies the memory to the host.
    pub fn to_data(&self) -> MemoryData {
        MemoryData {
            rows: self.rows.to_data(),
            inputs: self.inputs.as_ref().map(Tensor::to_data),
        }
    }
}

//! The trait that every kind of unit implements.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};

use crate::Fused;

/// The size of a population: how many units, and how wide each is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitShape {
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D.
    pub d_unit: usize,
}

impl UnitShape {
    /// Width of the population's part of the state, U·D.
    pub fn d_state(self) -> usize {
        self.units * self.d_unit
    }
}

/// A population of units of one kind: a pure function from each unit's window of rows to as many rows.
///
/// A unit holds weights and no state. The reservoir owns the working memory and the loop over time; it calls
/// [`newest`](Unit::newest) when only the newest row is kept (`sliding` memory) and [`forward`](Unit::forward) when
/// all rows are (`rewritten` memory).
///
/// Implementing [`shape`](Unit::shape), [`forward`](Unit::forward) and [`multiply_adds`](Unit::multiply_adds) is
/// enough to put a unit of your own into a reservoir.
pub trait Unit<B: Backend>: Module<B> {
    /// How many units there are and how wide each is.
    fn shape(&self) -> UnitShape;

    /// Computes every row of the output.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`, oldest row first
    /// - output: `[batch, units, context, d_unit]`
    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4>;

    /// Computes the newest row of the output alone. Whatever an implementation saves, the value is the last row of
    /// [`forward`](Unit::forward).
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`, oldest row first
    /// - output: `[batch, units, d_unit]`
    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        let [_, _, context, _] = window.dims();
        self.forward(window)
            .narrow(2, context - 1, 1)
            .squeeze_dim(2)
    }

    /// The weights of attention of the newest `queries` rows over all rows; none for a kind that does not attend.
    ///
    /// # Shapes
    ///
    /// - window: `[batch, units, context, d_unit]`, oldest row first
    /// - output: `[batch, units, heads, queries, context]`; each row of the last dimension sums to 1
    fn attention(&self, _window: Tensor<B, 4>, _queries: usize) -> Option<Tensor<B, 5>> {
        None
    }

    /// Multiply-adds of one unit that computes `rows` new rows and sees `context` rows, with what can be kept of
    /// older rows kept. For an attention block: rows·(11·D² + 2·context·D).
    fn multiply_adds(&self, context: usize, rows: usize) -> usize;

    /// The kind's kernel and weights for the fused scan, where it has a kernel. A reservoir with a population that has
    /// none runs step by step in burn operations.
    fn fused(&self) -> Option<Fused<B>> {
        None
    }
}

/// Reorders a window so that each unit's rows are the rows of one matrix.
///
/// # Shapes
///
/// - window: `[batch, units, context, d_unit]`
/// - output: `[units, batch·context, d_unit]`
pub fn rows_by_unit<B: Backend>(window: Tensor<B, 4>) -> Tensor<B, 3> {
    let [batch, units, context, d_unit] = window.dims();
    window
        .swap_dims(0, 1)
        .reshape([units, batch * context, d_unit])
}

/// Undoes [`rows_by_unit`].
///
/// # Shapes
///
/// - rows: `[units, batch·context, d_unit]`
/// - output: `[batch, units, context, d_unit]`
pub fn window_of_rows<B: Backend>(rows: Tensor<B, 3>, batch: usize) -> Tensor<B, 4> {
    let [units, all_rows, d_unit] = rows.dims();
    rows.reshape([units, batch, all_rows / batch, d_unit])
        .swap_dims(0, 1)
}

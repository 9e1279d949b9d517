//! What a unit of a Recurrent Attention Network is.
//!
//! A reservoir's neurons are replaced by *units*: pure functions from a short window of rows, `[context, d_unit]`, to
//! as many rows. A population is U units of one kind and one width D, computed together as batched matrix products.
//! This crate has the trait ([`Unit`]), what the kinds share ([`UnitLinear`], [`UnitNorm`],
//! [`Output`]) and how weights are drawn ([`Initializer`], [`RngStream`]). The kinds live in crates of their own.
//!
//! # A unit of your own
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::{Tensor, backend::Backend};
//! use ran_unit::{Unit, UnitShape};
//!
//! /// Answers with the mean of its window.
//! #[derive(Module, Clone, Debug)]
//! struct MeanUnit {
//!     units: usize,
//!     d_unit: usize,
//! }
//!
//! impl<B: Backend> Unit<B> for MeanUnit
//! where
//!     MeanUnit: Module<B>,
//! {
//!     fn shape(&self) -> UnitShape {
//!         UnitShape { units: self.units, d_unit: self.d_unit }
//!     }
//!
//!     fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
//!         let [_, _, context, _] = window.dims();
//!         window.mean_dim(2).repeat_dim(2, context)
//!     }
//!
//!     fn multiply_adds(&self, context: usize, rows: usize) -> usize {
//!         rows * context * self.d_unit
//!     }
//! }
//! ```

mod dropout;
mod fused;
mod initializer;
mod linear;
mod norm;
mod output;
mod softmax;
mod unit;

pub use dropout::dropout;
pub use fused::Fused;
pub use initializer::{Initializer, uniform};
pub use linear::UnitLinear;
pub use norm::{UnitNorm, normalise};
pub use output::bound;
pub use ran_scan::Output;
pub use ran_seed::RngStream;
pub use softmax::softmax;
pub use unit::{Unit, UnitShape, rows_by_unit, window_of_rows};

//! A kind of unit of one's own: the gained mean of a window.
//!
//! Every row of the output is g ⊙ mean + b, with the mean over the rows of the window, a gain g and a bias b of each unit's
//! own, then tanh. The unit in burn operations ([`MeanUnit`]) and its kernel for the fused scan ([`MeanKernel`]) are
//! neighbours, as in the project's own kinds. [`Mean`] is the kind as configurations know it, and the program beside this
//! library is `ran` with that kind. docs/adding-a-kind.md goes through all of it.

mod kernel;
mod unit;

pub use kernel::MeanKernel;
pub use unit::{Mean, MeanOptions, MeanUnit};

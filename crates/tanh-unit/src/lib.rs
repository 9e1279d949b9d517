//! The tanh unit: the neuron of a classical echo state network (Jaeger 2001).
//!
//! Each unit answers with tanh(z + b) of its slots, row by row. All weights of a classical reservoir are in the
//! wiring; b is the neuron's bias, and nothing here is trained by the poster.

mod kernel;
mod unit;

pub use kernel::TanhKernel;
pub use unit::{TanhUnit, TanhUnitConfig};

//! How long a step of a Recurrent Attention Network takes, on any backend, and how much of what the processor can do it uses.
//!
//! A [`Bench`] measures a network of random weights, whose sizes are a [`Case`]; [`Peak`] measures the processor, and a
//! [`Curve`] how the time grows with one of the sizes. The command `ran bench` prints what they find.

mod bench;
mod case;
mod peak;
mod scaling;

use ran_compiled as _;

pub use bench::{Bench, BenchError, Measurement, Network, Phase};
pub use case::{Case, CaseError};
pub use peak::Peak;
pub use scaling::{Curve, with_growth};

//! The reservoir's whole scan over time, fused for the processor, on plain slices.
//!
//! A batch of sequences lies in the lanes of vectors, chosen at run time; blocks of sequences are
//! spread over threads once for the whole scan. See [`scan_forward`], [`scan_backward`] and
//! [`ScanSpec`].
//!
//! A kind of unit brings a [`UnitKernel`]; the modules of this crate are what kernels are made of.

#![expect(
    clippy::int_plus_one,
    clippy::needless_range_loop,
    reason = "`at + 1 <= end` says that one more fits, and tiles of registers are written by index"
)]

mod activation;
pub mod arch;
pub mod attention;
pub mod buffer;
mod crew;
mod error;
mod kernel;
mod kinds;
pub mod math;
pub mod matvec;
pub mod norm;
pub mod outer;
mod output;
pub mod packed;
pub mod product;
mod scan;
mod spec;
mod stepper;
pub mod unit;
mod wiring;

pub use activation::Activation;
pub use arch::{Arch, Lanes, WithLanes};
pub use error::KernelError;
pub use kernel::Kernel;
pub use kinds::{AttentionBlock, FeedForward, Qkv, Tanh};
pub use output::Output;
pub use scan::{
    Gradients, Needs, Scanned, ScannedGradients, Sequences, Tape, scan_backward, scan_forward,
    scan_forward_taped,
};
pub use spec::{Population, ScanSpec};
pub use stepper::Stepper;
pub use unit::{Memory, Shape, UnitKernel};
pub use wiring::Wiring;

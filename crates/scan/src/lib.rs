//! The reservoir's whole scan over time, fused for the processor, on plain slices.
//!
//! A batch of sequences lies in the lanes of vectors, chosen at run time; blocks of sequences are
//! spread over threads once for the whole scan. See [`Prepared`], [`scan_forward_taped`],
//! [`scan_backward`] and [`ScanSpec`].
//!
//! This crate knows no kind of unit. A kind brings a [`UnitKernel`], which lies beside its unit in a crate of its own;
//! kernels are made of layers ([`linear`], [`add_norm`]), [`attention`] over a window, products and sums of products (the methods of
//! [`Lanes`], and [`matvec`]), [`math`] and [`norm`], and name the parts of their scratch ([`parts`]).

#![expect(
    clippy::int_plus_one,
    clippy::needless_range_loop,
    reason = "`at + 1 <= end` says that one more fits, and tiles of registers are written by index"
)]

pub mod add_norm;
pub mod arch;
pub mod attention;
mod buffer;
mod crew;
mod error;
mod gradients;
mod kernel;
mod leaks;
pub mod linear;
pub mod math;
pub mod matvec;
mod multiply_adds;
pub mod norm;
pub mod outer;
mod output;
mod packed;
pub mod parts;
mod prepared;
pub mod product;
mod scan;
mod sequences;
mod spec;
mod stepper;
mod transpose;
pub mod unit;
mod vectors;
pub mod weights;
mod wiring;

/// What [`Lanes`] adds to: enough for a [`math::Function`].
pub use pulp::Simd;

pub use arch::{Arch, Lanes, WithLanes};
pub use error::KernelError;
pub use gradients::{Gradients, Needs, ScannedGradients};
pub use kernel::Kernel;
pub use leaks::Leaks;
pub use multiply_adds::multiply_adds;
pub use output::Output;
pub use prepared::Prepared;
pub use scan::{Tape, scan_backward, scan_forward_taped};
pub use sequences::{Scanned, Sequences};
pub use spec::{Population, ScanSpec};
pub use stepper::Stepper;
pub use unit::{Memory, Shape, UnitKernel};
pub use vectors::{VARIABLE as VECTORS_VARIABLE, Vectors, VectorsError};
pub use wiring::Wiring;

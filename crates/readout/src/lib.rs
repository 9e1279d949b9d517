//! Readouts: what is read off the states of a reservoir, and the linear models that are fitted to it.
//!
//! A reservoir maps a sequence to states; only a readout is trained on them. [`Features`] says what of the states it
//! sees, one of four ways finds its weights, and a [`Link`] turns its outputs into predictions:
//!
//! | way | when | here |
//! |---|---|---|
//! | closed form | all rows can be passed over | [`fit_ridge`], on [`Samples`] |
//! | L-BFGS | classes or labels by cross-entropy, on fixed states | [`fit_cross_entropy`], on [`Samples`] |
//! | step by step | rows arrive one at a time, or the target drifts | [`OnlineReadout`] |
//! | gradient | the units are trained too | [`LinearReadout`], on [`Features::gather`] |
//!
//! # Example
//!
//! ```
//! use ndarray::array;
//! use ran_readout::{Features, InMemory, Link, Ridge, fit_ridge};
//!
//! // The states of two sequences, each with one target, at its last step.
//! let up = array![[0.0, 0.1], [1.0, 0.0], [2.0, -0.1]];
//! let down = array![[2.0, 0.1], [1.0, 0.0], [0.0, -0.1]];
//! let features = ndarray::concatenate![
//!     ndarray::Axis(0),
//!     Features::MeanAndLast.rows(up.view(), &[2]),
//!     Features::MeanAndLast.rows(down.view(), &[2])
//! ];
//! let targets = array![[1.0, 0.0], [0.0, 1.0]];
//!
//! let samples = InMemory::new(features.clone(), targets)?;
//! let fit = fit_ridge(&samples, Ridge::Value(0.5))?;
//! let mut predictions = fit.predict(features.view());
//! Link::Simplex.apply(&mut predictions);
//! assert!(predictions[[0, 0]] > 0.8 && predictions[[1, 1]] > 0.8);
//! # Ok::<(), ran_readout::ReadoutError>(())
//! ```

mod cross_entropy;
mod dense;
mod error;
mod features;
mod gather;
mod held;
mod host;
mod linear;
mod link;
mod live;
mod losses;
mod moments;
mod online;
mod pool;
mod product;
mod ridge;
mod running;
mod samples;
mod standardised;

pub use cross_entropy::{CrossEntropyFit, fit_cross_entropy};
pub use error::ReadoutError;
pub use features::Features;
pub use host::HostReadout;
pub use linear::{LinearReadout, LinearReadoutConfig};
pub use link::Link;
pub use live::LiveFeatures;
pub use losses::{binary_cross_entropy, softmax_cross_entropy};
pub use online::{LmsConfig, OnlineReadout, RlsConfig};
pub use product::{ProductBackend, product};
pub use ridge::{Form, Ridge, RidgeFit, fit_ridge};
pub use running::Running;
pub use samples::{InMemory, Samples};
pub use standardised::Standardised;

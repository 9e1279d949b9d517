//! How a Recurrent Attention Network learns.
//!
//! A [`ModelConfig`] says what the reservoir and the readout are and what is trained ([`Regime`]); [`train`] draws a
//! model from a seed, trains it on a task's training set and judges it on the others; [`describe`] counts its
//! parameters and its cost. A [`Model`] predicts, and is kept as a safetensors file that holds its configuration.

mod config;
mod describe;
mod error;
mod model;
mod model_file;
mod samples;
mod states;
mod train;

pub use config::{LearningConfig, ModelConfig, ReadoutConfig, Regime};
pub use describe::{
    Description, PopulationDescription, ReadoutDescription, WiringDescription, describe,
};
pub use error::LearningError;
pub use model::{Model, ModelCard};
pub use train::{Event, Report, Trained, train};

//! How a Recurrent Attention Network learns.
//!
//! A [`ModelConfig`] says what the reservoir and the readout are and what is trained ([`Regime`]); [`train`] draws a
//! model from a seed, trains it on a task's training set and judges it on the others; [`train_in`] does so in a
//! [`Session`] that can be stopped and taken up again; [`describe`] counts a model's parameters and its cost. A [`Model`]
//! predicts whole sequences, a [`ModelStream`] follows a live signal, and a [`Generator`] is taught to make one.
//!
//! This crate alone suffices for a program: what it needs of burn, ndarray and the project's other crates is re-exported.
//! docs/use-as-a-library.md has the lines for its Cargo.toml.
//!
//! ```
//! use ran_learning::ndarray::arr1;
//! use ran_learning::{Model, ModelConfig, NdArray, TaskConfig, train};
//!
//! let config: ModelConfig = toml::from_str(
//!     "reservoir = { context = 2, population = [{ kind = 'attention-block', units = 5, d_unit = 8, output = 'tanh' }] }",
//! )?;
//! let task: TaskConfig = toml::from_str("name = 'japanese-vowels'")?;
//! let (dataset, device) = (task.load(0)?, Default::default());
//! let trained = train::<NdArray>(&config, &dataset, 0, &device, &mut |_| {})?;
//! assert!(trained.report.test > Some(0.9));
//! let probabilities = trained.model.predict(&dataset.test, &device);
//! assert_eq!(probabilities[0].dim(), (1, 9));
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("model.safetensors");
//! std::fs::write(&path, trained.model.to_bytes()?)?;
//!
//! // A model is a safetensors file that holds its configuration. It is used in three lines:
//! let model = Model::<NdArray>::from_bytes(std::fs::read(&path)?, &device)?;
//! let mut stream = model.stream(&device);
//! let probabilities = stream.step(arr1(&[0.5; 12]).view())?;
//! assert!((probabilities.sum() - 1.0).abs() < 1e-5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backbone;
mod backend;
mod batch;
mod bias;
mod check;
mod checkpoint;
mod closed_loop;
mod config;
mod core;
mod describe;
mod driven;
mod error;
mod fit;
mod force;
mod free_run;
mod gradient;
mod inputs;
mod inspect;
mod judge;
mod keys;
mod learning_config;
mod loss;
mod model;
mod model_file;
mod network;
mod normal;
mod online;
mod optimiser;
mod parameters;
mod qk;
mod regime;
mod report;
mod samples;
mod schedule;
mod session;
mod states;
mod steps;
mod stream;
mod stream_state;
mod train;
mod truncate;
mod view;

pub use backend::LearningBackend;
pub use check::check_training;
pub use checkpoint::Reached;
pub use config::{ModelConfig, ReadoutConfig, ReadoutLoss};
pub use core::MemoryNumbers;
pub use describe::{
    CostDescription, Description, GroupDescription, InputMapDescription, NetworkDescription,
    ParameterCounts, PopulationDescription, ReadoutDescription, ReservoirDescription,
    WiringDescription, count_parameters, describe,
};
pub use error::LearningError;
pub use force::{Generator, GeneratorConfig};
pub use free_run::{FreeRun, FreeRunPlan};
pub use inputs::{InputMapConfig, ModelInputs};
pub use inspect::{ModelNumbers, ModelTensor, Piece, ScoredRows};
pub use keys::{Difference, flat_keys};
pub use learning_config::{BiasFit, LearningConfig, Part, QkFit};
pub use model::{Model, ModelCard};
pub use online::{ForceConfig, OnlineConfig};
pub use regime::Regime;
pub use report::{Report, SplitScores, Trained};
pub use schedule::Schedule;
pub use session::{Epoch, Event, Save, Session};
pub use stream::ModelStream;
pub use stream_state::StreamState;
pub use train::{train, train_in};
pub use truncate::Truncate;

// What a program needs beside this crate, in the versions that fit.
pub use ndarray;
pub use ran_baselines::{BaselineConfig, BaselineError};
pub use ran_readout::{Features, OnlineReadout, Ridge};
pub use ran_reservoir::{
    Activation, Initializer, MemoryData, MemoryKind, NdArray, NdArrayDevice, Output,
    PopulationConfig, ProjectionsConfig, Reservoir, ReservoirConfig, UnitKind, WiringKind, burn,
};
pub use ran_tasks::{Category, Dataset, Metric, Sample, Standardiser, TaskConfig, TaskError};

/// The examples of the page on use as a library.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/use-as-a-library.md")]
mod page {}

#[cfg(test)]
use ran_compiled as _;

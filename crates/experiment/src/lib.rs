//! Experiments with Recurrent Attention Networks: configurations, runs and their records.
//!
//! An [`Experiment`] is a named configuration, from a file or from the [`Preset`]s; [`run()`] trains and judges its model
//! for each of some [`Seeds`] on a backend, and leaves a folder with the configuration, the [`Record`]s and the model;
//! [`describe_experiment`] counts what the model is made of. The program `ran` is a thin layer
//! above, in a crate of its own.

mod backend;
mod chosen;
mod collect;
mod config;
mod evaluate;
mod evaluation;
mod experiment;
mod export;
mod folder;
mod generate;
mod locate;
mod model_data;
mod model_file;
mod nesting;
mod options;
mod pictures;
mod place;
mod predict;
mod presets;
mod record;
mod resume;
mod run;
mod setting;
mod spaces;
mod state;
mod stats;
mod task;
mod trials;
mod work;

pub use backend::{BackendError, BackendKind, Work, compute};
pub use chosen::Chosen;
pub use collect::{CollectError, Collection, Group, Unrecorded, collect};
pub use config::ExperimentConfig;
pub use evaluate::{Evaluation, SplitScore, evaluate};
pub use evaluation::{EvaluationConfig, FreeRunScores, LyapunovTime};
pub use experiment::{Experiment, ExperimentError, Unread};
pub use export::{ExportError, ExportOptions, ExportSource, Exported, export};
pub use generate::{GenerateError, GenerateOptions, generate};
pub use locate::Located;
pub use model_file::ModelError;
pub use options::RunOptions;
pub use pictures::show_examples;
pub use place::Place;
pub use predict::{PredictError, Prediction, SavedModel, Signals};
pub use presets::Preset;
pub use ran_files::{FolderError, write_file};
pub use ran_seed::{SeedRanges, Seeds, SeedsError};
pub use record::{FreeRunSummary, Record, Summary};
pub use resume::ResumeError;
pub use run::{Notice, Observe, RunError, describe_experiment, resume, run};
pub use setting::{Setting, SettingError};
pub use spaces::{SearchSpace, SpaceKind, SpaceKindError};
pub use state::FailedSeed;
pub use stats::mean_and_deviation;
pub use task::open_task;
pub use trials::{TrialFacts, Trials};

//! Sequential tasks: loaders, generators, splits and scores, as plain arrays.
//!
//! A [`TaskConfig`] says which task; [`TaskConfig::load`] gives its [`Dataset`]: sequences with targets at
//! their scored steps, in three splits. Nothing here knows a tensor library: a model turns [`Sample`]s into
//! whatever it computes with, and [`scores`] judges what it predicts.
//!
//! ```
//! use ran_tasks::TaskConfig;
//! let task: TaskConfig = toml::from_str("name = 'japanese-vowels'")?;
//! let dataset = task.load(0)?;
//! assert_eq!((dataset.train.len(), dataset.test.len()), (270, 370));
//! assert_eq!((dataset.d_input, dataset.d_output), (12, 9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod classical;
mod cogscale;
mod config;
mod cross_situation;
mod dataset;
pub mod datasets;
mod error;
mod files;
mod holes;
mod idx;
mod input;
mod japanese_vowels;
mod meaning;
mod metric;
mod npy;
mod npz;
mod npz_dataset;
mod npz_writer;
mod pixels;
mod sample;
pub mod scores;
mod sequential_digits;
mod sequential_images;
mod series;
mod signals;
mod split;
mod spoken_digits;
mod standardise;
mod text;
mod ts;

pub use classical::{
    LorenzConfig, MackeyGlassConfig, MemoryCapacityConfig, NarmaConfig, SantaFeConfig,
};
pub use cogscale::{CogscaleConfig, Size};
pub use config::TaskConfig;
pub use cross_situation::{CrossSituationConfig, Entry, Words};
pub use dataset::{Dataset, Split};
pub use error::TaskError;
pub use files::{Column, FilesConfig, field_separator};
pub use holes::Holes;
pub use input::{read_at_most, read_file};
pub use japanese_vowels::JapaneseVowelsConfig;
pub use metric::{Category, Metric, ScoreTable};
pub use npy::{NpyArray, Values};
pub use npz::Npz;
pub use npz_writer::{NpzWriter, Number, Spool};
pub use pixels::PixelOrder;
pub use sample::{Sample, longest, one_hot_rows, stack_rows};
pub use sequential_digits::SequentialDigitsConfig;
pub use sequential_images::{FashionMnistConfig, SequentialMnistConfig};
pub use signals::SignalInputs;
pub use spoken_digits::SpokenDigitsConfig;
pub use standardise::Standardiser;
pub use text::{Symbols, TextConfig, Vocabulary, VocabularyError};

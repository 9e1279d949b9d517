//! Sequential tasks: loaders, generators, splits and scores, as plain arrays.
//!
//! A [`Dataset`] holds sequences with targets at their scored steps. Nothing here knows a tensor library:
//! a model turns [`Sample`]s into whatever it computes with.

mod dataset;

pub use dataset::{Category, Dataset, Sample};

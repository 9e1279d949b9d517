//! The subcommands, one per file.

pub(crate) mod bench;
pub(crate) mod collect;
pub(crate) mod datasets;
pub(crate) mod describe;
pub(crate) mod evaluate;
pub(crate) mod experiment;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod predict;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod sweep;

//! The subcommands, one per file.

pub(crate) mod datasets;
pub(crate) mod describe;
pub(crate) mod experiment;

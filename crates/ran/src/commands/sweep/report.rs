//! `ran sweep report`: the results of a sweep as files and pictures.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_sweep::{Bench, read_results};

use super::TrialBench;
use super::summary;
use crate::exit::Usage;

/// Writes a sweep's results as a page for a browser, tables and pictures; the sweep may still be running.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The sweep's folder.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The key along the pictures' x axis, by its whole name or as the page labels it [default: the first key with numbers, in alphabetical order]; goes with --y.
    #[arg(long, value_name = "KEY", requires = "y")]
    x: Option<String>,
    /// The key along their y axis [default: the second]; goes with --x.
    #[arg(long, value_name = "KEY", requires = "x")]
    y: Option<String>,
}

pub(super) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = &arguments.folder;
    let (search, last) = read_results(folder, &mut |base, config| {
        TrialBench::new(base, None, config).metric()
    })?;
    let axes = arguments.x.as_deref().zip(arguments.y.as_deref());
    let written = summary::write(folder, &search, last.as_ref(), axes.map(<[&str; 2]>::from));
    let written = written.map_err(|error| match error.downcast() {
        Ok(error @ ran_sweep::report::ReportError::UnknownKey { .. }) => {
            Usage(error.to_string()).into()
        }
        Ok(error) => error.into(),
        Err(error) => error,
    })?;
    let mut out = io::stdout().lock();
    for file in written {
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}

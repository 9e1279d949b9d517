//! `ran datasets`: the data sets that the project keeps.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ran_tasks::datasets::{FileState, list, verify};

/// The data sets that the project keeps.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What they hold, where they come from, and their licences.
    List,
    /// Compares their files with the checksums.
    Verify {
        /// The folder of the data sets [default: datasets/, here or in a folder above].
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match &arguments.action {
        Action::List => {
            for set in list() {
                writeln!(out, "{}\n  {}", set.name, set.description)?;
                writeln!(
                    out,
                    "  source   {}\n  licence  {}\n  cite     {}",
                    set.source, set.licence, set.citation
                )?;
            }
            Ok(())
        }
        Action::Verify { folder } => {
            let folder = match folder {
                Some(folder) => folder.clone(),
                None => find_folder()?,
            };
            let (mut wrong, mut all) = (0, 0);
            for file in verify(&folder) {
                let state = match file.state {
                    FileState::Intact => "intact".into(),
                    FileState::Changed { found } => format!("changed: its SHA-256 is {found}"),
                    FileState::Unreadable { problem } => format!("unreadable: {problem}"),
                };
                all += 1;
                wrong += usize::from(state != "intact");
                writeln!(out, "{}  {state}", file.path)?;
            }
            if wrong > 0 {
                bail!(
                    "{wrong} of {all} files in {} are not as they should be",
                    folder.display()
                );
            }
            Ok(())
        }
    }
}

/// The folder `datasets` with its manifest, in the current folder or the nearest one above.
fn find_folder() -> anyhow::Result<PathBuf> {
    let here = env::current_dir().context("the current folder is unknown")?;
    let folders = here.ancestors().map(|above| above.join("datasets"));
    let mut found = folders.filter(|folder| folder.join("datasets.toml").is_file());
    let found = found.next();
    found.with_context(|| {
        let here = here.display();
        format!("there is no datasets/datasets.toml in {here} or above it; name the folder with --folder")
    })
}

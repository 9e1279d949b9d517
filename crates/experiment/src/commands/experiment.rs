//! `ran experiment`: trains and judges a network.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{BackendKind, Experiment, Notice, Place, Preset, RunOptions, Seeds, Setting};

use crate::progress::Progress;
use crate::table;

/// Trains and judges a network, once per seed, and writes runs/NAME/ID/.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// An experiment that comes with the program (see --list), or a FILE.toml [default: japanese-vowels].
    #[arg(value_name = "NAME | FILE.toml")]
    which: Option<String>,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
    /// The seeds: 0..5 is 0, 1, 2, 3, 4, and 3 is 3 alone.
    #[arg(long, default_value_t)]
    seeds: Seeds,
    /// Changes a key of the configuration, as in reservoir.leak=0.5 or reservoir.population.0.units=40.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// Writes into this folder instead, and replaces an earlier run's files there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints JSON Lines: a record per seed, then their summary.
    #[arg(long)]
    json: bool,
    /// Names the experiments that come with the program.
    #[arg(long, conflicts_with_all = ["which", "settings", "out"])]
    list: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    if arguments.list {
        return Ok(list(&mut out, arguments.json)?);
    }
    let experiment = Experiment::open(arguments.which.as_deref(), &arguments.settings)?;
    let options = RunOptions {
        backend: arguments.backend,
        seeds: arguments.seeds.clone(),
        place: arguments.out.clone().map_or(Place::Own, Place::Named),
    };
    let mut progress = Progress::new(&options.seeds);
    let mut folder = PathBuf::new();
    let mut lines = 0;
    let mut observe = |notice: Notice<'_>| {
        progress.show(&notice);
        match notice {
            Notice::Folder(path) => folder = path.into(),
            Notice::Record(record, line) => {
                progress.hide();
                if arguments.json {
                    writeln!(out, "{line}")?;
                } else {
                    if lines == 0 {
                        write!(out, "{}", table::head(record))?;
                    }
                    write!(out, "{}", table::row(record))?;
                }
                lines += 1;
                out.flush()?;
            }
            Notice::Seed(_) | Notice::Learning(_) => {}
        }
        Ok(())
    };
    let summary = ran_experiment::run(&experiment, &options, &mut observe)?;
    progress.hide();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        let folder = folder.display();
        writeln!(out, "{}written to {folder}", table::foot(&summary))?;
    }
    Ok(out.flush()?)
}

fn list(out: &mut impl Write, json: bool) -> io::Result<()> {
    let width = Preset::all().iter().map(|preset| preset.name.len()).max();
    let width = width.unwrap_or(0);
    for preset in Preset::all() {
        let (name, description) = (preset.name, preset.description());
        if json {
            let entry = serde_json::json!({ "name": name, "description": description });
            writeln!(out, "{entry}")?;
        } else {
            writeln!(out, "{name:width$}  {description}")?;
        }
    }
    Ok(())
}

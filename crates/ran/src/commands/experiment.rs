//! `ran experiment`: trains and judges a network.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, Subcommand};
use ran_experiment::{
    BackendKind, Experiment, Notice, Place, Preset, RunOptions, Seeds, Setting, SpaceKind,
};
use ran_tasks::TaskConfig;

use crate::commands::search::{Search, say_found};
use crate::commands::{collect, evaluate, export, generate, predict, show};
use crate::exit::Interrupted;
use crate::progress::Progress;
use crate::signal::stop_on_signal;
use crate::table;

/// Trains and judges a network, once per seed, and writes runs/NAME/ID/.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// An experiment that comes with the program (see --list), or a FILE.toml [default: japanese-vowels].
    #[arg(value_name = "NAME | FILE.toml")]
    which: Option<String>,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
    /// The seeds: 0..5 is 0, 1, 2, 3, 4, and 3 is 3 alone.
    #[arg(long, default_value_t, allow_hyphen_values = true)]
    seeds: Seeds,
    /// Changes a key of the configuration, as in reservoir.leak=0.5 or reservoir.population.0.units=40.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<Setting>,
    /// Writes into this folder instead, and replaces an earlier run's files there.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Calls the experiment so, in its records and as the folder in runs/ [default: that of the preset or file; files
    /// for data of your own].
    #[arg(long)]
    name: Option<String>,
    /// Keeps no model: for many small runs.
    #[arg(long)]
    no_model: bool,
    /// Draws no pictures.
    #[arg(long)]
    no_pictures: bool,
    /// First tries this number of configurations on validation data, then runs the best.
    #[arg(long, value_name = "TRIALS", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "resume")]
    search: Option<u64>,
    /// Where they are searched: standard (kinds, sizes, leak, context, scales, biases, features) or roles (what attention reads).
    #[arg(
        long,
        value_name = "SPACE",
        default_value = "standard",
        requires = "search"
    )]
    space: SpaceKind,
    /// Searches no roles, but takes those that another search in the space roles has found, as on a smaller task:
    /// runs/NAME/ID/config.toml.
    #[arg(long, value_name = "FILE.toml", requires = "search")]
    roles_of: Option<String>,
    /// Searches among models with at most N trained parameters.
    #[arg(long, value_name = "N", requires = "search")]
    trained_at_most: Option<u64>,
    /// How many trials of a search run at once [default: as many as there are cores and memory for].
    #[arg(long, value_name = "N", requires = "search")]
    workers: Option<NonZeroUsize>,
    /// Prints JSON Lines: a record per seed, then their summary.
    #[arg(long)]
    json: bool,
    /// Shows no progress on standard error, only warnings.
    #[arg(long)]
    quiet: bool,
    /// Names the experiments that come with the program.
    #[arg(long, conflicts_with_all = ["which", "settings", "out", "resume"])]
    list: bool,
    /// Goes on with a run that was stopped or killed, from its last checkpoint; the run says all else.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "which", "settings", "out", "seeds", "backend", "name", "no_model", "no_pictures"
    ])]
    resume: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    Evaluate(evaluate::Arguments),
    Predict(predict::Arguments),
    Generate(generate::Arguments),
    Export(export::Arguments),
    Show(show::Arguments),
    Collect(collect::Arguments),
}

impl Arguments {
    /// What is set on the command line.
    pub(crate) fn settings(&self) -> Vec<Setting> {
        match &self.action {
            Some(Action::Evaluate(arguments)) => arguments.settings.clone(),
            Some(Action::Show(arguments)) => with_task(Some(&arguments.which), &arguments.settings),
            Some(Action::Export(arguments)) => {
                with_task(arguments.which.as_deref(), &arguments.settings)
            }
            Some(Action::Predict(arguments)) => arguments.settings.clone(),
            Some(Action::Collect(_) | Action::Generate(_)) => Vec::new(),
            None => self.settings.clone(),
        }
    }

    /// The experiment that is named, with the best configuration of a search where there is to be one.
    fn experiment(
        &self,
        stop: &'static AtomicBool,
        out: &mut impl Write,
    ) -> anyhow::Result<Experiment> {
        let of_space = |setting: &Setting| self.search.is_some() && self.space.replaces(setting);
        let own = self.settings.iter().filter(|one| !of_space(one));
        let own: Vec<Setting> = own.cloned().collect();
        let experiment = Experiment::open(self.which.as_deref(), &own)?;
        let experiment = match &self.name {
            Some(name) => experiment.named(name)?,
            None => experiment,
        };
        let Some(trials) = self.search else {
            return Ok(experiment);
        };
        let search = Search {
            trials,
            space: self.space,
            roles_of: self.roles_of.as_deref(),
            trained: self.trained_at_most,
            out: self.out.as_deref(),
            workers: self.workers.map(NonZeroUsize::get),
            quiet: self.quiet,
            stop,
        };
        let found = search.best(experiment, &self.settings)?;
        if !self.json {
            say_found(out, &found)?;
        }
        Ok(found)
    }
}

/// What is set where a task may be named: to name it is to set its name.
fn with_task(which: Option<&str>, settings: &[Setting]) -> Vec<Setting> {
    let named = which.filter(|which| TaskConfig::NAMES.contains(which));
    let name = named.and_then(|name| format!("task.name={name}").parse().ok());
    name.into_iter().chain(settings.iter().cloned()).collect()
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.action {
        Some(Action::Evaluate(arguments)) => return evaluate::execute(arguments),
        Some(Action::Predict(arguments)) => return predict::execute(arguments),
        Some(Action::Generate(arguments)) => return generate::execute(arguments),
        Some(Action::Show(arguments)) => return show::execute(arguments),
        Some(Action::Export(arguments)) => return export::execute(arguments),
        Some(Action::Collect(arguments)) => return collect::execute(arguments),
        None => {}
    }
    let mut out = io::stdout().lock();
    if arguments.list {
        return Ok(list(&mut out, arguments.json)?);
    }
    let stop = stop_on_signal()?;
    let experiment = match &arguments.resume {
        Some(_) => None,
        None => Some(arguments.experiment(stop, &mut out)?),
    };
    let mut progress = Progress::new(arguments.quiet);
    let mut folder = PathBuf::new();
    let mut lines = 0;
    let mut observe = |notice: Notice<'_>| {
        progress.show(&notice);
        match notice {
            Notice::Folder(path) => folder = path.into(),
            Notice::Record(record, line) => {
                progress.hide();
                let head = if lines == 0 {
                    table::head(record)
                } else {
                    String::new()
                };
                let text = match arguments.json {
                    true => format!("{line}\n"),
                    false => head + &table::row(record),
                };
                lines += 1;
                say(&mut out, &text)?;
            }
            Notice::Seed { .. } | Notice::Learning(_) | Notice::Warning(_) => {}
        }
        Ok(())
    };
    let summary = match &experiment {
        None => {
            let folder = arguments.resume.as_deref().unwrap_or(Path::new(""));
            ran_experiment::resume(folder, stop, &mut observe)?
        }
        Some(experiment) => {
            let options = RunOptions {
                backend: arguments.backend,
                seeds: arguments.seeds.clone(),
                place: arguments.out.clone().map_or(Place::Own, Place::Named),
                without_model: arguments.no_model,
                without_pictures: arguments.no_pictures,
            };
            ran_experiment::run(experiment, &options, stop, &mut observe)?
        }
    };
    progress.hide();
    let text = match arguments.json {
        true => serde_json::to_string(&summary)?,
        false => format!("{}written to {}", table::foot(&summary), folder.display()),
    };
    say(&mut out, &format!("{text}\n"))?;
    // A signal that came while the last seed was judged stopped nothing.
    if summary.interrupted {
        return Err(Interrupted::Run(folder).into());
    }
    Ok(())
}

/// Writes to standard output at once. Where its reader has gone, as after `| head -1`, the run goes on: its result is the
/// folder.
fn say(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn list(out: &mut impl Write, json: bool) -> io::Result<()> {
    if !json {
        return table::list(out, Preset::experiments());
    }
    for preset in Preset::experiments() {
        let entry = serde_json::json!({ "name": preset.name, "description": preset.description() });
        writeln!(out, "{entry}")?;
    }
    Ok(())
}

//! `ran experiment export`: what a model sees and computes, as NumPy arrays.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ran_experiment::{
    BackendKind, Experiment, ExperimentError, ExportOptions, ExportSource, Exported, Setting,
    export, open_task,
};
use ran_tasks::{Split, TaskConfig};

use crate::exit::Usage;
use crate::signal::stop_on_signal;

/// Writes data, states, weights of attention, features, predictions and weights as arrays of an .npz file.
///
/// docs/export.md has the names and shapes of the arrays.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A saved model (.safetensors), with its own task's data; an experiment or a FILE.toml, whose model is trained first
    /// where one is needed; or a task, which has data alone [default: japanese-vowels].
    #[arg(value_name = "MODEL | NAME | FILE.toml")]
    pub(crate) which: Option<String>,
    /// Changes a key of the configuration, or of a model's task, as in task.valid=0.2.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// The seed of data and model [default: 0]; that of a saved model is its own.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// What: data, states, attention, features, predictions, weights [default: data; of a saved model all but attention].
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    what: Vec<Exported>,
    /// Of which splits: train, valid, test [default: those that there are].
    #[arg(long = "split", value_name = "SPLIT", value_delimiter = ',', value_parser = split)]
    splits: Vec<Split>,
    /// The file, which ends in .npz, or a folder for NAME.npz.
    #[arg(long, value_name = "DIR | FILE.npz", default_value = "runs/export")]
    out: PathBuf,
    /// Writes the inputs of the data as they were before they were standardised.
    #[arg(long)]
    raw: bool,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
}

impl Arguments {
    fn source(&self) -> anyhow::Result<ExportSource> {
        let settings = &self.settings;
        let which = self.which.as_deref();
        if let Some(path) = which.filter(|which| which.ends_with(".safetensors")) {
            if self.seed.is_some() {
                let sentence = "--seed does not go with a saved model, whose seed is its own";
                return Err(Usage(sentence.into()).into());
            }
            return Ok(ExportSource::Model {
                path: path.into(),
                settings: settings.clone(),
            });
        }
        let seed = self.seed.unwrap_or(0);
        match Experiment::open(which, settings) {
            Ok(experiment) => Ok(ExportSource::Experiment {
                experiment: Box::new(experiment),
                seed,
            }),
            Err(ExperimentError::Unknown { name }) if TaskConfig::NAMES.contains(&&*name) => {
                let task = Box::new(open_task(&name, settings)?);
                Ok(ExportSource::Task { task, seed })
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn split(name: &str) -> Result<Split, String> {
    let mut all = Split::ALL.into_iter();
    let found = all.find(|split| split.name() == name);
    found.ok_or_else(|| format!("there is no split {name:?}; there are train, valid, test"))
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let source = arguments.source()?;
    let saved = matches!(source, ExportSource::Model { .. });
    let what: BTreeSet<Exported> = match (&arguments.what[..], saved) {
        ([], false) => BTreeSet::from([Exported::Data]),
        ([], true) => {
            let all = Exported::ALL.into_iter();
            all.filter(|one| *one != Exported::Attention).collect()
        }
        (what, _) => what.iter().copied().collect(),
    };
    let splits = match &arguments.splits[..] {
        [] => BTreeSet::from(Split::ALL),
        splits => splits.iter().copied().collect(),
    };
    let options = ExportOptions {
        what,
        splits,
        raw: arguments.raw,
        backend: arguments.backend,
    };
    let path = path(&arguments.out, &source);
    let mut tell = crate::say::say;
    let arrays = export(&source, &options, &path, stop_on_signal()?, &mut tell)?;
    let mut out = io::stdout().lock();
    let width = arrays.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    for (name, shape) in arrays {
        writeln!(out, "{name:width$}  {shape:?}")?;
    }
    Ok(writeln!(out, "written to {}", path.display())?)
}

/// The file, named in a folder as the experiment, the task, or the model's task.
fn path(out: &Path, source: &ExportSource) -> PathBuf {
    if out.extension().is_some_and(|extension| extension == "npz") {
        return out.into();
    }
    let name = match source {
        ExportSource::Experiment { experiment, .. } => experiment.name.clone(),
        ExportSource::Task { task, .. } => task.name().into(),
        ExportSource::Model { path, .. } => {
            // All models have the same file name; their folders differ.
            let folder = path.parent().and_then(Path::file_name);
            let name = folder.or(path.file_stem()).unwrap_or_default();
            name.to_string_lossy().into_owned()
        }
    };
    out.join(format!("{name}.npz"))
}

//! `ran experiment evaluate`: judges a saved model.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{BackendKind, Evaluation, Setting, evaluate};

use crate::table;

/// Judges a saved model on its task, or on a file of data.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The model, as runs/NAME/ID/model.safetensors.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A file of labelled data (.ts, .csv, .tsv, .npy, .npz) to judge it on as a whole [default: the model's own task].
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Changes a key of the task, as in task.label=gesture.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
    /// Prints one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let found = evaluate(
        &arguments.model,
        arguments.data.as_deref(),
        &arguments.settings,
        arguments.backend,
    )?;
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&found)?)?;
    } else {
        write!(out, "{}", text(&found))?;
    }
    Ok(out.flush()?)
}

fn text(found: &Evaluation) -> String {
    let mut text = format!(
        "{}, trained with seed {} on {}\n\n",
        found.model, found.seed, found.task
    );
    for split in &found.splits {
        let others = table::others(&split.scores, found.metric);
        let others = others.map(|(name, score)| format!("  {name} {}", table::number(score)));
        let line = format!(
            "{:<8}{:>7} sequences  {} {}{}\n",
            split.name,
            split.sequences,
            found.metric,
            table::number(split.score),
            others.collect::<String>()
        );
        text.push_str(&line);
    }
    text
}

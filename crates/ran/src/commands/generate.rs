//! `ran experiment generate`: goes on with a text.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{BackendKind, GenerateOptions, generate};

/// Goes on with a text, as a saved model of the task text does, and prints each symbol as it comes.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The model, as runs/NAME/ID/model.safetensors.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// What the text begins with [default: a new line, or the first symbol where the text had one line].
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// How many symbols to draw.
    #[arg(
        long,
        value_name = "SYMBOLS",
        default_value_t = 500,
        allow_negative_numbers = true
    )]
    length: usize,
    /// Below 1 probable symbols are drawn more often than they are probable, above 1 less often.
    #[arg(
        long,
        value_name = "T",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    temperature: f64,
    /// Draws from the K most probable symbols alone.
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    top_k: Option<usize>,
    /// The seed of what is drawn: the same seed gives the same text.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    seed: u64,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let options = GenerateOptions {
        prompt: arguments.prompt.clone(),
        length: arguments.length,
        temperature: arguments.temperature,
        top_k: arguments.top_k,
        seed: arguments.seed,
    };
    let mut out = io::stdout().lock();
    let mut each = |bytes: &[u8]| {
        out.write_all(bytes)?;
        out.flush()
    };
    generate(&arguments.model, &options, arguments.backend, &mut each)?;
    Ok(writeln!(out)?)
}

//! `ran experiment show`: example sequences of a task, drawn.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use ran_experiment::{Setting, open_task, show_examples, write_file};

/// Draws example sequences of a task with their targets, as SVG and PNG.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A task, or an experiment, whose task it is then.
    #[arg(value_name = "TASK | NAME | FILE.toml")]
    pub(crate) which: String,
    /// Changes a key of the task, as in task.order=pixels.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// The seed of whatever is drawn at random.
    #[arg(long, default_value_t)]
    seed: u64,
    /// How many sequences are drawn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=50))]
    count: u64,
    /// The folder for TASK.svg and TASK.png.
    #[arg(long, value_name = "DIR", default_value = "runs/show")]
    out: PathBuf,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let task = open_task(&arguments.which, &arguments.settings)?;
    let dataset = task.load(arguments.seed)?;
    let count = arguments.count as usize;
    let picture = show_examples(&task, &dataset, count)?;
    let file = |ending: &str| arguments.out.join(format!("{}.{ending}", task.name()));
    let (svg, png) = (file("svg"), file("png"));
    write_file(&svg, picture.svg().as_bytes())?;
    write_file(&png, &picture.png()?)?;
    Ok(writeln!(
        io::stdout(),
        "written to {} and {}",
        svg.display(),
        png.display()
    )?)
}

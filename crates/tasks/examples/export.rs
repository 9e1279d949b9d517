//! Writes a task's data to an `.npz` file: `cargo run -p ran-tasks --example export -- TASK SIZE SEED OUT.npz [KEY=VALUE]...`
//!
//! SIZE is small, medium or large, or - for a task without sizes. Keys are those of the task's config.

use ran_tasks::{TaskConfig, write_npz};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, size, seed, out, keys @ ..] = arguments.as_slice() else {
        return Err("usage: export TASK SIZE SEED OUT.npz [KEY=VALUE]...".into());
    };
    let mut text = format!("name = \"{task}\"\n");
    if size != "-" {
        text += &format!("size = \"{size}\"\n");
    }
    for key in keys {
        text += &format!("{key}\n");
    }
    let task: TaskConfig = toml::from_str(&text)?;
    write_npz(&task.load(seed.parse()?)?, Path::new(out))?;
    Ok(())
}

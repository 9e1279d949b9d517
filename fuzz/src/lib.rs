//! What the targets share: a limit on memory, and a file with an input's bytes.

use std::alloc::System;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cap::Cap;
use ran_tasks::{FilesConfig, TaskConfig};
use tempfile::TempDir;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What any input may take, in bytes: a configuration, a buffer for a file, a list of names.
pub const FLOOR: usize = 4 << 20;

/// What an archive may take beside that: the crate zip makes room for 65,535 entries where a file says that it has them.
pub const ENTRIES: usize = 16 << 20;

/// How many times its own size an input may take beside that.
pub const TIMES: usize = 10;

/// Does something with an input in at most [`TIMES`] its size and `floor` bytes. What asks for more ends the process, which
/// libFuzzer reports as a finding.
///
/// # Panics
///
/// When what comes of it is an error without a sentence, or that memory ran out.
pub fn limited<T, E: Display>(input: &[u8], floor: usize, act: impl FnOnce() -> Result<T, E>) {
    let allowed = floor + TIMES * input.len();
    let set = |limit| MEMORY.set_limit(limit).expect("more than is in use");
    set(MEMORY.allocated() + allowed);
    if let Err(error) = act() {
        let problem = error.to_string();
        assert!(!problem.trim().is_empty(), "an error without a sentence");
        assert!(!problem.contains("out of memory"), "{problem}");
    }
    set(usize::MAX);
}

/// Writes an input into a file whose name ends as told, and reads it as a user's data in each of some ways.
///
/// # Panics
///
/// When the file cannot be written, or as [`limited`].
pub fn load(ending: &str, input: &[u8], ways: &[fn(&Path) -> FilesConfig]) {
    let path = file(ending);
    let floor = FLOOR + if ending == "npz" { ENTRIES } else { 0 };
    fs::write(&path, input).expect("the file can be written");
    for way in ways {
        let config = FilesConfig {
            data: Some(path.clone()),
            ..way(&path)
        };
        limited(input, floor, || TaskConfig::Files(Box::new(config)).load(1));
    }
}

/// Options for a file of which half is for testing, so that few sequences are enough.
#[must_use]
pub fn halves() -> FilesConfig {
    FilesConfig {
        test_fraction: Some(0.5),
        ..FilesConfig::default()
    }
}

/// The file of this process, which each input is written into; it lies in `TMPDIR`.
fn file(ending: &str) -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| TempDir::new().expect("a folder can be made"));
    folder.path().join(format!("data.{ending}"))
}

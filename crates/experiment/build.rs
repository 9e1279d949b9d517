//! Puts the experiments of `docs/experiments` and the sweeps of `docs/sweeps` into the program, so that it works from any folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> std::io::Result<()> {
    for kind in ["experiments", "sweeps"] {
        list(kind)?;
    }
    Ok(())
}

/// Writes the list of what is in a folder of `docs`.
fn list(kind: &str) -> std::io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let folder = Path::new(&root).join("../../docs").join(kind);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    });
    // The order of a folder's listing is the file system's whim.
    files.sort_by_key(|file| file.file_stem().map(ToOwned::to_owned));
    let mut source = String::from("&[\n");
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let file = file.to_string_lossy();
        writeln!(
            source,
            "Preset {{ name: {name:?}, text: include_str!({file:?}) }},"
        )
        .expect("writing into a string cannot fail");
    }
    source.push(']');
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join(kind).with_extension("rs"), source)
}

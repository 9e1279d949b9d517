//! The sweeps that come with the program: the files of `docs/sweeps`.

use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use ran_sweep::SweepConfig;

use crate::exit::Usage;

/// The names and texts of sweeps.
macro_rules! sweeps {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../../../docs/sweeps/", $name, ".toml")),
        )),*]
    };
}

/// Names and texts, in alphabetical order.
const SWEEPS: &[(&str, &str)] = sweeps![
    "context-associative-recall",
    "context-bracket-matching",
    "context-selective-copy",
    "context-sorting-problem",
    "poster-cross-situation",
    "poster-cross-situation-full",
    "poster-cross-situation-split",
    "poster-japanese-vowels",
    "poster-japanese-vowels-full",
    "poster-japanese-vowels-split",
];

/// Opens a sweep by its name, or a file; gives its name too.
pub(super) fn open(which: &str) -> anyhow::Result<(String, SweepConfig)> {
    let path = Path::new(which);
    let is_file = path
        .extension()
        .is_some_and(|extension| extension == "toml")
        || path.components().count() > 1;
    if is_file {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let config = SweepConfig::read(path)?;
        let checked = config.space.check_conditions();
        checked.map_err(|error| anyhow!("{which}: {error}"))?;
        return Ok((name.into_owned(), config));
    }
    let Some((name, text)) = SWEEPS.iter().find(|(name, _)| *name == which) else {
        let names: Vec<_> = SWEEPS.iter().map(|(name, _)| *name).collect();
        let problem = format!(
            "there is no sweep {which:?}; there are {}, and any FILE.toml is one",
            names.join(", ")
        );
        return Err(Usage(problem).into());
    };
    let origin = format!("docs/sweeps/{name}.toml");
    Ok((which.into(), SweepConfig::parse(text, Path::new(&origin))?))
}

/// Names and describes all.
pub(super) fn list(out: &mut impl Write) -> io::Result<()> {
    let width = SWEEPS.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, text) in SWEEPS {
        let first = text.lines().next().unwrap_or_default();
        let description = first.strip_prefix('#').unwrap_or_default().trim();
        writeln!(out, "{name:width$}  {description}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::sweep::TrialBench;
    use ran_sweep::Sweep;
    use std::fs;

    #[test]
    fn every_file_of_the_folder_comes_with_the_program_and_is_described() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sweeps");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| {
                file.unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        files.sort();
        let names: Vec<_> = SWEEPS.iter().map(|(name, _)| (*name).to_string()).collect();
        assert_eq!(names, files);
        for (name, text) in SWEEPS {
            begin(name);
            assert!(text.starts_with("# "), "{name}");
        }
    }

    /// Begins a sweep in a folder that goes again.
    fn begin(which: &str) {
        let (name, config) = open(which).unwrap();
        config.validate().unwrap();
        let place = tempfile::TempDir::new().unwrap();
        let mut bench = TrialBench::new(&config.base, &config.trial);
        let sweep = Sweep::begin(place.path(), &name, &config, &mut bench);
        assert!(sweep.is_ok(), "{name}: {}", sweep.err().unwrap());
    }

    #[test]
    fn the_sweeps_of_studies_can_be_begun() {
        let studies = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/studies");
        let folders = fs::read_dir(studies).unwrap().map(|it| it.unwrap().path());
        let mut begun = 0;
        for folder in folders.filter(|path| path.is_dir()) {
            for file in fs::read_dir(folder).unwrap() {
                begin(file.unwrap().path().to_str().unwrap());
                begun += 1;
            }
        }
        assert!(begun > 0, "no study has a sweep");
    }
}

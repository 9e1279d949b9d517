//! The sweeps that come with the program: the files of `docs/sweeps`.

use std::path::Path;

use anyhow::anyhow;
use ran_experiment::Preset;
use ran_sweep::SweepConfig;

use crate::exit::Usage;

/// Opens a sweep by its name, or a file; gives its name too.
pub(super) fn open(which: &str) -> anyhow::Result<(String, SweepConfig)> {
    let path = Path::new(which);
    if Preset::is_file(path) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let config = SweepConfig::read(path)?;
        let checked = config.space.check_conditions();
        checked.map_err(|error| anyhow!("{which}: {error}"))?;
        return Ok((name.into_owned(), config));
    }
    let Some(Preset { name, text }) = Preset::sweeps().iter().find(|sweep| sweep.name == which)
    else {
        let names: Vec<_> = Preset::sweeps().iter().map(|sweep| sweep.name).collect();
        let problem = format!(
            "there is no sweep {which:?}; there are {}, and any FILE.toml is one",
            names.join(", ")
        );
        return Err(Usage(problem).into());
    };
    let origin = format!("docs/sweeps/{name}.toml");
    Ok((which.into(), SweepConfig::parse(text, Path::new(&origin))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::sweep::TrialBench;
    use ran_sweep::Sweep;
    use std::fs;
    use std::sync::atomic::AtomicBool;

    #[test]
    fn every_sweep_that_comes_with_the_program_can_be_begun_and_is_described() {
        assert!(Preset::sweeps().len() > 5);
        for sweep in Preset::sweeps() {
            begin(sweep.name);
            assert!(!sweep.description().is_empty(), "{}", sweep.name);
        }
    }

    /// Begins a sweep in a folder that goes again.
    fn begin(which: &str) {
        let (name, config) = open(which).unwrap();
        config.validate().unwrap();
        let place = tempfile::TempDir::new().unwrap();
        let mut bench = TrialBench::new(&config.base, None, &config);
        let stop = AtomicBool::new(false);
        let sweep = Sweep::begin(place.path(), &name, &config, None, &mut bench, &stop);
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

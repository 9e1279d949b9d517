//! The experiments that come with the program: the files of `docs/experiments`.

/// An experiment that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// Its file's text.
    pub text: &'static str,
}

impl Preset {
    /// The experiment that is run when none is named.
    pub const DEFAULT: &'static str = "japanese-vowels";

    /// All of them, in alphabetical order.
    #[must_use]
    pub fn all() -> &'static [Self] {
        include!(concat!(env!("OUT_DIR"), "/presets.rs"))
    }

    /// The one of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all()
            .iter()
            .copied()
            .find(|preset| preset.name == name)
    }

    /// What it is, in a sentence: the comment in the first line of its file.
    #[must_use]
    pub fn description(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.strip_prefix('#').unwrap_or_default().trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Experiment;

    #[test]
    fn every_preset_is_described_and_valid() {
        assert!(Preset::all().len() >= 3);
        for preset in Preset::all() {
            assert!(!preset.description().is_empty(), "{}", preset.name);
            let experiment = Experiment::open(Some(preset.name), &[]).unwrap();
            assert_eq!(experiment.name, preset.name);
        }
    }

    #[test]
    fn the_default_is_one_of_them() {
        assert!(Preset::find(Preset::DEFAULT).is_some());
    }
}

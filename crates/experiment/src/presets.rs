//! The experiments and sweeps that come with the program: the files of `docs/experiments` and `docs/sweeps`.

use std::path::Path;

use ran_tasks::TaskConfig;

/// An experiment or a sweep that comes with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, which is its file's.
    pub name: &'static str,
    /// Its file's text.
    pub text: &'static str,
}

/// How similar two names are, from 0 to 1, if one may have been meant by the other.
const SIMILAR: f64 = 0.8;

impl Preset {
    /// The experiment that is run when none is named.
    pub const DEFAULT: &'static str = "japanese-vowels";

    /// All experiments, in alphabetical order.
    #[must_use]
    pub fn experiments() -> &'static [Self] {
        include!(concat!(env!("OUT_DIR"), "/experiments.rs"))
    }

    /// All sweeps, in alphabetical order.
    #[must_use]
    pub fn sweeps() -> &'static [Self] {
        include!(concat!(env!("OUT_DIR"), "/sweeps.rs"))
    }

    /// Whether an argument is a file of the user's, and no name: it has a folder, or ends in `.toml`.
    #[must_use]
    pub fn is_file(which: &Path) -> bool {
        which.extension().is_some_and(|end| end == "toml") || which.components().count() > 1
    }

    /// The experiment of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::experiments()
            .iter()
            .copied()
            .find(|preset| preset.name == name)
    }

    /// The names of the experiments whose names hold a word, else of the most similar ones; none where none is similar.
    #[must_use]
    pub fn like(word: &str) -> Vec<&'static str> {
        let word = word.to_lowercase();
        let names = || Self::experiments().iter().map(|preset| preset.name);
        let holding: Vec<_> = names().filter(|name| name.contains(&word)).collect();
        if !word.is_empty() && !holding.is_empty() {
            return holding;
        }
        let rated = names().map(|name| (strsim::jaro_winkler(&word, name), name));
        let mut rated: Vec<_> = rated.filter(|(likeness, _)| *likeness > SIMILAR).collect();
        rated.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        rated.truncate(3);
        rated.into_iter().map(|(_, name)| name).collect()
    }

    /// The names of all tasks, then those of the presets that are not called as a task is.
    pub(crate) fn task_names() -> Vec<&'static str> {
        let presets = Self::experiments().iter().map(|preset| preset.name);
        let presets = presets.filter(|name| !TaskConfig::NAMES.contains(name));
        TaskConfig::NAMES.iter().copied().chain(presets).collect()
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
        for preset in Preset::experiments() {
            assert!(!preset.description().is_empty(), "{}", preset.name);
            let experiment = Experiment::open(Some(preset.name), &[]).unwrap();
            assert_eq!(experiment.name, preset.name);
        }
    }

    /// Presets that were chosen on seeds below 100, before the rule that these are left to trying things out. No new name may
    /// be added; one goes when its preset is chosen again.
    const BEFORE_THE_RULE: [&str; 42] = [
        "adding-problem-small",
        "associative-recall-small",
        "bracket-matching-medium",
        "bracket-matching-small",
        "chaotic-forecasting-small",
        "continuous-pattern-completion-medium",
        "continuous-pattern-completion-small",
        "continuous-postcasting-medium",
        "continuous-postcasting-small",
        "cross-situation-medium",
        "cross-situation-small",
        "discrete-pattern-completion-medium",
        "discrete-pattern-completion-small",
        "discrete-postcasting-medium",
        "discrete-postcasting-small",
        "fashion-mnist",
        "force-mackey-glass",
        "induction-heads-medium",
        "induction-heads-small",
        "japanese-vowels",
        "japanese-vowels-cortex-hippocampus",
        "japanese-vowels-fixed-qk",
        "japanese-vowels-full",
        "japanese-vowels-hybrid",
        "japanese-vowels-two-kinds",
        "mackey-glass-30",
        "memory-capacity",
        "narma-10",
        "narma-30",
        "selective-copy-small",
        "sequential-digits",
        "sequential-mnist",
        "sequential-mnist-full",
        "sequential-mnist-permuted",
        "sequential-mnist-pixels",
        "simple-copy-medium",
        "simple-copy-small",
        "sinus-forecasting-medium",
        "sinus-forecasting-small",
        "sorting-problem-medium",
        "sorting-problem-small",
        "spoken-digits",
    ];

    #[test]
    fn every_preset_says_how_it_was_chosen_and_a_new_one_on_seeds_from_100_to_999_alone() {
        let is_there = |name: &&str| Preset::find(name).is_some();
        assert!(BEFORE_THE_RULE.iter().all(is_there));
        let published = format!("{}..{}", crate::Chosen::PUBLISHED, u64::MAX);
        let published = published.parse().unwrap();
        for preset in Preset::experiments() {
            let experiment = Experiment::open(Some(preset.name), &[]).unwrap();
            let chosen = experiment.config.chosen.expect(preset.name);
            assert!(!chosen.seeds.is_empty(), "{}", preset.name);
            assert!(!chosen.seeds.overlaps(&published), "{}", preset.name);
            let early = chosen.seeds.overlaps(&"0..100".parse().unwrap());
            assert_eq!(
                early,
                BEFORE_THE_RULE.contains(&preset.name),
                "{}",
                preset.name
            );
            assert!(
                chosen.tried >= 1 && !chosen.by.is_empty(),
                "{}",
                preset.name
            );
        }
    }

    #[test]
    fn a_part_of_a_name_or_a_misspelt_one_finds_what_was_meant() {
        let digits = ["sequential-digits", "spoken-digits"];
        assert_eq!(Preset::like("digits"), digits);
        assert_eq!(Preset::like("SPOKEN"), ["spoken-digits"]);
        assert_eq!(Preset::like("lorentz"), ["lorenz"]);
        assert_eq!(Preset::like("japanese_vowels")[0], "japanese-vowels");
        assert_eq!(Preset::like("xyzzy"), [""; 0]);
        assert_eq!(Preset::like(""), [""; 0]);
    }

    #[test]
    fn every_task_but_a_users_own_has_a_preset() {
        let tasks: Vec<_> = Preset::experiments()
            .iter()
            .map(|preset| Experiment::open(Some(preset.name), &[]).unwrap())
            .map(|experiment| experiment.config.task.name())
            .collect();
        for name in TaskConfig::NAMES.iter().filter(|name| **name != "files") {
            assert!(tasks.contains(name), "{name} has no preset");
        }
    }

    #[test]
    fn the_default_is_one_of_them() {
        assert!(Preset::find(Preset::DEFAULT).is_some());
    }
}

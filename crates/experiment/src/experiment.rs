//! An experiment, read from a file or taken from those that come with the program.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ran_learning::LearningError;
use ran_reservoir::ReservoirConfig;
use ran_tasks::TaskConfig;
use toml::Table;

use crate::folder::text_of;
use crate::locate::{Located, Wrong, all, blamed, deserialise, line_of, place, read};
use crate::setting::path_of;
use crate::{ExperimentConfig, Preset, Setting, SettingError};

/// A named configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// Its name: a preset's, `files` where a preset was given a user's own data, or the file's name without `.toml`.
    pub name: String,
    /// Where it was read, for messages.
    pub origin: String,
    /// The settings, for messages.
    pub settings: Vec<Setting>,
    /// What it says, with all settings made.
    pub config: ExperimentConfig,
}

/// No configuration is read that has more bytes.
const LARGEST: u64 = 16 << 20;

/// A file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be read: {source}", path = path.display())]
pub struct Unread {
    /// The file.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

impl Unread {
    /// What is wrong with a file.
    pub(crate) fn at(path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        |source| Self { path, source }
    }
}

/// Why an experiment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// There is no preset of that name.
    #[error(
        "there is no experiment {name:?}{meant}; `cargo xtask experiment --list` names all, and any FILE.toml is one",
        meant = match Preset::like(name)[..] {
            [] => String::new(),
            ref like => format!(", but {}", like.join(", ")),
        }
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// There is neither a task nor a preset of that name.
    #[error(
        "there is no task {name:?}; there are {known}, and any FILE.toml",
        known = Preset::task_names().join(", ")
    )]
    UnknownTask {
        /// The name.
        name: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] Unread),
    /// A key or its value is wrong, or the text is not TOML.
    #[error(transparent)]
    Located(#[from] Located),
    /// A setting cannot be made.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Its name cannot be that of a folder.
    #[error(
        "an experiment cannot be called {name:?}: allowed are 1 to 100 characters without /, \\, : and control characters, \
             of which the first is no dot"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The values do not fit one another, or are out of range.
    #[error("{origin}: {source}")]
    Invalid {
        /// The file and line, or the setting.
        origin: String,
        /// What is wrong.
        source: LearningError,
        /// Whether the file is at fault: it is wrong without the settings too.
        in_file: bool,
    },
}

impl ExperimentError {
    /// Whether what was asked for is at fault, a name or a setting, and not a file.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Unknown { .. }
            | Self::UnknownTask { .. }
            | Self::Setting(_)
            | Self::Name { .. } => true,
            Self::Read(_) => false,
            Self::Located(Located { in_file, .. }) | Self::Invalid { in_file, .. } => !in_file,
        }
    }
}

impl Experiment {
    /// Opens the preset of a name, or a file (a name with a folder, or one that ends in `.toml`), and makes settings
    /// in it. Without a name it is [`Preset::DEFAULT`].
    ///
    /// # Errors
    ///
    /// When there is no such experiment, or its configuration is wrong: a sentence with file, line, key, value and
    /// what is allowed, as far as they are known.
    pub fn open(which: Option<&str>, settings: &[Setting]) -> Result<Self, ExperimentError> {
        let which = which.unwrap_or(Preset::DEFAULT);
        let path = Path::new(which);
        if !Preset::is_file(path) {
            let name = which.into();
            let preset = Preset::find(which).ok_or(ExperimentError::Unknown { name })?;
            let origin = format!("docs/experiments/{}.toml", preset.name);
            let mut preset = Self::parse(preset.name, &origin, preset.text, settings)?;
            // A model of somebody's own data is no experiment on the preset's task, which the record would name.
            if let TaskConfig::Files(_) = preset.config.task {
                preset.name = preset.config.task.name().into();
            }
            return Ok(preset);
        }
        let text = Self::read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, which, &text, settings)
    }

    /// The text of a configuration's file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is too long, or no text.
    pub fn read(path: &Path) -> Result<String, ExperimentError> {
        // A pipe may hold a configuration, and a device would never end.
        let bytes = File::open(path).and_then(|file| ran_tasks::read_at_most(file, LARGEST));
        Ok(bytes.and_then(text_of).map_err(Unread::at(path.into()))?)
    }

    /// Reads a configuration's text and makes settings in it; `origin` is for messages.
    ///
    /// # Errors
    ///
    /// As [`Experiment::open`].
    pub fn parse(
        name: &str,
        origin: &str,
        text: &str,
        settings: &[Setting],
    ) -> Result<Self, ExperimentError> {
        Located::check_levels(origin, text)?;
        let base: Table =
            toml::from_str(text).map_err(|error| Located::syntax(origin, text, &error))?;
        let mut config: ExperimentConfig =
            read::<_, ExperimentError>(&base, origin, text, settings)?;
        let wrong = |config: &ExperimentConfig| config.model().validate().err();
        if let Some(source) = wrong(&config) {
            let key = path_of(source.key().unwrap_or_default());
            let problem = source.to_string();
            let again = |settings: &[Setting]| match deserialise(&base, settings) {
                Ok(config) => wrong(&config).map(|error| Wrong {
                    key: Vec::new(),
                    problem: error.to_string(),
                }),
                Err(wrong) => Some(wrong),
            };
            let line = line_of(text, &key);
            let blamed = blamed(settings, &Wrong { key, problem }, &again);
            return Err(ExperimentError::Invalid {
                in_file: blamed.is_none(),
                origin: blamed.unwrap_or_else(|| place(origin, line, "")),
                source,
            });
        }
        if settings.iter().any(Setting::changes_the_model) {
            config.chosen = None;
        }
        if config.network.is_some() {
            let reservoir = ["reservoir".to_owned()];
            if let Some(setting) = settings.iter().find(|one| one.is_within(&reservoir)) {
                return Err(ExperimentError::Invalid {
                    in_file: false,
                    origin: format!("--set {setting}"),
                    source: LearningError::Config {
                        field: "reservoir".into(),
                        problem:
                            "says nothing where network.kind puts another network in its place"
                                .into(),
                    },
                });
            }
            // The preset's says nothing any more, and records should not say that it does.
            config.reservoir = ReservoirConfig::default();
        }
        Ok(Self {
            name: name.into(),
            origin: origin.into(),
            settings: settings.to_vec(),
            config,
        })
    }

    /// The same experiment by another name, which is that of its folder in `runs` too.
    ///
    /// # Errors
    ///
    /// When a folder cannot have that name.
    pub fn named(self, name: &str) -> Result<Self, ExperimentError> {
        let allowed = |letter: char| !letter.is_control() && !matches!(letter, '/' | '\\' | ':');
        let is_long = name.chars().count() > 100;
        if name.is_empty() || is_long || name.starts_with('.') || !name.chars().all(allowed) {
            return Err(ExperimentError::Name { name: name.into() });
        }
        Ok(Self {
            name: name.into(),
            ..self
        })
    }

    /// Where was said what does not fit the data: the settings of its key, else the file with all settings.
    pub(crate) fn origin_of(&self, error: &LearningError) -> String {
        let Some(key) = error.key() else {
            return self.origin.clone();
        };
        let path = path_of(key);
        if let Some(one) = self.settings.iter().rev().find(|one| one.sets(&path)) {
            return format!("--set {one}");
        }
        let concerned: Vec<_> = self
            .settings
            .iter()
            .filter(|one| one.concerns(key))
            .collect();
        let settings = match concerned.is_empty() && !error.is_of_data() {
            true => all(self.settings.iter()),
            false => all(concerned.into_iter()),
        };
        match settings.is_empty() {
            true => self.origin.clone(),
            false => format!("{} with {settings}", self.origin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ran_learning::LearningConfig;

    const TEXT: &str = "\
[task]
name = 'sequential-digits'

[reservoir]
context = 4

[[reservoir.population]]
kind = 'qkv-unit'
units = 2
d_unit = 8
";

    fn parse(text: &str, settings: &[&str]) -> Result<Experiment, String> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        Experiment::parse("x", "x.toml", text, &settings).map_err(|error| error.to_string())
    }

    fn assert_refused(text: &str, settings: &[&str], words: &[&str]) {
        let message = parse(text, settings).unwrap_err();
        for word in words {
            assert!(
                message.contains(word),
                "{word:?} is missing from: {message}"
            );
        }
        assert!(!message.contains('\n'), "one sentence, got: {message}");
    }

    #[test]
    fn what_a_file_leaves_out_has_its_default() {
        let experiment = parse(TEXT, &[]).unwrap();
        assert_eq!(experiment.config.learning, LearningConfig::default());
        assert_eq!(experiment.config.reservoir.leak, 1.0.into());
    }

    #[test]
    fn a_wrong_file_is_answered_with_line_key_value_and_what_is_allowed() {
        for (from, to, words) in [
            (
                "context = 4",
                "contxt = 4",
                &["line 5", "contxt", "context", "leak"][..],
            ),
            (
                "context = 4",
                "context = 'four'",
                &["line 5", "reservoir.context", "\"four\""],
            ),
            (
                "context = 4",
                "context = -1",
                &["line 5", "reservoir.context", "-1"],
            ),
            (
                "context = 4",
                "context = 0",
                &["reservoir.context", "from 1 to", "got 0"],
            ),
            (
                "context = 4",
                "context = 4\nmemory = 'slide'",
                &["line 6", "reservoir.memory", "slide", "rewritten"],
            ),
            (
                "context = 4",
                "context = 4\nleak = 3",
                &["reservoir.leak", "at most 1", "got 3"],
            ),
            ("context = 4", "context = ", &["x.toml, line 5"]),
            (
                "qkv-unit",
                "qkv",
                &[
                    "line 8",
                    "reservoir.population[0].kind",
                    "`qkv`",
                    "memory-unit",
                ],
            ),
            (
                "units = 2",
                "",
                &["line 7", "reservoir.population[0]", "`units`"],
            ),
            (
                "units = 2",
                "units = 2\nbias = 1",
                &["reservoir.population[0].bias", "qkv-unit", "heads"],
            ),
            (
                "sequential-digits",
                "digits",
                &["line 2", "task.name", "`digits`", "japanese-vowels"],
            ),
            (
                "[reservoir]",
                "ordr = 1\n[reservoir]",
                &["line 4", "task.ordr", "`order`"],
            ),
            (
                "[reservoir]",
                "[learn]\n[reservoir]",
                &["line 4", "learn", "`learning`"],
            ),
            (
                "[reservoir]",
                "[learning]\nregime = 'none'\n[reservoir]",
                &["line 5", "learning.regime", "`none`", "`full`"],
            ),
        ] {
            let text = TEXT.replace(from, to);
            let mut words = words.to_vec();
            words.push("x.toml");
            assert_refused(&text, &[], &words);
        }
    }

    #[test]
    fn a_wrong_setting_is_named_as_it_was_given() {
        for (setting, words) in [
            (
                "reservoir.leak=much",
                &["--set reservoir.leak=much", "\"much\"", "a number"][..],
            ),
            (
                "reservoir.leek=1",
                &["--set reservoir.leek=1", "`leek`", "`leak`"],
            ),
            (
                "reservoir.population[0].kind=qkv",
                &["--set", "population[0].kind", "`qkv`", "qkv-unit"],
            ),
            (
                "task.name=vowels",
                &["--set task.name=vowels", "`vowels`", "japanese-vowels"],
            ),
            (
                "task.ordr=rows",
                &["--set task.ordr=rows", "`ordr`", "`order`"],
            ),
            (
                "reservoir.leak.a=1",
                &["--set reservoir.leak.a=1", "reservoir.leak"],
            ),
        ] {
            assert_refused(TEXT, &[setting], words);
        }
    }

    #[test]
    fn an_experiment_that_is_not_there_is_answered_with_those_that_are() {
        let error = Experiment::open(Some("vowels"), &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("\"vowels\"") && error.contains("japanese-vowels"),
            "{error}"
        );
        let error = Experiment::open(Some("nowhere/x.toml"), &[])
            .unwrap_err()
            .to_string();
        assert!(error.contains("nowhere/x.toml cannot be read"), "{error}");
    }

    #[test]
    fn the_resolved_configuration_reads_back_as_itself() {
        for preset in Preset::all() {
            let experiment = Experiment::open(Some(preset.name), &[]).unwrap();
            let text = toml::to_string(&experiment.config).unwrap();
            let again = Experiment::parse(preset.name, "again", &text, &[]).unwrap();
            assert_eq!(again.config, experiment.config, "{}", preset.name);
        }
    }

    #[test]
    fn another_task_replaces_the_presets() {
        let settings = ["task.name=files", "task.train=a.ts", "task.test=b.ts"];
        for preset in Preset::all() {
            let experiment = parse(preset.text, &settings).unwrap();
            assert_eq!(experiment.config.task.name(), "files");
        }
    }

    /// Values and keys as a file may hold them, right and wrong.
    fn lines() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            "[a-z_.]{0,9}",
            Just("name".into()),
            Just("leak".into()),
            Just("context".into()),
            Just("population".into()),
            Just("kind".into()),
            Just("ridge".into()),
        ];
        let value = prop_oneof![
            "\\PC{0,9}",
            "-?[0-9]{1,25}",
            "[0-9]e[0-9]{1,4}",
            Just("nan".into()),
            Just("[]".into()),
            Just("[{}]".into()),
            Just("'files'".into()),
            Just("2024-01-01".into()),
        ];
        let header = prop_oneof![
            Just("[task]".to_string()),
            Just("[reservoir]".into()),
            Just("[[reservoir.population]]".into()),
            Just("[readout]".into()),
            "\\PC{0,9}",
        ];
        prop_oneof![
            (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
            header
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = parse(&text, &[]);
        }

        #[test]
        fn no_file_makes_the_reader_panic(lines in prop::collection::vec(lines(), 0..12), at in 0..12_usize) {
            let _ = parse(&lines.join("\n"), &[]);
            let mut whole: Vec<_> = TEXT.lines().map(String::from).collect();
            for line in lines {
                whole.insert(at % whole.len(), line);
                let _ = parse(&whole.join("\n"), &[]);
            }
        }

        #[test]
        fn no_setting_makes_the_reader_panic(
            key in "(task|reservoir|learning|readout)(\\.[a-z_]{1,9}|\\.population\\.[0-2]\\.(units|kind|heads|d_unit)){0,2}",
            value in "\\PC{0,12}|-?[0-9]{1,25}|nan|inf|\\[\\]|\\{\\}",
        ) {
            if let Ok(setting) = format!("{key}={value}").parse::<Setting>() {
                let _ = Experiment::parse("x", "x.toml", TEXT, &[setting]);
            }
        }
    }
}

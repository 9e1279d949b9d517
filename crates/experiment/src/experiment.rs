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
                    source: LearningError::config(
                        "reservoir",
                        "says nothing where network.kind puts another network in its place",
                    ),
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
mod tests;

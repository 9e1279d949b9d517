//! Which task, as a table of a config file.

use crate::cogscale::CogscaleTask;
use crate::{
    CogscaleConfig, CrossSituationConfig, Dataset, FashionMnistConfig, FilesConfig,
    JapaneseVowelsConfig, LorenzConfig, MackeyGlassConfig, MemoryCapacityConfig, NarmaConfig,
    SantaFeConfig, SequentialDigitsConfig, SequentialMnistConfig, SpokenDigitsConfig, TaskError,
    TextConfig,
};
use serde::{Deserialize, Serialize};

/// The one list of all tasks: those with keys of their own, and, between them, those of CogScale.
///
/// A configuration's type has the task's name as `NAME` and gives its data by `load`; a task of CogScale is a variant of the
/// same name of [`CogscaleTask`].
macro_rules! tasks {
    (
        { $($(#[$own_doc:meta])* $own:ident($own_config:ident),)* }
        CogscaleConfig { $($(#[$scale_doc:meta])* $scale:ident,)* }
        { $($(#[$other_doc:meta])* $other:ident($other_config:ident),)* }
    ) => {
        /// A task and its keys: the `[task]` table of a config file, told apart by its key `name`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name", rename_all = "kebab-case")]
        pub enum TaskConfig {
            $($(#[$own_doc])* $own($own_config),)*
            $($(#[$scale_doc])* $scale(CogscaleConfig),)*
            $($(#[$other_doc])* $other($other_config),)*
            /// A user's own data, by path.
            Files(Box<FilesConfig>),
        }

        impl TaskConfig {
            /// The names of all tasks.
            pub const NAMES: &[&str] = &[
                $($own_config::NAME,)*
                $(CogscaleTask::$scale.name(),)*
                $($other_config::NAME,)*
                FilesConfig::NAME,
            ];

            /// The task's name.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$own(_) => $own_config::NAME,)*
                    $(Self::$scale(_) => CogscaleTask::$scale.name(),)*
                    $(Self::$other(_) => $other_config::NAME,)*
                    Self::Files(_) => FilesConfig::NAME,
                }
            }

            fn draw(&self, seed: u64) -> Result<Dataset, TaskError> {
                match self {
                    $(Self::$own(config) => config.load(seed),)*
                    $(Self::$scale(config) => CogscaleTask::$scale.load(config, seed),)*
                    $(Self::$other(config) => config.load(seed),)*
                    Self::Files(config) => config.load(seed),
                }
            }
        }
    };
}

tasks! {
    {
        /// Which of nine speakers says a vowel.
        JapaneseVowels(JapaneseVowelsConfig),
        /// Which digit an 8×8 image shows, read row by row.
        SequentialDigits(SequentialDigitsConfig),
        /// Which digit a 28×28 image shows, read column by column.
        SequentialMnist(SequentialMnistConfig),
        /// Which garment a 28×28 image shows, read column by column.
        FashionMnist(FashionMnistConfig),
        /// Which digit a recording says.
        SpokenDigits(SpokenDigitsConfig),
        /// What a robot hears described.
        CrossSituation(CrossSituationConfig),
    }
    CogscaleConfig {
        /// A modulated sine, h steps ahead.
        SinusForecasting,
        /// The Lorenz system, h steps ahead.
        ChaoticForecasting,
        /// The symbol of d steps ago.
        DiscretePostcasting,
        /// The number of d steps ago.
        ContinuousPostcasting,
        /// The masked symbols of a repeating pattern.
        DiscretePatternCompletion,
        /// The masked numbers of a repeating pattern.
        ContinuousPatternCompletion,
        /// Whether all brackets have partners.
        BracketMatching,
        /// All symbols again, after a delay.
        SimpleCopy,
        /// The marked symbols again, after a delay.
        SelectiveCopy,
        /// The sum of the two marked numbers.
        AddingProblem,
        /// Symbols in the order of their ranks.
        SortingProblem,
        /// The value that stood with a key.
        AssociativeRecall,
        /// What followed a symbol before.
        InductionHeads,
    }
    {
        /// A delay differential equation, h steps ahead.
        MackeyGlass(MackeyGlassConfig),
        /// What a system with a long moving average answers.
        Narma(NarmaConfig),
        /// Three chaotic equations, h steps ahead.
        Lorenz(LorenzConfig),
        /// The inputs of 1 to K steps ago.
        MemoryCapacity(MemoryCapacityConfig),
        /// The intensity of a chaotic laser, h steps ahead.
        SantaFe(SantaFeConfig),
        /// The next symbol of a text.
        Text(TextConfig),
    }
}

impl TaskConfig {
    /// Loads or generates the task's data. Whatever is drawn at random follows `seed` alone.
    ///
    /// # Errors
    ///
    /// When a key's value is not allowed, or a file cannot be read or breaks its format.
    pub fn load(&self, seed: u64) -> Result<Dataset, TaskError> {
        let mut dataset = self.draw(seed)?;
        if dataset.input_names.is_empty() {
            dataset.input_names = self.channels()?;
        }
        if dataset.output_names.is_empty() {
            dataset.output_names = self.outputs();
        }
        Ok(dataset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        toml::from_str::<TaskConfig>(text).unwrap_err().to_string()
    }

    #[test]
    fn every_name_is_known_and_round_trips() {
        for &name in TaskConfig::NAMES {
            let mut text = format!("name = '{name}'\n");
            if name == "fashion-mnist" {
                text += "from = 'folder'\n";
            }
            let task: TaskConfig = toml::from_str(&text).unwrap();
            assert_eq!(task.name(), name);
            let again = toml::from_str(&toml::to_string(&task).unwrap()).unwrap();
            assert_eq!(task, again);
        }
    }

    #[test]
    fn an_unknown_task_is_answered_with_the_known_ones() {
        let message = message("name = 'vowels'");
        assert!(message.contains("`vowels`"), "{message}");
        for name in TaskConfig::NAMES {
            assert!(message.contains(name), "{name} is missing from: {message}");
        }
    }

    #[test]
    fn an_unknown_key_is_answered_with_the_known_ones() {
        let message = message("name = 'sequential-digits'\nordr = 'rows'");
        for word in ["`ordr`", "`order`", "`standardise`", "`valid`"] {
            assert!(message.contains(word), "{word} is missing from: {message}");
        }
    }

    #[test]
    fn an_unknown_value_is_answered_with_the_known_ones() {
        let message = message("name = 'sequential-digits'\norder = 'spiral'");
        for word in ["`spiral`", "`rows`", "`columns`", "`pixels`"] {
            assert!(message.contains(word), "{word} is missing from: {message}");
        }
    }
}

//! Which task, as a table of a config file.

use crate::cogscale::CogscaleTask;
use crate::{
    CogscaleConfig, CrossSituationConfig, Dataset, FashionMnistConfig, FilesConfig,
    JapaneseVowelsConfig, LorenzConfig, MackeyGlassConfig, MemoryCapacityConfig, NarmaConfig,
    SantaFeConfig, SequentialDigitsConfig, SequentialMnistConfig, SpokenDigitsConfig, TaskError,
};
use serde::{Deserialize, Serialize};

/// A task and its keys: the `[task]` table of a config file, told apart by its key `name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum TaskConfig {
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
    /// A modulated sine, h steps ahead.
    SinusForecasting(CogscaleConfig),
    /// The Lorenz system, h steps ahead.
    ChaoticForecasting(CogscaleConfig),
    /// The symbol of d steps ago.
    DiscretePostcasting(CogscaleConfig),
    /// The number of d steps ago.
    ContinuousPostcasting(CogscaleConfig),
    /// The masked symbols of a repeating pattern.
    DiscretePatternCompletion(CogscaleConfig),
    /// The masked numbers of a repeating pattern.
    ContinuousPatternCompletion(CogscaleConfig),
    /// Whether all brackets have partners.
    BracketMatching(CogscaleConfig),
    /// All symbols again, after a delay.
    SimpleCopy(CogscaleConfig),
    /// The marked symbols again, after a delay.
    SelectiveCopy(CogscaleConfig),
    /// The sum of the two marked numbers.
    AddingProblem(CogscaleConfig),
    /// Symbols in the order of their ranks.
    SortingProblem(CogscaleConfig),
    /// The value that stood with a key.
    AssociativeRecall(CogscaleConfig),
    /// What followed a symbol before.
    InductionHeads(CogscaleConfig),
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
    /// A user's own data, by path.
    Files(Box<FilesConfig>),
}

impl TaskConfig {
    /// The names of all tasks.
    pub const NAMES: &[&str] = &[
        "japanese-vowels",
        "sequential-digits",
        "sequential-mnist",
        "fashion-mnist",
        "spoken-digits",
        "cross-situation",
        "sinus-forecasting",
        "chaotic-forecasting",
        "discrete-postcasting",
        "continuous-postcasting",
        "discrete-pattern-completion",
        "continuous-pattern-completion",
        "bracket-matching",
        "simple-copy",
        "selective-copy",
        "adding-problem",
        "sorting-problem",
        "associative-recall",
        "induction-heads",
        "mackey-glass",
        "narma",
        "lorenz",
        "memory-capacity",
        "santa-fe",
        "files",
    ];

    /// The task's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::JapaneseVowels(_) => JapaneseVowelsConfig::NAME,
            Self::SequentialDigits(_) => SequentialDigitsConfig::NAME,
            Self::SequentialMnist(_) => SequentialMnistConfig::NAME,
            Self::FashionMnist(_) => FashionMnistConfig::NAME,
            Self::SpokenDigits(_) => SpokenDigitsConfig::NAME,
            Self::CrossSituation(_) => CrossSituationConfig::NAME,
            Self::SinusForecasting(_) => CogscaleTask::SinusForecasting.name(),
            Self::ChaoticForecasting(_) => CogscaleTask::ChaoticForecasting.name(),
            Self::DiscretePostcasting(_) => CogscaleTask::DiscretePostcasting.name(),
            Self::ContinuousPostcasting(_) => CogscaleTask::ContinuousPostcasting.name(),
            Self::DiscretePatternCompletion(_) => CogscaleTask::DiscretePatternCompletion.name(),
            Self::ContinuousPatternCompletion(_) => {
                CogscaleTask::ContinuousPatternCompletion.name()
            }
            Self::BracketMatching(_) => CogscaleTask::BracketMatching.name(),
            Self::SimpleCopy(_) => CogscaleTask::SimpleCopy.name(),
            Self::SelectiveCopy(_) => CogscaleTask::SelectiveCopy.name(),
            Self::AddingProblem(_) => CogscaleTask::AddingProblem.name(),
            Self::SortingProblem(_) => CogscaleTask::SortingProblem.name(),
            Self::AssociativeRecall(_) => CogscaleTask::AssociativeRecall.name(),
            Self::InductionHeads(_) => CogscaleTask::InductionHeads.name(),
            Self::MackeyGlass(_) => MackeyGlassConfig::NAME,
            Self::Narma(_) => NarmaConfig::NAME,
            Self::Lorenz(_) => LorenzConfig::NAME,
            Self::MemoryCapacity(_) => MemoryCapacityConfig::NAME,
            Self::SantaFe(_) => SantaFeConfig::NAME,
            Self::Files(_) => FilesConfig::NAME,
        }
    }

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

    fn draw(&self, seed: u64) -> Result<Dataset, TaskError> {
        match self {
            Self::JapaneseVowels(config) => config.load(seed),
            Self::SequentialDigits(config) => config.load(seed),
            Self::SequentialMnist(config) => config.load(seed),
            Self::FashionMnist(config) => config.load(seed),
            Self::SpokenDigits(config) => config.load(seed),
            Self::CrossSituation(config) => config.load(seed),
            Self::SinusForecasting(config) => CogscaleTask::SinusForecasting.load(config, seed),
            Self::ChaoticForecasting(config) => CogscaleTask::ChaoticForecasting.load(config, seed),
            Self::DiscretePostcasting(config) => {
                CogscaleTask::DiscretePostcasting.load(config, seed)
            }
            Self::ContinuousPostcasting(config) => {
                CogscaleTask::ContinuousPostcasting.load(config, seed)
            }
            Self::DiscretePatternCompletion(config) => {
                CogscaleTask::DiscretePatternCompletion.load(config, seed)
            }
            Self::ContinuousPatternCompletion(config) => {
                CogscaleTask::ContinuousPatternCompletion.load(config, seed)
            }
            Self::BracketMatching(config) => CogscaleTask::BracketMatching.load(config, seed),
            Self::SimpleCopy(config) => CogscaleTask::SimpleCopy.load(config, seed),
            Self::SelectiveCopy(config) => CogscaleTask::SelectiveCopy.load(config, seed),
            Self::AddingProblem(config) => CogscaleTask::AddingProblem.load(config, seed),
            Self::SortingProblem(config) => CogscaleTask::SortingProblem.load(config, seed),
            Self::AssociativeRecall(config) => CogscaleTask::AssociativeRecall.load(config, seed),
            Self::InductionHeads(config) => CogscaleTask::InductionHeads.load(config, seed),
            Self::MackeyGlass(config) => config.load(seed),
            Self::Narma(config) => config.load(seed),
            Self::Lorenz(config) => config.load(seed),
            Self::MemoryCapacity(config) => config.load(seed),
            Self::SantaFe(config) => config.load(),
            Self::Files(config) => config.load(seed),
        }
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

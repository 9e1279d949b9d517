//! The inputs of a model, and the configuration of the map in front of its units.

use ran_reservoir::Inputs;
use ran_tasks::Dataset;
use serde::{Deserialize, Serialize};

use crate::LearningError;

/// A linear map in front of the units: a row of numbers for each symbol, or a matrix where inputs are numbers.
///
/// Its weights are normal: of deviation `scale` for a symbol's row, of `scale`/√I for a matrix of I inputs. It is trained where
/// `learning.trained` has it (Zhong & Andreas 2024, "Algorithmic capabilities of random transformers", train it before random
/// units).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputMapConfig {
    /// How many numbers it makes of a step's inputs: what the reservoir reads.
    pub width: usize,
    /// The deviation of what it makes of a symbol, or of standardised inputs (default 1).
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

/// More numbers than any map makes.
const MOST_WIDTH: usize = 1 << 20;

impl InputMapConfig {
    pub(crate) fn validate(&self) -> Result<(), LearningError> {
        let wrong = |field: &str, problem: String| {
            Err(LearningError::config(format!("input_map.{field}"), problem))
        };
        if !(1..=MOST_WIDTH).contains(&self.width) {
            let problem = format!("must be from 1 to {MOST_WIDTH}, got {}", self.width);
            return wrong("width", problem);
        }
        if !self.scale.is_finite() || self.scale <= 0.0 {
            let problem = format!("must be above 0 and finite, got {}", self.scale);
            return wrong("scale", problem);
        }
        Ok(())
    }
}

/// The inputs of a model, as its user gives them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelInputs {
    /// Numbers, with names or without.
    Numbers(Inputs),
    /// One symbol a step; the number of different ones.
    Symbols(usize),
}

impl From<usize> for ModelInputs {
    /// Numbers without names.
    fn from(width: usize) -> Self {
        Self::Numbers(width.into())
    }
}

impl From<Inputs> for ModelInputs {
    fn from(inputs: Inputs) -> Self {
        Self::Numbers(inputs)
    }
}

impl From<&Dataset> for ModelInputs {
    fn from(dataset: &Dataset) -> Self {
        match dataset.symbols {
            true => Self::Symbols(dataset.d_output),
            false => Self::Numbers(Inputs::named(dataset.d_input, &dataset.input_names)),
        }
    }
}

impl ModelInputs {
    /// How many numbers an input map reads: one for each symbol, where inputs are symbols.
    pub(crate) fn encoded(&self) -> usize {
        match self {
            Self::Numbers(inputs) => inputs.width(),
            Self::Symbols(symbols) => *symbols,
        }
    }

    /// How many symbols there are; 0 where inputs are numbers.
    pub(crate) fn symbols(&self) -> usize {
        match self {
            Self::Numbers(_) => 0,
            Self::Symbols(symbols) => *symbols,
        }
    }
}

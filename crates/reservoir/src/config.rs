//! The configuration of a reservoir, as it stands in a file.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Leak, MemoryKind, PopulationConfig, ProjectionsConfig, ReservoirError};

/// Rows of context beyond which a window is no short one.
const MOST_CONTEXT: usize = 1 << 16;
/// Width of a state, beyond which its wiring and readout fit into no memory.
const MOST_STATES: usize = 1 << 24;
/// Populations, each of which can project to each.
const MOST_POPULATIONS: usize = 1 << 12;
/// Weights of a reservoir, and numbers of its memory: 16 GiB of each.
const MOST_WEIGHTS: usize = 1 << 32;

/// A reservoir: populations of units, how they are wired, and what they remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservoirConfig {
    /// Rows of context, C.
    pub context: usize,
    /// What the working memory holds.
    #[serde(default)]
    pub memory: MemoryKind,
    /// Leak α in (0, 1]: h_t = (1−α)·h_{t−1} + α·output_t; a range is spread over each population's units. 1 is the poster.
    #[serde(default)]
    pub leak: Leak,
    /// How slots are connected.
    #[serde(default)]
    pub wiring: WiringKind,
    /// Slots that each input feeds; wirings of copies only. Default 1, the poster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_copies: Option<usize>,
    /// Share of the slots that read inputs, in (0, 1): each input then feeds as many slots as fit, at least one, so
    /// that one configuration serves inputs of any width; wirings of copies only. `input_copies` goes before it, so that
    /// setting that one on a preset with a share does what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_share: Option<f64>,
    /// What inputs are multiplied by (wirings of copies) or the bound of their random weights (sparse wiring).
    #[serde(default = "one")]
    pub input_scale: f64,
    /// State dimensions that each slot reads; sparse wiring only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan_in: Option<usize>,
    /// Largest modulus of the recurrent matrix's eigenvalues; sparse wiring only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectral_radius: Option<f64>,
    /// How strongly populations project to one another; identity and sparse wiring. Default: as chance has it.
    #[serde(default, skip_serializing_if = "ProjectionsConfig::is_empty")]
    pub projections: ProjectionsConfig,
    /// The populations, in the order of their places in the state.
    #[serde(rename = "population")]
    pub populations: Vec<PopulationConfig>,
}

fn one() -> f64 {
    1.0
}

impl Default for ReservoirConfig {
    /// None: it has no population, which [`validate`](Self::validate) refuses.
    fn default() -> Self {
        Self::new(1, Vec::new())
    }
}

impl ReservoirConfig {
    /// A reservoir with the poster's defaults: identity wiring, every input read once, no leak, sliding memory.
    pub fn new(context: usize, populations: Vec<PopulationConfig>) -> Self {
        Self {
            context,
            memory: MemoryKind::default(),
            leak: Leak::default(),
            wiring: WiringKind::default(),
            input_copies: None,
            input_share: None,
            input_scale: 1.0,
            fan_in: None,
            spectral_radius: None,
            projections: ProjectionsConfig::default(),
            populations,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.populations.is_empty()
    }

    /// Width of the state, N: the sum of U·D over populations.
    pub fn d_state(&self) -> usize {
        self.ranges().last().map_or(0, |last| last.end)
    }

    /// Each population's dimensions of the state.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.populations.iter().scan(0, |end: &mut usize, one| {
            let start = *end;
            *end = start.saturating_add(one.d_state());
            Some(start..*end)
        })
    }

    /// How many numbers the weights of all units are, at least: what a file that holds them must have.
    pub fn fewest_weights(&self) -> usize {
        let weights = self
            .populations
            .iter()
            .map(|population| population.fewest_weights(self.context));
        weights.fold(0, usize::saturating_add)
    }

    /// Refuses what no machine holds, before anything is counted or allocated.
    fn validate_size(&self) -> Result<(), ReservoirError> {
        let refuse = |problem| Err(ReservoirError::config("reservoir.population", problem));
        let d_state = self.d_state();
        if d_state > MOST_STATES {
            return refuse(format!(
                "must offer at most {MOST_STATES} slots (units × d_unit), got {d_state}"
            ));
        }
        let weights = self.fewest_weights();
        if weights > MOST_WEIGHTS {
            return refuse(format!(
                "must have at most {MOST_WEIGHTS} weights, got {weights}"
            ));
        }
        if self.context * d_state > MOST_WEIGHTS {
            let problem = format!(
                "must be at most {} with {d_state} slots, got {}",
                MOST_WEIGHTS / d_state,
                self.context
            );
            return Err(ReservoirError::config("reservoir.context", problem));
        }
        Ok(())
    }

    /// The leaks of the units of a population, the one with this index: its own, or else the reservoir's.
    pub(crate) fn leak_of(&self, index: usize) -> Leak {
        let own = self.populations.get(index).and_then(|one| one.leak);
        own.unwrap_or(self.leak)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of range or does not fit the others, what it was and what is allowed.
    pub fn validate(&self) -> Result<(), ReservoirError> {
        if self.context == 0 || self.context > MOST_CONTEXT {
            let problem = format!("must be from 1 to {MOST_CONTEXT}, got {}", self.context);
            return Err(ReservoirError::config("reservoir.context", problem));
        }
        self.leak.validate("reservoir.leak")?;
        // It is computed with in 32 bits, where the largest numbers are infinite.
        if !(self.input_scale as f32).is_finite() {
            let problem = format!(
                "must be a finite number in 32 bits, got {:?}",
                self.input_scale
            );
            return Err(ReservoirError::config("reservoir.input_scale", problem));
        }
        if self.populations.is_empty() {
            let problem = "must list at least one population";
            return Err(ReservoirError::config("reservoir.population", problem));
        }
        if self.populations.len() > MOST_POPULATIONS {
            let count = self.populations.len();
            let problem = format!("must list at most {MOST_POPULATIONS} populations, got {count}");
            return Err(ReservoirError::config("reservoir.population", problem));
        }
        let mut names = HashSet::new();
        for (index, population) in self.populations.iter().enumerate() {
            population.validate(index)?;
            let name = population.name(index);
            let field = format!("reservoir.population[{index}].name");
            // Names stand in files and in paths to them.
            if name.trim().is_empty()
                || name.contains(['/', '\\'])
                || name.contains(char::is_control)
            {
                let problem = format!(
                    "must be a name that is not blank, without slashes and line breaks, got {name:?}"
                );
                return Err(ReservoirError::config(field, problem));
            }
            if !names.insert(name.clone()) {
                let problem = format!("must differ from the others', got {name:?} twice");
                return Err(ReservoirError::config(field, problem));
            }
        }
        self.validate_size()?;
        self.validate_wiring()
    }
}

/// How slots are connected to inputs and states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WiringKind {
    /// The poster's: every slot is a copy of one input or of one state dimension.
    #[default]
    Identity,
    /// Copies that form chains of equal length, one per copy of an input.
    DelayLines,
    /// A classical echo state network's: every slot is a weighted sum of all inputs and a few state dimensions.
    Sparse,
}

impl WiringKind {
    /// The kind's name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::DelayLines => "delay-lines",
            Self::Sparse => "sparse",
        }
    }
}

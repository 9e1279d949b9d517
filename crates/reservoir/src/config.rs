//! The configuration of a reservoir, as it stands in a file.

use ran_topology::{Identity, Sparse, Wiring, identity, sparse};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{PopulationConfig, ReservoirError};

/// What the working memory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryKind {
    /// The last C rows of unit inputs, z_t = wire(x_t, h_{t−1}). Rows never change once computed; only the newest row
    /// of the units' output is kept, as h_t.
    #[default]
    Sliding,
    /// A whole C×N matrix M. Row i of the unit input is wire(x_{t−C+1+i}, M_{t−1}\[i\]); all rows of the units' output
    /// become M_t, and h_t is the newest.
    Rewritten,
}

/// How slots are connected to inputs and states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WiringKind {
    /// The poster's: every slot is a copy of one input or of one state dimension.
    #[default]
    Identity,
    /// A classical echo state network's: every slot is a weighted sum of all inputs and a few state dimensions.
    Sparse,
}

/// A reservoir: populations of units, how they are wired, and what they remember.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReservoirConfig {
    /// Rows of context, C.
    pub context: usize,
    /// What the working memory holds.
    #[serde(default)]
    pub memory: MemoryKind,
    /// Leak α in (0, 1]: h_t = (1−α)·h_{t−1} + α·output_t. 1 is the poster.
    #[serde(default = "one")]
    pub leak: f64,
    /// How slots are connected.
    #[serde(default)]
    pub wiring: WiringKind,
    /// Slots that each input feeds; identity wiring only. Default 1, the poster's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_copies: Option<usize>,
    /// Share of the slots that read inputs, in (0, 1): each input then feeds as many slots as fit, at least one, so
    /// that one configuration serves inputs of any width; identity wiring only. `input_copies` goes before it, so that
    /// setting that one on a preset with a share does what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_share: Option<f64>,
    /// What inputs are multiplied by (identity wiring) or the bound of their random weights (sparse wiring).
    #[serde(default = "one")]
    pub input_scale: f64,
    /// State dimensions that each slot reads; sparse wiring only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan_in: Option<usize>,
    /// Largest modulus of the recurrent matrix's eigenvalues; sparse wiring only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectral_radius: Option<f64>,
    /// The populations, in the order of their places in the state.
    #[serde(rename = "population")]
    pub populations: Vec<PopulationConfig>,
}

fn one() -> f64 {
    1.0
}

impl ReservoirConfig {
    /// A reservoir with the poster's defaults: identity wiring, every input read once, no leak, sliding memory.
    pub fn new(context: usize, populations: Vec<PopulationConfig>) -> Self {
        Self {
            context,
            memory: MemoryKind::default(),
            leak: 1.0,
            wiring: WiringKind::default(),
            input_copies: None,
            input_share: None,
            input_scale: 1.0,
            fan_in: None,
            spectral_radius: None,
            populations,
        }
    }

    /// Width of the state, N: the sum of U·D over populations.
    pub fn d_state(&self) -> usize {
        let widths = self.populations.iter();
        widths.fold(0, |sum, one| {
            sum.saturating_add(one.units.saturating_mul(one.d_unit))
        })
    }

    /// Slots that each of `d_input` inputs feeds in an identity wiring.
    fn copies(&self, d_input: usize) -> usize {
        let slots = self.input_share.unwrap_or(0.0) * self.d_state() as f64;
        let shared = (slots as usize / d_input.max(1)).max(1);
        self.input_copies.unwrap_or(shared)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is out of range or does not fit the others, what it was and what is allowed.
    pub fn validate(&self) -> Result<(), ReservoirError> {
        let at_least_one = |field: &str, got: usize| {
            let problem = format!("must be at least 1, got {got}");
            (got > 0)
                .then_some(())
                .ok_or_else(|| ReservoirError::config(field, problem))
        };
        at_least_one("reservoir.context", self.context)?;
        if !(self.leak > 0.0 && self.leak <= 1.0) {
            let problem = format!("must be above 0 and at most 1, got {}", self.leak);
            return Err(ReservoirError::config("reservoir.leak", problem));
        }
        if !self.input_scale.is_finite() {
            let problem = format!("must be a finite number, got {}", self.input_scale);
            return Err(ReservoirError::config("reservoir.input_scale", problem));
        }
        if self.populations.is_empty() {
            let problem = "must list at least one population";
            return Err(ReservoirError::config("reservoir.population", problem));
        }
        match self.wiring {
            WiringKind::Identity => {
                at_least_one("reservoir.input_copies", self.input_copies.unwrap_or(1))?;
                if let Some(share) = self.input_share {
                    let field = "reservoir.input_share";
                    if !(share > 0.0 && share < 1.0) {
                        let problem = format!("must be above 0 and below 1, got {share}");
                        return Err(ReservoirError::config(field, problem));
                    }
                }
                let strays = [
                    ("reservoir.fan_in", self.fan_in.is_some()),
                    ("reservoir.spectral_radius", self.spectral_radius.is_some()),
                ];
                if let Some((field, _)) = strays.into_iter().find(|(_, given)| *given) {
                    let problem = "belongs to wiring = \"sparse\"; the wiring is \"identity\"";
                    return Err(ReservoirError::config(field, problem));
                }
            }
            WiringKind::Sparse => {
                if self.fan_in.is_none() {
                    let problem = "is needed by wiring = \"sparse\": how many states a slot reads";
                    return Err(ReservoirError::config("reservoir.fan_in", problem));
                }
                let strays = [
                    ("reservoir.input_copies", self.input_copies.is_some()),
                    ("reservoir.input_share", self.input_share.is_some()),
                ];
                if let Some((field, _)) = strays.into_iter().find(|(_, given)| *given) {
                    let problem = "belongs to wiring = \"identity\"; the wiring is \"sparse\"";
                    return Err(ReservoirError::config(field, problem));
                }
            }
        }
        for (index, population) in self.populations.iter().enumerate() {
            population.validate(index)?;
            let name = population.name(index);
            let earlier = self.populations[..index].iter().enumerate();
            if earlier
                .into_iter()
                .any(|(at, other)| other.name(at) == name)
            {
                let field = format!("reservoir.population[{index}].name");
                let problem = format!("must differ from the others', got {name:?} twice");
                return Err(ReservoirError::config(field, problem));
            }
        }
        Ok(())
    }

    /// Draws the wiring for inputs of a width.
    ///
    /// # Errors
    ///
    /// If the configuration is wrong, or the inputs leave no slot for recurrence.
    pub fn wire(&self, d_input: usize, rng: &mut impl Rng) -> Result<Wiring, ReservoirError> {
        self.validate()?;
        let d_state = self.d_state();
        let wiring = match self.wiring {
            WiringKind::Identity => identity(
                &Identity {
                    d_input,
                    d_state,
                    input_copies: self.copies(d_input),
                    input_scale: self.input_scale,
                },
                rng,
            ),
            WiringKind::Sparse => sparse(
                &Sparse {
                    d_input,
                    d_state,
                    fan_in: self.fan_in.unwrap_or(0),
                    spectral_radius: self.spectral_radius,
                    input_scale: self.input_scale,
                },
                rng,
            ),
        };
        Ok(wiring?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnitKind;

    #[test]
    fn a_share_of_the_slots_serves_inputs_of_any_width() {
        let population = PopulationConfig::new(UnitKind::AttentionBlock, 20, 16);
        let mut config = ReservoirConfig::new(4, vec![population]);
        assert_eq!(config.copies(12), 1);
        config.input_share = Some(0.75);
        config.validate().unwrap();
        assert_eq!(config.copies(12), 20);
        assert_eq!(config.copies(100), 2);
        assert_eq!(config.copies(300), 1);
        config.input_copies = Some(8);
        assert_eq!(config.copies(12), 8);
    }
}

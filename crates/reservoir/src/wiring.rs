//! The wiring of a configuration: its kinds, their options, the draw.

use ran_topology::{Identity, Sparse, Wiring, delay_lines, identity, sparse};
use rand::Rng;

use crate::{Inputs, ReservoirConfig, ReservoirError, WiringKind};

const COPIES: &[WiringKind] = &[WiringKind::Identity, WiringKind::DelayLines];
const SUMS: &[WiringKind] = &[WiringKind::Sparse];
const RANDOM: &[WiringKind] = &[WiringKind::Identity, WiringKind::Sparse];

impl ReservoirConfig {
    /// Draws the wiring for inputs, of which a width is enough where no population reads them by name.
    ///
    /// # Errors
    ///
    /// If the configuration is wrong or does not fit the inputs, or these leave no slot for recurrence.
    pub fn wire(
        &self,
        inputs: impl Into<Inputs>,
        rng: &mut impl Rng,
    ) -> Result<Wiring, ReservoirError> {
        self.validate()?;
        let inputs = inputs.into();
        let d_input = inputs.width();
        match self.has_reads() {
            true => self.joined(&inputs, rng, |others, rng| others.draw_wiring(d_input, rng)),
            false => self.draw_wiring(d_input, rng),
        }
    }

    /// Draws the wiring of populations that leave their reading to it.
    fn draw_wiring(&self, d_input: usize, rng: &mut impl Rng) -> Result<Wiring, ReservoirError> {
        let d_state = self.d_state();
        let projections = self.projections.resolve(&self.populations)?;
        let copies = |projections| Identity {
            d_input,
            d_state,
            input_copies: self.copies(d_input),
            input_scale: self.input_scale,
            projections,
        };
        let wiring = match self.wiring {
            WiringKind::Identity => identity(&copies(projections), rng),
            WiringKind::DelayLines => delay_lines(&copies(projections), rng),
            WiringKind::Sparse => sparse(
                &Sparse {
                    d_input,
                    d_state,
                    fan_in: self.fan_in.unwrap_or(0),
                    spectral_radius: self.spectral_radius,
                    input_scale: self.input_scale,
                    projections,
                },
                rng,
            ),
        };
        Ok(wiring?)
    }

    /// Slots that each of `d_input` inputs feeds in a wiring of copies.
    fn copies(&self, d_input: usize) -> usize {
        let slots = self.input_share.unwrap_or(0.0) * self.d_state() as f64;
        let shared = (slots as usize / d_input.max(1)).max(1);
        self.input_copies.unwrap_or(shared)
    }

    /// Checks the wiring's options.
    pub(crate) fn validate_wiring(&self) -> Result<(), ReservoirError> {
        let options = [
            ("input_copies", self.input_copies.is_some(), COPIES),
            ("input_share", self.input_share.is_some(), COPIES),
            ("fan_in", self.fan_in.is_some(), SUMS),
            ("spectral_radius", self.spectral_radius.is_some(), SUMS),
            ("projections", !self.projections.is_empty(), RANDOM),
        ];
        for (option, given, kinds) in options {
            if given && !kinds.contains(&self.wiring) {
                let kinds: Vec<_> = kinds
                    .iter()
                    .map(|kind| format!("{:?}", kind.name()))
                    .collect();
                let problem = format!(
                    "belongs to wiring = {}; the wiring is {:?}",
                    kinds.join(" or "),
                    self.wiring.name()
                );
                return Err(ReservoirError::config(
                    format!("reservoir.{option}"),
                    problem,
                ));
            }
        }
        if self.wiring == WiringKind::Sparse && self.fan_in.is_none() {
            let problem = "is needed by wiring = \"sparse\": how many states a slot reads";
            return Err(ReservoirError::config("reservoir.fan_in", problem));
        }
        if self.input_copies == Some(0) {
            let problem = "must be at least 1, got 0";
            return Err(ReservoirError::config("reservoir.input_copies", problem));
        }
        if let Some(share) = self
            .input_share
            .filter(|share| !(*share > 0.0 && *share < 1.0))
        {
            let problem = format!("must be above 0 and below 1, got {share}");
            return Err(ReservoirError::config("reservoir.input_share", problem));
        }
        let (others, _) = self.without_reads();
        self.projections.resolve(&others.populations).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PopulationConfig, UnitKind};

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

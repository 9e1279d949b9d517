//! How strongly populations project to one another, as it stands in a file.

use std::collections::BTreeMap;

use ran_topology::Projections;
use serde::{Deserialize, Serialize};

use crate::{PopulationConfig, ReservoirError};

/// What the inputs are called among what projects.
const INPUTS: &str = "inputs";

/// Strengths by the name of what projects, then by the name of the population that it projects to.
///
/// ```toml
/// [reservoir.projections]
/// inputs = { hippocampus = 0 }      # the hippocampus hears of the world through the cortex alone
/// cortex = { hippocampus = 1 }
/// hippocampus = { hippocampus = 2 } # for itself, each of its dimensions counts as much as two of the cortex
/// ```
///
/// What is not named has strength 1. See [`ran_topology::Projections`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProjectionsConfig(pub BTreeMap<String, BTreeMap<String, f64>>);

impl ProjectionsConfig {
    /// Whether no strength is given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The strengths by the places of populations; `None` where none is given.
    pub(crate) fn resolve(
        &self,
        populations: &[PopulationConfig],
    ) -> Result<Option<Projections>, ReservoirError> {
        if self.is_empty() {
            return Ok(None);
        }
        let names = populations.iter().enumerate();
        let names: Vec<_> = names.map(|(at, one)| one.name(at)).collect();
        if let Some(at) = names.iter().position(|name| name == INPUTS) {
            let field = format!("reservoir.population[{at}].name");
            let problem =
                "must not be \"inputs\", which is what the inputs are called in projections";
            return Err(ReservoirError::config(field, problem));
        }
        let widths = populations.iter().map(PopulationConfig::d_state);
        let mut projections = Projections::even(names.iter().cloned().zip(widths));
        for (from, targets) in &self.0 {
            let source = match from.as_str() {
                INPUTS => None,
                from => Some(place(&names, from, "reservoir.projections", true)?),
            };
            for (to, &strength) in targets {
                let field = format!("reservoir.projections.{from}");
                let target = place(&names, to, &field, false)?;
                if !(strength.is_finite() && strength >= 0.0) {
                    let problem = format!("must be a number from 0, got {strength}");
                    return Err(ReservoirError::config(format!("{field}.{to}"), problem));
                }
                projections.set(source, target, strength)?;
            }
        }
        Ok(Some(projections))
    }
}

/// The place of a population that is named.
fn place(
    names: &[String],
    name: &str,
    field: &str,
    or_inputs: bool,
) -> Result<usize, ReservoirError> {
    names.iter().position(|one| one == name).ok_or_else(|| {
        let inputs = if or_inputs { "inputs, " } else { "" };
        let known = names.join(", ");
        let problem = format!("names {name:?}, which is no population; there are {inputs}{known}");
        ReservoirError::config(field, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UnitKind;

    fn populations() -> [PopulationConfig; 2] {
        let named = |name: &str, kind| PopulationConfig {
            name: Some(name.into()),
            ..PopulationConfig::new(kind, 4, 5)
        };
        [
            named("cortex", UnitKind::QkvUnit),
            named("hippocampus", UnitKind::MemoryUnit),
        ]
    }

    fn config(from: &str, to: &str, strength: f64) -> ProjectionsConfig {
        let targets = BTreeMap::from([(to.to_string(), strength)]);
        ProjectionsConfig(BTreeMap::from([(from.to_string(), targets)]))
    }

    #[test]
    fn names_become_places() {
        let mut expected = Projections::even([("cortex".into(), 20), ("hippocampus".into(), 20)]);
        expected.set(Some(1), 0, 2.5).unwrap();
        let got = config("hippocampus", "cortex", 2.5).resolve(&populations());
        assert_eq!(got.unwrap(), Some(expected.clone()));
        expected.set(Some(1), 0, 1.0).unwrap();
        expected.set(None, 1, 0.0).unwrap();
        let got = config("inputs", "hippocampus", 0.0).resolve(&populations());
        assert_eq!(got.unwrap(), Some(expected));
        let none = ProjectionsConfig::default().resolve(&populations());
        assert_eq!(none.unwrap(), None);
    }

    #[test]
    fn wrong_names_and_strengths_say_where_and_what_there_is() {
        let cases = [
            (
                config("cortx", "cortex", 1.0),
                "reservoir.projections names \"cortx\", which is no population; there are inputs, cortex, hippocampus",
            ),
            (
                config("cortex", "inputs", 1.0),
                "reservoir.projections.cortex names \"inputs\", which is no population; there are cortex, hippocampus",
            ),
            (
                config("cortex", "cortex", -1.0),
                "reservoir.projections.cortex.cortex must be a number from 0, got -1",
            ),
        ];
        for (config, sentence) in cases {
            let error = config.resolve(&populations()).unwrap_err();
            assert_eq!(error.to_string(), sentence);
        }
        let mut populations = populations();
        populations[1].name = Some("inputs".into());
        let error = config("cortex", "cortex", 2.0).resolve(&populations);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("population[1].name"), "{error}");
    }
}

//! Spaces of configurations to search where somebody has data and no configuration: what `experiment --search` looks through.
//!
//! They are the same for every task. What they take from it are its names: which groups of inputs there are.

mod networks;
mod roles;
mod standard;

use std::str::FromStr;

use ran_tasks::Dataset;
use serde_json::json;
use toml::{Table, Value};

use crate::locate::value_at;
use crate::setting::path_of;
use crate::{Experiment, Setting};

/// Which space is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpaceKind {
    /// One random population, of one of several kinds and sizes: leak, context, scales, shares, biases and features. Of another network in the
    /// reservoir's place its width, and how it learns.
    #[default]
    Standard,
    /// Attention with roles: what queries, keys and values read, and at which delay.
    Roles,
}

/// There is no such space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no space {0:?}; allowed are standard and roles")]
pub struct SpaceKindError(String);

impl SpaceKind {
    /// Whether what a setting changes stands in the space's own configuration, and not in the one that a search begins with.
    #[must_use]
    pub fn replaces(self, setting: &Setting) -> bool {
        let tables = ["reservoir", "learning", "readout"];
        self == Self::Roles && tables.iter().any(|table| setting.concerns(table))
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Roles => "roles",
        }
    }
}

impl FromStr for SpaceKind {
    type Err = SpaceKindError;

    fn from_str(name: &str) -> Result<Self, SpaceKindError> {
        let kind = [Self::Standard, Self::Roles]
            .into_iter()
            .find(|kind| kind.name() == name);
        kind.ok_or_else(|| SpaceKindError(name.into()))
    }
}

/// A configuration to begin with, and the keys that a search varies.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchSpace {
    /// The configuration.
    pub base: Table,
    /// Keys as `--set` names them. A value is a list of values, or a table with `from` and `to` (and `log`), or with `values` and
    /// `when` (only where other keys have some values) or `optional` (it may be left out).
    pub keys: Table,
}

impl SearchSpace {
    /// The space of a kind for an experiment on its data. Of the experiment the task, and with [`SpaceKind::Standard`] what the
    /// space does not vary, stay as they are.
    #[must_use]
    pub fn of(kind: SpaceKind, experiment: &Experiment, dataset: &Dataset) -> Self {
        let config = Table::try_from(&experiment.config);
        let mut base = config.expect("a configuration that was read is TOML");
        base.remove("chosen");
        match kind {
            _ if experiment.config.network.is_some() => networks::space(base, experiment, dataset),
            SpaceKind::Standard => standard::space(base, experiment, dataset),
            SpaceKind::Roles => roles::space(base, experiment, dataset),
        }
    }

    /// Leaves what populations read no choice: it is as in another configuration of the same space, as that of a smaller task. What a
    /// setting concerns stays as it is.
    ///
    /// # Errors
    ///
    /// What is wrong with the other configuration: it has other populations, or reads what this space does not have.
    pub fn with_roles_of(
        &mut self,
        other: &Experiment,
        settings: &[Setting],
    ) -> Result<(), String> {
        let config = Table::try_from(&other.config);
        let config = Value::Table(config.expect("a configuration that was read is TOML"));
        let base = Value::Table(self.base.clone());
        let (expected, got) = (population_names(&base), population_names(&config));
        if !got.starts_with(&expected) {
            return Err(format!(
                "must have the populations of the space roles, {}, but has {}",
                expected.join(", "),
                got.join(", ")
            ));
        }
        let mut kept = Table::new();
        for (key, mut varied) in std::mem::take(&mut self.keys) {
            let is_set = settings.iter().any(|setting| setting.concerns(&key));
            if is_set || key.split('.').all(|part| part != "reads") {
                kept.insert(key, varied);
                continue;
            }
            let read = at(&config, &key);
            if read.is_none() && varied.get("optional").is_some() {
                continue;
            }
            let values = varied.get_mut("values").and_then(Value::as_array_mut);
            let values = values.expect("what is read is one of some values");
            // A configuration leaves out that nothing is read, and a delay of 0.
            let default = |value: &Value| {
                *value == Value::Integer(0) || value.as_array().is_some_and(Vec::is_empty)
            };
            values.retain(|value| read.map_or(default(value), |read| read == value));
            if values.is_empty() {
                let read = read.map_or("nothing".into(), ToString::to_string);
                return Err(format!(
                    "has {read} for {key}, which is not in the space of this task: --set says what is read instead"
                ));
            }
            varied
                .as_table_mut()
                .expect("it has values")
                .remove("optional");
            kept.insert(key, varied);
        }
        // What is there where another key has some values goes with that key.
        let there = kept.clone();
        kept.retain(|_, varied| {
            let when = varied.get("when").and_then(Value::as_table);
            when.is_none_or(|when| when.keys().all(|key| there.contains_key(key)))
        });
        self.keys = kept;
        Ok(())
    }
}

/// The names of a configuration's populations.
fn population_names(config: &Value) -> Vec<String> {
    let populations = at(config, "reservoir.population").and_then(Value::as_array);
    let name = |one: &Value| {
        one.get("name")
            .and_then(Value::as_str)
            .unwrap_or("one without a name")
            .to_string()
    };
    let names: Vec<String> = populations.into_iter().flatten().map(name).collect();
    match names.is_empty() {
        true => vec!["none".into()],
        false => names,
    }
}

/// The value of a key, as `--set` names it.
fn at<'a>(config: &'a Value, key: &str) -> Option<&'a Value> {
    value_at(config, &path_of(key))
}

/// Text of TOML that this file holds.
fn table(text: &str) -> Table {
    text.parse().expect("it is a constant")
}

/// A table of JSON in TOML.
fn of_json(table: serde_json::Value) -> Table {
    Table::try_from(table).expect("nothing in it is null")
}

/// Whether nothing is trained by gradient.
fn is_closed(base: &Table) -> bool {
    let learning = base.get("learning");
    let regime = learning.and_then(|learning| learning.get("regime"));
    regime.is_none_or(|regime| regime.as_str() == Some("reservoir"))
}

/// What is varied of a readout that is fitted in closed form; nothing of another.
fn of_closed_form(base: &Table) -> Table {
    let readout = base.get("readout");
    let online = readout.and_then(|readout| readout.get("online"));
    match is_closed(base) && online.is_none() {
        true => table("'readout.standardise' = [true, false]"),
        false => Table::new(),
    }
}

/// A linear delay line of some groups of inputs.
fn line(name: &str, units: usize, reads: &[&str]) -> Table {
    of_json(json!({
        "name": name, "kind": "tanh-unit", "units": units, "d_unit": 1, "linear": true, "recurrence": "delay-line",
        "reads": reads,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExperimentConfig, Preset};

    /// The standard space of the vowels, with settings.
    fn space(settings: &[&str]) -> SearchSpace {
        let settings = settings.iter().map(|one| one.parse().unwrap());
        let settings: Vec<_> = settings.collect();
        let experiment = Experiment::open(Some("japanese-vowels"), &settings).unwrap();
        let dataset = experiment.config.task.load(1).unwrap();
        SearchSpace::of(SpaceKind::Standard, &experiment, &dataset)
    }

    #[test]
    fn of_another_network_its_width_and_its_learning_are_varied() {
        let own = space(&["network.kind=gru"]);
        let keys: Vec<&str> = own.keys.keys().map(String::as_str).collect();
        for varied in [
            "network.width",
            "learning.learning_rate",
            "readout.features",
        ] {
            assert!(keys.contains(&varied), "{keys:?}");
        }
        let of_reservoirs = keys.iter().any(|key| key.starts_with("reservoir"));
        assert!(!of_reservoirs, "{keys:?}");
        assert_eq!(own.base["learning"]["regime"].as_str(), Some("full"));
        let config: ExperimentConfig = own.base.try_into().unwrap();
        config.model().validate().unwrap();
        let hybrid = space(&["network.kind=gru", "learning.regime=hybrid"]);
        assert_eq!(hybrid.base["learning"]["regime"].as_str(), Some("hybrid"));
    }

    #[test]
    fn biases_are_varied_with_neurons_in_closed_form_alone() {
        let own = space(&[]);
        let when = own.keys["learning.bias"]["when"]["reservoir.population"].as_array();
        for populations in when.unwrap() {
            let mut base = own.base.clone();
            base["reservoir"]["population"] = populations.clone();
            let learning = base["learning"].as_table_mut();
            learning.unwrap().insert("bias".into(), "quantile".into());
            let config: ExperimentConfig = base.try_into().unwrap();
            config.model().validate().unwrap();
        }
        for settings in [["learning.regime=hybrid"], ["input_map.width=4"]] {
            assert!(!space(&settings).keys.contains_key("learning.bias"));
        }
    }

    #[test]
    fn features_are_standardised_or_not_in_closed_form_alone() {
        let varied = |settings: &[&str]| space(settings).keys.contains_key("readout.standardise");
        let online = "readout.online={rule=\"rls\"}";
        let reservoir = "learning.regime=reservoir";
        assert!(varied(&[]) && varied(&["network.kind=gru", reservoir]));
        assert!(!varied(&[online]) && !varied(&["network.kind=gru", reservoir, online]));
        assert!(!varied(&["network.kind=gru"]) && !varied(&["learning.regime=hybrid"]));
    }

    #[test]
    fn a_delay_of_all_inputs_is_held_beside_that_of_one() {
        let experiment = Experiment::open(Some("selective-copy-small"), &[]).unwrap();
        let dataset = experiment.config.task.load(1).unwrap();
        let mut space = SearchSpace::of(SpaceKind::Roles, &experiment, &dataset);
        assert!(
            space
                .keys
                .contains_key("reservoir.population.4.reads.delay")
        );
        let reads = "delay = 1\nkey = [{ from = 'symbol', delay = 1 }]\nvalue = ['symbol']";
        let recall = space.base["reservoir"]["population"][4].as_table_mut();
        let reads = Value::Table(table(reads));
        recall.unwrap().insert("reads".into(), reads);
        let config: ExperimentConfig = space.base.try_into().unwrap();
        let inputs = ran_reservoir::Inputs::named(dataset.d_input, &dataset.input_names);
        config.model().reservoir.roles(&inputs).unwrap();
    }

    /// The space of roles of a task.
    fn roles(task: &str) -> SearchSpace {
        let experiment = Experiment::open(Some(task), &[]).unwrap();
        let dataset = experiment.config.task.load(1).unwrap();
        SearchSpace::of(SpaceKind::Roles, &experiment, &dataset)
    }

    #[test]
    fn roles_are_those_of_another_configuration() {
        let mut found = roles("selective-copy-small").base;
        let recall = found["reservoir"]["population"][4].as_table_mut();
        let reads = "query = ['clock']\nvalue = ['symbol']\ndelay = 1";
        recall
            .unwrap()
            .insert("reads".into(), Value::Table(table(reads)));
        let open = |base: &Table| {
            let text = toml::to_string(base).unwrap();
            Experiment::parse("found", "found.toml", &text, &[]).unwrap()
        };
        let mut space = roles("selective-copy-medium");
        let all = space.keys.len();
        space.with_roles_of(&open(&found), &[]).unwrap();
        let values = |key: &str| space.keys[key]["values"].as_array().unwrap().clone();
        let one = |name: &str| vec![Value::Array(vec![name.into()])];
        assert_eq!(values("reservoir.population.4.reads.query"), one("clock"));
        assert_eq!(
            values("reservoir.population.4.reads.key"),
            [Value::Array(Vec::new())]
        );
        assert_eq!(
            values("reservoir.population.4.reads.delay"),
            [Value::Integer(1)]
        );
        assert_eq!(values("reservoir.population.2.reads").len(), 1);
        // Without a gate its gain and its law mean nothing.
        assert_eq!(space.keys.len(), all - 3);

        let wrong = roles("sorting-problem-small").with_roles_of(&open(&found), &[]);
        let problem = wrong.unwrap_err();
        assert!(
            problem.contains("[\"marker\"] for reservoir.population.1.reads"),
            "{problem}"
        );
        let set = ["1.reads=['trigger']", "2.reads=['trigger']"];
        let set = set.map(|one| format!("reservoir.population.{one}").parse().unwrap());
        let set = roles("sorting-problem-small").with_roles_of(&open(&found), &set);
        assert_eq!(set, Ok(()));
        let preset = Experiment::open(Some("sorting-problem-small"), &[]).unwrap();
        let problem = roles("sorting-problem-small").with_roles_of(&preset, &[]);
        let problem = problem.unwrap_err();
        assert!(problem.contains("before, clock, count"), "{problem}");
    }

    #[test]
    fn a_base_is_a_configuration() {
        for preset in [
            "japanese-vowels",
            "associative-recall-small",
            "selective-copy-small",
            "cross-situation-medium",
            "lorenz",
        ] {
            assert!(Preset::find(preset).is_some());
            let experiment = Experiment::open(Some(preset), &[]).unwrap();
            let dataset = experiment.config.task.load(1).unwrap();
            for kind in [SpaceKind::Standard, SpaceKind::Roles] {
                let space = SearchSpace::of(kind, &experiment, &dataset);
                let config: ExperimentConfig = space.base.clone().try_into().unwrap();
                config.model().validate().unwrap();
                assert!(space.keys.len() >= 4, "{preset}");
            }
        }
    }
}

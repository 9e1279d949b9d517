//! Spaces of configurations to search where somebody has data and no configuration: what `experiment --search` looks through.
//!
//! They are the same for every task. What they take from it are its names: which groups of inputs there are.

mod networks;

use std::collections::HashSet;
use std::str::FromStr;

use ran_reservoir::Inputs;
use ran_tasks::{Category, Dataset};
use toml::{Table, Value};

use crate::Experiment;

/// Which space is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpaceKind {
    /// One random population, of one of several kinds and sizes: leak, context, scales, shares and features. Of another network in the
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
    /// space does not vary, stay as they are; keys that its settings name are not varied.
    #[must_use]
    pub fn of(kind: SpaceKind, experiment: &Experiment, dataset: &Dataset) -> Self {
        let config = Table::try_from(&experiment.config);
        let mut base = config.expect("a configuration that was read is TOML");
        base.remove("chosen");
        let mut space = match kind {
            _ if experiment.config.network.is_some() => networks::space(base, experiment, dataset),
            SpaceKind::Standard => standard(base, experiment, dataset),
            SpaceKind::Roles => roles(base, dataset),
        };
        let settings = &experiment.settings;
        space
            .keys
            .retain(|key, _| !settings.iter().any(|setting| setting.concerns(key)));
        space.drop_unmet();
        space
    }
}

impl SearchSpace {
    /// Leaves out keys that depend on one which is not varied.
    fn drop_unmet(&mut self) {
        let names: HashSet<String> = self.keys.keys().cloned().collect();
        self.keys.retain(|_, dimension| {
            let when = dimension.get("when").and_then(Value::as_table);
            when.is_none_or(|when| when.keys().all(|key| names.contains(key)))
        });
    }
}

/// Text of TOML that this file holds.
fn table(text: &str) -> Table {
    text.parse().expect("it is a constant")
}

fn standard(mut base: Table, experiment: &Experiment, dataset: &Dataset) -> SearchSpace {
    // What belongs to another wiring or to populations that go.
    for (table, key) in [
        ("reservoir", "wiring"),
        ("reservoir", "fan_in"),
        ("reservoir", "spectral_radius"),
        ("reservoir", "input_copies"),
        ("reservoir", "projections"),
        ("readout", "populations"),
    ] {
        let path = format!("{table}.{key}");
        let is_set = experiment
            .settings
            .iter()
            .any(|setting| setting.concerns(&path));
        if let (false, Some(Value::Table(table))) = (is_set, base.get_mut(table)) {
            table.remove(key);
        }
    }
    let mut keys = table(
        r#"
        "reservoir.leak" = [1.0, 0.5, 0.2, 0.05, { from = 0.01, to = 1.0 }]
        "reservoir.input_scale" = { from = 0.1, to = 3.0, log = true }
        "reservoir.input_share" = { from = 0.1, to = 0.9 }
        "reservoir.context" = [2, 4, 16]
        "reservoir.population" = [
            [{ kind = "attention-block", units = 40, d_unit = 16, output = "tanh" }],
            [{ kind = "attention-block", units = 20, d_unit = 32, output = "tanh" }],
            [{ kind = "qkv-unit", units = 40, d_unit = 16, output = "tanh" }],
            [{ kind = "tanh-unit", units = 640, d_unit = 1 }],
        ]
        "#,
    );
    let windows = windows(dataset.d_input);
    if let Some(Value::Array(all)) = keys.get_mut("reservoir.population") {
        all.extend(windows.iter().cloned());
    }
    // The line holds what the units sum already.
    let mut seen = table("values = [['units']]");
    let when = Table::from_iter([("reservoir.population".into(), Value::Array(windows))]);
    seen.insert("when".into(), Value::Table(when));
    keys.insert("readout.populations".into(), Value::Table(seen));
    // Where a sequence has one target, its course can be summed up in several ways.
    let once = dataset.train.iter().all(|sample| sample.scored.len() == 1);
    if once && dataset.category != Category::Regression {
        let features =
            table(r#"x = ["mean", "mean-and-last", "pooled", { segments = 4 }, { segments = 8 }]"#);
        keys.extend(
            features
                .into_iter()
                .map(|(_, value)| ("readout.features".to_string(), value)),
        );
    }
    SearchSpace { base, keys }
}

/// Slots of a delay line, at most, but that it holds [`FEWEST_STEPS`] of however many inputs.
const LONGEST_LINE: usize = 1024;
/// Steps that a delay line holds, at least.
const FEWEST_STEPS: usize = 8;

/// Populations whose units sum random places of a window of the inputs, as long as a delay line holds them.
fn windows(d_input: usize) -> Vec<Value> {
    let units = [
        "kind = 'tanh-unit'\nunits = 640\nd_unit = 1\nbias = 1.0",
        "kind = 'memory-unit'\nunits = 40\nd_unit = 16\noutput = 'tanh'",
        "kind = 'attention-block'\nunits = 40\nd_unit = 16\noutput = 'tanh'",
    ];
    let populations = units.into_iter().flat_map(|units| {
        [16, 64].map(|steps| {
            let steps = (LONGEST_LINE / d_input.max(1)).clamp(FEWEST_STEPS, steps);
            let mut past = line("past", steps * d_input, &[Inputs::ALL]);
            past.insert("leak".into(), Value::Float(1.0));
            let mut units = table(units);
            units.insert("name".into(), "units".into());
            units.insert("fan_in".into(), Value::Integer(FAN_IN));
            let reads = [Inputs::ALL, "past"].map(Value::from);
            units.insert("reads".into(), Value::Array(reads.into()));
            Value::Array([past, units].map(Value::Table).into())
        })
    });
    populations.collect()
}

/// Places of a window that a slot sums: as many as a kernel of MiniRocket has (Dempster, Schmidt & Webb 2021).
const FAN_IN: i64 = 9;

/// Groups of inputs, at most, that roles are told apart by; where there are more, all inputs are one.
const MOST_GROUPS: usize = 6;

/// Lines and sums that remember, and a population of attention that reads them or inputs by role.
fn roles(mut base: Table, dataset: &Dataset) -> SearchSpace {
    let inputs = Inputs::named(dataset.d_input, &dataset.input_names);
    let groups = inputs.groups();
    let (names, singles): (Vec<&str>, Vec<&str>) = match groups.len() <= MOST_GROUPS {
        true => {
            let single = groups.iter().filter(|(_, inputs)| inputs.len() == 1);
            (
                groups.iter().map(|(name, _)| *name).collect(),
                single.map(|(name, _)| *name).collect(),
            )
        }
        false => (vec![Inputs::ALL], Vec::new()),
    };
    let mut populations = vec![line("before", dataset.d_input, &names)];
    let mut keys = Table::new();
    let one = |name: &str| Value::Array(vec![name.into()]);
    let before = |name: &str| {
        Value::Table(Table::from_iter([
            ("from".to_string(), name.into()),
            ("delay".to_string(), Value::Integer(1)),
        ]))
    };
    let values = |values: Vec<Value>| {
        Value::Table(Table::from_iter([(
            "values".to_string(),
            Value::Array(values),
        )]))
    };
    if let Some(first) = singles.first() {
        populations.push(line("clock", 10, &[first]));
        keys.insert(
            "reservoir.population.1.reads".into(),
            values(singles.iter().map(|name| one(name)).collect()),
        );
        keys.insert(
            "reservoir.population.1.units".into(),
            values(vec![5.into(), 10.into(), 20.into()]),
        );
        let mut count = table(
            "name = 'count'\nkind = 'tanh-unit'\nunits = 1\nd_unit = 1\nlinear = true\nrecurrence = 'accumulate'",
        );
        count.insert("reads".into(), one(first));
        populations.push(count);
        let pairs = singles
            .iter()
            .enumerate()
            .flat_map(|(at, one)| singles[at + 1..].iter().map(move |other| (one, other)));
        let differences = pairs.map(|(one, other)| {
            let minus = Table::from_iter([
                ("from".to_string(), Value::from(*other)),
                ("scale".to_string(), Value::Float(-1.0)),
            ]);
            Value::Array(vec![Value::Array(vec![(*one).into(), Value::Table(minus)])])
        });
        let counted = singles.iter().map(|name| one(name)).chain(differences);
        keys.insert(
            "reservoir.population.2.reads".into(),
            values(counted.collect()),
        );
        populations.push(table("name = 'codes'\nkind = 'tanh-unit'\nunits = 16\nd_unit = 1\nbias = 10.0\nreads = [{ from = 'count', scale = 2.0 }]"));
        keys.insert(
            "reservoir.population.3.units".into(),
            values(vec![16.into(), 200.into()]),
        );
        keys.insert(
            "reservoir.population.3.bias".into(),
            Value::Table(table("from = 4.0\nto = 30.0\nlog = true")),
        );
    }
    let at = populations.len();
    populations.push(table(
        "name = 'recall'\nkind = 'qkv-unit'\nunits = 20\nd_unit = 32\nvalue = 'identity'",
    ));
    let of_recall = |key: &str| format!("reservoir.population.{at}.{key}");
    let now = || names.iter().map(|name| one(name));
    let then = || names.iter().map(|name| Value::Array(vec![before(name)]));
    let own = |own: &[&str]| match singles.is_empty() {
        true => Vec::new(),
        false => own.iter().map(|name| one(name)).collect(),
    };
    let nothing = || [Value::Array(Vec::new())].into_iter();
    let memories = ["clock", "codes", "count"];
    keys.insert(
        of_recall("reads.query"),
        values(nothing().chain(now()).chain(own(&memories)).collect()),
    );
    keys.insert(
        of_recall("reads.key"),
        values(
            nothing()
                .chain(now())
                .chain(then())
                .chain(own(&memories))
                .collect(),
        ),
    );
    keys.insert(
        of_recall("reads.value"),
        values(now().chain(then()).chain(own(&["count"])).collect()),
    );
    if !singles.is_empty() {
        let now = singles.iter().map(|name| Value::from(*name));
        let gates: Vec<Value> = now
            .chain(singles.iter().map(|name| before(name)))
            .chain(["count".into()])
            .collect();
        let mut gate = Table::from_iter([("values".to_string(), Value::Array(gates.clone()))]);
        gate.insert("optional".into(), true.into());
        keys.insert(of_recall("reads.gate"), Value::Table(gate));
        let when = Value::Table(Table::from_iter([(
            of_recall("reads.gate"),
            Value::Array(gates),
        )]));
        for (key, text) in [
            ("gate_gain", "from = 2.0\nto = 16.0\nlog = true"),
            ("gate_law", "values = ['fixed', 'uniform']"),
        ] {
            let mut one = table(text);
            one.insert("when".into(), when.clone());
            keys.insert(of_recall(key), Value::Table(one));
        }
    }
    for (key, text) in [
        ("qk", "values = ['independent', 'tied']"),
        ("qk_gain", "from = 1.0\nto = 64.0\nlog = true"),
        ("lag_bias", "values = ['none', 'normal']"),
        ("d_unit", "values = [1, 16, 24, 32, 48]"),
        ("heads", "values = [1, 2, 4]"),
        ("units", "values = [10, 20, 50, 100, 200]"),
    ] {
        keys.insert(of_recall(key), Value::Table(table(text)));
    }
    keys.extend(table("'reservoir.context' = [16, 32, 64, 104]"));
    let mut seen = "x = [['recall'], ['recall', 'before']]".to_string();
    if !singles.is_empty() {
        // Codes of what attention answers, for thresholds on it.
        let code = |bias: f64| {
            let mut one = table(
                "name = 'after'\nkind = 'tanh-unit'\nunits = 200\nd_unit = 1\nreads = [{ from = 'recall', scale = 2.0 }]",
            );
            one.insert("bias".into(), bias.into());
            Value::Table(one)
        };
        let mut after = Table::from_iter([(
            "values".to_string(),
            Value::Array([8.0, 16.0, 28.0].map(code).into()),
        )]);
        after.insert("optional".into(), true.into());
        keys.insert(
            format!("reservoir.population.{}", at + 1),
            Value::Table(after),
        );
        seen = "x = [['recall'], ['recall', 'before'], ['after'], ['after', 'codes'], ['recall', 'codes']]".into();
    }
    keys.extend(
        table(&seen)
            .into_iter()
            .map(|(_, value)| ("readout.populations".to_string(), value)),
    );
    let reservoir = Table::from_iter([
        ("context".to_string(), Value::Integer(16)),
        (
            "population".to_string(),
            Value::Array(populations.into_iter().map(Value::Table).collect()),
        ),
    ]);
    base.insert("reservoir".into(), Value::Table(reservoir));
    base.insert(
        "learning".into(),
        Value::Table(table("regime = 'reservoir'")),
    );
    base.insert(
        "readout".into(),
        Value::Table(table("features = 'last'\nridge = 'auto'")),
    );
    SearchSpace { base, keys }
}

/// A linear delay line of some groups of inputs.
fn line(name: &str, units: usize, reads: &[&str]) -> Table {
    let mut line =
        table("kind = 'tanh-unit'\nd_unit = 1\nlinear = true\nrecurrence = 'delay-line'");
    line.insert("name".into(), name.into());
    line.insert("units".into(), Value::Integer(units as i64));
    line.insert(
        "reads".into(),
        Value::Array(reads.iter().map(|&name| name.into()).collect()),
    );
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExperimentConfig, Preset};

    #[test]
    fn what_depends_on_a_key_that_was_set_is_not_varied() {
        let settings = ["reservoir.population.0.units=10".parse().unwrap()];
        let experiment = Experiment::open(Some("japanese-vowels"), &settings).unwrap();
        let dataset = experiment.config.task.load(1).unwrap();
        let space = SearchSpace::of(SpaceKind::Standard, &experiment, &dataset);
        let keys: Vec<&str> = space.keys.keys().map(String::as_str).collect();
        assert!(keys.contains(&"reservoir.leak"), "{keys:?}");
        for gone in ["reservoir.population", "readout.populations"] {
            assert!(!keys.contains(&gone), "{keys:?}");
        }
    }

    #[test]
    fn of_another_network_its_width_and_its_learning_are_varied() {
        let space = |settings: &[&str]| {
            let settings = settings.iter().map(|one| one.parse().unwrap());
            let settings: Vec<_> = settings.collect();
            let experiment = Experiment::open(Some("japanese-vowels"), &settings).unwrap();
            let dataset = experiment.config.task.load(1).unwrap();
            SearchSpace::of(SpaceKind::Standard, &experiment, &dataset)
        };
        let own = space(&["network.kind=gru", "learning.batch=16"]);
        let keys: Vec<&str> = own.keys.keys().map(String::as_str).collect();
        for varied in [
            "network.width",
            "learning.learning_rate",
            "readout.features",
        ] {
            assert!(keys.contains(&varied), "{keys:?}");
        }
        let of_reservoirs = keys.iter().any(|key| key.starts_with("reservoir"));
        assert!(
            !of_reservoirs && !keys.contains(&"learning.batch"),
            "{keys:?}"
        );
        assert_eq!(own.base["learning"]["regime"].as_str(), Some("full"));
        let config: ExperimentConfig = own.base.try_into().unwrap();
        config.model().validate().unwrap();
        let hybrid = space(&["network.kind=gru", "learning.regime=hybrid"]);
        assert_eq!(hybrid.base["learning"]["regime"].as_str(), Some("hybrid"));
    }

    #[test]
    fn a_base_is_a_configuration_and_what_was_set_stays() {
        for preset in [
            "japanese-vowels",
            "associative-recall-small",
            "selective-copy-small",
            "cross-situation-medium",
            "lorenz",
        ] {
            assert!(Preset::find(preset).is_some());
            let settings = ["reservoir.leak=0.5".parse().unwrap()];
            let experiment = Experiment::open(Some(preset), &settings).unwrap();
            let dataset = experiment.config.task.load(1).unwrap();
            for kind in [SpaceKind::Standard, SpaceKind::Roles] {
                let space = SearchSpace::of(kind, &experiment, &dataset);
                let config: ExperimentConfig = space.base.clone().try_into().unwrap();
                config.model().validate().unwrap();
                assert!(!space.keys.contains_key("reservoir.leak"), "{preset}");
                assert!(space.keys.len() >= 4, "{preset}");
            }
        }
    }
}

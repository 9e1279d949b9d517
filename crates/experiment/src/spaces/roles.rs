//! The space of roles: attention that is told what queries, keys and values read, and how late.

use ran_reservoir::Inputs;
use ran_tasks::Dataset;
use serde_json::{Value, json};
use toml::Table;

use super::{SearchSpace, line, of_json};
use crate::Experiment;

/// Groups of inputs, at most, that roles are told apart by; where there are more, all inputs are one.
const MOST_GROUPS: usize = 6;

/// Lines and sums that remember, and a population of attention that reads them or inputs by role.
pub(super) fn space(mut base: Table, experiment: &Experiment, dataset: &Dataset) -> SearchSpace {
    let inputs = experiment.config.model().reservoir_inputs(&dataset.into());
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
    // Where something is counted, what is made of it comes late, and inputs may be read as late as it: a step more to hold.
    let held = if singles.is_empty() { 1 } else { 2 };
    let mut populations = vec![json!(line("before", held * inputs.width(), &names))];
    let mut keys = json!({});
    let each = |names: &[&str]| -> Vec<Value> { names.iter().map(|name| json!([name])).collect() };
    let before = |name: &&str| json!({ "from": name, "delay": 1 });
    if let Some(first) = singles.first() {
        populations.push(json!(line("clock", 10, &[first])));
        keys["reservoir.population.1.reads"] = json!({ "values": each(&singles) });
        keys["reservoir.population.1.units"] = json!({ "values": [5, 10, 20] });
        populations.push(json!({
            "name": "count", "kind": "tanh-unit", "units": 1, "d_unit": 1, "linear": true, "recurrence": "accumulate",
            "reads": [first],
        }));
        let mut counted = each(&singles);
        for (at, one) in singles.iter().enumerate() {
            let others = singles[at + 1..].iter();
            counted.extend(others.map(|other| json!([[one, { "from": other, "scale": -1.0 }]])));
        }
        keys["reservoir.population.2.reads"] = json!({ "values": counted });
        populations.push(json!({
            "name": "codes", "kind": "tanh-unit", "units": 16, "d_unit": 1, "bias": 10.0,
            "reads": [{ "from": "count", "scale": 2.0 }],
        }));
        keys["reservoir.population.3.units"] = json!({ "values": [16, 200] });
        keys["reservoir.population.3.bias"] = json!({ "from": 4.0, "to": 30.0, "log": true });
    }
    let at = populations.len();
    populations.push(json!({
        "name": "recall", "kind": "qkv-unit", "units": 20, "d_unit": 32, "value": "identity",
    }));
    let of_recall = |key: &str| format!("reservoir.population.{at}.{key}");
    let nothing = [json!([])];
    let now = each(&names);
    let then: Vec<Value> = names.iter().map(|name| json!([before(name)])).collect();
    let own = |own: &[&str]| match singles.is_empty() {
        true => Vec::new(),
        false => each(own),
    };
    let memories = own(&["clock", "codes", "count"]);
    for (role, read) in [
        ("query", [&nothing[..], &now, &memories].concat()),
        ("key", [&nothing[..], &now, &then, &memories].concat()),
        ("value", [&now[..], &then, &own(&["count"])].concat()),
    ] {
        keys[of_recall(&format!("reads.{role}"))] = json!({ "values": read });
    }
    if !singles.is_empty() {
        keys[of_recall("reads.delay")] = json!({ "values": [0, 1] });
        let mut gates: Vec<Value> = singles.iter().map(|name| json!(name)).collect();
        gates.extend(singles.iter().map(before));
        gates.push("count".into());
        keys[of_recall("reads.gate")] = json!({ "values": gates, "optional": true });
        let when = json!({ of_recall("reads.gate"): gates });
        keys[of_recall("gate_gain")] =
            json!({ "from": 2.0, "to": 16.0, "log": true, "when": when });
        keys[of_recall("gate_law")] = json!({ "values": ["fixed", "uniform"], "when": when });
    }
    for (key, varied) in [
        ("qk", json!({ "values": ["independent", "tied"] })),
        ("qk_gain", json!({ "from": 1.0, "to": 64.0, "log": true })),
        ("lag_bias", json!({ "values": ["none", "normal"] })),
        ("d_unit", json!({ "values": [1, 16, 24, 32, 48, 64] })),
        ("heads", json!({ "values": [1, 2, 4, 8] })),
        ("units", json!({ "from": 8, "to": 200, "log": true })),
    ] {
        keys[of_recall(key)] = varied;
    }
    keys["reservoir.context"] = json!([16, 32, 64, 104]);
    keys["readout.populations"] = json!([["recall"], ["recall", "before"]]);
    if !singles.is_empty() {
        // Codes of what attention answers, for thresholds on it.
        let code = |bias: f64| {
            json!({
                "name": "after", "kind": "tanh-unit", "units": 200, "d_unit": 1, "bias": bias,
                "reads": [{ "from": "recall", "scale": 2.0 }],
            })
        };
        let codes = [8.0, 16.0, 28.0].map(code);
        let after = format!("reservoir.population.{}", at + 1);
        keys[after] = json!({ "values": codes, "optional": true });
        keys["readout.populations"] = json!([
            ["recall"],
            ["recall", "before"],
            ["after"],
            ["after", "codes"],
            ["recall", "codes"],
        ]);
    }
    base.extend(of_json(json!({
        "reservoir": { "context": 16, "population": populations },
        "learning": { "regime": "reservoir" },
        "readout": { "features": "last", "ridge": "auto" },
    })));
    let keys = of_json(keys);
    SearchSpace { base, keys }
}

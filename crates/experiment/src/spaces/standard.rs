//! The standard space: one random population, of one of several kinds and sizes.

use ran_reservoir::Inputs;
use ran_tasks::{Category, Dataset};
use serde_json::json;
use toml::{Table, Value};

use super::{SearchSpace, is_closed, line, of_closed_form, of_json, table};
use crate::Experiment;

pub(super) fn space(mut base: Table, experiment: &Experiment, dataset: &Dataset) -> SearchSpace {
    // What belongs to another wiring or to populations that go.
    for (table, key) in [
        ("reservoir", "wiring"),
        ("reservoir", "fan_in"),
        ("reservoir", "spectral_radius"),
        ("reservoir", "input_copies"),
        ("reservoir", "projections"),
        ("learning", "bias"),
        ("learning", "qk"),
        ("readout", "populations"),
        ("readout", "standardise"),
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
    let inputs = experiment.config.model().reservoir_inputs(&dataset.into());
    let (windows, neurons) = windows(inputs.width());
    if let Some(Value::Array(all)) = keys.get_mut("reservoir.population") {
        all.extend(windows.iter().cloned());
    }
    let closed = is_closed(&base);
    keys.extend(of_closed_form(&base));
    // What sums of a window are like depends on the data: neurons can be fitted to them.
    if closed && !dataset.symbols && !base.contains_key("input_map") {
        keys.extend(of_json(json!({ "learning.bias": {
            "values": ["quantile"], "optional": true, "when": { "reservoir.population": neurons },
        } })));
    }
    // The line holds what the units sum already.
    keys.extend(of_json(json!({ "readout.populations": {
        "values": [["units"]], "when": { "reservoir.population": windows },
    } })));
    // Where a sequence has one target, its course can be summed up in several ways.
    let once = dataset.train.iter().all(|sample| sample.scored.len() == 1);
    if once && dataset.category != Category::Regression {
        keys.extend(table(
            r#""readout.features" = ["mean", "mean-and-last", "pooled", { segments = 4 }, { segments = 8 }]"#,
        ));
    }
    SearchSpace { base, keys }
}

/// Slots of a delay line, at most, but that it holds [`FEWEST_STEPS`] of however many inputs.
const LONGEST_LINE: usize = 1024;
/// Steps that a delay line holds, at least.
const FEWEST_STEPS: usize = 8;

/// Populations whose units sum random places of a window of the inputs, as long as a delay line holds them: all, then those of neurons
/// alone.
fn windows(d_input: usize) -> (Vec<Value>, Vec<Value>) {
    let of = |units: &str, steps: usize| {
        let steps = (LONGEST_LINE / d_input.max(1)).clamp(FEWEST_STEPS, steps);
        let mut past = line("past", steps * d_input, &[Inputs::ALL]);
        past.insert("leak".into(), Value::Float(1.0));
        let mut units = table(units);
        units.insert("name".into(), "units".into());
        units.insert("fan_in".into(), Value::Integer(FAN_IN));
        let reads = [Inputs::ALL, "past"].map(Value::from);
        units.insert("reads".into(), Value::Array(reads.into()));
        Value::Array([past, units].map(Value::Table).into())
    };
    let neurons = "kind = 'tanh-unit'\nunits = 640\nd_unit = 1\nbias = 1.0";
    let mut neurons = [16, 64, 256].map(|steps| of(neurons, steps)).to_vec();
    // Of many inputs the line holds as few steps each time.
    neurons.dedup();
    let wide = [
        "kind = 'memory-unit'\nunits = 40\nd_unit = 16\noutput = 'tanh'",
        "kind = 'attention-block'\nunits = 40\nd_unit = 16\noutput = 'tanh'",
    ];
    let wide = wide.map(|units| of(units, 64));
    ([&neurons[..], &wide].concat(), neurons)
}

/// Places of a window that a slot sums: as many as a kernel of MiniRocket has (Dempster, Schmidt & Webb 2021).
const FAN_IN: i64 = 9;

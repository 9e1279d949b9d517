//! Populations that say what they read: what reaches their slots, and what is refused.

use burn::tensor::{Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_reservoir::{Initializer, Inputs, Reservoir, ReservoirConfig};
use serde_json::{Value, json};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Inputs `symbol 0`, `symbol 1` and `marker`.
fn inputs() -> Inputs {
    let names = ["symbol 0", "symbol 1", "marker"].map(String::from);
    Inputs::named(3, &names)
}

fn reservoir(populations: Value) -> Result<Reservoir<B>, String> {
    let populations = serde_json::from_value(populations).map_err(|error| error.to_string())?;
    let config = ReservoirConfig::new(4, populations);
    let reservoir = Reservoir::init(&config, inputs(), Initializer::Reservoir, 1, &DEVICE);
    reservoir.map_err(|error| error.to_string())
}

/// The states at each step of a sequence.
fn states(reservoir: &Reservoir<B>, steps: &[[f32; 3]]) -> Vec<Vec<f32>> {
    let data = TensorData::new(steps.concat(), [1, steps.len(), 3]);
    let start = reservoir.start(1, &DEVICE);
    let (states, _) = reservoir.forward(Tensor::from_data(data, &DEVICE), start, None);
    let numbers = states.into_data().into_vec::<f32>().unwrap();
    numbers
        .chunks(reservoir.d_state())
        .map(<[f32]>::to_vec)
        .collect()
}

fn linear(name: &str, units: usize, recurrence: &str, reads: Value) -> Value {
    json!({ "name": name, "kind": "tanh-unit", "units": units, "d_unit": 1, "linear": true, "recurrence": recurrence,
            "reads": reads })
}

const STEPS: [[f32; 3]; 4] = [
    [1.0, 2.0, 0.0],
    [3.0, 4.0, 1.0],
    [5.0, 6.0, 0.0],
    [7.0, 8.0, 1.0],
];

#[test]
fn a_linear_delay_line_holds_its_signals_as_they_were() {
    let line = linear("line", 6, "delay-line", json!(["symbol"]));
    let states = states(&reservoir(json!([line])).unwrap(), &STEPS);
    assert_eq!(states[3], [7.0, 8.0, 5.0, 6.0, 3.0, 4.0]);
    assert_eq!(states[1], [3.0, 4.0, 1.0, 2.0, 0.0, 0.0]);
}

#[test]
fn a_line_that_is_not_linear_does_not_hold_its_signals_as_they_were() {
    let reader = linear(
        "reader",
        2,
        "none",
        json!([{ "from": "symbol", "delay": 2 }]),
    );
    let mut line = linear("line", 6, "delay-line", json!(["symbol"]));
    assert!(reservoir(json!([line, reader])).is_ok());
    line["linear"] = json!(false);
    let error = reservoir(json!([line, reader])).unwrap_err();
    assert!(error.contains("no population holds it"), "{error}");
    assert!(error.contains("linear = true"), "{error}");
}

#[test]
fn an_accumulator_adds_up_its_signals_and_sums_and_scales_go_in() {
    let reads = json!([["symbol 1", { "from": "symbol 0", "scale": -2.0 }], "marker"]);
    let sum = linear("sum", 2, "accumulate", reads);
    // What reads a population reads its state of the step before.
    let twice = linear("twice", 2, "accumulate", json!(["sum"]));
    let states = states(&reservoir(json!([sum, twice])).unwrap(), &STEPS);
    assert_eq!(states[3], [-12.0, 2.0, -8.0, 2.0]);
}

#[test]
fn signals_are_read_in_turn_and_single_inputs_by_their_names() {
    let copies = linear("copies", 5, "none", json!(["marker", "symbol 1"]));
    let states = states(&reservoir(json!([copies])).unwrap(), &STEPS);
    assert_eq!(states[3], [1.0, 8.0, 1.0, 8.0, 1.0]);
}

/// Attention that meets a marker of now with one of `delay` steps ago, and answers with the symbols of its row.
fn recall(delay: usize) -> Value {
    json!([
        linear("line", 6, "delay-line", json!(["symbol", "marker"])),
        { "name": "recall", "kind": "qkv-unit", "units": 2, "d_unit": 4, "value": "identity", "gate_gain": 50.0,
          "reads": { "value": ["symbol"], "gate": { "from": "marker", "delay": delay } } },
    ])
}

#[test]
fn roles_read_groups_at_their_delays_whatever_line_holds_them() {
    for (delay, expected) in [(0, [3.0, 4.0]), (1, [5.0, 6.0]), (2, [7.0, 8.0])] {
        let mut steps = STEPS;
        steps[3][2] = 0.0; // the second step alone is marked
        let states = states(&reservoir(recall(delay)).unwrap(), &steps);
        for unit in states[3][6..].chunks(4) {
            let apart = (unit[0] - expected[0]).abs() + (unit[1] - expected[1]).abs();
            assert!(apart < 1e-3, "{delay}: {unit:?}");
            assert_eq!(unit[2..], [0.0, 0.0]);
        }
    }
}

#[test]
fn a_delay_of_all_roles_moves_inputs_back_and_leaves_states_alone() {
    let of = |reads: Value| {
        let mut all = recall(0);
        all[1]["reads"] = reads;
        all[1]["d_unit"] = json!(8);
        states(&reservoir(all).unwrap(), &STEPS)
    };
    let back = |from: &str, delay: usize| json!({ "from": from, "delay": delay });
    let together = of(
        json!({ "key": [back("symbol", 1)], "value": ["symbol", back("line", 1)],
                              "gate": "marker", "delay": 1 }),
    );
    let apart = of(
        json!({ "key": [back("symbol", 2)], "value": [back("symbol", 1), back("line", 1)],
                           "gate": back("marker", 1) }),
    );
    assert_eq!(together, apart);
    let now = of(
        json!({ "key": [back("symbol", 1)], "value": ["symbol", back("line", 1)],
                         "gate": "marker" }),
    );
    assert_ne!(together, now);
}

#[test]
fn slots_with_a_fan_in_sum_places_of_windows_of_every_length() {
    let line = linear("line", 60, "delay-line", json!(["inputs"]));
    let units = |kind: &str, units: usize, d_unit: usize| {
        let reads = json!(["inputs", { "from": "line", "scale": 2.0 }]);
        json!({ "name": "units", "kind": kind, "units": units, "d_unit": d_unit, "fan_in": 4, "reads": reads })
    };
    for (kind, count, d_unit) in [("tanh-unit", 200, 1), ("memory-unit", 50, 4)] {
        let both = json!([line, units(kind, count, d_unit)]);
        let one = reservoir(both.clone()).unwrap();
        let slots: Vec<_> = one.wiring().slots().skip(60).collect();
        assert_eq!(slots.len(), 200);
        let mut furthest = Vec::new();
        for slot in &slots {
            let mut sources = slot.sources.to_vec();
            sources.sort_unstable();
            sources.dedup();
            // Inputs, and the line behind them.
            assert!(
                sources.len() == 4 && sources.iter().all(|&source| source < 63),
                "{sources:?}"
            );
            furthest.push(sources[3]);
            let unscaled = slot
                .sources
                .iter()
                .zip(slot.weights)
                .map(|(&source, &weight)| match source {
                    0..3 => weight,
                    _ => weight / 2.0,
                });
            let sum: f32 = unscaled.sum();
            assert!(sum.abs() < 1e-5, "the weights' sum is {sum}");
        }
        let near = furthest.iter().filter(|&&source| source < 12).count();
        let far = furthest.iter().filter(|&&source| source >= 40).count();
        // Windows are log-uniform in 4 to 63: two fifths are of at most 12 places, some tenth see a place from 40 on.
        assert!(
            (50..120).contains(&near) && far > 5,
            "{near} near, {far} far"
        );
        assert_eq!(reservoir(both).unwrap().wiring(), one.wiring());
    }
}

#[test]
fn populations_that_read_by_name_leave_the_others_wired_as_they_are_alone() {
    let plain = |name| json!({ "name": name, "kind": "qkv-unit", "units": 3, "d_unit": 4 });
    let line = linear("line", 6, "delay-line", json!(["symbol"]));
    let alone = reservoir(json!([plain("a"), plain("b")])).unwrap();
    let among = reservoir(json!([plain("a"), line, plain("b")])).unwrap();
    let slots: Vec<_> = among.wiring().slots().collect();
    let others = slots[..12].iter().chain(&slots[18..]);
    for (got, expected) in others.zip(alone.wiring().slots()) {
        let moved = |source: &u32| match *source {
            source if source >= 3 + 12 => source + 6,
            source => source,
        };
        assert_eq!(
            got.sources,
            expected.sources.iter().map(moved).collect::<Vec<_>>()
        );
        assert_eq!(got.weights, expected.weights);
    }
}

#[test]
fn what_a_population_cannot_read_gets_a_sentence() {
    let with = |change: Value| {
        let mut population =
            json!({ "name": "recall", "kind": "qkv-unit", "units": 2, "d_unit": 4 });
        let fields = change.as_object().unwrap().clone();
        population.as_object_mut().unwrap().extend(fields);
        json!([
            linear("line", 6, "delay-line", json!(["symbol"])),
            population
        ])
    };
    let roles =
        |query: Value, key: Value| json!({ "query": query, "key": key, "value": ["symbol"] });
    let field = "reservoir.population[1]";
    for (population, words) in [
        (
            with(json!({ "reads": roles(json!(["symbols"]), json!([])) })),
            &[
                "reads.query names \"symbols\"",
                "groups are inputs, symbol, marker",
                "populations are line, recall",
            ][..],
        ),
        (
            with(json!({ "reads": roles(json!([]), json!([{ "from": "symbol", "delay": 4 }])) })),
            &[
                "reads.key reads \"symbol\" 4 steps ago",
                "holds 3 steps",
                "delay-line",
            ],
        ),
        (
            with(json!({ "reads": roles(json!([]), json!([{ "from": "marker", "delay": 1 }])) })),
            &[
                "reads.key reads \"marker\" 1 steps ago",
                "no population holds it",
            ],
        ),
        (
            with(json!({ "reads": roles(json!([]), json!([{ "from": "line", "delay": 9 }])) })),
            &["reads.key reads \"line\" 9 steps ago", "it holds 3"],
        ),
        (
            with(json!({ "reads": roles(json!(["symbol"]), json!(["marker"])), "qk": "tied" })),
            &["population[1].qk", "they read 2 and 1"],
        ),
        (
            with(json!({ "reads": { "value": ["symbol"], "gate": "symbol" } })),
            &["reads.gate must be a single signal, got 2"],
        ),
        (
            with(json!({ "reads": roles(json!(["inputs"]), json!(["line"])) })),
            &["d_unit must be at least 9", "got 4"],
        ),
        (
            with(json!({ "reads": roles(json!([]), json!([])), "heads": 4, "value": "identity" })),
            &["population[1].value", "they read 2, and 4 heads"],
        ),
        (
            with(json!({ "reads": roles(json!([[]]), json!([["symbol", "marker"]])) })),
            &["reads.key sums signals of 2 and of 1 places"],
        ),
        (
            with(json!({ "reads": [{ "from": "symbol", "scale": 1e300 }] })),
            &["reads has the scale", "must be finite"],
        ),
        (
            with(json!({ "reads": [] })),
            &["reads must be from 1 to 8 signals", "got 0"],
        ),
        (
            with(json!({ "gate_gain": 3.0 })),
            &["gate_gain needs a gate in reads"],
        ),
        (
            with(json!({ "qk_noise": 3.0 })),
            &["qk_noise needs qk = \"mimetic\""],
        ),
        (
            with(json!({ "lag_bias_scale": 3.0 })),
            &["lag_bias_scale needs a lag_bias"],
        ),
        (
            with(json!({ "qk_gain": 1e300 })),
            &["qk_gain must be a finite number"],
        ),
        (
            with(json!({ "name": "marker", "reads": ["marker"] })),
            &["a population and a group of inputs"],
        ),
        (
            with(json!({ "reads": 3 })),
            &["expected a list of signals, or a table"],
        ),
    ] {
        let error = reservoir(population).map(|_| ()).unwrap_err();
        for words in words {
            assert!(error.contains(words), "{words:?} is missing from: {error}");
        }
        assert!(
            error.contains(field) || error.contains("expected"),
            "{error}"
        );
    }
    let neuron = json!({ "kind": "tanh-unit", "units": 4, "d_unit": 1 });
    let neuron = |change: Value| {
        let mut neuron = neuron.clone();
        let fields = change.as_object().unwrap().clone();
        neuron.as_object_mut().unwrap().extend(fields);
        reservoir(json!([neuron])).map(|_| ()).unwrap_err()
    };
    let roles = neuron(json!({ "reads": { "value": ["marker"] } }));
    assert!(
        roles.contains("kind \"tanh-unit\" has no queries"),
        "{roles}"
    );
    let uneven = neuron(json!({ "reads": ["inputs"], "recurrence": "delay-line" }));
    assert!(uneven.contains("a multiple of 3 slots"), "{uneven}");
    let alone = neuron(json!({ "recurrence": "accumulate" }));
    assert!(alone.contains("recurrence needs reads"), "{alone}");
}

#[test]
fn a_fan_in_that_does_not_fit_gets_a_sentence() {
    let population = |fan_in: usize| json!({ "name": "units", "kind": "tanh-unit", "units": 5, "d_unit": 1, "fan_in": fan_in, "reads": ["inputs"] });
    let mut alone = population(2);
    alone.as_object_mut().unwrap().remove("reads");
    let mut line = population(2);
    line["recurrence"] = json!("delay-line");
    for (population, words) in [
        (
            population(4),
            "fan_in must be at most 3, the places of its signals, got 4",
        ),
        (population(1), "fan_in must be at least 2"),
        (alone, "fan_in needs reads"),
        (line, "fan_in does not go with recurrence"),
    ] {
        let sentence = reservoir(json!([population])).unwrap_err();
        assert!(sentence.contains(words), "{sentence}");
    }
    assert!(reservoir(json!([population(3)])).is_ok());
}

#[test]
fn a_delay_line_that_reads_itself_with_a_delay_is_refused_and_does_not_hang() {
    let line = linear(
        "line",
        6,
        "delay-line",
        json!([{ "from": "line", "delay": 2 }]),
    );
    let error = reservoir(json!([line])).map(|_| ()).unwrap_err();
    assert!(error.contains("delays of delays cannot be read"), "{error}");
}

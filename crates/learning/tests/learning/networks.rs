//! Other networks in the reservoir's place: trained, described, saved and streamed as one.

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::{Array1, Array2};
use ran_learning::{
    Category, Dataset, LearningError, Model, ModelConfig, Sample, StreamState, Trained,
    count_parameters, describe, train,
};

use crate::gradient::watched;
use crate::model_file::{refusal, with_card};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Each kind with its options.
const KINDS: [&str; 9] = [
    "kind = 'gru'\nwidth = 6",
    "kind = 'lstm'\nwidth = 6",
    "kind = 'transformer'\nwidth = 8\nheads = 2",
    "kind = 'transformer'\nwidth = 8\nheads = 2\nnorm = 'post'\npositions = 'sinusoidal'\nactivation = 'relu'",
    "kind = 'retnet'\nwidth = 8\nheads = 2",
    "kind = 'rwkv'\nwidth = 8\nheads = 2",
    "kind = 'mamba'\nwidth = 6",
    "kind = 'mamba'\nwidth = 6\nresidual = false",
    "kind = 'echo-state-transformer'\nwidth = 6\nunits = 2\nneurons = 10",
];

/// A wave of two channels; its first one is asked for three steps later.
fn wave() -> Dataset {
    let sample = |phase: f32| {
        let inputs = Array2::from_shape_fn((20, 2), |(step, channel)| {
            (phase + step as f32 * 0.4 + channel as f32).sin()
        });
        Sample {
            scored: (3..20).collect(),
            targets: Array2::from_shape_fn((17, 1), |(row, _)| inputs[[row, 0]]),
            inputs,
        }
    };
    Dataset {
        train: (0..12).map(|index| sample(index as f32)).collect(),
        test: (0..3).map(|index| sample(index as f32 + 0.5)).collect(),
        ..Dataset::new("wave", Category::Regression, [2, 1])
    }
}

fn config(network: &str, rest: &str) -> ModelConfig {
    let text = format!("[network]\n{network}\n{rest}");
    toml::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const FULL: &str = "[learning]\nregime = 'full'\nepochs = 12\nbatch = 4\nlearning_rate = 0.02\n\
                    [readout]\nfeatures = 'every-step'\n";
const RIDGE: &str = "[readout]\nfeatures = 'every-step'\nridge = 1e-3\n";

fn steps(model: &Model<B>, inputs: &Array2<f32>, break_at: usize) -> Vec<Array1<f32>> {
    let mut stream = model.stream(&DEVICE);
    let mut said = Vec::new();
    for (step, row) in inputs.rows().into_iter().enumerate() {
        if step == break_at {
            let bytes = stream.state().to_bytes().expect("its numbers are plain");
            let state = StreamState::from_bytes(&bytes).expect("its own bytes are right");
            stream = model.restore(&state, &DEVICE).expect("it is the model's");
        }
        said.push(stream.step(row).expect("the inputs are right"));
    }
    said
}

#[test]
fn every_kind_learns_is_saved_and_follows_a_signal() {
    let dataset = wave();
    for network in KINDS {
        for rest in [FULL, RIDGE] {
            let config = config(network, rest);
            let trained = train::<B>(&config, &dataset, 3, &DEVICE, &mut |_| {});
            let trained = trained.unwrap_or_else(|error| panic!("{network}: {error}"));
            // The mean squared error of saying nothing is a half. What was drawn and not trained comes less far.
            let test = trained.report.test.expect("there is a test set");
            let most = if rest == FULL { 0.2 } else { 0.35 };
            assert!(test < most, "{network}, {rest}: {test}");

            let described = describe::<B>(&config, 2, 1, 3, &DEVICE).expect("it is right");
            let counted = count_parameters::<B>(&config, 2, 1, &DEVICE).expect("it is right");
            let report = &trained.report;
            assert_eq!(described.trained_parameters, report.trained_parameters);
            assert_eq!(counted.trained, report.trained_parameters, "{network}");
            assert_eq!(counted.fixed, described.fixed_parameters, "{network}");
            let all_trained = rest == FULL && !network.contains("echo");
            assert_eq!(counted.fixed == 0, all_trained, "{network}");
            assert!(described.reservoir.is_none());
            let kind = described.network.expect("it is another network").kind;
            assert!(network.contains(&format!("'{kind}'")), "{network}: {kind}");

            let model = trained.model;
            let expected = model.predict(&dataset.test, &DEVICE);
            let bytes = model.to_bytes().expect("a model's numbers are plain");
            assert_eq!(bytes, model.to_bytes().unwrap(), "{network}: other bytes");
            let read = Model::<B>::from_bytes(bytes, &DEVICE);
            let read = read.unwrap_or_else(|error| panic!("{network}: {error}"));
            assert_eq!(read.predict(&dataset.test, &DEVICE), expected, "{network}");

            let sample = &dataset.test[0];
            for said in [
                steps(&read, &sample.inputs, 0),
                steps(&read, &sample.inputs, 7),
            ] {
                for (row, &step) in sample.scored.iter().enumerate() {
                    let off = (said[step][0] - expected[0][[row, 0]]).abs();
                    assert!(off < 1e-4, "{network}, step {step}: off by {off}");
                }
            }
        }
    }
}

#[test]
fn what_is_not_named_among_what_is_trained_stays_as_it_was_drawn() {
    let dataset = wave();
    let network = "kind = 'gru'\nwidth = 6";
    let all = format!("[input_map]\nwidth = 5\n{FULL}");
    let some = all.replace(
        "regime = 'full'",
        "regime = 'full'\ntrained = ['input-map', 'readout']",
    );
    let numbers = |rest: &str| {
        let config = config(network, rest);
        let trained = train::<B>(&config, &dataset, 3, &DEVICE, &mut |_| {});
        let trained = trained.expect("the configuration fits");
        let bytes = trained.model.to_bytes().expect("plain numbers");
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("it is whole");
        let read = |name: &str| file.tensor(name).expect(name).data().to_vec();
        let mut names = file.names();
        names.retain(|name| name.starts_with("network"));
        names.sort_unstable();
        assert!(!names.is_empty());
        let gates: Vec<u8> = names.into_iter().flat_map(read).collect();
        (
            gates,
            read("input_map.weight"),
            trained.report.trained_parameters,
        )
    };
    let least = some.replace("'input-map', ", "");
    let (drawn, drawn_map, _) = numbers(&least);
    let (gates, map, count) = numbers(&some);
    let (trained_gates, _, whole) = numbers(&all);
    assert_eq!(gates, drawn);
    assert_ne!(map, drawn_map);
    assert_ne!(trained_gates, drawn);
    assert_eq!(count, 2 * 5 + 6 + 1);
    assert_eq!(whole, count + 3 * 6 * (5 + 6) + 6 * 6);
}

#[test]
fn what_makes_no_sense_for_another_network_is_refused_with_a_sentence() {
    let refused = |network: &str, rest: &str| {
        let error = config(network, rest).validate().expect_err(rest);
        error.to_string()
    };
    let gru = "kind = 'gru'\nwidth = 6";
    for (rest, words) in [
        (
            "[learning]\nregime = 'fixed-qk'",
            "fixes queries and keys of units",
        ),
        (
            "[learning]\nfixed_qk = true\nregime = 'hybrid'",
            "fixes queries and keys of units",
        ),
        ("[learning]\nqk = 'ridge'", "fits queries of units"),
        ("[learning]\nbias = 'quantile'", "fits biases of units"),
        (
            "[learning]\nregime = 'full'\ntruncate = 5",
            "only a reservoir does",
        ),
        (
            "[readout]\npopulations = ['cortex']",
            "another network in their place",
        ),
    ] {
        let sentence = refused(gru, rest);
        assert!(sentence.contains(words), "{sentence}");
    }
    let sentence = refused("kind = 'transformer'\nwidth = 6\nheads = 4", "");
    assert!(sentence.contains("network.heads"), "{sentence}");
    let none: ModelConfig = toml::from_str("").expect("every table has defaults");
    let sentence = none
        .validate()
        .expect_err("there is no network")
        .to_string();
    assert!(sentence.contains("at least one population"), "{sentence}");
}

#[test]
fn a_file_of_another_kind_of_network_is_refused_with_a_sentence() {
    let dataset = wave();
    let config = config("kind = 'gru'\nwidth = 6", RIDGE);
    let trained = train::<B>(&config, &dataset, 3, &DEVICE, &mut |_| {}).expect("it fits");
    let bytes = trained.model.to_bytes().expect("plain numbers");
    let lstm = with_card(&bytes, |card| card.replace("gru", "lstm"));
    let sentence = refusal(lstm);
    assert!(sentence.contains("network.layers"), "{sentence}");

    for (from, to, words) in [
        (
            "\\\"d_input\\\":2",
            format!("\\\"d_input\\\":{}", 1_u64 << 62),
            "inputs",
        ),
        (
            "\\\"width\\\":6",
            "\\\"width\\\":60000".into(),
            "weights of the network",
        ),
        (
            "\\\"kind\\\":\\\"gru\\\"",
            "\\\"units\\\":255,\\\"neurons\\\":2000,\\\"kind\\\":\\\"echo-state-transformer\\\""
                .into(),
            "weights of the network",
        ),
    ] {
        let absurd = with_card(&bytes, |card| card.replacen(from, &to, 1));
        let sentence = refusal(absurd);
        assert!(sentence.contains(words), "{to}: {sentence}");
    }

    let state = trained.model.stream(&DEVICE).state();
    let bytes = state.to_bytes().expect("its numbers are plain");
    let text = String::from_utf8(bytes).expect("it is text");
    let other = text.replacen("\"gru\"", "\"lstm\"", 1);
    assert_ne!(other, text, "the state does not name its network");
    let state = StreamState::from_bytes(other.as_bytes()).expect("it is well formed");
    match trained.model.restore(&state, &DEVICE) {
        Ok(_) => panic!("a memory of another network was taken"),
        Err(error @ LearningError::Network(_)) => {
            assert!(error.to_string().contains("lstm"), "{error}");
        }
        Err(error) => panic!("refused for another reason: {error}"),
    }
}

#[test]
fn dropout_within_a_network_acts_in_training_follows_the_seed_and_outlives_a_stop() {
    let dataset = wave();
    let with = |dropout: f64| {
        let network = format!("kind = 'transformer'\nwidth = 8\nheads = 2\ndropout = {dropout:?}");
        config(&network, &FULL.replace("epochs = 12", "epochs = 3"))
    };
    let predictions = |trained: &Trained<B>| trained.model.predict(&dataset.test, &DEVICE);
    let (without, ..) = watched(&with(0.0), &dataset, None);
    let (whole, saved, _) = watched(&with(0.5), &dataset, None);
    assert_ne!(predictions(&whole), predictions(&without));
    assert_eq!(saved.len(), 3);
    for checkpoint in &saved {
        let (resumed, ..) = watched(&with(0.5), &dataset, Some(checkpoint));
        assert_eq!(predictions(&resumed), predictions(&whole));
    }
}

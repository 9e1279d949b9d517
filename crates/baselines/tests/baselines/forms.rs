//! One network, whatever the form: whole or step by step, alone or in a batch; and what a seed draws.

use burn::tensor::Tensor;
use ran_baselines::{Baseline, MemoryData, Network};
use ran_unit::RngStream;

use crate::{
    B, D_INPUT, DEVICE, difference, drawn, every_config, noise, numbers, parameters, shaken,
};

/// More than two chunks of retention, and more than one block of queries.
const STEPS: usize = 150;
const EXACT: f64 = 1e-11;

fn whole(network: &Baseline<B>, inputs: &Tensor<B, 3>) -> Tensor<B, 3> {
    let start = network.start(inputs.dims()[0], &DEVICE);
    network.forward(inputs.clone(), start).0
}

#[test]
fn step_by_step_equals_the_whole() {
    for config in every_config() {
        let network = shaken(drawn(&config, 1));
        let inputs = noise([2, STEPS, D_INPUT], 1);
        let (expected, last) = network.forward(inputs.clone(), network.start(2, &DEVICE));
        let mut memory = network.start(2, &DEVICE);
        let mut features = Vec::new();
        for step in inputs.iter_dim(1) {
            let (of_step, after) = network.step(step.squeeze_dim(1), memory);
            features.push(of_step);
            memory = after;
        }
        let off = difference(&Tensor::stack(features, 1), &expected);
        assert!(off < EXACT, "{config:?}: off by {off}");
        assert_eq!(memory.position(), STEPS);
        for ((name, stepped), (_, whole)) in memory.parts().zip(last.parts()) {
            let off = difference(stepped, whole);
            assert!(off < EXACT, "{config:?}: {name} is off by {off}");
        }
    }
}

/// What a Transformer answers in training and beside it.
fn hidden_by(probability: f64, seed: u64) -> (Tensor<B, 3>, Tensor<B, 3>) {
    let text = format!("kind = 'transformer'\nwidth = 8\ndropout = {probability:?}");
    let network = drawn(&toml::from_str(&text).unwrap(), 4);
    let inputs = noise([2, 20, D_INPUT], 4);
    let rng = &mut RngStream::Training.rng(seed);
    let start = || network.start(2, &DEVICE);
    let (trained, _) = network.forward_in_training(inputs.clone(), start(), rng);
    (trained, whole(&network, &inputs))
}

#[test]
fn dropout_hides_in_training_alone_and_follows_the_seed() {
    let (trained, whole) = hidden_by(0.0, 1);
    assert_eq!(difference(&trained, &whole), 0.0);
    let (trained, whole) = hidden_by(0.1, 1);
    assert!(difference(&trained, &whole) > 0.01);
    assert_eq!(difference(&trained, &hidden_by(0.1, 1).0), 0.0);
    assert!(difference(&trained, &hidden_by(0.1, 2).0) > 0.01);
}

#[test]
fn a_sequence_in_pieces_equals_the_whole_with_the_memory_saved_in_between() {
    for config in every_config() {
        let network = shaken(drawn(&config, 2));
        let inputs = noise([2, STEPS, D_INPUT], 2);
        let expected = whole(&network, &inputs);
        let mut memory = network.start(2, &DEVICE);
        let (mut start, mut features) = (0, Vec::new());
        for steps in [1, 2, 70, 1, 76] {
            let piece = inputs.clone().narrow(1, start, steps);
            let (of_piece, after) = network.forward(piece, memory);
            features.push(of_piece);
            start += steps;
            assert_eq!(after.position(), start);
            let text = serde_json::to_string(&after.to_data()).expect("plain numbers");
            let saved: MemoryData = serde_json::from_str(&text).expect("what was written");
            memory = network.restore(&saved, &DEVICE).expect("the network's own");
        }
        assert_eq!(start, STEPS);
        let off = difference(&Tensor::cat(features, 1), &expected);
        assert!(off < EXACT, "{config:?}: off by {off}");
    }
}

#[test]
fn entries_of_a_batch_do_not_meet() {
    for config in every_config() {
        let network = shaken(drawn(&config, 3));
        let inputs = noise([3, 9, D_INPUT], 3);
        let together = whole(&network, &inputs);
        for entry in 0..3 {
            let alone = whole(&network, &inputs.clone().narrow(0, entry, 1));
            let off = difference(&alone, &together.clone().narrow(0, entry, 1));
            assert!(off < EXACT, "{config:?}: off by {off}");
        }
    }
}

#[test]
fn a_later_input_changes_no_earlier_feature() {
    for config in every_config() {
        let network = shaken(drawn(&config, 4));
        let inputs = noise([1, STEPS, D_INPUT], 4);
        let before = whole(&network, &inputs);
        for at in [1, 5, 64, 129] {
            let other = inputs
                .clone()
                .slice_assign([0..1, at..at + 1, 0..D_INPUT], noise([1, 1, D_INPUT], 5));
            let after = whole(&network, &other);
            let part = |of: &Tensor<B, 3>, start, count| of.clone().narrow(1, start, count);
            let earlier = difference(&part(&before, 0, at), &part(&after, 0, at));
            assert!(earlier == 0.0, "{config:?}: off by {earlier} before {at}");
            let own = difference(&part(&before, at, 1), &part(&after, at, 1));
            assert!(own > 1e-3, "{config:?}: {own} at {at}");
        }
    }
}

#[test]
fn an_earlier_input_changes_later_features_as_far_as_the_context() {
    for config in every_config() {
        let network = shaken(drawn(&config, 6));
        let inputs = noise([1, 9, D_INPUT], 6);
        let other = inputs
            .clone()
            .slice_assign([0..1, 0..1, 0..D_INPUT], noise([1, 1, D_INPUT], 7));
        let (before, after) = (whole(&network, &inputs), whole(&network, &other));
        // Through two layers a context of C steps reaches 2·(C − 1) steps back.
        let reach = match &config {
            ran_baselines::BaselineConfig::Transformer(config) => {
                config.context.map_or(8, |context| 2 * (context - 1))
            }
            _ => 8,
        };
        for step in 0..9 {
            let part = |of: &Tensor<B, 3>| of.clone().narrow(1, step, 1);
            let off = difference(&part(&before), &part(&after));
            assert_eq!(off > 1e-9, step <= reach, "{config:?}: {off} at {step}");
        }
    }
}

#[test]
fn a_seed_draws_the_same_network_and_another_seed_another() {
    for config in every_config() {
        let network = parameters(&drawn(&config, 8));
        assert_eq!(network, parameters(&drawn(&config, 8)));
        let other = parameters(&drawn(&config, 9));
        assert!(network.iter().any(|(path, data)| other[path] != *data));
    }
}

#[test]
fn what_a_seed_draws_does_not_change() {
    assert_eq!(every_config().len(), LAST_DRAWN.len());
    let rows = every_config().into_iter().zip(LAST_DRAWN);
    let rows = rows.map(|(config, (path, _))| {
        let parameter = parameters(&drawn(&config, 8))[*path]
            .to_vec::<f64>()
            .unwrap();
        // A 32-bit float, whatever the numbers of the backend are.
        (*path, *parameter.last().expect("numbers") as f32)
    });
    assert_eq!(rows.collect::<Vec<_>>(), LAST_DRAWN);
}

/// The last number of the parameter that each network of [`every_config`] draws last, from seed 8.
const LAST_DRAWN: &[(&str, f32)] = &[
    ("layers.1.hidden.bias", -0.192_838_86),
    ("layers.1.hidden.bias", -0.124_816_63),
    ("layers.1.feed_forward.down.weight", -0.100_868_225),
    ("layers.1.feed_forward.down.weight", -0.100_868_225),
    ("layers.1.feed_forward.down.weight", -0.100_868_225),
    ("layers.1.feed_forward.down.weight", -0.201_736_45),
    ("layers.1.feed_forward.down.weight", -0.435_860_3),
    ("layers.1.channel.key.weight", -0.087_227_77),
    ("layers.1.convolution_bias", 0.125_244_68),
    ("layers.1.convolution_bias", 0.993_4),
    ("layers.1.convolution_bias", 0.125_244_68),
    ("layers.1.down.bias", 0.102_682_956),
];

#[test]
fn first_features_are_neither_flat_nor_large() {
    for config in every_config() {
        let features = whole(&drawn(&config, 10), &noise([4, 40, D_INPUT], 10));
        let features = numbers(&features);
        let square = features.iter().map(|x| x * x).sum::<f64>() / features.len() as f64;
        assert!((0.005..=2.0).contains(&square), "{config:?}: {square}");
    }
}

//! What a step costs and what is remembered after it.

use burn::module::Module;
use ran_baselines::{BaselineConfig, Network};

use crate::{D_INPUT, DEVICE, drawn, every_config, noise};

fn of(text: &str) -> BaselineConfig {
    toml::from_str(text).expect("a right configuration")
}

#[test]
fn parameters_are_counted_without_drawing_them() {
    for config in every_config() {
        for d_input in [1, 7] {
            let network = config.init::<crate::B>(d_input, 40, &DEVICE).unwrap();
            assert_eq!(
                config.parameters(d_input) + config.fixed(),
                network.num_params(),
                "{config:?}"
            );
        }
    }
}

#[test]
fn the_numbers_remembered_are_those_in_the_memory() {
    for config in every_config() {
        let network = drawn(&config, 41);
        let mut memory = network.start(2, &DEVICE);
        for position in 0..6 {
            let (_, after) = network.step(noise([2, D_INPUT], 41), memory);
            let floats: usize = after
                .parts()
                .map(|(_, part)| part.dims()[1..].iter().product::<usize>())
                .sum();
            assert_eq!(
                network.memory_floats_at(position),
                floats as u64,
                "{config:?}"
            );
            memory = after;
        }
    }
}

#[test]
fn costs_are_those_worked_by_hand() {
    // The options; multiply-adds at positions 0 and 9; numbers remembered after these.
    let rows = [
        // Two layers: 3·(3·4 + 4·4) and 3·(4·4 + 4·4), and two products for each number of the states.
        (
            "kind = 'gru'\nwidth = 4\nlayers = 2",
            [84 + 96 + 16; 2],
            [8; 2],
        ),
        // 4·(3·4 + 4·4), and two products for each number of the cell.
        ("kind = 'lstm'\nwidth = 4\nlayers = 1", [112 + 8; 2], [8; 2]),
        // The input's 3·4; a layer's 4·4·4, 2·4·16, and 2·4 for each key.
        (
            "kind = 'transformer'\nwidth = 4\nlayers = 1\nheads = 2",
            [12 + 64 + 128 + 8, 12 + 64 + 128 + 80],
            [8, 80],
        ),
        (
            "kind = 'transformer'\nwidth = 4\nlayers = 1\nheads = 2\nfeed_forward = 5\ncontext = 4",
            [12 + 64 + 40 + 8, 12 + 64 + 40 + 32],
            [8, 24],
        ),
        // The input's 3·4; 2·4·4 + 3·4·8; three times 2 heads of 2·4; 2·4·8.
        (
            "kind = 'retnet'\nwidth = 4\nlayers = 1\nheads = 2",
            [12 + 128 + 48 + 64; 2],
            [16; 2],
        ),
        // The input's 3·4; time mixing's 4·4·4, three maps of rank 1, 2·4 each, 6·4 for the step before, 5·4·2 for the state;
        // channel mixing's 2·4·16 and 4. Remembered are the rows of two steps, and two heads' 2·2.
        (
            "kind = 'rwkv'\nwidth = 4\nlayers = 1\nheads = 2\nrank = 1",
            [12 + 64 + 24 + 24 + 40 + 128 + 4; 2],
            [16; 2],
        ),
        // The upper layer has a fourth map of low rank.
        (
            "kind = 'rwkv'\nwidth = 4\nlayers = 2\nheads = 2\nrank = 1",
            [12 + 2 * 284 + 8; 2],
            [32; 2],
        ),
        // The input's 3·4; 4·16 + 8·7 + 1·8 + 8·4; the convolution's 2·8; three times 8·3 for the state, and 8.
        (
            "kind = 'mamba'\nwidth = 4\nlayers = 1\nd_state = 3\nd_conv = 2",
            [12 + 64 + 56 + 8 + 32 + 16 + 72 + 8; 2],
            [8 + 24; 2],
        ),
        // The input's 3·4. For 2 units: queries, keys and values 3·16, and 2·2·4 for scores and means; 5 neurons that read 1
        // input and 2 neurons, leak 1 and are read by 4; 4 for the leak. Self-attention 2·3·16 and 2·2·2·4, reduction 8·4,
        // feed-forward 2·4·16.
        (
            "kind = 'echo-state-transformer'\nwidth = 4\nunits = 2\nneurons = 5\nconnectivity = 0.4",
            [12 + 2 * (48 + 16) + 2 * (5 * 8 + 4) + 96 + 32 + 32 + 128; 2],
            [10; 2],
        ),
    ];
    for (text, multiply_adds, floats) in rows {
        let network = drawn(&of(text), 42);
        for (at, position) in [0, 9].into_iter().enumerate() {
            assert_eq!(
                network.multiply_adds_at(position),
                multiply_adds[at],
                "{text}"
            );
            assert_eq!(network.memory_floats_at(position), floats[at], "{text}");
        }
    }
}

//! Configurations: their files, and what is refused.

use ran_baselines::BaselineConfig;

use crate::{B, DEVICE, every_config};

#[test]
fn a_configuration_comes_back_from_a_file() {
    for config in every_config() {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<BaselineConfig>(&text).unwrap(), config);
    }
}

#[test]
fn every_kind_has_defaults_that_can_be_drawn() {
    for kind in [
        "gru",
        "lstm",
        "transformer",
        "retnet",
        "rwkv",
        "mamba",
        "echo-state-transformer",
    ] {
        let config: BaselineConfig = toml::from_str(&format!("kind = '{kind}'")).unwrap();
        let network = config.init::<B>(2, 0, &DEVICE).unwrap();
        assert_eq!(ran_baselines::Network::name(&network), kind);
    }
}

#[test]
fn wrong_options_get_a_sentence() {
    let rows = [
        (
            "kind = 'gru'\nwidth = 0",
            "width must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'gru'\nlayers = 0",
            "layers must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'lstm'\nwidth = 100000000000",
            "width must be between 1 and 65536, got 100000000000",
        ),
        (
            "kind = 'lstm'\nlayers = 0",
            "layers must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'lstm'\nwidth = 65536\nlayers = 65536",
            "width and the other options give 2251816994078720 parameters, at most 1073741824 are allowed",
        ),
        (
            "kind = 'transformer'\nheads = 0",
            "heads must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'transformer'\nheads = 5",
            "heads must divide width, got 5 heads for a width of 64",
        ),
        (
            "kind = 'transformer'\nwidth = 9\nheads = 3",
            "width must be an even number times heads, as positions turn pairs of a head's numbers, got 9 for 3 heads",
        ),
        (
            "kind = 'transformer'\ndropout = 1.0",
            "dropout must be from 0 to below 1, got 1",
        ),
        (
            "kind = 'transformer'\npositions = 'sinusoidal'\nheads = 5",
            "heads must divide width, got 5 heads for a width of 64",
        ),
        (
            "kind = 'transformer'\nfeed_forward = 0",
            "feed_forward must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'transformer'\ncontext = 0",
            "context must be at least 1, got 0",
        ),
        (
            "kind = 'retnet'\nvalue_factor = 0",
            "value_factor must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'retnet'\nheads = 64",
            "width must be an even number times heads, as positions turn pairs of a head's numbers, got 64 for 64 heads",
        ),
        (
            "kind = 'retnet'\nwidth = 4000\nheads = 2000",
            "heads must be at most 1000, got 2000",
        ),
        (
            "kind = 'rwkv'\nheads = 5",
            "heads must divide width, got 5 heads for a width of 64",
        ),
        (
            "kind = 'rwkv'\nrank = 0",
            "rank must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'mamba'\nexpand = 0",
            "expand must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'mamba'\nd_state = 0",
            "d_state must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'mamba'\nd_conv = 0",
            "d_conv must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'mamba'\ndt_rank = 0",
            "dt_rank must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'mamba'\nwidth = 65536\nexpand = 65536\nd_state = 65536\nd_conv = 65536\nlayers = 65536",
            "width times expand must be at most 65536, got 4294967296",
        ),
        (
            "kind = 'echo-state-transformer'\nunits = 0",
            "units must be between 1 and 65536, got 0",
        ),
        (
            "kind = 'echo-state-transformer'\nneurons = 5000",
            "neurons must be between 1 and 2048, got 5000",
        ),
        (
            "kind = 'echo-state-transformer'\nconnectivity = 0.0",
            "connectivity must be above 0 and at most 1, got 0",
        ),
        (
            "kind = 'echo-state-transformer'\nconnectivity = nan",
            "connectivity must be above 0 and at most 1, got NaN",
        ),
        (
            "kind = 'echo-state-transformer'\nneurons = 2048\nunits = 256",
            "neurons and the other options give 1091043328 fixed weights, at most 1073741824 are allowed",
        ),
    ];
    for (text, expected) in rows {
        let config: BaselineConfig = toml::from_str(text).unwrap();
        let error = config.init::<B>(2, 0, &DEVICE).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let config: BaselineConfig = toml::from_str("kind = 'gru'").unwrap();
    let error = config.init::<B>(0, 0, &DEVICE).unwrap_err();
    assert_eq!(
        error.to_string(),
        "d_input must be between 1 and 16777216, got 0"
    );
}

#[test]
fn options_that_a_kind_lacks_and_unknown_kinds_are_refused() {
    for (text, named) in [
        ("kind = 'gru'\nheads = 2", "heads"),
        ("kind = 'lstm'\nvalue_factor = 2", "value_factor"),
        ("kind = 'transformer'\nvalue_factor = 2", "value_factor"),
        ("kind = 'retnet'\ncontext = 2", "context"),
        ("kind = 'rwkv'\nexpand = 2", "expand"),
        ("kind = 'mamba'\nheads = 2", "heads"),
        ("kind = 'retnet'\ndropout = 0.1", "dropout"),
        ("kind = 'transformer'\nnorm = 'between'", "between"),
        ("kind = 'echo-state-transformer'\nheads = 2", "heads"),
        ("kind = 'elman'", "elman"),
        ("width = 4", "kind"),
    ] {
        let error = toml::from_str::<BaselineConfig>(text).unwrap_err();
        assert!(error.to_string().contains(named), "{text}: {error}");
    }
}

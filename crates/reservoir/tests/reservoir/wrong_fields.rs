//! Every wrong field of a configuration is refused with a sentence that names it, its value and what is allowed.

use burn_ndarray::{NdArray, NdArrayDevice};
use std::collections::BTreeMap;

use ran_reservoir::{
    Activation, MemoryKind, PopulationConfig, Reservoir, ReservoirConfig, UnitKind, WiringKind,
};
use ran_unit::{Initializer, Output};

/// What is wrong with a configuration that is right but for `change`.
fn sentence(kind: UnitKind, change: fn(&mut ReservoirConfig)) -> String {
    let mut config = ReservoirConfig::new(3, vec![PopulationConfig::new(kind, 2, 4)]);
    config.validate().expect("it is right without the change");
    change(&mut config);
    let error = config.validate();
    error.expect_err("the change is wrong").to_string()
}

#[test]
fn a_wrong_field_is_named_with_its_value_and_what_is_allowed() {
    type Change = fn(&mut ReservoirConfig);
    let cases: &[(UnitKind, Change, &str)] = &[
        (
            UnitKind::QkvUnit,
            |config| config.context = 0,
            "reservoir.context must be from 1 to 65536, got 0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.leak = (0.0).into(),
            "reservoir.leak must be above 0 and at most 1, got 0.0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.leak = (1.5).into(),
            "reservoir.leak must be above 0 and at most 1, got 1.5",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.leak = (f64::NAN).into(),
            "reservoir.leak must be above 0 and at most 1, got NaN",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.input_scale = f64::INFINITY,
            "reservoir.input_scale must be a finite number in 32 bits, got inf",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.input_scale = -1e39,
            "reservoir.input_scale must be a finite number in 32 bits, got -1e39",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.leak = (1e-320).into(),
            "reservoir.leak must be above 0 and at most 1, got 1e-320",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations.clear(),
            "reservoir.population must list at least one population",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.input_copies = Some(0),
            "reservoir.input_copies must be at least 1, got 0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.input_share = Some(1.0),
            "reservoir.input_share must be above 0 and below 1, got 1",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.fan_in = Some(3),
            "reservoir.fan_in belongs to wiring = \"sparse\"; the wiring is \"identity\"",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.spectral_radius = Some(0.9),
            "reservoir.spectral_radius belongs to wiring = \"sparse\"; the wiring is \"identity\"",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.wiring = WiringKind::Sparse,
            "reservoir.fan_in is needed by wiring = \"sparse\": how many states a slot reads",
        ),
        (
            UnitKind::QkvUnit,
            |config| {
                config.wiring = WiringKind::Sparse;
                config.fan_in = Some(3);
                config.input_copies = Some(1);
            },
            "reservoir.input_copies belongs to wiring = \"identity\" or \"delay-lines\"; the wiring is \"sparse\"",
        ),
        (
            UnitKind::QkvUnit,
            |config| {
                config.wiring = WiringKind::DelayLines;
                config
                    .projections
                    .0
                    .insert("inputs".into(), BTreeMap::new());
            },
            "reservoir.projections belongs to wiring = \"identity\" or \"sparse\"; the wiring is \"delay-lines\"",
        ),
        (
            UnitKind::QkvUnit,
            |config| {
                config
                    .projections
                    .0
                    .insert("amygdala".into(), BTreeMap::new());
            },
            "reservoir.projections names \"amygdala\", which is no population; there are inputs, qkv-unit-0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].units = 0,
            "reservoir.population[0].units must be at least 1, got 0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].d_unit = 0,
            "reservoir.population[0].d_unit must be at least 1, got 0",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].units = usize::MAX,
            "reservoir.population must offer at most 16777216 slots (units × d_unit), got 18446744073709551615",
        ),
        (
            UnitKind::QkvUnit,
            |config| (config.populations[0].units, config.populations[0].d_unit) = (1, 100_000),
            "reservoir.population must have at most 4294967296 weights, got 30000000000",
        ),
        (
            UnitKind::QkvUnit,
            |config| (config.populations[0].units, config.context) = (1 << 21, 1000),
            "reservoir.context must be at most 512 with 8388608 slots, got 1000",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].heads = Some(3),
            "reservoir.population[0].heads must divide d_unit, got 3 heads for a width of 4",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].heads = Some(0),
            "reservoir.population[0].heads must divide d_unit, got 0 heads for a width of 4",
        ),
        (
            UnitKind::QkvUnit,
            |config| config.populations[0].activation = Some(Activation::Gelu),
            "reservoir.population[0].activation is not an option of kind \"qkv-unit\", which has: heads, causal, \
             residual, layer_norm, output, initializer, reads, fan_in, qk, \
             qk_noise, qk_gain, gate_gain, gate_law, value, lag_bias, lag_bias_scale",
        ),
        (
            UnitKind::MemoryUnit,
            |config| config.populations[0].causal = Some(true),
            "reservoir.population[0].causal is not an option of kind \"memory-unit\", which has: activation, \
             residual, layer_norm, output, initializer, reads, fan_in",
        ),
        (
            UnitKind::AttentionBlock,
            |config| config.populations[0].bias = Some(0.5),
            "reservoir.population[0].bias is not an option of kind \"attention-block\", which has: heads, causal, \
             activation, residual, layer_norm, output, initializer, reads, fan_in, qk, \
             qk_noise, qk_gain, gate_gain, gate_law, value, lag_bias, lag_bias_scale",
        ),
        (
            UnitKind::TanhUnit,
            |config| config.populations[0].output = Some(Output::Tanh),
            "reservoir.population[0].output is not an option of kind \"tanh-unit\", which has: bias, linear, reads, fan_in, recurrence",
        ),
        (
            UnitKind::TanhUnit,
            |config| config.populations[0].bias = Some(-0.5),
            "reservoir.population[0].bias must be at least 0, got -0.5",
        ),
        (
            UnitKind::TanhUnit,
            |config| {
                let mut twin = config.populations[0].clone();
                config.populations[0].name = Some("cortex".into());
                twin.name = Some("cortex".into());
                config.populations.push(twin);
            },
            "reservoir.population[1].name must differ from the others', got \"cortex\" twice",
        ),
        (
            UnitKind::TanhUnit,
            |config| config.populations[0].name = Some("../cortex".into()),
            "reservoir.population[0].name must be a name that is not blank, without slashes and line breaks, got \"../cortex\"",
        ),
        (
            UnitKind::TanhUnit,
            |config| config.populations[0].name = Some(" ".into()),
            "reservoir.population[0].name must be a name that is not blank, without slashes and line breaks, got \" \"",
        ),
        (
            UnitKind::TanhUnit,
            |config| config.populations[0].name = Some("cor\ntex".into()),
            "reservoir.population[0].name must be a name that is not blank, without slashes and line breaks, got \"cor\\ntex\"",
        ),
    ];
    for (kind, change, expected) in cases {
        assert_eq!(sentence(*kind, *change), *expected);
    }
}

#[test]
fn inputs_that_leave_no_slot_for_recurrence_are_refused() {
    let config = ReservoirConfig::new(
        3,
        vec![PopulationConfig::new(UnitKind::AttentionBlock, 2, 4)],
    );
    let reservoir = |d_input| {
        let device = NdArrayDevice::Cpu;
        Reservoir::<NdArray<f32>>::init(&config, d_input, Initializer::Reservoir, 1, &device)
    };
    assert_eq!(reservoir(7).expect("7 of 8 slots are inputs").d_state(), 8);
    let error = reservoir(8).map(|_| ()).expect_err("all slots are inputs");
    let sentence = error.to_string();
    assert!(
        sentence.starts_with("the wiring of the reservoir: "),
        "{sentence}"
    );
    assert!(sentence.contains('8'), "{sentence}");
}

#[test]
fn populations_that_do_not_fill_the_wiring_are_refused() {
    let config = |units| {
        let population = PopulationConfig::new(UnitKind::TanhUnit, units, 4);
        let mut config = ReservoirConfig::new(3, vec![population]);
        config.memory = MemoryKind::Rewritten;
        config
    };
    let device = NdArrayDevice::Cpu;
    let drawn = |units| {
        Reservoir::<NdArray<f32>>::init(&config(units), 2, Initializer::Reservoir, 1, &device)
            .expect("the configuration is right")
    };
    let (two, three) = (drawn(2), drawn(3));
    let error = Reservoir::assemble(&config(2), two.wiring().clone(), three.populations, &device);
    assert_eq!(
        error.map(|_| ()).expect_err("12 is not 8").to_string(),
        "reservoir.population must have as many slots as the wiring, 8, got units × d_unit = 12"
    );
}

//! A reservoir computes the same on burn-ndarray and on burn-wgpu, whatever its units, memory and options.
//!
//! Needs a Vulkan device; one in software will do (`apt-get install mesa-vulkan-drivers`). Without a device the tests
//! fail: who asks for the feature asks for the comparison.
#![cfg(feature = "wgpu")]

use ran_compiled as _;

use std::sync::Mutex;

use approx::relative_eq;
use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};
use burn_ndarray::NdArray;
use burn_wgpu::Wgpu;
use ran_reservoir::{
    Activation, LagLaw, Leak, MemoryData, MemoryKind, PopulationConfig, Qk, Reads, Reservoir,
    ReservoirConfig, Signal, Term, UnitKind, WiringKind,
};
use ran_unit::{Initializer, Output};

/// How far two backends' numbers may be apart, absolutely or relatively: single precision, summed in another order.
const TOLERANCE: f32 = 1e-4;
const SEED: u64 = 3;
const UNITS: usize = 3;
const D_UNIT: usize = 4;
const CONTEXT: usize = 3;
const BATCH: usize = 2;
const STEPS: usize = 4;
const D_INPUT: usize = 2;

const EVERY: &[UnitKind] = &[
    UnitKind::AttentionBlock,
    UnitKind::QkvUnit,
    UnitKind::MemoryUnit,
    UnitKind::TanhUnit,
];
const NOT_TANH: &[UnitKind] = &[
    UnitKind::AttentionBlock,
    UnitKind::QkvUnit,
    UnitKind::MemoryUnit,
];
const ATTENDING: &[UnitKind] = &[UnitKind::AttentionBlock, UnitKind::QkvUnit];
const FEEDING: &[UnitKind] = &[UnitKind::AttentionBlock, UnitKind::MemoryUnit];

/// A name, the kinds of unit that have the option, and how it is set.
type Setting = (&'static str, &'static [UnitKind], fn(&mut ReservoirConfig));

/// Each is set alone, on top of a bounded output ([`bounded`]).
const SETTINGS: &[Setting] = &[
    ("no option", EVERY, |_| ()),
    ("identity output", NOT_TANH, |c| first(c).output = None),
    ("layer-norm output", NOT_TANH, |c| {
        first(c).output = Some(Output::LayerNorm);
    }),
    ("heads", ATTENDING, |c| first(c).heads = Some(2)),
    ("causal", ATTENDING, |c| first(c).causal = Some(true)),
    ("residual", NOT_TANH, |c| first(c).residual = Some(true)),
    ("layer_norm", NOT_TANH, |c| first(c).layer_norm = Some(true)),
    ("gelu", FEEDING, |c| {
        first(c).activation = Some(Activation::Gelu);
    }),
    ("tanh activation", FEEDING, |c| {
        first(c).activation = Some(Activation::Tanh);
    }),
    ("trained initializer", NOT_TANH, |c| {
        first(c).initializer = Some(Initializer::Trained);
    }),
    ("bias", &[UnitKind::TanhUnit], |c| first(c).bias = Some(0.5)),
    ("lag bias", ATTENDING, |c| {
        first(c).lag_bias = Some(LagLaw::Normal);
    }),
    ("tied keys", ATTENDING, |c| first(c).qk = Some(Qk::Tied)),
    ("reads", EVERY, |c| {
        let inputs = Signal::One(Term::Name("inputs".into()));
        first(c).reads = Some(Reads::Slots(vec![inputs]));
    }),
    ("linear", &[UnitKind::TanhUnit], |c| {
        first(c).linear = Some(true)
    }),
    ("leak", EVERY, |c| c.leak = 0.5.into()),
    ("leaks of a range", EVERY, |c| {
        c.leak = Leak::Spread { from: 0.1, to: 1.0 }
    }),
    ("input_copies", EVERY, |c| c.input_copies = Some(2)),
    ("input_scale", EVERY, |c| c.input_scale = 0.7),
    ("sparse wiring", EVERY, |c| {
        c.wiring = WiringKind::Sparse;
        c.fan_in = Some(3);
        c.spectral_radius = Some(0.9);
    }),
    ("two populations", EVERY, |c| {
        let kinds = EVERY.iter().cycle();
        let mut after = kinds.skip_while(|&&kind| kind != c.populations[0].kind);
        let &other = after.nth(1).expect("a cycle has no end");
        c.populations.push(bounded(other, 2, 2));
    }),
];

#[test]
fn attention_blocks_agree() {
    compare(UnitKind::AttentionBlock);
}

#[test]
fn qkv_units_agree() {
    compare(UnitKind::QkvUnit);
}

#[test]
fn memory_units_agree() {
    compare(UnitKind::MemoryUnit);
}

#[test]
fn tanh_units_agree() {
    compare(UnitKind::TanhUnit);
}

#[test]
fn other_weights_do_not_agree() {
    for &kind in EVERY {
        let config = ReservoirConfig::new(CONTEXT, vec![bounded(kind, UNITS, D_UNIT)]);
        let (one, _) = run::<NdArray>(&config, SEED);
        let (other, _) = run::<Wgpu>(&config, SEED + 1);
        assert!(difference(&one, &other).is_some(), "{kind:?}");
    }
}

/// burn 0.21 loses gradients when several threads run backward passes of graphs of their own at once.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn gradients_of_inputs_and_of_every_weight_agree() {
    let _alone = ONE_AT_A_TIME.lock();
    let mut differences = Vec::new();
    for &kind in EVERY {
        for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
            let mut config = ReservoirConfig::new(CONTEXT, vec![bounded(kind, UNITS, D_UNIT)]);
            config.memory = memory;
            let (ones, others) = (
                gradients::<NdArray>(&config, SEED),
                gradients::<Wgpu>(&config, SEED),
            );
            assert_eq!(ones.len(), others.len(), "{kind:?}, {memory:?}");
            assert!(differ(&ones[0], &gradients::<Wgpu>(&config, SEED + 1)[0]).is_some());
            for (at, (one, other)) in ones.iter().zip(&others).enumerate() {
                if let Some(difference) = differ(one, other) {
                    differences.push(format!("{kind:?}, {memory:?}, gradient {at}: {difference}"));
                }
            }
        }
    }
    let all = differences.join("\n");
    assert!(all.is_empty(), "ndarray and wgpu differ:\n{all}");
}

/// The gradients of inputs, and of each weight, of a loss that reads each number of the states in another measure.
fn gradients<B: Backend>(config: &ReservoirConfig, seed: u64) -> Vec<TensorData> {
    let device = B::Device::default();
    let reservoir =
        Reservoir::<Autodiff<B>>::init(config, D_INPUT, Initializer::Trained, seed, &device);
    let reservoir = reservoir.expect("the configuration is right");
    let inputs = Tensor::from_data(wave([BATCH, STEPS, D_INPUT], 0.7), &device).require_grad();
    let start = reservoir.start(BATCH, &device);
    let (states, _) = reservoir.forward_reference(inputs.clone(), start, None);
    let measure = Tensor::from_data(wave(states.dims(), 1.3), &device);
    let grads = (states * measure).sum().backward();
    let inputs = inputs.grad(&grads).expect("inputs have a gradient");
    let mut collect = Collect {
        grads: &grads,
        found: vec![inputs.into_data()],
    };
    reservoir.visit(&mut collect);
    collect.found
}

struct Collect<'a, B: AutodiffBackend> {
    grads: &'a B::Gradients,
    found: Vec<TensorData>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Collect<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        let gradient = param.val().grad(self.grads);
        let gradient = gradient.expect("every weight has a gradient");
        self.found.push(gradient.into_data());
    }
}

fn wave<const R: usize>(shape: [usize; R], pace: f32) -> TensorData {
    let numbers = (0..shape.iter().product()).map(|at: usize| (at as f32 * pace).sin());
    TensorData::new(numbers.collect::<Vec<_>>(), shape)
}

/// Runs units of a kind with each memory and each of the kind's options on both backends, and names all that differ.
#[track_caller]
fn compare(kind: UnitKind) {
    let mut differences = Vec::new();
    let settings = SETTINGS
        .iter()
        .filter(|(_, kinds, _)| kinds.contains(&kind));
    for (name, _, set) in settings {
        for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
            let mut config = ReservoirConfig::new(CONTEXT, vec![bounded(kind, UNITS, D_UNIT)]);
            config.memory = memory;
            set(&mut config);
            let (states, after) = run::<NdArray>(&config, SEED);
            let (other_states, other_after) = run::<Wgpu>(&config, SEED);
            let mut parts = vec![
                ("states", states, other_states),
                ("the memory's rows", after.rows, other_after.rows),
            ];
            match (after.inputs, other_after.inputs) {
                (Some(inputs), Some(others)) => {
                    parts.push(("the memory's inputs", inputs, others));
                }
                (one, other) => assert_eq!(one, other, "{name}, {memory:?}"),
            }
            for (part, one, other) in &parts {
                if let Some(difference) = difference(one, other) {
                    differences.push(format!("{name}, {memory:?}, {part}: {difference}"));
                }
            }
        }
    }
    let all = differences.join("\n");
    assert!(all.is_empty(), "ndarray and wgpu differ:\n{all}");
}

/// The states of a reservoir of this seed, and its memory after them, on a backend's default device.
fn run<B: Backend>(config: &ReservoirConfig, seed: u64) -> (TensorData, MemoryData) {
    let device = B::Device::default();
    let reservoir = Reservoir::<B>::init(config, D_INPUT, Initializer::Reservoir, seed, &device)
        .expect("the configuration is right");
    let inputs = Tensor::from_data(wave([BATCH, STEPS, D_INPUT], 0.7), &device);
    let start = reservoir.start(BATCH, &device);
    let (states, after) = reservoir.forward_reference(inputs, start, None);
    (states.into_data(), after.to_data())
}

/// What is wrong between two backends' numbers; `None` where they agree.
fn difference(one: &TensorData, other: &TensorData) -> Option<String> {
    let mut numbers = one.iter::<f32>();
    if numbers.all(|number| number == 0.0) {
        return Some("all numbers are 0, which compares nothing".into());
    }
    differ(one, other)
}

/// The same, where nothing but 0 may be right: keys have no gradient from their bias, which moves all weights of attention alike.
fn differ(one: &TensorData, other: &TensorData) -> Option<String> {
    if one.shape != other.shape {
        return Some(format!("shapes {:?} and {:?}", one.shape, other.shape));
    }
    let numbers = |data: &TensorData| data.to_vec::<f32>().expect("both compute in f32");
    let (one, other) = (numbers(one), numbers(other));
    let mut pairs = one.iter().zip(&other).enumerate();
    // Not a number is equal to nothing, and so differs here.
    let (at, (one, other)) = pairs.find(|(_, (one, other))| {
        !relative_eq!(
            **one,
            **other,
            epsilon = TOLERANCE,
            max_relative = TOLERANCE
        )
    })?;
    Some(format!("number {at} is {one} and {other}"))
}

/// Units whose output stays within ±1, so that no state grows until rounding does.
fn bounded(kind: UnitKind, units: usize, d_unit: usize) -> PopulationConfig {
    let mut population = PopulationConfig::new(kind, units, d_unit);
    if kind != UnitKind::TanhUnit {
        population.output = Some(Output::Tanh);
    }
    population
}

fn first(config: &mut ReservoirConfig) -> &mut PopulationConfig {
    &mut config.populations[0]
}

//! The kind in the fused scan against the loop in burn operations: states, memory, gradients, and a live stream.

use burn::backend::Autodiff;
use burn::tensor::{Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};
use own_kind::MeanUnit;
use ran_reservoir::{MemoryKind, PopulationConfig, Reservoir, ReservoirConfig, UnitKind};
use ran_unit::UnitShape;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

type B = Autodiff<NdArray<f32>>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;
const SHAPE: UnitShape = UnitShape {
    units: 3,
    d_unit: 5,
};
const D_INPUT: usize = 2;
const STEPS: usize = 9;

fn waves(count: usize, pace: f32) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * pace).sin()).collect()
}

fn reservoir(memory: MemoryKind, context: usize) -> Reservoir<B, MeanUnit<B>> {
    // The populations of the configuration say only how many slots are wired.
    let slots = PopulationConfig::new(UnitKind::TanhUnit, SHAPE.units, SHAPE.d_unit);
    let mut config = ReservoirConfig::new(context, vec![slots]);
    (config.memory, config.leak) = (memory, 0.7.into());
    let wiring = config.wire(D_INPUT, &mut ChaCha8Rng::seed_from_u64(1));
    let wiring = wiring.expect("15 slots are enough for 2 inputs");
    let count = SHAPE.d_state();
    let unit = MeanUnit::new(SHAPE, waves(count, 1.3), waves(count, 0.4), &DEVICE);
    Reservoir::assemble(&config, wiring, vec![unit], &DEVICE).expect("a reservoir")
}

fn inputs(batch: usize) -> Tensor<B, 3> {
    let shape = [batch, STEPS, D_INPUT];
    let numbers = waves(batch * STEPS * D_INPUT, 0.9);
    Tensor::from_data(TensorData::new(numbers, shape), &DEVICE).require_grad()
}

fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
    tensor.into_data().into_vec().expect("numbers are f32")
}

/// States, rows of memory, and the gradients of a loss that reads both.
fn found(
    memory: MemoryKind,
    context: usize,
    truncate: Option<usize>,
    fused: bool,
) -> Vec<Vec<f32>> {
    let reservoir = reservoir(memory, context);
    assert!(reservoir.fused().is_some(), "the kind has a kernel");
    let (batch, start) = (27, reservoir.start(27, &DEVICE));
    let inputs = inputs(batch);
    let (states, after) = match fused {
        true => reservoir.forward(inputs.clone(), start, truncate),
        false => reservoir.forward_reference(inputs.clone(), start, truncate),
    };
    let weight = |of: &Tensor<B, 3>, pace| {
        let count = of.dims().iter().product();
        Tensor::from_data(TensorData::new(waves(count, pace), of.dims()), &DEVICE)
    };
    let loss = (states.clone() * weight(&states, 0.7)).sum()
        + (after.rows.clone() * weight(&after.rows, 1.1)).sum();
    let gradients = loss.backward();
    let unit = &reservoir.populations[0];
    let of = |tensor: Tensor<B, 2>| {
        let gradient = tensor.grad(&gradients).expect("weights have gradients");
        gradient.into_data().into_vec().expect("numbers are f32")
    };
    let of_inputs = inputs.grad(&gradients).expect("inputs have gradients");
    let of_inputs = of_inputs.into_data().into_vec();
    vec![
        numbers(states),
        numbers(after.rows),
        of(unit.gain.val()),
        of(unit.bias.val()),
        of_inputs.expect("numbers are f32"),
    ]
}

#[test]
fn the_fused_scan_gives_the_states_and_gradients_of_the_loop_in_burn_operations() {
    for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
        for (context, truncate) in [(1, None), (4, None), (4, Some(3))] {
            let fused = found(memory, context, truncate, true);
            let plain = found(memory, context, truncate, false);
            for (what, (fused, plain)) in fused.iter().zip(&plain).enumerate() {
                assert_eq!(fused.len(), plain.len());
                let scale = plain.iter().fold(0.1_f32, |most, x| most.max(x.abs()));
                for (a, b) in fused.iter().zip(plain) {
                    assert!(
                        (a - b).abs() < 1e-4 * scale,
                        "{memory:?}, context {context}, truncate {truncate:?}, part {what}: {a}, {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_live_stream_gives_the_states_of_the_batch() {
    for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
        let reservoir = reservoir(memory, 4);
        let sequence = inputs(1);
        let states =
            reservoir.forward_reference(sequence.clone(), reservoir.start(1, &DEVICE), None);
        let states = numbers(states.0);
        let stream = reservoir.stream(None).expect("a memory of zeros");
        let mut stream = stream.expect("the kind has a kernel");
        let mut state = vec![0.0; SHAPE.d_state()];
        let steps = numbers(sequence);
        let steps = steps.chunks(D_INPUT).zip(states.chunks(SHAPE.d_state()));
        for (input, expected) in steps {
            stream.step(input, &mut state);
            for (a, b) in state.iter().zip(expected) {
                assert!((a - b).abs() < 1e-5, "{memory:?}: {a}, {b}");
            }
        }
    }
}

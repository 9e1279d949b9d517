//! A signal in pieces, with the memory saved in between, is the signal in one piece.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Distribution, Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_reservoir::{
    Inputs, Leak, Memory, MemoryData, MemoryKind, PopulationConfig, Reservoir, ReservoirConfig,
    ReservoirError, UnitKind,
};
use ran_unit::{Initializer, Output};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;
const D_INPUT: usize = 2;
const D_STATE: usize = 8;
const KINDS: [UnitKind; 4] = [
    UnitKind::AttentionBlock,
    UnitKind::QkvUnit,
    UnitKind::MemoryUnit,
    UnitKind::TanhUnit,
];

fn reservoir(
    kind: UnitKind,
    memory: MemoryKind,
    context: usize,
    leak: impl Into<Leak>,
    seed: u64,
) -> Reservoir<B> {
    let mut population = PopulationConfig::new(kind, 2, 4);
    if kind != UnitKind::TanhUnit {
        population.output = Some(Output::Tanh);
    }
    let mut config = ReservoirConfig::new(context, vec![population]);
    config.memory = memory;
    config.leak = leak.into();
    Reservoir::init(&config, D_INPUT, Initializer::Reservoir, seed, &DEVICE)
        .expect("the configuration is right")
}

/// A delay line, an accumulator, and attention that reads them by role with a bias by lag.
fn with_roles(memory: MemoryKind, context: usize) -> Reservoir<B> {
    let populations = serde_json::json!([
        { "name": "line", "kind": "tanh-unit", "units": 2, "d_unit": 1, "linear": true, "recurrence": "delay-line",
          "reads": ["inputs"] },
        { "name": "sum", "kind": "tanh-unit", "units": 2, "d_unit": 1, "linear": true, "recurrence": "accumulate",
          "reads": ["inputs"] },
        { "kind": "qkv-unit", "units": 2, "d_unit": 6, "heads": 2, "qk": "tied", "lag_bias": "normal",
          "value": "identity", "reads": { "query": ["line"], "key": ["sum"], "value": ["line"], "gate": "b" } },
    ]);
    let populations: Vec<PopulationConfig> =
        serde_json::from_value(populations).expect("populations");
    let mut config = ReservoirConfig::new(context, populations);
    config.memory = memory;
    let inputs = Inputs::named(D_INPUT, &["a", "b"].map(String::from));
    Reservoir::init(&config, inputs, Initializer::Reservoir, 3, &DEVICE)
        .expect("the configuration is right")
}

#[test]
fn roles_and_biases_by_lag_stream_as_they_run() {
    for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
        for context in [1, 2, 5] {
            let reservoir = with_roles(memory, context);
            for batch in [1, 3] {
                let inputs = signal(batch, 9);
                let (expected, last) = run(&reservoir, inputs.clone());
                let mut memory = reservoir.start(batch, &DEVICE);
                let mut states = Vec::new();
                for step in 0..9 {
                    let input = inputs.clone().narrow(1, step, 1);
                    let (state, next) = reservoir.forward(input, memory, None);
                    memory = saved_and_restored(&reservoir, &next);
                    states.push(state);
                }
                let setting = format!("context {context}, batch {batch}");
                assert_close(Tensor::cat(states, 1), expected, &setting);
                assert_close(memory.rows, last.rows, &setting);
            }
        }
    }
}

/// Calls `check` with a reservoir of every kind of unit, memory, context and leak.
fn for_every_setting(check: impl Fn(&Reservoir<B>, &str)) {
    for kind in KINDS {
        for memory in [MemoryKind::Sliding, MemoryKind::Rewritten] {
            for context in [1, 2, 5] {
                let spread = Leak::Spread { from: 0.2, to: 1.0 };
                for leak in [1.0.into(), 0.3.into(), spread] {
                    let setting = format!("{kind:?}, {memory:?}, context {context}, leak {leak:?}");
                    check(&reservoir(kind, memory, context, leak, 7), &setting);
                }
            }
        }
    }
}

fn signal(batch: usize, steps: usize) -> Tensor<B, 3> {
    let phases = (0..batch * steps * D_INPUT).map(|at| (at as f32 * 0.7).sin());
    let phases = TensorData::new(phases.collect::<Vec<_>>(), [batch, steps, D_INPUT]);
    Tensor::from_data(phases, &DEVICE)
}

fn run(reservoir: &Reservoir<B>, inputs: Tensor<B, 3>) -> (Tensor<B, 3>, Memory<B>) {
    let start = reservoir.start(inputs.dims()[0], &DEVICE);
    reservoir.forward(inputs, start, None)
}

/// The memory after it went through a file.
fn saved_and_restored(reservoir: &Reservoir<B>, memory: &Memory<B>) -> Memory<B> {
    let text = serde_json::to_string(&memory.to_data()).expect("a memory is plain numbers");
    let saved: MemoryData = serde_json::from_str(&text).expect("a saved memory can be read");
    reservoir
        .restore(&saved, &DEVICE)
        .expect("its own memory fits a reservoir")
}

#[track_caller]
fn assert_close<const R: usize>(got: Tensor<B, R>, expected: Tensor<B, R>, setting: &str) {
    assert_eq!(got.dims(), expected.dims(), "{setting}");
    let largest: f32 = (got - expected).abs().max().into_scalar();
    assert!(largest <= 1e-6, "{setting}: differ by {largest}");
}

#[test]
fn steps_with_the_memory_saved_in_between_equal_one_call() {
    for_every_setting(|reservoir, setting| {
        let inputs = signal(3, 9);
        let (expected, last) = run(reservoir, inputs.clone());
        let mut memory = reservoir.start(3, &DEVICE);
        let mut states = Vec::new();
        for step in 0..9 {
            let input = inputs.clone().narrow(1, step, 1);
            let (state, next) = reservoir.forward(input, memory, None);
            memory = saved_and_restored(reservoir, &next);
            states.push(state);
        }
        assert_close(Tensor::cat(states, 1), expected.clone(), setting);
        assert_close(memory.rows.clone(), last.rows, setting);
        assert_close(
            memory.state(),
            expected.narrow(1, 8, 1).squeeze_dim(1),
            setting,
        );
    });
}

#[test]
fn a_sequence_does_not_depend_on_the_others_of_its_batch() {
    // Two, each by itself, and more than the lanes of two vectors hold.
    for_every_setting(|reservoir, setting| {
        for (batch, at) in [(2, 0), (37, 20)] {
            let inputs = signal(batch, 6);
            let part = |all: &Tensor<B, 3>, at| all.clone().narrow(0, at, 1);
            let own = part(&inputs, at);
            let (before, _) = run(reservoir, inputs.clone());
            assert_close(part(&before, at), run(reservoir, own.clone()).0, setting);
            for factor in [-3.0, f32::NAN] {
                let changed = inputs.clone() * factor;
                let changed = changed.slice_assign(at..at + 1, own.clone());
                let after = run(reservoir, changed.clone()).0;
                let bits = |states: &Tensor<B, 3>| part(states, at).into_data();
                assert_eq!(bits(&after), bits(&before), "{setting}, {batch} sequences");
                let other = part(&after, batch - 1) - part(&before, batch - 1);
                let moved: f32 = other.abs().max().into_scalar();
                assert!(
                    moved.is_nan() || moved > 1e-3,
                    "{setting}: the change had no effect"
                );
                let start = reservoir.start(batch, &DEVICE);
                let (reference, _) = reservoir.forward_reference(changed, start, None);
                assert_close(part(&reference, at), part(&before, at), setting);
            }
        }
    });
}

#[test]
fn padding_at_the_end_changes_nothing_before_it() {
    for_every_setting(|reservoir, setting| {
        let inputs = signal(2, 5);
        let padding = Tensor::random([2, 4, D_INPUT], Distribution::Uniform(-9.0, 9.0), &DEVICE);
        let (short, _) = run(reservoir, inputs.clone());
        let (long, _) = run(reservoir, Tensor::cat(vec![inputs, padding], 1));
        assert_close(long.narrow(1, 0, 5), short, setting);
    });
}

#[test]
fn truncation_of_gradients_changes_no_state() {
    for_every_setting(|reservoir, setting| {
        let (whole, _) = run(reservoir, signal(2, 6));
        let start = reservoir.start(2, &DEVICE);
        let (cut, _) = reservoir.forward(signal(2, 6), start, Some(2));
        assert_close(cut, whole, setting);
    });
}

#[test]
fn one_seed_gives_the_same_states_bit_for_bit_and_another_seed_others() {
    for kind in KINDS {
        let states = |seed| {
            let reservoir = reservoir(kind, MemoryKind::Rewritten, 3, 0.3, seed);
            let states = run(&reservoir, signal(2, 6)).0.into_data();
            states.as_bytes().to_vec()
        };
        assert_eq!(states(1), states(1), "{kind:?}");
        assert_ne!(states(1), states(2), "{kind:?}");
    }
}

#[test]
fn restore_refuses_other_shapes_naming_expected_and_got() {
    let wide = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 5, 1.0, 7);
    let slim = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 2, 1.0, 7);
    let sliding = reservoir(UnitKind::TanhUnit, MemoryKind::Sliding, 5, 1.0, 7);
    let saved = |reservoir: &Reservoir<B>| reservoir.start(3, &DEVICE).to_data();
    let refused = |reservoir: &Reservoir<B>, saved: &MemoryData| {
        let error = reservoir.restore(saved, &DEVICE).map(|_| ());
        error.expect_err("another memory does not fit")
    };

    let error = refused(&wide, &saved(&slim));
    let expected = ReservoirError::Memory {
        part: "rows",
        expected: vec![3, 5, D_STATE],
        got: vec![3, 2, D_STATE],
    };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "the saved memory's rows has shape [3, 2, 8], the reservoir needs [3, 5, 8]"
    );

    let mut fewer = saved(&wide);
    fewer.inputs = Some(TensorData::zeros::<f32, _>([3, 3, D_INPUT]));
    let error = refused(&wide, &fewer).to_string();
    assert!(error.contains("inputs has shape [3, 3, 2]"), "{error}");
    assert!(error.contains("needs [3, 4, 2]"), "{error}");

    let error = refused(&sliding, &saved(&wide)).to_string();
    assert!(error.contains("inputs has shape [3, 4, 2]"), "{error}");
    let error = refused(&wide, &saved(&sliding)).to_string();
    assert!(error.contains("needs [3, 4, 2]"), "{error}");
}

#[test]
fn restore_refuses_numbers_that_do_not_fill_their_shape_or_are_no_floats() {
    let reservoir = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 2, 1.0, 7);
    let text = serde_json::to_value(reservoir.start(1, &DEVICE).to_data());
    let text = text.expect("a memory is plain numbers");
    let refused = |part: &str, change: fn(&mut serde_json::Value)| {
        let mut changed = text.clone();
        change(&mut changed[part]);
        let saved: MemoryData = serde_json::from_value(changed).expect("it is still a memory");
        let error = reservoir.restore(&saved, &DEVICE).map(|_| ());
        error.expect_err("the numbers are wrong").to_string()
    };
    let cut = |part: &mut serde_json::Value| {
        let bytes = part["bytes"].as_array_mut();
        bytes.expect("numbers are kept as bytes").truncate(4);
    };
    assert_eq!(
        refused("rows", cut),
        "the saved memory's rows must be 16 float numbers, got 4 bytes of F32"
    );
    assert_eq!(
        refused("inputs", cut),
        "the saved memory's inputs must be 2 float numbers, got 4 bytes of F32"
    );
    assert_eq!(
        refused("rows", |part| part["dtype"] = "I32".into()),
        "the saved memory's rows must be 16 float numbers, got 64 bytes of I32"
    );
}

#[test]
fn shapes_that_disagree_panic_naming_expected_and_got() {
    let reservoir = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 3, 1.0, 7);
    let message = |inputs: Tensor<B, 3>, memory: Memory<B>, truncate| {
        let call = AssertUnwindSafe(|| reservoir.forward(inputs, memory, truncate));
        let panic = catch_unwind(call).map(|_| ()).expect_err("shapes disagree");
        let message = panic.downcast::<String>().map(|text| *text);
        message.expect("the panic has a formatted message")
    };
    let zeros = |shape: [usize; 3]| Tensor::<B, 3>::zeros(shape, &DEVICE);
    let start = |batch| reservoir.start(batch, &DEVICE);

    let wide = message(zeros([2, 4, 5]), start(2), None);
    assert!(wide.contains("d_input = 2, got [2, 4, 5]"), "{wide}");

    let batch = message(zeros([2, 4, D_INPUT]), start(3), None);
    assert!(batch.contains("left: [3, 3, 8]"), "{batch}");
    assert!(batch.contains("right: [2, 3, 8]"), "{batch}");

    let mut forgetful = start(2);
    forgetful.inputs = None;
    let forgetful = message(zeros([2, 4, D_INPUT]), forgetful, None);
    assert!(forgetful.contains("left: None"), "{forgetful}");
    assert!(forgetful.contains("right: Some([2, 2, 2])"), "{forgetful}");

    let cut = message(zeros([2, 4, D_INPUT]), start(2), Some(0));
    assert!(cut.contains("truncate must be at least 1 step"), "{cut}");
}

#[test]
fn rewritten_memory_keeps_the_last_inputs() {
    let reservoir = reservoir(UnitKind::QkvUnit, MemoryKind::Rewritten, 3, 1.0, 7);
    let (states, memory) = run(&reservoir, signal(2, 4));
    assert_eq!(states.dims(), [2, 4, D_STATE]);
    assert_eq!(memory.state().dims(), [2, D_STATE]);
    assert_eq!(memory.rows.dims(), [2, 3, D_STATE]);
    let older = memory.inputs.expect("rewritten memory reads inputs again");
    assert_eq!(older.to_data(), signal(2, 4).narrow(1, 2, 2).to_data());
}

#[test]
fn a_stream_on_the_host_gives_the_states_of_one_call_and_hands_its_memory_over() {
    for_every_setting(|reservoir, setting| {
        let inputs = signal(1, 9);
        let (states, after) = run(reservoir, inputs.clone());
        let numbers: Vec<f32> = inputs.into_data().to_vec().unwrap();
        let (d_input, d_state) = (reservoir.d_input(), reservoir.d_state());
        let mut streamed = vec![0.0; 9 * d_state];
        let mut stream = reservoir.stream(None).unwrap().expect("it has kernels");
        let mut steps = numbers.chunks(d_input).zip(streamed.chunks_mut(d_state));
        for (input, state) in steps.by_ref().take(4) {
            stream.step(input, state);
        }
        // A second stream goes on with the memory of the first.
        let mut stream = reservoir.stream(Some(&stream.memory())).unwrap().unwrap();
        for (input, state) in steps {
            stream.step(input, state);
        }
        let shape = [1, 9, d_state];
        let streamed = Tensor::from_data(TensorData::new(streamed, shape), &DEVICE);
        assert_close(streamed, states, setting);
        let memory = reservoir.restore(&stream.memory(), &DEVICE).unwrap();
        assert_close(memory.rows, after.rows, setting);
        match (memory.inputs, after.inputs) {
            (Some(one), Some(other)) => assert_close(one, other, setting),
            (one, other) => assert!(one.is_none() && other.is_none(), "{setting}"),
        }
    });
}

#[test]
fn a_stream_refuses_the_memory_of_another_reservoir() {
    let one = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 3, 1.0, 7);
    let other = reservoir(UnitKind::TanhUnit, MemoryKind::Rewritten, 4, 1.0, 7);
    let memory = other.start(1, &DEVICE).to_data();
    let error = one.stream(Some(&memory)).unwrap_err().to_string();
    assert!(error.contains("rows has shape [1, 4,"), "{error}");
    let mut memory = one.start(1, &DEVICE).to_data();
    memory.inputs = None;
    let error = one.stream(Some(&memory)).unwrap_err().to_string();
    assert!(error.contains("inputs has shape []"), "{error}");
}

#[test]
fn a_batch_that_is_followed_on_the_host_has_the_states_of_the_tensors_to_the_bit() {
    // Each by itself, and in the lanes of one vector and of several; in pieces shorter and longer than the window.
    for_every_setting(|reservoir, setting| {
        let prepared = reservoir.prepare().expect("ndarray is on the host");
        let mut stream = prepared.start(2);
        stream.run(&[1.0; 2 * D_INPUT], None);
        for batch in [1, 3, 5, 27, 37] {
            let inputs = signal(batch, 9);
            let mut memory = reservoir.start(batch, &DEVICE);
            stream.restart(batch);
            for (first, steps) in [(0, 1), (1, 2), (3, 6)] {
                let piece = inputs.clone().narrow(1, first, steps);
                let numbers = piece.to_data().into_vec::<f32>().expect("f32");
                let (expected, next) = reservoir.forward(piece, memory, None);
                memory = next;
                let expected = expected.into_data().into_vec::<f32>().expect("f32");
                let got = stream.run(&numbers, None);
                assert_eq!(got, expected, "{setting}, {batch} sequences from {first}");
            }
        }
    });
}

#[test]
#[should_panic(expected = "a batch was fed wrong inputs: inputs")]
fn a_batch_that_is_fed_a_part_of_a_step_panics_with_a_sentence() {
    let reservoir = reservoir(UnitKind::QkvUnit, MemoryKind::Sliding, 2, 1.0, 7);
    let prepared = reservoir.prepare().expect("ndarray is on the host");
    prepared.start(2).run(&[0.0; 2 * D_INPUT + 1], None);
}

#[test]
fn a_sequence_of_a_batch_that_ends_early_has_its_own_states_and_so_have_the_others() {
    for_every_setting(|reservoir, setting| {
        let prepared = reservoir.prepare().expect("ndarray is on the host");
        for batch in [3, 40, 64] {
            let inputs = signal(batch, 20);
            let ends: Vec<usize> = (0..batch)
                .map(|at| [0, 1, 14, 20][at * 4 / batch])
                .collect();
            let (mut whole, mut cut) = (prepared.start(batch), prepared.start(batch));
            for first in [0, 10] {
                let piece = inputs.clone().narrow(1, first, 10);
                let numbers = piece.into_data().into_vec::<f32>().expect("f32");
                let ends = ends.iter().map(|&end| end.clamp(first, first + 10) - first);
                let ends: Vec<usize> = ends.collect();
                let expected = whole.run(&numbers, None);
                let got = cut.run(&numbers, Some(&ends));
                for (at, &end) in ends.iter().enumerate() {
                    let own = at * 10 * D_STATE..(at * 10 + end) * D_STATE;
                    let of = format!("{setting}, {batch} sequences from {first}, sequence {at}");
                    assert_eq!(got[own.clone()], expected[own], "{of}");
                }
                if first == 0 {
                    // The last step of the first sequence, of which none was wanted, was not computed.
                    assert_eq!(got[9 * D_STATE..10 * D_STATE], [0.0; D_STATE], "{setting}");
                }
            }
            assert!(cut.run(&[], None).is_empty());
        }
    });
}

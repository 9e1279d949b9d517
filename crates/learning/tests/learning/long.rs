//! Long sequences go through the reservoir in chunks of steps, and nothing tells the difference.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};
use ran_learning::{Event, LearningError, ModelConfig, Session, Trained, train, train_in};
use ran_readout::{HostReadout, InMemory, LinearReadout, Ridge, fit_ridge};
use ran_reservoir::Reservoir;
use ran_tasks::{Category, Dataset, Sample};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

const FEATURES: [&str; 6] = [
    "'last'",
    "'mean'",
    "'mean-and-last'",
    "'every-step'",
    "{ segments = 3 }",
    "'pooled'",
];

fn config(memory: &str, features: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 3\nmemory = '{memory}'\nleak = 0.7\n\
         [[reservoir.population]]\nkind = 'attention-block'\nunits = 2\nd_unit = 4\noutput = 'tanh'\n\
         [[reservoir.population]]\nkind = 'tanh-unit'\nunits = 4\nd_unit = 1\n\
         [readout]\nfeatures = {features}\nridge = 0.01\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

/// A sequence with a target at some steps.
fn sample(steps: usize, phase: f32, scored: Vec<usize>) -> Sample {
    let value = |step: usize| (step as f32 * 0.37 + phase).sin() * (step as f32 * 0.011).cos();
    let targets = Array2::from_shape_fn((scored.len(), 1), |(row, _)| value(scored[row] + 1));
    Sample {
        inputs: Array2::from_shape_fn((steps, 1), |(step, _)| value(step)),
        scored,
        targets,
    }
}

fn dataset(train: Vec<Sample>, test: Vec<Sample>) -> Dataset {
    Dataset {
        train,
        test,
        ..Dataset::new("long", Category::Regression, [1, 1])
    }
}

/// The states of a whole sequence at once.
fn states(reservoir: &Reservoir<B>, inputs: ArrayView2<'_, f32>) -> Array2<f32> {
    let data = TensorData::new(inputs.iter().copied().collect(), [1, inputs.nrows(), 1]);
    let start = reservoir.start(1, &DEVICE);
    let (states, _) = reservoir.forward(Tensor::<B, 3>::from_data(data, &DEVICE), start, None);
    let shape = (inputs.nrows(), reservoir.d_state());
    Array2::from_shape_vec(shape, states.into_data().into_vec().unwrap()).unwrap()
}

/// A readout's weights and biases.
fn numbers(readout: &LinearReadout<B>) -> (Array2<f32>, Array1<f32>) {
    let [width, d_output] = readout.weight.shape().dims();
    let weight = readout.weight.val().into_data().into_vec().unwrap();
    let bias: Vec<f32> = readout.bias.val().into_data().into_vec().unwrap();
    let weight = Array2::from_shape_vec((width, d_output), weight).unwrap();
    (weight, Array1::from_vec(bias))
}

fn trained(config: &ModelConfig, dataset: &Dataset) -> Trained<B> {
    train::<B>(config, dataset, 3, &DEVICE, &mut |_| {}).expect("the configuration fits")
}

/// Trains, and compares the readout and the predictions with those of all states at once, to the bit.
fn assert_as_the_whole(memory: &str, features: &str, dataset: &Dataset) {
    let config = config(memory, features);
    let trained = trained(&config, dataset);
    let (features, reservoir) = (config.features(), trained.model.reservoir().unwrap());
    let rows = |sample: &Sample| {
        let states = states(reservoir, sample.inputs.view());
        features.rows(states.view(), &sample.scored)
    };
    let targets = |sample: &Sample| {
        let steps = sample.inputs.nrows();
        features.targets(steps, &sample.scored, sample.targets.view())
    };
    // Sequences come ordered by length.
    let mut train: Vec<&Sample> = dataset.train.iter().collect();
    train.sort_by_key(|sample| sample.inputs.nrows());
    let join = |parts: Vec<Array2<f32>>| {
        let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).unwrap()
    };
    let samples = InMemory::new(
        join(train.iter().map(|one| rows(one)).collect()),
        join(train.iter().map(|one| targets(one)).collect()),
    );
    let fit = fit_ridge(&samples.unwrap(), Ridge::Value(0.01)).unwrap();
    let whole = LinearReadout::<B>::from_weights(&fit.weights, &fit.bias, &DEVICE);
    assert_eq!(numbers(&trained.model.readout), numbers(&whole));
    for (sample, predictions) in dataset.test.iter().zip(&trained.test_predictions) {
        let outputs = HostReadout::of(&whole).outputs(rows(sample).view());
        let mut collecting = features.collecting(outputs.ncols(), &sample.scored);
        let expected = collecting.push(outputs.view());
        assert_eq!(predictions, &expected, "{memory}, {features:?}");
    }
}

#[test]
fn one_long_sequence_in_chunks_equals_the_whole_to_the_bit() {
    for memory in ["sliding", "rewritten"] {
        for features in FEATURES {
            let test = sample(4_500, 0.0, (4_200..4_500).collect());
            let train = sample(9_000, 1.0, (7_000..9_000).step_by(5).collect());
            assert_as_the_whole(memory, features, &dataset(vec![train], vec![test]));
        }
    }
}

#[test]
fn one_target_at_the_end_of_a_long_sequence_is_learnt_as_of_the_whole() {
    for features in FEATURES {
        let train = sample(9_000, 1.0, vec![8_999]);
        let test = sample(8_300, 0.0, vec![8_250]);
        assert_as_the_whole("sliding", features, &dataset(vec![train], vec![test]));
    }
}

#[test]
fn long_sequences_of_one_batch_keep_their_rows_apart() {
    // Of several sequences, a batch's scan has others in its lanes: the same to rounding.
    let long = || {
        vec![
            sample(5_000, 0.0, (4_000..5_000).step_by(3).collect()),
            sample(300, 2.0, vec![]),
            sample(9_000, 1.0, vec![20, 4_096, 8_999]),
        ]
    };
    for features in FEATURES {
        let config = config("sliding", features);
        let trained = trained(&config, &dataset(long(), long()));
        let (weight, bias) = numbers(&trained.model.readout);
        for (sample, predictions) in long().iter().zip(&trained.test_predictions) {
            let states = states(trained.model.reservoir().unwrap(), sample.inputs.view());
            let rows = config.features().rows(states.view(), &sample.scored);
            let expected = rows.dot(&weight) + &bias;
            assert_eq!(predictions.dim(), expected.dim(), "{features}");
            let off = (predictions - &expected).mapv(f32::abs);
            assert!(off.iter().all(|&off| off < 1e-3), "{features}: {off}");
        }
    }
}

/// Trains in a session that `observe` can stop.
fn stopped(dataset: &Dataset, observe: impl Fn(Event, &AtomicBool)) -> Result<(), LearningError> {
    let stop = AtomicBool::new(false);
    let mut told = |event| observe(event, &stop);
    let session = Session {
        observe: Some(&mut told),
        stop: Some(&stop),
        ..Session::default()
    };
    let config = config("sliding", "'last'");
    train_in::<B>(&config, dataset, 3, &DEVICE, session).map(drop)
}

#[test]
fn a_stop_ends_a_long_scan_after_the_chunk_at_hand() {
    let long = dataset(vec![sample(50_000, 0.0, (100..50_000).collect())], vec![]);
    let chunks = std::cell::Cell::new(0);
    let outcome = stopped(&long, |event, stop| {
        if matches!(event, Event::States { .. }) {
            chunks.set(chunks.get() + 1);
            stop.store(true, Ordering::Relaxed);
        }
    });
    assert!(
        matches!(outcome, Err(LearningError::Stopped)),
        "{outcome:?}"
    );
    assert_eq!(chunks.get(), 1);
}

#[test]
fn a_stop_ends_a_long_judging_and_lets_a_short_one_finish() {
    let train = || vec![sample(200, 0.0, (100..200).collect())];
    let judge = |test: Sample| {
        stopped(&dataset(train(), vec![test]), |event, stop| {
            if event == Event::Judging {
                stop.store(true, Ordering::Relaxed);
            }
        })
    };
    let outcome = judge(sample(5_000_000, 1.0, vec![4_999_999]));
    assert!(
        matches!(outcome, Err(LearningError::Stopped)),
        "{outcome:?}"
    );
    judge(sample(5_000, 1.0, vec![4_999])).expect("little is left to do");
}

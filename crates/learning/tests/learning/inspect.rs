//! What a model shows of itself: states, features, predictions, weights of attention and its numbers.

use std::ops::ControlFlow;

use approx::assert_abs_diff_eq;
use burn::tensor::Tensor;
use burn_ndarray::NdArray;
use ndarray::{Array2, Axis, concatenate, s};
use ran_learning::{Model, ModelConfig, ModelNumbers, Piece, train};
use ran_readout::{Features, HostReadout};
use ran_tasks::{Dataset, Sample, TaskConfig};

type B = NdArray<f32>;

fn model(memory: &str) -> (Model<B>, Dataset) {
    let text = format!(
        "reservoir = {{ context = 3, memory = '{memory}', population = [\
         {{ kind = 'attention-block', units = 2, d_unit = 4, heads = 2, output = 'tanh' }}, \
         {{ kind = 'tanh-unit', units = 3, d_unit = 1 }}, {{ kind = 'qkv-unit', units = 2, d_unit = 3, output = 'tanh' }}] }}"
    );
    let config: ModelConfig = toml::from_str(&text).unwrap();
    let task = "name = 'narma'\nwarm_up = 20\ntrain = 1400\nvalid = 0\ntest = 1300";
    let task: TaskConfig = toml::from_str(task).unwrap();
    let mut dataset = task.load(0).unwrap();
    // A shorter sequence beside a long one, which comes in several pieces.
    let mut short = dataset.train[0].clone();
    short.inputs = short.inputs.slice(s![..30, ..]).to_owned();
    short.scored = vec![20, 29];
    short.targets = short.targets.slice(s![..2, ..]).to_owned();
    dataset.train.push(short);
    let trained = train::<B>(&config, &dataset, 0, &Default::default(), &mut |_| {});
    (trained.unwrap().model, dataset)
}

fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
    tensor.into_data().into_vec().unwrap()
}

/// All rows of each sequence, and how many pieces they came in.
fn gathered(
    samples: &[Sample],
    width: usize,
    each: impl FnOnce(&mut dyn FnMut(Piece<'_>) -> ControlFlow<()>),
) -> (Vec<Array2<f32>>, usize) {
    let mut rows = vec![Array2::zeros((0, width)); samples.len()];
    let mut pieces = 0;
    each(&mut |piece| {
        let before = &mut rows[piece.sequence];
        assert_eq!(before.nrows(), piece.step);
        *before = concatenate![Axis(0), before.view(), piece.rows];
        pieces += 1;
        ControlFlow::Continue(())
    });
    (rows, pieces)
}

#[test]
fn states_of_pieces_give_the_features_and_these_the_predictions() {
    for memory in ["sliding", "rewritten"] {
        let (model, dataset) = model(memory);
        let (samples, device) = (&dataset.train[..], Default::default());
        let (states, pieces) = gathered(samples, model.reservoir().unwrap().d_state(), |visit| {
            model.each_state(samples, &device, visit);
        });
        assert!(pieces > samples.len(), "{pieces}");
        let predicted = model.predict(samples, &device);
        let readout = HostReadout::of(&model.readout);
        let mut seen = 0;
        model.each_prediction(samples, &device, &mut |found| {
            let index = found.sequence;
            let rows = Features::MeanAndLast.rows(states[index].view(), &samples[index].scored);
            let own = found.first_row..found.first_row + found.features.nrows();
            for (a, b) in rows.slice(s![own, ..]).iter().zip(found.features) {
                assert_abs_diff_eq!(a, b, epsilon = 1e-4);
            }
            assert_eq!(readout.outputs(found.features), found.predictions);
            let scored = found.first_scored..found.first_scored + found.predictions.nrows();
            assert_eq!(predicted[index].slice(s![scored, ..]), found.predictions);
            seen += found.predictions.nrows();
            ControlFlow::Continue(())
        });
        let scored = samples.iter().map(|sample| sample.scored.len());
        assert_eq!(seen, scored.sum::<usize>());
    }
}

#[test]
fn weights_of_attention_sum_to_one_for_each_unit_head_and_row() {
    for (memory, queries) in [("sliding", 1), ("rewritten", 3)] {
        let (model, dataset) = model(memory);
        let (samples, device) = (&dataset.train[1..], Default::default());
        for (place, shape) in [[2, 2, queries, 3], [0; 4], [2, 1, queries, 3]]
            .into_iter()
            .enumerate()
        {
            assert_eq!(model.attention_shape(place), shape);
            let width = shape.iter().product();
            let (rows, pieces) = gathered(samples, width, |visit| {
                model.each_attention(place, samples, &device, visit);
            });
            if width == 0 {
                assert_eq!(pieces, 0);
                continue;
            }
            assert_eq!(rows[0].nrows(), 30);
            let weights = rows[0].as_slice().unwrap();
            for weights in weights.chunks(3) {
                assert_abs_diff_eq!(weights.iter().sum::<f32>(), 1.0, epsilon = 1e-5);
            }
            // Units attend in ways of their own once there is something to attend to.
            let uneven = |weight: &f32| (weight - 1.0 / 3.0).abs() > 1e-4;
            assert!(weights.iter().any(uneven));
        }
    }
}

#[test]
fn whoever_looks_can_break_off() {
    let (model, dataset) = model("sliding");
    let mut seen = 0;
    let mut visit = |_: Piece<'_>| {
        seen += 1;
        ControlFlow::Break(())
    };
    model.each_state(&dataset.train, &Default::default(), &mut visit);
    assert_eq!(seen, 1);
}

#[test]
fn tensors_have_the_names_and_numbers_of_the_file() {
    let (model, _) = model("sliding");
    let tensors = model.tensors().unwrap();
    let find = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
    let bias = find("readout.bias").unwrap();
    assert_eq!(bias.shape, [1]);
    let expected = numbers(model.readout.bias.val());
    assert_eq!(bias.numbers, ModelNumbers::Floats(expected));
    let offsets = find("wiring.offsets").unwrap();
    assert!(matches!(&offsets.numbers, ModelNumbers::Integers(numbers) if numbers[0] == 0));
    assert!(
        tensors
            .iter()
            .any(|tensor| tensor.name.starts_with("reservoir."))
    );
}

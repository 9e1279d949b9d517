//! A readout that names populations sees their states alone, however it learns.

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::Array1;
use ran_learning::{Model, ModelConfig, Trained, describe, train};
use ran_tasks::{Dataset, Sample, TaskConfig};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

fn few_samples() -> Dataset {
    let task = TaskConfig::JapaneseVowels(Default::default());
    let mut dataset = task.load(0).expect("the task comes with the project");
    for split in [&mut dataset.train, &mut dataset.test] {
        *split = split.iter().step_by(30).cloned().collect();
    }
    dataset
}

/// Three populations of 16, 5 and 8 dimensions, of which the readout sees the first and the last.
fn config(features: &str, learning: &str, more: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 3\n\
         [[reservoir.population]]\nname = 'cortex'\nkind = 'attention-block'\nunits = 4\nd_unit = 4\noutput = 'tanh'\n\
         [[reservoir.population]]\nname = 'hidden'\nkind = 'tanh-unit'\nunits = 5\nd_unit = 1\n\
         [[reservoir.population]]\nkind = 'tanh-unit'\nunits = 8\nd_unit = 1\n\
         [readout]\nfeatures = {features}\npopulations = ['tanh-unit-2', 'cortex']\n{more}\n\
         [learning]\nregime = '{learning}'\nepochs = 1\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

fn trained(config: &ModelConfig, dataset: &Dataset) -> Trained<B> {
    train::<B>(config, dataset, 1, &DEVICE, &mut |_| {}).expect("the configuration fits the task")
}

#[test]
fn every_way_of_learning_fits_a_readout_of_the_chosen_states_alone() {
    let dataset = few_samples();
    for (features, parts) in [
        ("'last'", 1),
        ("'mean-and-last'", 2),
        ("{ segments = 3 }", 3),
    ] {
        for (regime, more) in [
            ("reservoir", ""),
            ("reservoir", "online = { rule = 'rls' }"),
            ("full", ""),
            ("hybrid", ""),
        ] {
            let config = config(features, regime, more);
            let trained = trained(&config, &dataset);
            let width = trained.model.readout.weight.shape().dims::<2>();
            assert_eq!(width, [parts * 24, 9], "{features}, {regime} {more}");
            let described = describe::<B>(&config, 12, 9, 1, &DEVICE).expect("it is right");
            assert_eq!(described.readout.width, parts * 24);
            assert_eq!(
                described.trained_parameters,
                trained.report.trained_parameters
            );
            assert_eq!(described.fixed_parameters, trained.report.fixed_parameters);
            let names = described.readout.populations.expect("two are chosen");
            assert_eq!(names, ["tanh-unit-2", "cortex"]);
        }
    }
}

#[test]
fn a_stream_and_a_saved_model_see_the_same_populations() {
    let dataset = few_samples();
    let standardiser = dataset.standardiser.clone().expect("the task standardises");
    let trained = trained(&config("'mean-and-last'", "reservoir", ""), &dataset);
    let bytes = trained.model.to_bytes().expect("its numbers are plain");
    let model = Model::<B>::from_bytes(bytes, &DEVICE).expect("its own file is right");
    assert_eq!(
        model.predict(&dataset.test, &DEVICE),
        trained.test_predictions
    );
    let sample: &Sample = &dataset.test[0];
    let mut raw = sample.inputs.clone();
    standardiser.invert(&mut raw);
    let mut stream = model.stream(&DEVICE);
    let mut said = Array1::zeros(9);
    for inputs in raw.rows() {
        said = stream.step(inputs).expect("the inputs are right");
    }
    for (said, expected) in said.iter().zip(&trained.test_predictions[0]) {
        assert!((said - expected).abs() < 1e-4, "{said}, not {expected}");
    }
}

#[test]
fn what_an_unseen_population_does_changes_no_prediction() {
    let dataset = few_samples();
    // Nothing listens to the hidden population, so that its biases reach the readout by its states alone.
    let with_bias = |bias: f64, seen: bool| {
        let mut config = config("'last'", "reservoir", "");
        config.reservoir.projections.0.insert(
            "hidden".into(),
            ["cortex", "hidden", "tanh-unit-2"]
                .map(|to| (to.to_owned(), 0.0))
                .into(),
        );
        config.reservoir.populations[1].bias = Some(bias);
        if seen {
            config.readout.populations = None;
        }
        trained(&config, &dataset).test_predictions
    };
    assert_eq!(with_bias(0.0, false), with_bias(0.9, false));
    assert_ne!(with_bias(0.0, true), with_bias(0.9, true));
}

//! Models whose populations read inputs by name: they learn, go through a file, and are trained on from their roles.

use burn_ndarray::{NdArray, NdArrayDevice};
use ran_learning::{Model, ModelConfig, Trained, describe, train};
use ran_reservoir::{Inputs, Reservoir, StandardUnit};
use ran_tasks::{Dataset, TaskConfig};
use ran_unit::Initializer;

use crate::model_file::{refusal, with_card};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Associative recall: which of three pairs' values stood with a key?
fn dataset() -> Dataset {
    let task: TaskConfig = toml::from_str("name = 'associative-recall'").expect("a task");
    task.load(1).expect("the task is drawn")
}

/// Attention whose query of now meets the symbol before each row.
fn config(learning: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 16\n\
         [[reservoir.population]]\nname = 'before'\nkind = 'tanh-unit'\nunits = 5\nd_unit = 1\nlinear = true\n\
         recurrence = 'delay-line'\nreads = ['symbol']\n\
         [[reservoir.population]]\nname = 'recall'\nkind = 'qkv-unit'\nunits = 30\nd_unit = 20\nheads = 2\nqk = 'tied'\n\
         qk_gain = 12.0\nvalue = 'identity'\nlag_bias = 'normal'\n\
         reads = {{ query = ['symbol'], key = [{{ from = 'symbol', delay = 1 }}], value = ['symbol'] }}\n\
         [readout]\nfeatures = 'last'\npopulations = ['recall']\n[learning]\n{learning}\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

fn trained(config: &ModelConfig, dataset: &Dataset) -> Trained<B> {
    train::<B>(config, dataset, 1, &DEVICE, &mut |_| {}).expect("the configuration fits the task")
}

#[test]
fn attention_with_roles_recalls_and_goes_through_a_file() {
    let dataset = dataset();
    let trained = trained(&config("regime = 'reservoir'"), &dataset);
    let accuracy = trained.report.test.expect("there is a test set");
    // Random attention with as many parameters is right in six of ten.
    assert!(accuracy > 0.9, "{accuracy}");
    let bytes = trained.model.to_bytes().expect("its numbers are plain");
    let model = Model::<B>::from_bytes(bytes.clone(), &DEVICE).expect("its own file is right");
    let again = model.predict(&dataset.test, &DEVICE);
    assert_eq!(again, trained.test_predictions);
    let renamed = with_card(&bytes, |card| card.replace("symbol 0", "word 0"));
    let sentence = refusal(renamed);
    assert!(sentence.contains("is damaged: its card"), "{sentence}");
    assert!(sentence.contains("reservoir.population[0]"), "{sentence}");
}

/// Sorting: the steps since the trigger, of 12, ask for one of 10 ranks, and nobody says which for which.
fn sorting(learning: &str, values: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 21\n\
         [[reservoir.population]]\nname = 'clock'\nkind = 'tanh-unit'\nunits = 12\nd_unit = 1\nlinear = true\n\
         recurrence = 'delay-line'\nreads = ['trigger']\n\
         [[reservoir.population]]\nkind = 'qkv-unit'\nunits = 20\nd_unit = 26\nvalue = 'identity'\nqk_gain = 16.0\n\
         reads = {{ query = ['clock'], key = ['order'], value = {values} }}\n\
         [readout]\nfeatures = 'last'\npopulations = ['qkv-unit-1']\n[learning]\n{learning}\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

#[test]
fn queries_in_closed_form_find_the_keys_that_nobody_named() {
    let task: TaskConfig = toml::from_str("name = 'sorting-problem'").expect("a task");
    let dataset = task.load(1).expect("the task is drawn");
    let accuracy = |learning: &str| {
        let trained = trained(&sorting(learning, "['symbol']"), &dataset);
        trained.report.test.expect("there is a test set")
    };
    let (random, fitted) = (accuracy(""), accuracy("qk = 'ridge'"));
    assert!(random < 0.8, "{random}");
    assert!(fitted > 0.97, "{fitted}");
}

#[test]
fn queries_that_cannot_be_fitted_get_a_sentence() {
    let task: TaskConfig = toml::from_str("name = 'sorting-problem'").expect("a task");
    let dataset = task.load(1).expect("the task is drawn");
    let mut plain = sorting("qk = 'ridge'", "['symbol']");
    plain.reservoir.populations[1].reads = None;
    plain.reservoir.populations[1].value = None;
    for (config, words) in [
        (
            sorting("qk = 'ridge'", "['symbol', 'trigger']"),
            "learning.qk is for tasks whose target names a value",
        ),
        (plain, "learning.qk needs a population whose reads"),
        (
            sorting("qk = 'ridge'\nregime = 'full'", "['symbol']"),
            "learning.qk belongs to regime = \"reservoir\"; the regime is \"full\"",
        ),
    ] {
        let error = train::<B>(&config, &dataset, 1, &DEVICE, &mut |_| {});
        let error = error.map(|_| ()).expect_err(words).to_string();
        assert!(error.contains(words), "{words:?} is missing from: {error}");
    }
}

#[test]
fn training_by_gradient_goes_on_from_roles() {
    let dataset = dataset();
    let config = config("regime = 'full'\nepochs = 1\nbatch = 20");
    let trained = trained(&config, &dataset);
    let inputs = Inputs::named(5, &dataset.input_names);
    let drawn = Reservoir::<B>::init(
        &config.reservoir,
        inputs.clone(),
        Initializer::Trained,
        1,
        &DEVICE,
    );
    let drawn = drawn.expect("the configuration is right");
    let [one, other] = [&drawn, trained.model.reservoir().unwrap()].map(|reservoir| {
        let StandardUnit::QkvUnit(unit) = &reservoir.populations[1] else {
            panic!("the population has QKV units");
        };
        let lag = unit.lag.as_ref().expect("it has biases by lag");
        [lag.tensor(), unit.key.tensors()[0].clone()]
            .map(|tensor| tensor.into_data().into_vec::<f32>().unwrap())
    });
    for (before, after) in one.iter().zip(&other) {
        let moved = before.iter().zip(after).map(|(a, b)| (a - b).abs());
        let moved = moved.fold(0.0_f32, f32::max);
        assert!((1e-4..0.1).contains(&moved), "moved by {moved}");
    }
    let described = describe::<B>(&config, inputs, 5, 1, &DEVICE).expect("it is right");
    // A bias for each unit, head and lag, beside the layers of QKV units, the neurons' biases and the readout.
    let (layers, lags, readout) = (30 * 3 * (400 + 20), 30 * 2 * 16, 600 * 5 + 5);
    let expected = layers + lags + 5 + readout;
    assert_eq!(described.trained_parameters, expected);
    assert_eq!(trained.report.trained_parameters, expected);
}

#[test]
fn a_description_names_the_groups_and_what_reads_them() {
    let names = ["symbol 0", "symbol 1", "marker"].map(String::from);
    let mut config = config("");
    config.reservoir.populations[0].units = 2;
    let described = describe::<B>(&config, Inputs::named(3, &names), 5, 1, &DEVICE);
    let described = described.expect("it is right").reservoir;
    let described = described.expect("it is a reservoir");
    let groups = described.groups.iter();
    let groups: Vec<_> = groups
        .map(|group| (group.name.as_str(), &group.inputs[..]))
        .collect();
    assert_eq!(groups, [("symbol", &[0, 1][..]), ("marker", &[2])]);
    assert_eq!(
        described.populations[1].reads,
        config.reservoir.populations[1].reads
    );
    assert_eq!(described.populations[1].reads_inputs, 60);
    assert_eq!(described.populations[1].reads_populations, [60, 0]);
}

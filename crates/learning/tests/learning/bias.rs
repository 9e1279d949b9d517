//! Neurons whose gains and biases are fitted to what they read.

use burn::tensor::{Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_learning::{Model, ModelConfig, train};
use ran_reservoir::StandardUnit;
use ran_tasks::{Dataset, TaskConfig};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;
const HELD: usize = 16;
const NEURONS: usize = 60;

fn dataset() -> Dataset {
    let task: TaskConfig = toml::from_str("name = 'narma'").expect("a task");
    task.load(1).expect("the task is drawn")
}

/// Neurons that sum nine of the last inputs.
fn config(neurons: &str, rest: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 1\n\
         [[reservoir.population]]\nname = 'past'\nkind = 'tanh-unit'\nunits = {HELD}\nd_unit = 1\nlinear = true\n\
         recurrence = 'delay-line'\nreads = ['inputs']\n\
         [[reservoir.population]]\nname = 'neurons'\nkind = 'tanh-unit'\nunits = {NEURONS}\nd_unit = 1\nbias = 1.0\n{neurons}\n\
         {rest}\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

const SUMS: &str = "fan_in = 9\nreads = ['inputs', 'past']";

#[test]
fn neurons_see_what_they_read_in_its_own_measure_each_about_a_quantile_of_its_own() {
    let dataset = dataset();
    let config = config(SUMS, "[learning]\nbias = 'quantile'");
    let trained = train::<B>(&config, &dataset, 1, &DEVICE, &mut |_| {}).expect("it fits");
    let reservoir = trained.model.reservoir().expect("it has one");
    let mut shares = Vec::new();
    let inputs = dataset.train[0].inputs.view();
    let (steps, d_input) = inputs.dim();
    assert!(steps <= 4096, "all of the series is looked at");
    let data = TensorData::new(
        inputs.iter().copied().collect::<Vec<f32>>(),
        [1, steps, d_input],
    );
    let start = reservoir.start(1, &DEVICE);
    let (states, _) = reservoir.forward(Tensor::from_data(data, &DEVICE), start, None);
    let states = states.into_data().into_vec::<f32>().unwrap();
    for neuron in HELD..HELD + NEURONS {
        let read = states.iter().skip(neuron).step_by(HELD + NEURONS);
        let read: Vec<f64> = read.map(|&state| f64::from(state).atanh()).collect();
        let mean = read.iter().sum::<f64>() / steps as f64;
        let squares = read.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = (squares / steps as f64).sqrt();
        assert!((deviation - 1.0).abs() < 0.01, "{neuron}: {deviation}");
        shares.push(read.iter().filter(|&&value| value > 0.0).count() as f64 / steps as f64);
    }
    // Uniform from 0 to 1: the smallest and largest of sixty are below and above these but in one case of five hundred.
    shares.sort_by(f64::total_cmp);
    assert!(
        shares[0] < 0.1 && shares[NEURONS - 1] > 0.9 && shares[NEURONS / 2] > 0.25,
        "{shares:?}"
    );

    let bytes = trained.model.to_bytes().expect("its numbers are plain");
    let model = Model::<B>::from_bytes(bytes, &DEVICE).expect("its own file is right");
    assert_eq!(
        model.predict(&dataset.test, &DEVICE),
        trained.test_predictions
    );
}

#[test]
fn a_neuron_that_reads_the_same_at_all_steps_stays_as_it_was_drawn() {
    // More steps than are looked at, in sequences that are shorter than the line: what lies further back is always zero.
    let task: TaskConfig = toml::from_str("name = 'japanese-vowels'").expect("a task");
    let dataset = task.load(1).expect("the task is there");
    let steps = dataset.train.iter().map(|one| one.inputs.nrows());
    assert!(steps.clone().sum::<usize>() > 4096 && steps.max() < Some(40));
    let of = |learning: &str| {
        let text = format!(
            "[reservoir]\ncontext = 1\n\
             [[reservoir.population]]\nname = 'past'\nkind = 'tanh-unit'\nunits = 1200\nd_unit = 1\nlinear = true\n\
             recurrence = 'delay-line'\nreads = ['inputs']\n\
             [[reservoir.population]]\nname = 'neurons'\nkind = 'tanh-unit'\nunits = 100\nd_unit = 1\nbias = 1.0\n\
             reads = [{{ from = 'past', delay = 5 }}, {{ from = 'past', delay = 60 }}]\n\
             [readout]\nfeatures = 'last'\npopulations = ['neurons']\n[learning]\n{learning}\n"
        );
        let config: ModelConfig = toml::from_str(&text).expect("it is a configuration");
        let trained = train::<B>(&config, &dataset, 1, &DEVICE, &mut |_| {}).expect("it fits");
        let reservoir = trained.model.reservoir().expect("it has one");
        let StandardUnit::TanhUnit(neurons) = &reservoir.populations[1] else {
            panic!("the population has neurons");
        };
        let biases = neurons.bias.val().into_data().into_vec::<f32>().unwrap();
        let slots = reservoir.wiring().slots().skip(1200);
        let weights: Vec<f32> = slots.map(|slot| slot.weights[0]).collect();
        (biases, weights)
    };
    let (drawn, fitted) = (of(""), of("bias = 'quantile'"));
    // A line of 12 inputs: the neurons read those of 5 steps ago, then those of 60, and so on.
    for neuron in 0..100 {
        let same = drawn.0[neuron] == fitted.0[neuron] && drawn.1[neuron] == fitted.1[neuron];
        assert_eq!(same, neuron % 24 >= 12, "{neuron}");
    }
}

#[test]
fn biases_that_cannot_be_fitted_get_a_sentence() {
    let dataset = dataset();
    let none = "learning.bias needs a population of tanh units";
    for (config, words) in [
        (
            config(
                "recurrence = 'accumulate'\nreads = ['inputs']",
                "[learning]\nbias = 'quantile'",
            ),
            none,
        ),
        (
            config(
                &format!("linear = true\n{SUMS}"),
                "[learning]\nbias = 'quantile'",
            ),
            none,
        ),
        (
            config(SUMS, "[learning]\nbias = 'quantile'\nregime = 'full'"),
            "learning.bias belongs to regime = \"reservoir\"; the regime is \"full\"",
        ),
        (
            config(
                SUMS,
                "[learning]\nbias = 'quantile'\n[input_map]\nwidth = 4",
            ),
            "learning.bias reads inputs as they are",
        ),
    ] {
        let error = train::<B>(&config, &dataset, 1, &DEVICE, &mut |_| {});
        let error = error.map(|_| ()).expect_err(words).to_string();
        assert!(error.contains(words), "{words:?} is missing from: {error}");
    }
}

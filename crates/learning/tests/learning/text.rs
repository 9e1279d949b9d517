//! Symbols as inputs: a map in front of the units, chosen parts that are trained, and a memory that is carried on.

use std::collections::BTreeMap;
use std::fs;

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::array;
use ran_learning::{
    LearningError, Model, ModelConfig, ModelInputs, ModelNumbers, Trained, count_parameters,
    describe, train,
};
use ran_tasks::{Dataset, TaskConfig};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// A text in which two symbols say what the next one is, and one does not.
fn dataset(segment: usize) -> Dataset {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("text.txt");
    fs::write(&path, "aabb".repeat(160)).expect("a file can be written");
    let task = format!(
        "name = 'text'\nsegment = {segment}\nfile = '{}'",
        path.display()
    );
    let task: TaskConfig = toml::from_str(&task).expect("it is a task");
    task.load(0).expect("the text is right")
}

fn config(input_map: &str, learning: &str) -> ModelConfig {
    let text = format!(
        "{input_map}\n[reservoir]\ncontext = 6\ninput_share = 0.5\n[[reservoir.population]]\nkind = 'attention-block'\n\
         units = 2\nd_unit = 8\nlag_bias = 'normal'\n[readout]\nfeatures = 'last'\n[learning]\nlearning_rate = 0.01\n\
         batch = 4\n{learning}"
    );
    toml::from_str(&text).expect("it is a configuration")
}

const MAP: &str = "[input_map]\nwidth = 4";

fn trained(config: &ModelConfig, dataset: &Dataset) -> Trained<B> {
    let trained = train::<B>(config, dataset, 1, &DEVICE, &mut |_| {});
    trained.expect("the configuration fits the task")
}

/// Whether each tensor of a model is another one after training.
fn moved(before: &Model<B>, after: &Model<B>) -> BTreeMap<String, bool> {
    let of = |model: &Model<B>| model.tensors().expect("a model has tensors");
    let pairs = of(before).into_iter().zip(of(after));
    pairs
        .filter(|(one, _)| matches!(one.numbers, ModelNumbers::Floats(_)))
        .map(|(one, other)| {
            assert_eq!(one.name, other.name);
            (one.name, one.numbers != other.numbers)
        })
        .collect()
}

#[test]
fn a_memory_that_is_carried_tells_what_a_segment_alone_does_not() {
    let dataset = dataset(1);
    let [carried, reset] = ["carry = true", "carry = false"].map(|carry| {
        let learning = format!("regime = 'full'\nepochs = 20\n{carry}");
        trained(&config(MAP, &learning), &dataset).report
    });
    // Each of two symbols is as likely as the other after a segment of one.
    assert!(carried.test < Some(0.1), "{:?}", carried.test);
    assert!(carried.train < 0.1, "{}", carried.train);
    assert!((reset.train - 2_f64.ln()).abs() < 0.02, "{}", reset.train);
    let scores = &carried.scores.test;
    let of = |name: &str| {
        let found = scores.iter().find(|(metric, _)| metric.name() == name);
        *found.unwrap_or_else(|| panic!("{name} is missing")).1
    };
    assert!(of("accuracy") > 0.98);
    let nats = of("cross-entropy");
    assert_eq!(Some(nats), carried.test);
    assert!((of("bits-per-symbol") - nats / 2_f64.ln()).abs() < 1e-12);
    assert!((of("perplexity") - nats.exp()).abs() < 1e-12);
}

#[test]
fn only_the_parts_that_are_named_are_trained() {
    let dataset = dataset(8);
    for (learning, parts) in [
        ("", &["input_map", "readout", "reservoir"][..]),
        (
            "trained = ['input-map', 'readout']",
            &["input_map", "readout"],
        ),
        ("trained = ['readout']", &["readout"]),
    ] {
        let at = |epochs: usize, rate: f64| {
            let learning =
                format!("regime = 'full'\nepochs = {epochs}\nweight_decay = 0.1\n{learning}");
            let mut config = config(MAP, &learning);
            config.learning.learning_rate = rate;
            trained(&config, &dataset)
        };
        // A rate that is next to nothing leaves what was drawn, to the last bits.
        let (before, after) = (at(1, 1e-30), at(3, 0.01));
        for (name, moved) in moved(&before.model, &after.model) {
            let expected = parts.iter().any(|part| name.starts_with(part));
            // The key's bias has no gradient, but for weight decay, which has nothing to pull at in a bias of 0.
            if !name.ends_with("key.bias") {
                assert_eq!(moved, expected, "{learning}: {name}");
            }
        }
        let described = describe::<B>(&after.model.card.config, &dataset, 2, 1, &DEVICE);
        let described = described.expect("it is right");
        assert_eq!(
            described.trained_parameters,
            after.report.trained_parameters
        );
        assert_eq!(described.fixed_parameters, after.report.fixed_parameters);
        let counts = count_parameters::<B>(&after.model.card.config, &dataset, 2, &DEVICE);
        let counts = counts.expect("it is right");
        assert_eq!(
            (counts.trained, counts.fixed),
            (described.trained_parameters, described.fixed_parameters)
        );
    }
}

#[test]
fn a_saved_model_of_symbols_streams_what_it_predicts() {
    let dataset = dataset(8);
    for (map, regime) in [
        ("", "full"),
        (MAP, "full"),
        (MAP, "reservoir"),
        ("", "reservoir"),
    ] {
        let learning = format!("regime = '{regime}'\nepochs = 1");
        let model = trained(&config(map, &learning), &dataset).model;
        let bytes = model.to_bytes().expect("a model's numbers are plain");
        let model = Model::<B>::from_bytes(bytes, &DEVICE).expect("it was just written");
        assert_eq!(model.card.inputs(), ModelInputs::Symbols(2));
        let expected = &model.predict(&dataset.test, &DEVICE)[0];
        let mut stream = model.stream(&DEVICE);
        for (inputs, expected) in dataset.test[0]
            .inputs
            .rows()
            .into_iter()
            .zip(expected.rows())
        {
            let got = stream.step(inputs).expect("it is a symbol");
            let off = (&got - &expected).mapv(f32::abs).sum();
            assert!(off < 1e-4, "{map} {regime}: off by {off}");
        }
        for wrong in [2.0, -1.0, 0.5] {
            let message = stream.step(array![wrong].view()).unwrap_err().to_string();
            assert!(message.contains("a place from 0 to 1"), "{message}");
        }
    }
}

#[test]
fn a_map_in_front_of_numbers_is_trained_and_streams_too() {
    let mut dataset = TaskConfig::JapaneseVowels(Default::default())
        .load(0)
        .expect("the task comes with the project");
    for split in [&mut dataset.train, &mut dataset.test] {
        *split = split.iter().step_by(30).cloned().collect();
    }
    let learning = "regime = 'full'\nepochs = 2\ntrained = ['input-map', 'readout']";
    let model = trained(&config(MAP, learning), &dataset).model;
    let expected = &model.predict(&dataset.test, &DEVICE)[0];
    let mut stream = model.stream(&DEVICE);
    let mut inputs = dataset.test[0].inputs.clone();
    let standardiser = dataset
        .standardiser
        .as_ref()
        .expect("the task standardises");
    standardiser.invert(&mut inputs);
    let last = inputs
        .rows()
        .into_iter()
        .map(|row| stream.step(row).expect("they are numbers"));
    let last = last.last().expect("there are steps");
    let off = (&last - &expected.row(0)).mapv(f32::abs).sum();
    assert!(off < 1e-4, "off by {off}");
}

#[test]
fn what_cannot_be_trained_so_gets_a_sentence() {
    let dataset = dataset(8);
    let refused = |map: &str, learning: &str| {
        let config = config(map, learning);
        let error = train::<B>(&config, &dataset, 1, &DEVICE, &mut |_| {}).expect_err(learning);
        assert!(matches!(error, LearningError::Config { .. }), "{error}");
        error.to_string()
    };
    for (map, learning, words) in [
        (
            "",
            "regime = 'full'\ntrained = ['input-map', 'readout']",
            "input_map.width makes one",
        ),
        (
            MAP,
            "regime = 'full'\ntrained = ['input-map']",
            "must hold \"readout\"",
        ),
        (
            MAP,
            "trained = ['readout']",
            "belongs to the regimes that train by gradient",
        ),
        (
            MAP,
            "carry = true",
            "belongs to the regimes that train by gradient",
        ),
        (
            MAP,
            "regime = 'hybrid'\ncarry = true",
            "carry does not go with regime = \"hybrid\"",
        ),
        (
            MAP,
            "regime = 'full'\ninput_noise = 0.1",
            "learning.input_noise is for inputs that are numbers",
        ),
        ("[input_map]\nwidth = 0", "", "must be from 1 to"),
        ("[input_map]\nwidth = 4\nscale = 0.0", "", "must be above 0"),
    ] {
        let message = refused(map, learning);
        assert!(message.contains(words), "{message}");
    }
    let mut many = config(MAP, "regime = 'full'\ncarry = true");
    many.learning.batch = 1000;
    let message = train::<B>(&many, &dataset, 1, &DEVICE, &mut |_| {}).unwrap_err();
    assert!(
        message
            .to_string()
            .contains("at most the number of training sequences"),
        "{message}"
    );
    let mut growing = config(MAP, "regime = 'full'");
    growing.network = toml::from_str("kind = 'transformer'\nwidth = 8").ok();
    let message = train::<B>(&growing, &dataset, 1, &DEVICE, &mut |_| {}).unwrap_err();
    let sentence = message.to_string();
    assert!(
        sentence.starts_with("network.context must be given"),
        "{sentence}"
    );
    growing.network = toml::from_str("kind = 'transformer'\nwidth = 8\ncontext = 4").ok();
    growing.learning.epochs = 1;
    assert!(growing.network.is_some());
    assert!(train::<B>(&growing, &dataset, 1, &DEVICE, &mut |_| {}).is_ok());
    let vowels = TaskConfig::JapaneseVowels(Default::default())
        .load(0)
        .expect("it comes with it");
    let carry = config(MAP, "regime = 'full'\ncarry = true");
    let message = train::<B>(&carry, &vowels, 1, &DEVICE, &mut |_| {}).unwrap_err();
    assert!(
        message.to_string().contains("\"japanese-vowels\" do not"),
        "{message}"
    );
}

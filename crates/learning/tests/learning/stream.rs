//! A live signal is answered as the whole sequence would be.

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::{Array1, array, s};
use ran_learning::{LearningError, Model, ModelConfig, train};
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

fn model(features: &str, regime: &str, dataset: &Dataset) -> Model<B> {
    let text = format!(
        "[reservoir]\ncontext = 3\nmemory = 'rewritten'\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 4\n\
         d_unit = 4\noutput = 'tanh'\n[readout]\nfeatures = {features}\n[learning]\nregime = '{regime}'\nepochs = 1\n"
    );
    let config: ModelConfig = toml::from_str(&text).expect("it is a configuration");
    let trained = train::<B>(&config, dataset, 1, &DEVICE, &mut |_| {});
    trained.expect("the configuration fits the task").model
}

#[test]
fn every_step_of_a_stream_equals_the_prediction_of_a_sequence_that_ends_there() {
    let dataset = few_samples();
    let standardiser = dataset
        .standardiser
        .as_ref()
        .expect("the task standardises");
    for features in [
        "'last'",
        "'mean'",
        "'mean-and-last'",
        "'every-step'",
        "{ segments = 3 }",
        "'pooled'",
    ] {
        for regime in ["reservoir", "full"] {
            if (features, regime) == ("'pooled'", "full") {
                continue;
            }
            let model = model(features, regime, &dataset);
            let mut stream = model.stream(&DEVICE);
            for sample in &dataset.test[..2] {
                stream.reset();
                for step in 0..sample.inputs.nrows() {
                    let asked = Sample {
                        inputs: sample.inputs.slice(s![..=step, ..]).to_owned(),
                        scored: vec![step],
                        targets: sample.targets.clone(),
                    };
                    let expected = &model.predict(&[asked], &DEVICE)[0];
                    // A stream takes raw inputs.
                    let raw: Array1<f64> = sample
                        .inputs
                        .row(step)
                        .iter()
                        .zip(standardiser.mean.iter().zip(&standardiser.deviation))
                        .map(|(x, (mean, deviation))| f64::from(x * deviation) + mean)
                        .collect();
                    let got = stream.step(raw.view()).expect("the inputs are right");
                    for (got, expected) in got.iter().zip(expected) {
                        let off = (got - expected).abs();
                        assert!(
                            off < 1e-4,
                            "{features}, {regime}, step {step}: off by {off}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit_get_a_sentence_and_leave_the_stream_as_it_was() {
    let dataset = few_samples();
    let model = model("'last'", "reservoir", &dataset);
    let mut stream = model.stream(&DEVICE);
    let good = Array1::from_elem(12, 0.5);
    stream.step(good.view()).expect("the inputs are right");
    let mut untouched = model.stream(&DEVICE);
    untouched.step(good.view()).expect("the inputs are right");
    let narrow = stream.step(array![0.5].view());
    let sentence = narrow.expect_err("12 inputs are needed").to_string();
    assert_eq!(sentence, "a step has 1 inputs, the model was trained on 12");
    let mut bad = good.clone();
    bad[3] = f32::INFINITY;
    let error = stream.step(bad.view()).expect_err("it is not finite");
    assert!(matches!(error, LearningError::Inputs(_)));
    assert!(
        error.to_string().contains("input 3 of a step is inf"),
        "{error}"
    );
    let next = stream.step(good.view()).expect("the inputs are right");
    assert_eq!(
        next,
        untouched.step(good.view()).expect("the inputs are right")
    );
}

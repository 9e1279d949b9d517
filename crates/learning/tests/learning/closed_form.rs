//! A readout that is fitted on fixed states: by cross-entropy, and on standardised features.

use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::Array2;
use ran_learning::{Category, Dataset, LearningError, Model, ModelConfig, Trained, train};
use ran_tasks::{Sample, TaskConfig};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

fn vowels() -> Dataset {
    let task = TaskConfig::JapaneseVowels(Default::default());
    task.load(0).expect("the task comes with the project")
}

fn config(learning: &str, readout: &str) -> ModelConfig {
    let text = format!(
        "[reservoir]\ncontext = 4\ninput_share = 0.4\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 8\nd_unit = 8\n\
         output = 'tanh'\n[learning]\n{learning}\n[readout]\n{readout}\n"
    );
    toml::from_str(&text).expect("it is a configuration")
}

fn fitted(learning: &str, readout: &str) -> Trained<B> {
    let trained = train::<B>(
        &config(learning, readout),
        &vowels(),
        3,
        &DEVICE,
        &mut |_| {},
    );
    trained.expect("the configuration fits")
}

/// The mean of −log of the probability that the right class is given on the test set.
fn surprise(model: &Model<B>) -> f64 {
    let dataset = vowels();
    let predicted = model.predict(&dataset.test, &DEVICE);
    let both = predicted.iter().zip(&dataset.test);
    let each = both.map(|(predicted, sample)| {
        let row = predicted.row(0);
        assert!((row.sum() - 1.0).abs() < 1e-5, "{row} are no probabilities");
        let right = (&row * &sample.targets.row(0)).sum();
        -f64::from(right.max(1e-6)).ln()
    });
    each.sum::<f64>() / dataset.test.len() as f64
}

#[test]
fn probabilities_are_better_than_those_of_the_squared_error() {
    let squared = fitted("", "ridge = 'auto'");
    let entropy = fitted("", "ridge = 'auto'\nloss = 'cross-entropy'");
    let (before, after) = (surprise(&squared.model), surprise(&entropy.model));
    assert!(
        after < 0.8 * before,
        "{after} nats, {before} by the squared error"
    );
    assert!(entropy.report.test > Some(0.93), "{:?}", entropy.report);
    assert!(entropy.report.ridge > Some(0.0));

    let bytes = entropy.model.to_bytes().expect("plain numbers");
    let read = Model::<B>::from_bytes(bytes, &DEVICE).expect("its own file");
    let test = &vowels().test;
    assert_eq!(
        read.predict(test, &DEVICE),
        entropy.model.predict(test, &DEVICE)
    );
}

#[test]
fn the_regime_hybrid_fits_it_after_the_training_by_gradient() {
    let learning = "regime = 'hybrid'\nepochs = 1";
    let squared = fitted(learning, "features = 'mean'\nridge = 1.0");
    let entropy = fitted(
        learning,
        "features = 'mean'\nridge = 1.0\nloss = 'cross-entropy'",
    );
    assert_ne!(surprise(&squared.model), surprise(&entropy.model));
    assert_eq!(entropy.report.ridge, Some(1.0));
}

#[test]
fn where_there_is_no_cross_entropy_it_is_refused_with_a_sentence() {
    for (learning, readout, words) in [
        ("regime = 'full'", "", "by gradient"),
        ("regime = 'fixed-qk'", "", "by gradient"),
        ("", "online = { rule = 'rls' }", "readout.online"),
    ] {
        let config = config(learning, &format!("loss = 'cross-entropy'\n{readout}"));
        let error = config.validate().expect_err(learning).to_string();
        assert!(
            error.contains("readout.loss") && error.contains(words),
            "{error}"
        );
    }
    let mut series = vowels();
    series.category = Category::Regression;
    let config = config("", "loss = 'cross-entropy'");
    match train::<B>(&config, &series, 3, &DEVICE, &mut |_| {}) {
        Err(error @ LearningError::Config { .. }) => {
            assert!(
                error.to_string().contains("no classes or labels"),
                "{error}"
            );
        }
        other => panic!("expected a refusal, got {:?}", other.map(|one| one.report)),
    }
}

#[test]
fn a_penalty_of_standardised_features_does_not_depend_on_their_units() {
    // States are sums of inputs, in other units.
    let predicted = |units: f64, readout: &str| {
        let text = format!(
            "[reservoir]\ncontext = 1\ninput_share = 0.5\ninput_scale = {units:?}\n[[reservoir.population]]\nkind = 'tanh-unit'\nunits = 24\n\
             d_unit = 1\nlinear = true\n[readout]\nfeatures = 'mean'\nridge = 100.0\n{readout}\n"
        );
        let config: ModelConfig = toml::from_str(&text).expect("it is a configuration");
        let dataset = vowels();
        let trained = train::<B>(&config, &dataset, 3, &DEVICE, &mut |_| {}).expect("it fits");
        trained.model.predict(&dataset.test, &DEVICE)
    };
    for loss in ["", "loss = 'cross-entropy'"] {
        let furthest = |readout: &str| {
            let readout = format!("{loss}\n{readout}");
            let (one, other) = (predicted(1.0, &readout), predicted(0.125, &readout));
            let pairs = one.iter().flatten().zip(other.iter().flatten());
            pairs.fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()))
        };
        assert!(furthest("standardise = true") < 1e-3, "{loss}");
        assert!(furthest("") > 0.1, "{loss}");
    }
}

#[test]
fn where_no_readout_is_fitted_in_closed_form_nothing_is_standardised() {
    for (learning, readout) in [("regime = 'full'", ""), ("", "online = { rule = 'rls' }")] {
        let config = config(learning, &format!("standardise = true\n{readout}"));
        let error = config.validate().expect_err(learning).to_string();
        assert!(error.contains("readout.standardise"), "{error}");
    }
}

#[test]
fn a_readout_whose_weights_are_beyond_32_bits_is_no_model() {
    let value = |step: usize| (step as f32 * 0.3).sin();
    let sample = Sample {
        inputs: Array2::from_shape_fn((50, 1), |(step, _)| 1e-6 * value(step)),
        scored: (0..50).collect(),
        targets: Array2::from_shape_fn((50, 1), |(step, _)| 1e36 * value(step)),
    };
    let dataset = Dataset {
        train: vec![sample],
        ..Dataset::new("huge", Category::Regression, [1, 1])
    };
    let text = "[reservoir]\ncontext = 1\n[[reservoir.population]]\nkind = 'tanh-unit'\nunits = 2\nd_unit = 1\n[readout]\n\
                features = 'last'\nridge = 0.0";
    let config: ModelConfig = toml::from_str(text).expect("it is a configuration");
    let error = train::<B>(&config, &dataset, 3, &DEVICE, &mut |_| {}).expect_err("it has weights");
    assert!(matches!(error, LearningError::Weights(_)), "{error}");
    assert!(
        error.to_string().contains("beyond 32-bit numbers"),
        "{error}"
    );
}

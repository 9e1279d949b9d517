//! Training by gradient learns, keeps frozen what is frozen, stops with a sentence, and goes on where it was.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn_ndarray::{NdArray, NdArrayDevice};
use ndarray::{Array2, array};
use ran_learning::{
    Epoch, Event, LearningConfig, LearningError, Model, ModelConfig, Report, Session, Trained,
    train, train_in,
};
use ran_readout::Features;
use ran_reservoir::Reservoir;
use ran_tasks::{Category, Dataset, Sample, TaskConfig};
use ran_unit::Initializer;

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

/// Japanese Vowels with every ninth sequence: all speakers, 30 sequences to train on and 42 to be judged on.
fn few_samples() -> Dataset {
    let task = TaskConfig::JapaneseVowels(Default::default());
    let mut dataset = task.load(0).expect("the task comes with the project");
    for split in [&mut dataset.train, &mut dataset.test] {
        *split = split.iter().step_by(9).cloned().collect();
    }
    dataset
}

/// A small network that learns fast, where `learning` does not say otherwise.
fn config(learning: &str) -> ModelConfig {
    let rate = if learning.contains("learning_rate") {
        ""
    } else {
        "learning_rate = 0.01\n"
    };
    let text = format!(
        "[reservoir]\ncontext = 3\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 4\nd_unit = 4\n\
         residual = true\nlayer_norm = true\n[readout]\nfeatures = 'mean'\n[learning]\nbatch = 8\n{rate}{learning}"
    );
    toml::from_str(&text).expect("it is a configuration")
}

fn trained(config: &ModelConfig, dataset: &Dataset) -> Trained<B> {
    let trained = train::<B>(config, dataset, 1, &DEVICE, &mut |_| {});
    trained.expect("the configuration fits the task")
}

/// The parameters of a reservoir's units, by path.
fn parameters(reservoir: &Reservoir<B>) -> Vec<(String, Vec<f32>)> {
    #[derive(Default)]
    struct Reader(Vec<String>, Vec<(String, Vec<f32>)>);
    impl ModuleVisitor<B> for Reader {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            let numbers = param.val().into_data().into_vec().expect("numbers are f32");
            self.1.push((self.0.join("."), numbers));
        }
    }
    let mut reader = Reader::default();
    reservoir.populations.visit(&mut reader);
    reader.1
}

#[test]
fn what_a_regime_freezes_keeps_every_bit_and_the_rest_is_trained() {
    let dataset = few_samples();
    let drawn = config("regime = 'full'").reservoir;
    let drawn = Reservoir::init(&drawn, 12, Initializer::Trained, 1, &DEVICE);
    let drawn = parameters(&drawn.expect("the configuration is right"));
    // 14 = weights and biases of Q, K, V and both layers, gain and bias of both norms.
    assert_eq!(drawn.len(), 14);
    for (regime, frozen) in [
        ("regime = 'full'", 0),
        ("regime = 'fixed-qk'", 4),
        ("regime = 'hybrid'", 0),
        ("regime = 'hybrid'\nfixed_qk = true", 4),
    ] {
        let trained = trained(
            &config(&format!("epochs = 2\n{regime}\nweight_decay = 0.1")),
            &dataset,
        );
        let mut same = 0;
        for ((path, before), (again, after)) in drawn
            .iter()
            .zip(parameters(trained.model.reservoir().unwrap()))
        {
            assert_eq!(*path, again);
            if *before == after {
                assert!(
                    path.contains("query") || path.contains("key"),
                    "{regime}: {path}"
                );
                same += 1;
            } else if frozen > 0 {
                let is_frozen = path.contains("query") || path.contains("key");
                assert!(!is_frozen, "{regime}: {path} has moved");
            }
        }
        // A key's bias shifts all scores of a query alike, and so has no gradient: it may stay in any regime.
        assert!(
            same == frozen || frozen == 0 && same <= 1,
            "{regime}: {same} stayed"
        );
    }
}

#[test]
fn the_counts_of_the_full_regime_are_the_posters_formula() {
    let dataset = few_samples();
    let text = "[reservoir]\ncontext = 3\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 4\nd_unit = 4\n\
                [learning]\nregime = 'full'\nepochs = 1\n";
    let report = trained(&toml::from_str(text).unwrap(), &dataset).report;
    let (units, d_unit, d_output) = (4, 4, 9);
    let formula =
        11 * d_unit * d_unit * units + units * d_unit * d_output + 8 * d_unit * units + d_output;
    assert_eq!(
        (report.trained_parameters, report.fixed_parameters),
        (formula, 0)
    );
}

#[test]
fn every_regime_learns_the_vowels_of_few_samples() {
    let dataset = few_samples();
    for regime in ["full", "fixed-qk", "hybrid"] {
        let noise = "epochs = 40\ndropout = 0.1\ninput_noise = 0.1\nlabel_smoothing = 0.1\n";
        let schedule = "schedule = 'cosine'\nwarm_up = 2.0\nweight_decay = 0.01\n";
        let learning = format!("regime = '{regime}'\n{noise}{schedule}");
        let report = trained(&config(&learning), &dataset).report;
        // Nine speakers: guessing is right once in nine.
        assert!(report.train > 0.9, "{regime}: {report:?}");
        assert!(report.test > Some(0.5), "{regime}: {report:?}");
        assert_eq!(report.epochs, Some(40));
        assert_eq!(report.ridge.is_some(), regime == "hybrid");
    }
}

/// Sequences whose targets are the input of a step ago and its sign.
fn echoes(category: Category, d_output: usize, target: impl Fn(f32) -> Vec<f32>) -> Dataset {
    let samples = (0..24).map(|sequence| {
        let steps = 6 + sequence % 5;
        let at = |step: usize| ((sequence * 31 + step * 17) as f32 * 0.7).sin();
        let inputs = Array2::from_shape_fn((steps, 1), |(step, _)| at(step));
        let scored: Vec<usize> = (1..steps).collect();
        let targets = scored.iter().flat_map(|&step| target(at(step - 1)));
        let targets = Array2::from_shape_vec((steps - 1, d_output), targets.collect());
        Sample {
            inputs,
            scored,
            targets: targets.expect("a target has d_output numbers"),
        }
    });
    let samples: Vec<Sample> = samples.collect();
    Dataset {
        train: samples[..16].to_vec(),
        test: samples[16..].to_vec(),
        ..Dataset::new("echo", category, [1, d_output])
    }
}

#[test]
fn every_category_and_every_feature_can_be_learnt_at_many_steps() {
    let sign = |x: f32| f32::from(u8::from(x > 0.0));
    for (category, d_output, features, allowed) in [
        (Category::Regression, 1, Features::Last, 0.0..0.05),
        (
            Category::Classification,
            2,
            Features::MeanAndLast,
            0.95..1.1,
        ),
        (Category::MultiLabel, 2, Features::EveryStep, 0.9..1.1),
    ] {
        let dataset = echoes(category, d_output, |x| match category {
            Category::Regression => vec![x],
            Category::Classification => vec![sign(x), 1.0 - sign(x)],
            Category::MultiLabel => vec![sign(x), sign(x - 0.5)],
        });
        let mut config = config("regime = 'full'\nepochs = 60\ntruncate = 'none'");
        config.readout.features = Some(features);
        let score = trained(&config, &dataset)
            .report
            .test
            .expect("there is a test set");
        assert!(allowed.contains(&score), "{category:?}: {score}");
    }
}

#[test]
fn training_stops_early_and_gives_the_best_epochs_model() {
    let dataset = few_samples();
    let config = config(
        "regime = 'full'\nepochs = 200\nlearning_rate = 0.1\npatience = 3\nvalidation = 0.4",
    );
    let mut epochs: Vec<Epoch> = Vec::new();
    let trained = train::<B>(&config, &dataset, 1, &DEVICE, &mut |event| {
        if let Event::Epoch(epoch) = event {
            epochs.push(epoch);
        }
    });
    let report = trained.expect("the configuration fits the task").report;
    assert!(epochs.len() < 200, "it went on to the end");
    let valid = |epoch: &Epoch| epoch.valid.expect("there is a validation set");
    let loss = |epoch: &Epoch| epoch.valid_loss.expect("there is a validation set");
    let best = epochs.iter().max_by(|a, b| {
        let order = valid(a).total_cmp(&valid(b));
        order.then(loss(b).total_cmp(&loss(a)))
    });
    let best = best.expect("there are epochs");
    assert_eq!(report.best_epoch, Some(best.epoch));
    for (at, epoch) in epochs.iter().enumerate() {
        let so_far = epochs[..=at].iter().map(valid);
        let highest = so_far.fold(0.0, f64::max);
        let best = epoch.best.expect("there is a validation set");
        assert_eq!(valid(&epochs[best - 1]), highest, "{epoch:?}");
    }
    assert_eq!(report.epochs, Some(best.epoch + 3));
    assert_eq!(
        report.valid, best.valid,
        "the best epoch's parameters are restored"
    );
}

#[test]
fn a_loss_that_is_no_number_stops_with_a_sentence_and_keeps_the_last_model() {
    let mut dataset = few_samples();
    let text = "regime = 'full'\nepochs = 50\nlearning_rate = 1e18\nclip = 0.0";
    let mut unbounded = config(text);
    unbounded.reservoir.populations[0].layer_norm = None;
    let error = train::<B>(&unbounded, &dataset, 1, &DEVICE, &mut |_| {});
    let error = error.expect_err("the learning rate is absurd");
    let LearningError::Diverged { epoch, step, .. } = error else {
        panic!("{error}");
    };
    let sentence = error.to_string();
    for word in [
        &format!("epoch {epoch}"),
        &format!("step {step}"),
        "learning.learning_rate",
    ] {
        assert!(sentence.contains(word), "{sentence}");
    }

    // An epoch of one step is fine, since its loss is that of the first weights; the second one is not.
    unbounded.learning.batch = 64;
    let diverged = |config: &ModelConfig, dataset: &Dataset| {
        let outcome = train::<B>(config, dataset, 1, &DEVICE, &mut |_| {});
        match outcome.map(|_| ()) {
            Err(LearningError::Diverged {
                epoch, kept, model, ..
            }) => (epoch, kept, model),
            other => panic!("{other:?}"),
        }
    };
    let (epoch, kept, model) = diverged(&unbounded, &dataset);
    assert_eq!((epoch, kept), (2, Some(1)));
    Model::<B>::from_bytes(model.expect("what is kept is there"), &DEVICE).expect("a model");

    // Of the last step no loss shows that its weights have left the range of numbers.
    let mut last = unbounded.clone();
    (last.learning.epochs, last.learning.learning_rate) = (1, 1e300);
    assert_eq!(diverged(&last, &dataset), (1, None, None));

    // Nothing is kept where the first step is wrong.
    dataset.train[3].inputs[[0, 0]] = f32::NAN;
    let (epoch, kept, model) = diverged(&unbounded, &dataset);
    assert_eq!((epoch, kept, model), (1, None, None));
}

/// All of a session's checkpoints, and the history, of a run that is left alone.
pub(super) fn watched(
    config: &ModelConfig,
    dataset: &Dataset,
    resume: Option<&[u8]>,
) -> (Trained<B>, Vec<Vec<u8>>, Vec<Epoch>) {
    let (mut saved, mut epochs) = (Vec::new(), Vec::new());
    let session = Session {
        observe: Some(&mut |event| {
            if let Event::Epoch(epoch) = event {
                epochs.push(epoch);
            }
        }),
        save: Some(&mut |bytes: &[u8]| {
            saved.push(bytes.to_vec());
            Ok(())
        }),
        resume,
        ..Session::default()
    };
    let trained = train_in::<B>(config, dataset, 1, &DEVICE, session);
    (
        trained.expect("the configuration fits the task"),
        saved,
        epochs,
    )
}

fn predictions(trained: &Trained<B>, dataset: &Dataset) -> Vec<Array2<f32>> {
    trained.model.predict(&dataset.test, &DEVICE)
}

#[test]
fn a_run_that_was_killed_goes_on_to_the_same_bits() {
    let dataset = few_samples();
    for learning in [
        "regime = 'full'\nepochs = 5\ndropout = 0.3\ninput_noise = 0.3\nschedule = 'cosine'\nweight_decay = 0.1",
        "regime = 'hybrid'\nepochs = 4\nfixed_qk = true\ninput_noise = 0.3",
        "regime = 'full'\nepochs = 30\nlearning_rate = 0.1\npatience = 3\nvalidation = 0.4",
    ] {
        let config = config(learning);
        let (whole, saved, history) = watched(&config, &dataset, None);
        assert_eq!(saved.len(), history.len());
        for (at, checkpoint) in saved.iter().enumerate() {
            let (resumed, _, rest) = watched(&config, &dataset, Some(checkpoint));
            assert_eq!(rest, history[at + 1..], "after epoch {}", at + 1);
            assert_eq!(resumed.report, whole.report);
            assert_eq!(
                parameters(resumed.model.reservoir().unwrap()),
                parameters(whole.model.reservoir().unwrap())
            );
            assert_eq!(
                predictions(&resumed, &dataset),
                predictions(&whole, &dataset)
            );
        }
    }
}

#[test]
fn a_run_that_is_stopped_says_how_far_it_came_and_can_go_on() {
    let in_the_third_epoch = |event: Event| {
        matches!(
            event,
            Event::Step {
                epoch: 3,
                done: 2,
                ..
            }
        )
    };
    assert_stopped(&in_the_third_epoch, 2);
}

#[test]
fn a_hybrid_that_is_stopped_while_its_readout_is_fitted_says_so_and_can_go_on() {
    assert_stopped(&|event| matches!(event, Event::States { done: 1, .. }), 4);
    assert_stopped(&|event| event == Event::Fitting, 4);
}

/// Stops a hybrid of four epochs at an event, and goes on with it.
fn assert_stopped(at: &dyn Fn(Event) -> bool, done: usize) {
    let dataset = few_samples();
    let config = config("regime = 'hybrid'\nepochs = 4");
    let (whole, _, history) = watched(&config, &dataset, None);
    let stop = AtomicBool::new(false);
    let mut saved = None;
    let session = Session {
        observe: Some(&mut |event| {
            if at(event) {
                stop.store(true, Ordering::Relaxed);
            }
        }),
        stop: Some(&stop),
        save: Some(&mut |bytes: &[u8]| {
            saved = Some(bytes.to_vec());
            Ok(())
        }),
        ..Session::default()
    };
    let stopped =
        train_in::<B>(&config, &dataset, 1, &DEVICE, session).expect("a stop is no error");
    let Report {
        epochs,
        interrupted,
        test,
        train,
        ..
    } = stopped.report;
    assert_eq!((epochs, interrupted, test), (Some(done), true, None));
    assert_eq!(train, history[done - 1].train);
    // What it has is a whole model, of the regime that it has come to.
    let bytes = stopped
        .model
        .to_bytes()
        .expect("a model's numbers are plain");
    let model = Model::<B>::from_bytes(bytes, &DEVICE).expect("its own file is right");
    assert_eq!(model.card.config.learning.regime.name(), "full");

    let (resumed, ..) = watched(&config, &dataset, saved.as_deref());
    assert_eq!(resumed.report, whole.report);
    assert_eq!(
        predictions(&resumed, &dataset),
        predictions(&whole, &dataset)
    );
}

#[test]
fn a_stop_before_there_is_a_model_is_an_error_of_its_own() {
    let stop = AtomicBool::new(true);
    let mut config = config("regime = 'reservoir'");
    config.learning = LearningConfig::default();
    let session = Session {
        stop: Some(&stop),
        ..Session::default()
    };
    let outcome = train_in::<B>(&config, &few_samples(), 1, &DEVICE, session);
    assert!(matches!(outcome, Err(LearningError::Stopped)));
}

#[test]
fn a_checkpoint_that_is_cut_or_another_runs_is_refused() {
    let dataset = few_samples();
    let own = config("regime = 'full'\nepochs = 1");
    let (_, saved, _) = watched(&own, &dataset, None);
    let refusal = |config: &ModelConfig, bytes: &[u8]| {
        let session = Session {
            resume: Some(bytes),
            ..Session::default()
        };
        let outcome = train_in::<B>(config, &dataset, 1, &DEVICE, session);
        outcome
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    for kept in [0, 8, 100, saved[0].len() - 1] {
        let sentence = refusal(&own, &saved[0][..kept]);
        assert!(
            sentence.contains("the checkpoint is truncated"),
            "{kept}: {sentence}"
        );
    }
    let sentence = refusal(&config("regime = 'full'\nepochs = 2"), &saved[0]);
    let expected = "the checkpoint is of another run: its learning.epochs is 1, this run's is 2";
    assert_eq!(sentence, expected);
    let model = trained(&own, &dataset)
        .model
        .to_bytes()
        .expect("a model's numbers are plain");
    let sentence = refusal(&own, &model);
    assert!(sentence.contains("not a checkpoint"), "{sentence}");
    // Sixteen states and nine speakers, as a row of as many numbers: the header is text, and stays as long.
    let mut bent = saved[0].clone();
    let key = br#""first/readout.weight":{"dtype":"F32","shape":[16,9]"#;
    let at = bent.windows(key.len()).position(|part| part == key);
    let at = at.expect("the readout has moments") + key.len() - "[16,9]".len();
    bent[at..][..6].copy_from_slice(b"[144] ");
    let sentence = refusal(&own, &bent);
    assert!(
        sentence.contains("moments of readout.weight that are of another shape"),
        "{sentence}"
    );
}

#[test]
fn a_checkpoint_that_cannot_be_saved_ends_with_a_sentence() {
    let session = Session {
        save: Some(&mut |_: &[u8]| Err(std::io::Error::other("no space left"))),
        ..Session::default()
    };
    let config = config("regime = 'full'\nepochs = 1");
    let outcome = train_in::<B>(&config, &few_samples(), 1, &DEVICE, session);
    let sentence = outcome.expect_err("it cannot be saved").to_string();
    assert_eq!(
        sentence,
        "the checkpoint of epoch 1 cannot be saved: no space left"
    );
}

#[test]
fn truncation_changes_the_gradient_only_where_there_is_something_to_cut() {
    let dataset = few_samples();
    let after = |truncate: &str| {
        let learning = format!("regime = 'full'\nepochs = 1\ntruncate = {truncate}");
        predictions(&trained(&config(&learning), &dataset), &dataset)
    };
    // The longest sequence has fewer than 100 steps; the context is 3.
    assert_eq!(after("'none'"), after("100"));
    assert_eq!(after("'context'"), after("3"));
    assert_ne!(after("'none'"), after("3"));
}

#[test]
fn label_smoothing_without_classes_and_data_without_targets_get_a_sentence() {
    let mut dataset = echoes(Category::Regression, 1, |x| vec![x]);
    let smoothed = config("regime = 'full'\nlabel_smoothing = 0.1");
    let error = train::<B>(&smoothed, &dataset, 0, &DEVICE, &mut |_| {}).expect_err("no classes");
    let sentence = error.to_string();
    assert!(
        sentence.contains("learning.label_smoothing is for classification"),
        "{sentence}"
    );
    for sample in &mut dataset.train {
        sample.scored.clear();
        sample.targets = array![[0.0]].slice_move(ndarray::s![..0, ..]);
    }
    let config = config("regime = 'full'");
    let error = train::<B>(&config, &dataset, 0, &DEVICE, &mut |_| {}).expect_err("no targets");
    assert!(matches!(error, LearningError::NoTraining(_)), "{error}");
}

#[test]
fn online_readouts_come_near_ridge_regression() {
    let dataset = echoes(Category::Regression, 1, |x| vec![x]);
    let score = |readout: &str| {
        let text = format!(
            "[reservoir]\ncontext = 3\n[[reservoir.population]]\nkind = 'attention-block'\nunits = 4\nd_unit = 4\n\
             output = 'tanh'\n[readout]\nfeatures = 'last'\n{readout}"
        );
        let report = trained(
            &toml::from_str(&text).expect("it is a configuration"),
            &dataset,
        )
        .report;
        report.test.expect("there is a test set")
    };
    let ridge = score("ridge = 1e-6");
    let rls = score("online = { rule = 'rls', delta = 1e-6 }");
    let lms = score("online = { rule = 'lms' }\npasses = 50");
    // The inputs' variance is about a half.
    assert!(ridge < 0.02, "ridge {ridge}");
    assert!((rls - ridge).abs() < 0.2 * ridge, "{rls} and {ridge}");
    assert!(lms < 0.1, "least mean squares {lms}");
}

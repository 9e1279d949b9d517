//! A model that goes on by itself.

use std::sync::atomic::AtomicBool;

use burn_ndarray::NdArray;
use ndarray::{Array2, Axis, s};
use ran_learning::{FreeRunPlan, LearningError, Model, ModelConfig, Trained, train};
use ran_tasks::{Category, Dataset, Sample, Standardiser, scores};

/// A sine of 600 steps about 5, `ahead` steps ahead, standardised: 350 training steps, 200 test steps.
fn sine(ahead: usize) -> Dataset {
    let value = |step: usize| 5.0 + 3.0 * (0.2 * step as f32).sin();
    let sample = |scored: std::ops::Range<usize>| Sample {
        inputs: Array2::from_shape_fn((scored.end, 1), |(step, _)| value(step)),
        targets: Array2::from_shape_fn((scored.len(), 1), |(row, _)| {
            value(scored.start + row + ahead)
        }),
        scored: scored.collect(),
    };
    let (mut train, mut test) = (sample(50..400), sample(400..600));
    let standardiser = Standardiser::fit(std::slice::from_ref(&train));
    standardiser.apply(&mut train.inputs);
    standardiser.apply(&mut test.inputs);
    Dataset {
        standardiser: Some(standardiser),
        train: vec![train],
        test: vec![test],
        ..Dataset::new("sine", Category::Regression, [1, 1])
    }
}

fn model(dataset: &Dataset, features: &str) -> Model<NdArray> {
    let config: ModelConfig = toml::from_str(&format!(
        "readout = {{ features = '{features}', ridge = 1e-2 }}\n\
         reservoir = {{ context = 1, wiring = 'sparse', fan_in = 6, spectral_radius = 0.9, input_scale = 0.5, \
         population = [{{ kind = 'tanh-unit', units = 60, d_unit = 1 }}] }}"
    ))
    .unwrap();
    let trained = train::<NdArray>(&config, dataset, 0, &Default::default(), &mut |_| {});
    trained.unwrap().model
}

#[test]
fn a_sine_goes_on_as_a_sine() {
    let dataset = sine(1);
    let plan = FreeRunPlan::new(&dataset, 150, 1).unwrap();
    let runs = plan
        .run(
            &model(&dataset, "last"),
            &Default::default(),
            &AtomicBool::new(false),
        )
        .unwrap();
    let [run] = &runs[..] else {
        panic!("one forecast, got {}", runs.len())
    };
    assert_eq!(run.after, 400);
    let expected = |row: usize| 5.0 + 3.0 * (0.2 * (401 + row) as f32).sin();
    assert!((0..150).all(|row| (run.truth[[row, 0]] - expected(row)).abs() < 1e-4));
    let error = scores::nrmse(run.predictions.view(), run.truth.view());
    assert!(error < 0.05, "{error}");
    // It goes on: the last quarter swings as the first.
    let spread = |rows: std::ops::Range<usize>| {
        let part = run.predictions.slice(s![rows, ..]);
        part.std_axis(Axis(0), 0.0)[0]
    };
    assert!((spread(110..150) / spread(0..40) - 1.0).abs() < 0.2);
}

#[test]
fn the_first_prediction_is_that_of_the_open_loop() {
    let dataset = sine(1);
    for features in ["last", "mean-and-last"] {
        let model = model(&dataset, features);
        let open = &model.predict(&dataset.test, &Default::default())[0];
        let plan = FreeRunPlan::new(&dataset, 20, 4).unwrap();
        let runs = plan
            .run(&model, &Default::default(), &AtomicBool::new(false))
            .unwrap();
        let starts: Vec<_> = runs.iter().map(|run| run.after).collect();
        assert_eq!(starts, [400, 460, 520, 580]);
        for run in &runs {
            assert_eq!(run.predictions.dim(), (20, 1));
            let (closed, open) = (run.predictions[[0, 0]], open[[run.after - 400, 0]]);
            assert!((closed - open).abs() < 1e-3, "{features}: {closed} {open}");
        }
    }
}

#[test]
fn what_cannot_go_on_by_itself_is_refused_with_a_sentence() {
    let classes = Dataset {
        category: Category::Classification,
        ..sine(1)
    };
    let several = Dataset {
        test: [sine(1).test, sine(1).test].concat(),
        ..sine(1)
    };
    let far = Dataset {
        target_offset: Some(vec![1e7]),
        ..sine(1)
    };
    for (dataset, steps, count, words) in [
        (far, 10, 1, "needs numbers that 32 bits tell apart"),
        (
            sine(1),
            0,
            1,
            "evaluation.free_run must be at least 1, got 0",
        ),
        (
            sine(1),
            201,
            1,
            "must be at most the 200 test steps, got 201",
        ),
        (
            sine(1),
            190,
            12,
            "evaluation.starts must be at most 11 with 200 test steps",
        ),
        (
            sine(1),
            10,
            0,
            "evaluation.starts must be at least 1, got 0",
        ),
        (sine(2), 10, 1, "task.horizon = 1"),
        (classes, 10, 1, "needs one series to go on with"),
        (several, 10, 1, "needs one series to go on with"),
    ] {
        let message = FreeRunPlan::new(&dataset, steps, count)
            .unwrap_err()
            .to_string();
        assert!(message.contains(words), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
}

fn taught(dataset: &Dataset, readout: &str) -> Result<Trained<NdArray>, LearningError> {
    let config: ModelConfig = toml::from_str(&format!(
        "readout = {{ {readout} }}\n\
         reservoir = {{ context = 1, wiring = 'sparse', fan_in = 6, spectral_radius = 0.9, input_scale = 0.5, \
         population = [{{ kind = 'tanh-unit', units = 60, d_unit = 1 }}] }}"
    ))
    .unwrap();
    train::<NdArray>(&config, dataset, 0, &Default::default(), &mut |_| {})
}

#[test]
fn a_readout_that_was_taught_in_closed_loop_makes_the_signal_by_itself() {
    let dataset = sine(1);
    let force = "features = 'last', online = { rule = 'force', delta = 1e-4 }";
    let trained = taught(&dataset, force).unwrap();
    let runs = FreeRunPlan::new(&dataset, 150, 3).unwrap();
    for run in runs
        .run(&trained.model, &Default::default(), &AtomicBool::new(false))
        .unwrap()
    {
        let error = scores::nrmse(run.predictions.view(), run.truth.view());
        assert!(error < 0.05, "after {}: {error}", run.after);
    }
    // A step ahead it is as good, and it is another readout than one that has seen the series alone.
    assert!(trained.report.test < Some(1e-3), "{:?}", trained.report);
    assert_eq!(trained.report.ridge, None);
    let open = "features = 'last', online = { rule = 'rls', delta = 1e-4 }";
    let open = taught(&dataset, open).unwrap();
    assert_ne!(open.report.test, trained.report.test);
    // The next steps follow from an update, which fewer updates and a second pass change.
    for other in [
        "features = 'last', online = { rule = 'force', delta = 1e-4, every = 5 }",
        "features = 'last', online = { rule = 'force', delta = 1e-4 }, passes = 2",
    ] {
        let other = taught(&dataset, other).unwrap();
        assert_ne!(other.report.test, trained.report.test);
    }
}

#[test]
fn teaching_in_closed_loop_is_refused_where_it_makes_no_sense() {
    let force = "features = 'last', online = { rule = 'force' }";
    let classes = Dataset {
        category: Category::Classification,
        ..sine(1)
    };
    let several = Dataset {
        train: [sine(1).train, sine(1).train].concat(),
        ..sine(1)
    };
    for (dataset, readout, words) in [
        (
            sine(2),
            force,
            "as with task.horizon = 1; those of the task \"sine\"",
        ),
        (several, force, "readout.online with the rule \"force\""),
        (classes, force, "needs one series"),
        (
            sine(1),
            "online = { rule = 'force' }",
            "readout.features must be \"last\"",
        ),
        (
            sine(1),
            "features = 'last', online = { rule = 'force', every = 0 }",
            "readout.online.every must be at least 1, got 0",
        ),
    ] {
        let sentence = taught(&dataset, readout).unwrap_err().to_string();
        assert!(sentence.contains(words), "{sentence}");
    }
}

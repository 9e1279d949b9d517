//! What `experiment export` writes, read back.

use std::fs;
use std::path::Path;

use ran_tasks::{Npz, Values};
use tempfile::TempDir;

use crate::{TEST, TRAIN, assert_sentence, assert_usage, experiment, files_below, run, succeed};

const MODEL: &str = "run/model.safetensors";

/// A toy of two channels with names, two populations and heads.
const TWO_POPULATIONS: &[&str] = &[
    "--set",
    "reservoir.context=3",
    "--set",
    "reservoir.population.0.heads=2",
    "--set",
    "reservoir.population.0.name=cortex",
    "--set",
    "reservoir.population.1.kind=tanh-unit",
    "--set",
    "reservoir.population.1.units=5",
    "--set",
    "reservoir.population.1.d_unit=1",
];

fn arrays(path: &Path) -> Npz {
    Npz::open(path).unwrap()
}

fn numbers(npz: &mut Npz, name: &str) -> (Vec<usize>, Vec<f64>) {
    let array = npz.array(name).unwrap();
    match array.values {
        Values::Numbers(numbers) => (array.shape, numbers),
        Values::Text(text) => panic!("{name} is {text:?}"),
    }
}

fn text(npz: &mut Npz, name: &str) -> Vec<String> {
    match npz.array(name).unwrap().values {
        Values::Text(text) => text,
        Values::Numbers(numbers) => panic!("{name} is {numbers:?}"),
    }
}

fn close(got: f64, expected: f64, what: &str) {
    let scale = expected.abs().max(1.0);
    assert!(
        (got - expected).abs() < 1e-4 * scale,
        "{what}: {got}, {expected}"
    );
}

/// A model that forecasts a table of two columns; what it learnt from.
fn forecaster(more: &[&str]) -> (TempDir, Vec<[f32; 2]>) {
    let place = TempDir::new().unwrap();
    let rows: Vec<[f32; 2]> = (0..60)
        .map(|row| {
            [
                (row as f32 * 0.7).sin() * 30.0 + 200.0,
                (row as f32 * 0.4).cos(),
            ]
        })
        .collect();
    let lines = rows.iter().map(|[load, wind]| format!("{load},{wind}\n"));
    let table = "load,wind\n".to_owned() + &lines.collect::<String>();
    fs::write(place.path().join("power.csv"), table).unwrap();
    let mut arguments = experiment(&["--out", "run"]);
    for key in ["task.name=files", "task.data=power.csv", "task.horizon=1"] {
        arguments.extend(["--set", key]);
    }
    succeed(place.path(), &[&arguments, TWO_POPULATIONS, more].concat());
    (place, rows)
}

#[test]
fn exported_states_and_readout_weights_give_the_exported_predictions() {
    let (place, _) = forecaster(&[]);
    let outcome = succeed(
        place.path(),
        &["experiment", "export", MODEL, "--out", "all.npz"],
    );
    assert!(
        outcome.out.contains("written to all.npz"),
        "{}",
        outcome.out
    );
    let mut npz = arrays(&place.path().join("all.npz"));
    assert_eq!(text(&mut npz, "populations"), ["cortex", "tanh-unit-1"]);
    assert_eq!(text(&mut npz, "link"), ["identity"]);
    assert_eq!(text(&mut npz, "input_names"), ["load", "wind"]);
    let (weight_shape, weight) = numbers(&mut npz, "readout.weight");
    let (_, bias) = numbers(&mut npz, "readout.bias");
    assert_eq!(weight_shape, [2 * 37, 2]);
    for split in ["train", "test"] {
        let mut of = |name: &str| numbers(&mut npz, &name.replace("SPLIT", split));
        let (cortex_shape, cortex) = of("states_SPLIT_cortex");
        let (tanh_shape, tanh) = of("states_SPLIT_tanh-unit-1");
        let steps = cortex_shape[1];
        assert_eq!(cortex_shape, [1, steps, 4, 8]);
        assert_eq!(tanh_shape, [1, steps, 5, 1]);
        let state = |step: usize| [&cortex[step * 32..][..32], &tanh[step * 5..][..5]].concat();
        let (features_shape, features) = of("features_SPLIT");
        let (_, at) = of("features_at_SPLIT");
        let (scored_shape, scored) = of("scored_SPLIT");
        let (shape, predictions) = of("predictions_SPLIT");
        let rows = scored_shape[0];
        assert_eq!(
            (&features_shape[..], &shape[..]),
            (&[rows, 74][..], &[rows, 2][..])
        );
        assert_eq!(at, scored);
        let (_, targets) = of("Y_SPLIT");
        for row in 0..rows {
            let (sequence, step) = (scored[2 * row], scored[2 * row + 1] as usize);
            assert_eq!(sequence, 0.0);
            assert!(targets[2 * step] > -100.0);
            // The mean of the states so far, then the state.
            let mut both = vec![0.0; 74];
            for earlier in 0..=step {
                for (into, value) in both.iter_mut().zip(state(earlier)) {
                    *into += value / (step + 1) as f64;
                }
            }
            both[37..].copy_from_slice(&state(step));
            for (place, value) in both.iter().enumerate() {
                close(features[row * 74 + place], *value, "a feature");
            }
            for output in 0..2 {
                let products = both.iter().enumerate();
                let sum: f64 = products
                    .map(|(place, x)| x * weight[2 * place + output])
                    .sum();
                close(
                    predictions[2 * row + output],
                    sum + bias[output],
                    "a prediction",
                );
            }
        }
    }
}

#[test]
fn standardised_data_times_deviation_plus_mean_are_the_raw_data() {
    let (place, rows) = forecaster(&[]);
    let path = place.path();
    for (raw, out) in [(false, "standardised.npz"), (true, "raw.npz")] {
        let mut arguments = vec![
            "experiment",
            "export",
            MODEL,
            "--what",
            "data",
            "--out",
            out,
        ];
        arguments.extend(raw.then_some("--raw"));
        succeed(path, &arguments);
        let mut npz = arrays(&path.join(out));
        let (shape, inputs) = numbers(&mut npz, "X_test");
        let (_, lengths) = numbers(&mut npz, "L_test");
        assert_eq!((shape, lengths), (vec![1, 59, 2], vec![59.0]));
        assert_eq!(
            numbers(&mut npz, "standardised"),
            (vec![], vec![f64::from(u8::from(!raw))])
        );
        let (_, mean) = numbers(&mut npz, "input_mean");
        let (_, deviation) = numbers(&mut npz, "input_deviation");
        for (at, &value) in inputs.iter().enumerate() {
            let expected = f64::from(rows[at / 2][at % 2]);
            match raw {
                true => assert_eq!(value, expected),
                false => close(value * deviation[at % 2] + mean[at % 2], expected, "raw"),
            }
        }
        assert!(!npz.names().contains(&"readout.weight".into()));
    }
}

#[test]
fn weights_of_attention_sum_to_one_by_population_unit_and_head() {
    for (memory, shape) in [
        ("sliding", &[2, 4, 4, 2, 3][..]),
        ("rewritten", &[2, 4, 4, 2, 3, 3]),
    ] {
        let place = TempDir::new().unwrap();
        let path = place.path();
        fs::write(path.join("train.ts"), TRAIN).unwrap();
        fs::write(
            path.join("test.ts"),
            TEST.replace(":1,1,0,0:down", "")
                .replace("4,3,2,1", "4,3:1,1:down"),
        )
        .unwrap();
        let memory = format!("reservoir.memory={memory}");
        let mut arguments = experiment(&["--set", &memory, "--out", "run"]);
        for key in [
            "task.name=files",
            "task.train=train.ts",
            "task.test=test.ts",
        ] {
            arguments.extend(["--set", key]);
        }
        succeed(path, &[&arguments, TWO_POPULATIONS].concat());
        let export = [
            "experiment",
            "export",
            MODEL,
            "--what",
            "attention,data",
            "--split",
            "test",
        ];
        succeed(path, &[&export[..], &["--out", "made"]].concat());
        let mut npz = arrays(&path.join("made/run.npz"));
        let (found, weights) = numbers(&mut npz, "attention_test_cortex");
        assert_eq!(found, shape);
        let (_, lengths) = numbers(&mut npz, "L_test");
        assert_eq!(lengths, [4.0, 2.0]);
        let a_step: usize = shape[2..].iter().product();
        for (at, row) in weights.chunks(3).enumerate() {
            let (sequence, step) = (at * 3 / a_step / 4, at * 3 / a_step % 4);
            let expected = f64::from(u8::from((step as f64) < lengths[sequence]));
            close(row.iter().sum(), expected, "the sum of weights");
        }
        let names = npz.names();
        assert!(
            !names
                .iter()
                .any(|name| name.contains("train") || name.contains("tanh")),
            "{names:?}"
        );
    }
}

#[test]
fn an_experiment_is_trained_first_and_a_task_has_data_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path();
    let small = crate::SMALL;
    let predictions = [
        "experiment",
        "export",
        "--what",
        "predictions",
        "--split",
        "test",
    ];
    let outcome = succeed(path, &[&predictions, small].concat());
    assert!(
        outcome.err.contains("training japanese-vowels with seed 0"),
        "{}",
        outcome.err
    );
    let mut npz = arrays(&path.join("runs/export/japanese-vowels.npz"));
    let (shape, found) = numbers(&mut npz, "predictions_test");
    assert_eq!(shape, [370, 9]);
    for row in found.chunks(9) {
        close(row.iter().sum(), 1.0, "probabilities");
    }
    assert_eq!(text(&mut npz, "link"), ["simplex"]);
    let data = [
        "experiment",
        "export",
        "japanese-vowels",
        "--set",
        "task.name=simple-copy",
        "--out",
        "copy.npz",
    ];
    succeed(path, &data);
    assert_eq!(
        text(&mut arrays(&path.join("copy.npz")), "category"),
        ["classification"]
    );
    // What was exported is a task.
    let again = ["--set", "task.name=files", "--set", "task.data=copy.npz"];
    succeed(
        path,
        &[&["experiment", "export", "--out", "again.npz"], &again[..]].concat(),
    );
}

#[test]
fn what_cannot_be_exported_is_refused_and_leaves_nothing() {
    let (place, _) = forecaster(&[]);
    let path = place.path();
    let before = files_below(path);
    let export = |more: &[&str]| run(path, &[&["experiment", "export"], more].concat());
    for (more, words) in [
        (
            &["--what", "dreams"][..],
            &["\"dreams\"", "data, states, attention"][..],
        ),
        (&["--split", "rest"], &["\"rest\"", "train, valid, test"]),
    ] {
        let outcome = export(more);
        assert_eq!(outcome.code, Some(2));
        for word in words {
            assert!(
                outcome.err.contains(word),
                "{word} is missing from: {}",
                outcome.err
            );
        }
    }
    assert_usage(&export(&[MODEL, "--seed", "3"]), &["--seed", "saved model"]);
    let split = export(&[MODEL, "--split", "valid", "--out", "x.npz"]);
    assert_usage(&split, &["files has no sequences"]);
    let unknown = export(&["chaotic-forecastin"]);
    assert_usage(&unknown, &["chaotic-forecastin"]);
    let task = export(&["chaotic-forecasting", "--what", "states", "--out", "x.npz"]);
    assert_usage(&task, &["chaotic-forecasting", "without a model"]);
    let folder = export(&[MODEL, "--out", "power.csv/x.npz"]);
    assert_sentence(&folder, &["power.csv/x.npz cannot be written"]);
    let key = export(&[MODEL, "--set", "task.horizon=far"]);
    assert_usage(&key, &["--set task.horizon=far"]);
    assert_eq!(files_below(path), before);
}

#[test]
fn attention_of_units_that_do_not_attend_is_refused() {
    let place = TempDir::new().unwrap();
    let neurons = [
        "--set",
        "reservoir.population=[{ kind = 'tanh-unit', units = 200, d_unit = 1 }]",
    ];
    let arguments = [
        &[
            "experiment",
            "export",
            "--what",
            "attention",
            "--out",
            "x.npz",
        ],
        &neurons[..],
    ]
    .concat();
    let outcome = run(place.path(), &arguments);
    assert_usage(&outcome, &["no population is of a kind that attends"]);
    assert!(files_below(place.path()).is_empty());
}

//! What is missing in users' files, and what is not scored.

use super::{load, load_csv};
use crate::{Dataset, TaskConfig, npy};
use ndarray::array;

/// The same series with other values from `step` on, which are 9 instead of what stood there.
fn changed_from(text: &str, step: usize) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(row, line)| {
        if row < step {
            line.into()
        } else {
            "9".to_string()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_input_depends_on_what_comes_later() {
    let text = "1\n?\n?\n4\n?\n6\n?\n2\n5\n?\n7\n1";
    let load =
        |text: &str| load_csv(text, "header = false\nhorizon = 1\ntest_fraction = 0.5").unwrap();
    let whole = load(text);
    let inputs = |dataset: &Dataset| dataset.test[0].inputs.column(0).to_vec();
    assert_eq!(inputs(&whole)[..6], [1.0, 1.0, 1.0, 4.0, 4.0, 6.0]);
    for step in 1..11 {
        let other = load(&changed_from(text, step));
        assert_eq!(
            inputs(&whole)[..step],
            inputs(&other)[..step],
            "step {step}"
        );
    }
}

#[test]
fn a_target_that_is_missing_is_not_scored_and_the_data_set_says_so() {
    let text = "x,y\n1,1\n2,\n,3\n4,4\n5,5\n6,?\n7,7\n8,8\n9,9\n";
    let dataset = load_csv(text, "horizon = 1\ntargets = ['y']\ntest_fraction = 0.5").unwrap();
    assert_eq!(dataset.train[0].scored, [1, 2, 3]);
    assert_eq!(dataset.train[0].targets, array![[3.0], [4.0], [5.0]]);
    assert_eq!(dataset.test[0].scored, [5, 6, 7]);
    assert_eq!(
        dataset.notes,
        [
            "3 of 18 input values are missing; the last known value before it stands for each, or the training part's mean",
            "2 of 8 steps have a target that is missing, and are not scored",
        ]
    );
    let complete = load_csv("1\n2\n3\n4\n", "header = false\nhorizon = 1").unwrap();
    assert!(complete.notes.is_empty());
}

#[test]
fn a_part_without_any_known_target_is_refused() {
    let message = load_csv(
        "x,y\n1,1\n2,2\n3,3\n4,\n5,\n",
        "horizon = 1\ntargets = ['y']\ntest_fraction = 0.5",
    );
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("key `targets`: no target of the test part is known"),
        "{message}"
    );
}

#[test]
fn a_mask_is_a_channel_per_input_behind_them() {
    let text = "x,y\n1,5\n,6\n3,7\n4,8\n5,9\n";
    let dataset = load_csv(text, "horizon = 1\ntargets = ['y']\nholes = 'mask'").unwrap();
    assert_eq!((dataset.d_input, dataset.d_output), (4, 1));
    assert_eq!(dataset.train[0].inputs.row(0), array![1.0, 5.0, 1.0, 1.0]);
    assert_eq!(dataset.train[0].inputs.row(1), array![1.0, 6.0, 0.0, 1.0]);
}

#[test]
fn the_first_hole_is_zero_once_standardised() {
    let config = "horizon = 1\nheader = false\nstandardise = true\ninputs = [0]\ntargets = [1]";
    let text = "?,1\n3,2\n5,3\n7,4\n9,5\n8,6\n";
    let config = config.replace("standardise = true\n", "");
    let files = [("data.csv", text.as_bytes())];
    let folder_config = format!("data = '{{}}/data.csv'\n{config}");
    let raw = load(&files, &folder_config).unwrap();
    // Known in the training part: 3, 5, 7.
    assert_eq!(raw.train[0].inputs, array![[5.0], [3.0], [5.0], [7.0]]);
}

#[test]
fn warm_up_steps_are_not_scored() {
    let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n";
    let dataset = load_csv(text, "header = false\nhorizon = 1\nwarm_up = 3").unwrap();
    assert_eq!(dataset.train[0].scored, (3..8).collect::<Vec<_>>());
    assert_eq!(dataset.test[0].scored, [8, 9]);
    // Each series of its own begins with an empty memory.
    let config = "train = '{}/a.csv'\ntest = '{}/a.csv'\nheader = false\nhorizon = 1\nwarm_up = 3";
    let pair = load(&[("a.csv", text.as_bytes())], config).unwrap();
    assert_eq!(pair.train[0].scored, (3..10).collect::<Vec<_>>());
    assert_eq!(pair.test[0].scored, (3..10).collect::<Vec<_>>());
    assert_eq!(
        pair.test[0].targets.column(0),
        array![5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0]
    );
    for (config, expected) in [
        (
            "horizon = 1\nwarm_up = 8",
            "key `warm_up`: 8 is not allowed; the series has 8 training steps",
        ),
        (
            "label = 0\nwarm_up = 1",
            "key `warm_up`: this key does not go with sequences that are scored at their last step",
        ),
    ] {
        let message = load_csv(text, &format!("header = false\n{config}"))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(expected),
            "expected «{expected}», got «{message}»"
        );
    }
}

#[test]
fn sequences_that_end_in_not_a_number_are_shorter() {
    let nan = f32::NAN;
    let inputs = npy::floats(&[2, 4], &[1.0, 2.0, nan, nan, 3.0, nan, 5.0, nan]);
    let labels = npy::integers(&[0, 1]);
    let files = [("x.npy", &inputs[..]), ("y.npy", &labels[..])];
    let config = "train = '{}/x.npy'\ntrain_labels = '{}/y.npy'\ntest = '{}/x.npy'\ntest_labels = '{}/y.npy'";
    let dataset = load(&files, config).unwrap();
    assert_eq!(dataset.train[0].inputs, array![[1.0], [2.0]]);
    assert_eq!(dataset.train[0].scored, [1]);
    assert_eq!(dataset.train[1].inputs, array![[3.0], [3.0], [5.0]]);
    assert_eq!(
        dataset.stack_targets(&dataset.train),
        array![[1.0, 0.0], [0.0, 1.0]]
    );
    let empty = npy::floats(&[2, 2], &[1.0, 2.0, nan, nan]);
    let files = [("x.npy", &empty[..]), ("y.npy", &labels[..])];
    let message = load(&files, config).unwrap_err().to_string();
    assert!(
        message.contains("x.npy: sequence 1: channel 0 has no known value"),
        "{message}"
    );
}

#[test]
fn before_the_first_known_value_stands_what_a_prediction_puts_there() {
    // Carried forward, the last 9 counts three times: the mean of what is filled in is another.
    let text = "id,x,y\na,,1\na,3,1\na,9,1\na,,1\na,,1\nb,,2\nb,6,2\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holes.csv");
    std::fs::write(&path, text).unwrap();
    let config = format!(
        "name = 'files'\ndata = '{}'\nsequence = 'id'\ninputs = ['x']\nvalue = 'y'\ntest_fraction = 0.5",
        path.display()
    );
    let dataset = toml::from_str::<TaskConfig>(&config)
        .unwrap()
        .load(0)
        .unwrap();
    let standardiser = dataset.standardiser.unwrap();
    let known: &[f64] = match dataset.train[0].inputs.nrows() {
        5 => &[3.0, 9.0],
        _ => &[6.0],
    };
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    assert_eq!(standardiser.mean, [mean]);
    assert_eq!(dataset.train[0].inputs[[0, 0]], 0.0);
    assert_eq!(dataset.test[0].inputs[[0, 0]], 0.0);
}

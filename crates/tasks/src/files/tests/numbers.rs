//! How users' tables and numbers are read.

use super::{load, load_csv};
use crate::{TaskConfig, npy};
use approx::assert_relative_eq;
use ndarray::array;
use std::fs;

#[test]
fn numbers_far_from_zero_keep_what_they_differ_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.csv");
    let wave = |step: i32| (f64::from(step) / 5.0).sin();
    let load = |offset: f64| {
        let text: String = (0..200)
            .map(|step| format!("{}\n", offset + wave(step)))
            .collect();
        fs::write(&path, text).unwrap();
        let text = format!(
            "name = 'files'\ndata = '{}'\nheader = false\nhorizon = 1",
            path.display()
        );
        toml::from_str::<TaskConfig>(&text)
            .unwrap()
            .load(0)
            .unwrap()
    };
    let (near, far) = (load(0.0), load(1e7));
    for (a, b) in near.test[0].inputs.iter().zip(&far.test[0].inputs) {
        assert_relative_eq!(*a, *b, epsilon = 1e-5);
    }
    let offset = far.target_offset.as_ref().unwrap()[0];
    for (a, b) in near.test[0].targets.iter().zip(&far.test[0].targets) {
        assert_relative_eq!(
            f64::from(*a),
            f64::from(*b) + (offset - 1e7),
            epsilon = 1e-5
        );
    }
    assert_eq!(near.target_offset, None);
    // A new step is standardised as those of the data set were.
    let (standardiser, raw) = (far.standardiser.as_ref().unwrap(), 1e7 + wave(3));
    let step = standardiser.step(array![raw].view());
    assert_relative_eq!(step[0], far.train[0].inputs[[3, 0]], epsilon = 1e-6);
}

#[test]
fn a_number_per_sequence_keeps_its_digits_too() {
    let text = "0,10000000.25\n1,10000000.5\n2,10000000.75\n3,10000001\n";
    let dataset = load_csv(text, "header = false\nvalue = 1\ntest_fraction = 0.25").unwrap();
    let offset = dataset.target_offset.as_ref().unwrap()[0];
    let mut all: Vec<f64> = dataset
        .train
        .iter()
        .chain(&dataset.test)
        .map(|sample| f64::from(sample.targets[[0, 0]]) + offset)
        .collect();
    all.sort_by(f64::total_cmp);
    assert_eq!(all, [1e7 + 0.25, 1e7 + 0.5, 1e7 + 0.75, 1e7 + 1.0]);
}

#[test]
fn two_columns_of_one_name_are_refused_with_both_places() {
    let message = load_csv("x,y,x\n1,2,3\n", "horizon = 1")
        .unwrap_err()
        .to_string();
    let expected = "data.csv, line 1: columns 0 and 2, counted from 0, are both named `x`";
    assert!(message.contains(expected), "{message}");
    let nameless = load_csv(
        ",,x\n1,2,3\n4,5,6\n7,8,9\n",
        "inputs = ['x']\nhorizon = 1\ntest_fraction = 0.5",
    );
    assert!(nameless.is_ok(), "{nameless:?}");
}

#[test]
fn fields_may_lie_between_semicolons_but_numbers_have_points() {
    let dataset = load_csv("a;b\n1.5;2\n3;4\n5;6\n", "horizon = 1\ntest_fraction = 0.5").unwrap();
    assert_eq!(dataset.train[0].inputs, array![[1.5, 2.0]]);
    // A semicolon within a name is none between fields.
    let comma = load_csv(
        "\"a;b\",c\n1,2\n3,4\n5,6\n",
        "horizon = 1\ntest_fraction = 0.5",
    )
    .unwrap();
    assert_eq!(comma.d_input, 2);
    for text in [
        "a;b\n1,5;2\n3;4\n5;6\n",
        "header;b\n3;1,5\n",
        "1,5;2,5\n3;4\n5,5;6\n",
    ] {
        let message = load_csv(text, "horizon = 1\nheader = true").err();
        let message = message.map(|error| error.to_string()).unwrap_or_default();
        let expected = "is not a number (its decimal comma must be a point)";
        assert!(message.contains(expected), "{text:?}: «{message}»");
    }
}

#[test]
fn half_precision_is_read() {
    let mut bytes = npy::integers(&[]);
    let place = bytes.windows(3).position(|part| part == b"<i8").unwrap();
    bytes[place..place + 3].copy_from_slice(b"<f2");
    let place = bytes.windows(4).position(|part| part == b"(0, ").unwrap();
    bytes[place + 1] = b'3';
    bytes.extend([0x00, 0x3c, 0x00, 0x40, 0x00, 0x42]);
    let dataset = load(
        &[("a.npy", &bytes)],
        "data = '{}/a.npy'\nhorizon = 1\ntest_fraction = 0.5",
    )
    .unwrap();
    assert_eq!(dataset.test[0].inputs, array![[1.0], [2.0]]);
    assert_eq!(dataset.test[0].targets, array![[3.0]]);
}

#[cfg(unix)]
#[test]
fn a_device_is_no_file_of_data_whatever_the_key() {
    let inputs = npy::floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    for config in [
        "data = '{}/a.npy'\nlabels = '/dev/zero'",
        "data = '{}/zero.csv'\nhorizon = 1",
        "data = '{}/zero.ts'",
        "data = '{}/zero.npz'",
        "data = '{}/zero.npy'\nhorizon = 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.npy"), &inputs).unwrap();
        for kind in ["csv", "ts", "npz", "npy"] {
            let link = folder.path().join(format!("zero.{kind}"));
            std::os::unix::fs::symlink("/dev/zero", link).unwrap();
        }
        let text = format!(
            "name = 'files'\n{}",
            config.replace("{}", &folder.path().display().to_string())
        );
        let error = toml::from_str::<TaskConfig>(&text)
            .unwrap()
            .load(0)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("it is a device or a pipe; a regular file is needed"),
            "{message}"
        );
    }
}

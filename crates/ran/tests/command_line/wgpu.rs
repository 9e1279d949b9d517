//! The backend wgpu, with a device and without.

use tempfile::TempDir;

use crate::{Outcome, assert_sentence, command, experiment, files_below, succeed};

#[test]
fn a_machine_without_a_device_says_what_to_install() {
    let place = TempDir::new().unwrap();
    let output = command(place.path(), &experiment(&["--backend", "wgpu"]))
        .env("VK_DRIVER_FILES", "nowhere.json")
        .env("VK_ICD_FILENAMES", "nowhere.json")
        .output()
        .unwrap();
    let outcome = Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert_sentence(
        &outcome,
        &["wgpu", "no device", "apt-get install mesa-vulkan-drivers"],
    );
    assert!(files_below(place.path()).is_empty());
}

#[test]
fn both_backends_come_to_the_same_accuracy() {
    let place = TempDir::new().unwrap();
    let [ndarray, wgpu] = ["ndarray", "wgpu"].map(|backend| {
        let outcome = succeed(
            place.path(),
            &["experiment", "--json", "--backend", backend],
        );
        let record = outcome.lines().swap_remove(0);
        assert_eq!(record["backend"], backend);
        record["test"].as_f64().unwrap()
    });
    assert!(
        (ndarray - wgpu).abs() <= 0.005,
        "ndarray {ndarray}, wgpu {wgpu}"
    );
}

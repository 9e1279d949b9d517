//! A user's own data, by path.

use std::fs;

use tempfile::TempDir;

use crate::{FILES, TEST, TRAIN, succeed};

#[test]
fn a_pair_of_files_runs_on_the_default_presets_reservoir() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    let outcome = succeed(place.path(), &[&["experiment", "--json"], FILES].concat());
    let record = &outcome.lines()[0];
    assert_eq!(record["task"], "files");
    assert_eq!(record["test"], 1.0);
    // The default preset's reservoir, as it is: 320 states, of which the readout sees mean and last.
    assert_eq!(record["trained_parameters"], 640 * 2 + 2);
    let described = succeed(place.path(), &[&["describe", "--json"], FILES].concat());
    assert_eq!(described.lines()[0]["d_input"], 2);
    assert_eq!(described.lines()[0]["d_output"], 2);
}

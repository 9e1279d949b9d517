//! Pictures of how a run learnt and what it remembers, and the names of the user's columns in pictures.

use std::fs;

use tempfile::TempDir;

use crate::{FILES, TEST, TRAIN, experiment, succeed};

#[test]
fn a_run_by_gradient_leaves_its_learning_curves() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    let more = [
        "--set",
        "learning.regime=full",
        "--set",
        "learning.epochs=3",
        "--out",
        "run",
        "--quiet",
    ];
    succeed(place.path(), &experiment(&[FILES, &more].concat()));
    let read = |name: &str| fs::read(place.path().join("run").join(name)).unwrap();
    assert_eq!(read("learning.png")[..8], *b"\x89PNG\r\n\x1a\n");
    let svg = String::from_utf8(read("learning.svg")).unwrap();
    for words in [
        "loss per epoch, seed 0",
        "accuracy per epoch, seed 0",
        "cross-entropy",
    ] {
        assert!(svg.contains(words), "{words} is missing: {svg}");
    }
    // A run into the same folder that has no epochs leaves no old curves.
    succeed(
        place.path(),
        &experiment(&[FILES, &["--out", "run", "--quiet"]].concat()),
    );
    assert!(!place.path().join("run/learning.svg").exists());
}

#[test]
fn memory_capacity_is_drawn_by_delay() {
    let place = TempDir::new().unwrap();
    let more = [
        "--set",
        "task.name=memory-capacity",
        "--set",
        "task.delays=8",
        "--set",
        "task.train=300",
        "--set",
        "task.test=100",
        "--out",
        "run",
        "--json",
    ];
    let record = succeed(place.path(), &experiment(&more)).lines().remove(0);
    let svg = fs::read_to_string(place.path().join("run/capacity.svg")).unwrap();
    let capacity = record["test"].as_f64().unwrap();
    let title = format!("capacity {capacity:.2} over delays 1 to 8");
    assert!(svg.contains(&title), "{title} is missing: {svg}");
    assert!(place.path().join("run/capacity.png").exists());
    let svg = fs::read_to_string(place.path().join("run/forecast.svg")).unwrap();
    for words in ["delay 6", "6 of 8 outputs"] {
        assert!(svg.contains(words), "{words} is missing: {svg}");
    }
}

#[test]
fn the_users_columns_have_their_names_in_pictures() {
    let place = TempDir::new().unwrap();
    let rows = (0..80).map(|row| {
        let x = f64::from(row) * 0.3;
        format!("{:.4},{:.4}\n", x.sin(), x.cos())
    });
    let table = format!("load <MW>,温度\n{}", rows.collect::<String>());
    fs::write(place.path().join("own.csv"), table).unwrap();
    let task = [
        "--set",
        "task.name=files",
        "--set",
        "task.data=own.csv",
        "--set",
        "task.horizon=1",
    ];
    succeed(
        place.path(),
        &experiment(&[&task[..], &["--out", "run"]].concat()),
    );
    succeed(
        place.path(),
        &[&["experiment", "show", "files"], &task[2..]].concat(),
    );
    for path in ["run/forecast.svg", "runs/show/files.svg"] {
        let svg = fs::read_to_string(place.path().join(path)).unwrap();
        for name in ["load &lt;MW&gt;", "温度"] {
            assert!(svg.contains(name), "{name} is missing in {path}: {svg}");
        }
        assert!(!svg.contains("output 0"), "{path}");
    }
}

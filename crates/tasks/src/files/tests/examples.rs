//! The examples of docs/own-data.md, loaded as they stand there.

use crate::npz_dataset::tests::write_npz;
use crate::{Dataset, TaskConfig, npy};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../../../../docs/own-data.md");

/// The fenced blocks of the page: what stands behind the fence, and the text.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let parts = PAGE.split("```").skip(1).step_by(2);
    parts.map(|block| block.split_once('\n').unwrap()).collect()
}

/// What the page's Python would write.
fn write_arrays(folder: &Path) {
    let signals = npy::floats(&[4, 3], &[0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11.]);
    let classes = npy::text(&[4], &["left", "right", "left", "right"]);
    fs::write(folder.join("signals.npy"), &signals).unwrap();
    fs::write(folder.join("classes.npy"), &classes).unwrap();
    let arrays = BTreeMap::from([("X".into(), signals), ("y".into(), classes)]);
    crate::npz::write(&folder.join("recordings.npz"), &arrays).unwrap();
    let copy: TaskConfig = toml::from_str("name = 'simple-copy'").unwrap();
    write_npz(&copy.load(0).unwrap(), &folder.join("copy.npz")).unwrap();
}

#[test]
fn every_example_of_the_page_loads() {
    let folder = tempfile::tempdir().unwrap();
    write_arrays(folder.path());
    let mut loaded: BTreeMap<String, Dataset> = BTreeMap::new();
    for (info, text) in blocks() {
        if let Some((_, name)) = info.split_once(' ') {
            fs::write(folder.path().join(name), text).unwrap();
        }
    }
    for (_, text) in blocks().into_iter().filter(|(info, _)| *info == "toml") {
        let mut table: toml::Table = toml::from_str(text).unwrap();
        let task = table["task"].as_table_mut().unwrap();
        let mut first = None;
        for key in ["data", "labels", "test", "train"] {
            if let Some(toml::Value::String(path)) = task.get_mut(key) {
                first.get_or_insert_with(|| path.clone());
                *path = folder.path().join(&*path).display().to_string();
            }
        }
        let config: TaskConfig = table.remove("task").unwrap().try_into().unwrap();
        loaded.insert(first.unwrap(), config.load(0).unwrap());
    }
    let shape = |name: &str| {
        let set = &loaded[name];
        let longest = set.train.iter().map(|one| one.inputs.nrows()).max();
        (
            set.train.len(),
            set.test.len(),
            longest.unwrap(),
            set.d_input,
            set.d_output,
        )
    };
    // Eight of the ten steps have a target two steps later; a fifth of them, rounded, is for testing.
    assert_eq!(shape("power.csv"), (1, 1, 6, 2, 1));
    assert_eq!(shape("gestures.csv").0 + shape("gestures.csv").1, 4);
    assert_eq!(loaded["gestures.csv"].labels, ["point", "wave"]);
    assert_eq!(loaded["beats.csv"].labels, ["early", "normal"]);
    assert_eq!(shape("moves_test.ts"), (2, 1, 4, 2, 2));
    assert_eq!(shape("signals.npy"), (2, 2, 3, 1, 2));
    assert_eq!(shape("recordings.npz"), (2, 2, 3, 1, 2));
    assert_eq!(shape("copy.npz"), (100, 100, 50, 4, 3));
    assert_eq!(loaded.len(), 7, "every example is loaded");
}

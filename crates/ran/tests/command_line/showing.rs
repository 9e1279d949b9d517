//! Tasks, drawn.

use std::fs;

use tempfile::TempDir;

use crate::{FILES, TEST, TRAIN, assert_sentence, assert_usage, files_below, run, succeed};

#[test]
fn a_task_is_drawn_as_svg_and_png() {
    let place = TempDir::new().unwrap();
    let outcome = succeed(place.path(), &["experiment", "show", "bracket-matching"]);
    let names = ["bracket-matching.png", "bracket-matching.svg"];
    let paths = names.map(|name| format!("runs/show/{name}"));
    let found = files_below(place.path());
    let found: Vec<_> = found.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(found, paths);
    for path in &paths {
        assert!(outcome.out.contains(path), "{}", outcome.out);
    }
    let [png, svg] = paths.map(|path| fs::read(place.path().join(path)).unwrap());
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let svg = String::from_utf8(svg).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("3 of 100 training sequences"));
}

#[test]
fn keys_seed_count_and_folder_are_the_users() {
    let place = TempDir::new().unwrap();
    let show = |more: &[&str]| {
        let words = ["experiment", "show", "simple-copy", "--out", "out"];
        succeed(place.path(), &[&words, more].concat());
        fs::read_to_string(place.path().join("out/simple-copy.svg")).unwrap()
    };
    let one = show(&["--count", "1"]);
    assert!(one.contains("1 of 100") && !one.contains("sequence 2,"));
    assert_eq!(show(&["--count", "1"]), one);
    assert_ne!(show(&["--count", "1", "--seed", "1"]), one);
    let medium = show(&["--set", "task.size=medium"]);
    assert!(medium.contains("3 of 1000"));
}

#[test]
fn a_users_own_file_is_drawn() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("train.ts"), TRAIN).unwrap();
    fs::write(place.path().join("test.ts"), TEST).unwrap();
    let files = ["experiment", "show", "files"];
    succeed(place.path(), &[&files, &FILES[2..]].concat());
    let svg = fs::read_to_string(place.path().join("runs/show/files.svg")).unwrap();
    for word in ["at step 3: up", "at step 3: down"] {
        assert!(svg.contains(word), "{word} is missing");
    }
}

#[test]
fn what_cannot_be_drawn_is_said_in_a_sentence() {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("file"), "kept").unwrap();
    let show = |more: &[&str]| run(place.path(), &[&["experiment", "show"], more].concat());
    assert_usage(
        &show(&["vowels"]),
        &["\"vowels\"", "japanese-vowels", "santa-fe", "files"],
    );
    assert_usage(
        &show(&["narma", "--set", "task.ordr=10"]),
        &["--set task.ordr=10", "`order`"],
    );
    assert_usage(
        &show(&["narma", "--set", "task.order=20"]),
        &["`order`", "20", "10 and 30"],
    );
    assert_sentence(
        &show(&["narma", "--out", "file/x"]),
        &["file/x", "cannot be written"],
    );
    // Keys that are missing are as wrong as keys that are given.
    assert_usage(&show(&["files"]), &["files", "`data`", "`train`"]);
    assert_usage(&show(&["fashion-mnist"]), &["fashion-mnist", "`from`"]);
    assert_sentence(
        &show(&[
            "files",
            "--set",
            "task.data=nowhere.csv",
            "--set",
            "task.horizon=1",
        ]),
        &["nowhere.csv", "cannot be read"],
    );
    assert_eq!(show(&[]).code, Some(2));
    assert_eq!(show(&["narma", "--count", "0"]).code, Some(2));
    assert_eq!(files_below(place.path()).len(), 1);
}

//! The program as a user runs it: what it prints, what it leaves, and what it says when something is wrong.

mod chosen;
#[cfg(unix)]
mod cluster;
mod collecting;
mod curves;
mod data;
mod describing;
mod endless;
mod exporting;
mod files;
mod folders;
mod gradient;
mod hostile;
mod long;
mod messages;
mod networks;
#[cfg(not(feature = "wgpu"))]
mod not_built;
mod numbers;
mod odd;
mod pictures;
mod predicting;
mod records;
mod roles;
mod run_folders;
mod saved;
#[cfg(unix)]
mod searching;
mod showing;
#[cfg(unix)]
mod sweeping;
mod text;
mod vectors;
#[cfg(feature = "wgpu")]
mod wgpu;
mod wrong_input;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A reservoir that is small enough to be tested in a blink.
const SMALL: &[&str] = &[
    "--set",
    "reservoir.population.0.units=4",
    "--set",
    "reservoir.population.0.d_unit=8",
    "--set",
    "reservoir.input_copies=1",
];

/// What a run of the program came to.
struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Outcome {
    fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines().map(serde_json::from_str);
        lines
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ran"));
    command.args(arguments).current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    let output = command(folder, arguments).output().unwrap();
    Outcome {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn succeed(folder: &Path, arguments: &[&str]) -> Outcome {
    let outcome = run(folder, arguments);
    assert_eq!(outcome.code, Some(0), "{arguments:?}: {}", outcome.err);
    outcome
}

fn experiment<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["experiment"], SMALL, more].concat()
}

/// All files below a folder, relative to it.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let below = files_below(&path).into_iter().map(|file| path.join(file));
            found.extend(below);
        } else {
            found.push(path);
        }
    }
    found.sort();
    let relative = found
        .iter()
        .map(|path| path.strip_prefix(folder).unwrap_or(path));
    relative.map(PathBuf::from).collect()
}

/// The header of a safetensors file, and its numbers.
fn model(bytes: &[u8]) -> (Value, Vec<u8>) {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, numbers) = rest.split_at(u64::from_le_bytes(*length) as usize);
    (serde_json::from_slice(header).unwrap(), numbers.to_vec())
}

fn without_seconds(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let seconds = line.as_object_mut().unwrap().remove("seconds");
        assert!(seconds.is_some_and(|seconds| seconds.is_f64()));
        line
    });
    lines.collect()
}

/// A `.ts` file of two classes, and the same for a test set.
const TRAIN: &str = "@problemName toy\n@dimensions 2\n@classLabel true up down\n@data\n\
                     0,1,2,3:0,0,1,1:up\n3,2,1,0:1,1,0,0:down\n0,2,4:0,0,0:up\n4,2,0:1,1,1:down\n";
const TEST: &str = "@problemName toy\n@dimensions 2\n@classLabel true up down\n@data\n\
                    1,2,3,4:0,0,1,1:up\n4,3,2,1:1,1,0,0:down\n";

const FILES: &[&str] = &[
    "--set",
    "task.name=files",
    "--set",
    "task.train=train.ts",
    "--set",
    "task.test=test.ts",
];

/// One line on standard error that has all words, and the exit code of a failure.
fn assert_sentence(outcome: &Outcome, words: &[&str]) {
    assert_refused(outcome, 1, words);
}

/// One line on standard error that has all words, and the exit code of a command line that is wrong.
fn assert_usage(outcome: &Outcome, words: &[&str]) {
    assert_refused(outcome, 2, words);
}

fn assert_refused(outcome: &Outcome, code: i32, words: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{}", outcome.err);
    assert_eq!(
        outcome.err.trim_end().lines().count(),
        1,
        "one sentence, got: {}",
        outcome.err
    );
    for word in words {
        assert!(
            outcome.err.contains(word),
            "{word:?} is missing from: {}",
            outcome.err
        );
    }
}

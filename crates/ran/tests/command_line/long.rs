//! Long series take no more memory than their numbers, and the states of one chunk.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::{FILES, command};

/// The most memory that a run of the program held at once, in MiB; it must succeed.
fn peak(place: &Path, arguments: &[&str]) -> f64 {
    let mut command = command(place, arguments);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let code = loop {
        // The system keeps the highest mark itself, until the process ends.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = mark.and_then(|mark| mark.split_whitespace().next()?.parse::<f64>().ok());
        // A process that has ended has no mark any more.
        peak = mark.unwrap_or(peak);
        match child.try_wait().unwrap() {
            Some(code) => break code,
            None => thread::sleep(Duration::from_millis(1)),
        }
    };
    assert!(code.success(), "{arguments:?}");
    assert!(peak > 0.0, "nothing was seen of the run");
    peak / 1024.0
}

#[test]
fn a_hundred_thousand_steps_take_less_memory_than_their_states_would() {
    let place = TempDir::new().unwrap();
    let head = "@univariate true\n@classLabel true a b\n@data\n";
    let long: Vec<String> = (0..100_000)
        .map(|step| (step * 3 % 7).to_string())
        .collect();
    let train = format!("{head}{}:a\n1,2,3,4:b\n", long.join(","));
    fs::write(place.path().join("train.ts"), train).unwrap();
    fs::write(
        place.path().join("test.ts"),
        format!("{head}0,3,6:a\n1,2,3:b\n"),
    )
    .unwrap();
    let settings = [
        "--set",
        "reservoir.population=[{ kind = 'tanh-unit', units = 600, d_unit = 1 }]",
        "--set",
        "reservoir.input_copies=1",
        "--quiet",
        "--no-pictures",
    ];
    let peak = peak(
        place.path(),
        &[&["experiment"], FILES, &settings[..]].concat(),
    );
    // 100,000 states of 600 numbers of 4 bytes are 229 MiB.
    assert!(peak < 115.0, "{peak} MiB");
}

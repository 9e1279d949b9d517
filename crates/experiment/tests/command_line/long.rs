//! Long series take no more memory than their numbers, and the states of one chunk.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Stdio;

use tempfile::TempDir;

use crate::command;

/// The most memory that a run of the program held at once, in MiB; it must succeed.
fn peak(arguments: &[&str]) -> f64 {
    let place = TempDir::new().unwrap();
    let mut command = command(place.path(), arguments);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    let code = loop {
        // The system keeps the highest mark itself, until the process ends.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = mark.and_then(|mark| mark.split_whitespace().next()?.parse::<f64>().ok());
        peak = mark.unwrap_or(peak);
        match child.try_wait().unwrap() {
            Some(code) => break code,
            None => std::thread::sleep(std::time::Duration::from_millis(1)),
        }
    };
    assert!(code.success(), "{arguments:?}");
    assert!(peak > 0.0, "nothing was seen of the run");
    peak / 1024.0
}

#[test]
fn two_hundred_thousand_steps_take_less_memory_than_their_states_would() {
    let steps = "task.train=200000";
    let population = "reservoir.population=[{ kind = 'tanh-unit', units = 200, d_unit = 1 }]";
    let run = ["experiment", "mackey-glass-17", "--set", steps, "--set", population];
    let more = ["--quiet", "--no-pictures", "--out", "run"];
    let peak = peak(&[&run[..], &more].concat());
    // 200,000 steps of 200 numbers of 4 bytes are 153 MiB, and the rows of features as much again.
    assert!(peak < 150.0, "{peak} MiB");
}

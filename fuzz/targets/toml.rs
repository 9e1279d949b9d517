//! Configurations of experiments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_experiment::Experiment;
use ran_fuzz::{FLOOR, limited};

fuzz_target!(|text: &str| {
    limited(text.as_bytes(), FLOOR, || {
        Experiment::parse("x", "x.toml", text, &[])
    });
});

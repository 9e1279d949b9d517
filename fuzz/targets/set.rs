//! Settings, one in each line, made in the preset that a run begins with.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_experiment::{Experiment, ExperimentError, Preset, Setting};
use ran_fuzz::{FLOOR, limited};

fuzz_target!(|text: &str| {
    limited(text.as_bytes(), FLOOR, || {
        let settings: Result<Vec<Setting>, _> = text.lines().map(str::parse).collect();
        Experiment::open(Some(Preset::DEFAULT), &settings?).map(|_| ())?;
        Ok::<_, ExperimentError>(())
    });
});

//! `.npz` files: the arrays `X` and `y` or an exported data set, and a series to forecast.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_fuzz::{halves, load};
use ran_tasks::FilesConfig;

fuzz_target!(|input: &[u8]| {
    load(
        "npz",
        input,
        &[
            // An exported data set is split already.
            |_| FilesConfig::default(),
            |_| halves(),
            |_| FilesConfig {
                horizon: Some(1),
                ..halves()
            },
        ],
    );
});

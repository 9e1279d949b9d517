//! `.ts` files: what their header says, and series to forecast.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_fuzz::{halves, load};
use ran_tasks::FilesConfig;

fuzz_target!(|input: &[u8]| {
    load(
        "ts",
        input,
        &[
            |_| halves(),
            |_| FilesConfig {
                horizon: Some(1),
                ..halves()
            },
        ],
    );
});

//! `.npy` files: a series to forecast, and sequences whose labels are a file of the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_fuzz::{halves, load};
use ran_tasks::FilesConfig;

fuzz_target!(|input: &[u8]| {
    load(
        "npy",
        input,
        &[
            |_| FilesConfig {
                horizon: Some(1),
                ..halves()
            },
            |path| FilesConfig {
                labels: Some(path.into()),
                ..halves()
            },
        ],
    );
});

//! Tables: a series to forecast, a sequence in each row, and a sequence in several rows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ran_fuzz::{halves, load};
use ran_tasks::{Column, FilesConfig};

fuzz_target!(|input: &[u8]| {
    load(
        "csv",
        input,
        &[
            |_| FilesConfig {
                horizon: Some(1),
                ..halves()
            },
            |_| FilesConfig {
                label: Some(Column::Number(1)),
                ..halves()
            },
            |_| FilesConfig {
                label: Some(Column::Number(1)),
                sequence: Some(Column::Number(0)),
                ..halves()
            },
        ],
    );
});

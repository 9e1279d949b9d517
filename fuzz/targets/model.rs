//! Model files.
#![no_main]

use burn_ndarray::NdArray;
use libfuzzer_sys::fuzz_target;
use ran_fuzz::{FLOOR, limited};
use ran_learning::Model;

fuzz_target!(|input: &[u8]| {
    limited(input, FLOOR, || {
        Model::<NdArray>::from_bytes(input.to_vec(), &Default::default())
    });
});

//! The scan on pools of different sizes: the number of threads changes no bit.

#![allow(missing_docs, reason = "a test crate")]
#![allow(dead_code, reason = "what is common serves other tests too")]

mod common;

use common::naive::Part;
use common::{Case, kinds, numbers};
use ran_scan::{Memory, Needs, Output};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

#[test]
fn values_and_gradients_are_the_same_to_the_last_bit_on_any_number_of_threads() {
    for memory in [Memory::Sliding, Memory::Rewritten] {
        // One sequence for all threads, a few with one each, half a vector, and enough for more groups than threads.
        for batch in [1, 3, 16, 150] {
            let part = |(index, kind)| Part {
                kind,
                units: 1 + index % 2,
                d_unit: 8,
                output: [Output::Tanh, Output::LayerNorm][index % 2],
            };
            let parts = kinds(8).into_iter().enumerate().map(part).collect();
            let case = Case::new(3, memory, 3, 0.7, 2, parts, [batch, 7, 2]);
            let mut random = ChaCha8Rng::seed_from_u64(5);
            let gradient = numbers(&mut random, case.output_len(), 1.0);
            let found = [1, 2, 3, 4, 9].map(|threads| {
                let pool = ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| {
                    let plain = case.forward(&case.spec, case.sequences());
                    let (taped, tape) = case.taped(&case.spec);
                    let back = case.back(&case.spec, &tape, &gradient, Some(3), Needs::ALL);
                    (plain, taped, back)
                })
            });
            for other in &found[1..] {
                assert!(*other == found[0], "{memory:?}, batch {batch}");
            }
        }
    }
}

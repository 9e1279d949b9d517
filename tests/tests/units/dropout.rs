//! What dropout hides.

use burn::tensor::Tensor;
use ran_unit::{RngStream, dropout};

use crate::B;

#[test]
fn dropout_hides_its_share_and_keeps_the_mean() {
    let rows = Tensor::<B, 2>::full([100, 100], 3.0, &Default::default());
    let left = dropout(rows, 0.25, &mut RngStream::Training.rng(3));
    let left = left.into_data().into_vec::<f32>().unwrap();
    let hidden = left.iter().filter(|&&number| number == 0.0).count();
    // 2500 expected, with a deviation of 43.
    assert!((2300..2700).contains(&hidden), "{hidden}");
    assert!(left.iter().all(|&number| number == 0.0 || number == 4.0));
}

//! Biases of attention by lag.

use approx::assert_abs_diff_eq;
use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use ran_qkv_unit::{LagBias, LagBiasConfig, LagLaw};
use ran_unit::RngStream;

use crate::{B, DEVICE, numbers};

const LAGS: usize = 400;

fn drawn(law: LagLaw) -> Vec<f32> {
    let config = LagBiasConfig {
        law,
        scale: 0.5,
        lags: LAGS,
    };
    let mut rng = RngStream::Weights(0).rng(3);
    numbers(LagBias::<B>::init(&config, [1, 1], &mut rng, &DEVICE).tensor())
}

#[test]
fn laws_are_as_wide_as_their_scale_and_have_their_form() {
    let mean_square = |law| {
        let biases = drawn(law);
        biases.iter().map(|bias| bias * bias).sum::<f32>() / LAGS as f32
    };
    assert_abs_diff_eq!(mean_square(LagLaw::Normal), 0.25, epsilon = 0.05);
    assert_abs_diff_eq!(mean_square(LagLaw::Cosine), 0.25, epsilon = 0.05);
    let cosine = drawn(LagLaw::Cosine);
    // cos(a − b) + cos(a + b) = 2·cos(b)·cos(a): each bias is a fixed multiple of the sum of its neighbours.
    let factor = (cosine[0] + cosine[2]) / cosine[1];
    for at in 1..20 {
        let sum = cosine[at - 1] + cosine[at + 1];
        assert_abs_diff_eq!(sum, factor * cosine[at], epsilon = 1e-3);
    }
    let slope = drawn(LagLaw::Slope);
    assert_eq!(slope[0], 0.0);
    assert!(slope[1] != 0.0);
    assert_abs_diff_eq!(slope[7], 7.0 * slope[1], epsilon = 1e-5);
}

#[test]
fn each_score_gets_the_bias_of_its_lag_and_newer_rows_get_none() {
    let biases = vec![1.0_f32, 2.0, 3.0, 10.0, 20.0, 30.0];
    let data = TensorData::new(biases, [2, 1, 3]);
    let lag = LagBias::<B> {
        bias: Param::from_data(data, &DEVICE),
    };
    let add = |queries| {
        let scores = Tensor::<B, 4>::zeros([4, 1, queries, 3], &DEVICE);
        numbers(lag.add(scores))
    };
    let one = [3.0, 2.0, 1.0];
    let other = [30.0, 20.0, 10.0];
    assert_eq!(add(1), [one, one, other, other].concat());
    let all = [1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 3.0, 2.0, 1.0];
    assert_eq!(add(3)[..9], all);
    assert_eq!(add(3)[9..18], all);
    assert_eq!(add(3)[18..27], all.map(|bias| 10.0 * bias));
}

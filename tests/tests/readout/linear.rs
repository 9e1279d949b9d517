//! The linear readout in burn operations, and what trains it.

use burn::backend::Autodiff;
use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use burn_ndarray::NdArray;
use ndarray::array;
use ran_readout::{LinearReadout, LinearReadoutConfig, ProductBackend};

use crate::Host;

fn by_hand<B: ProductBackend>(device: &B::Device) -> LinearReadout<B> {
    let weights = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
    LinearReadout::from_weights(&weights, &array![0.5, -0.5], device)
}

#[test]
fn forward_equals_values_worked_by_hand() {
    let device = Default::default();
    let readout = by_hand::<Host>(&device);
    let features = Tensor::from_data([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]], &device);
    let outputs = readout.forward(features).into_data();
    // 1·1 + 2·5 + ½, 1·2 + 2·6 − ½; −3 + ½, −4 − ½.
    let expected = TensorData::from([[11.5, 13.5], [-2.5, -4.5_f32]]);
    outputs.assert_eq(&expected, true);
}

#[test]
fn a_seed_gives_the_same_weights_and_another_seed_others() {
    let device = Default::default();
    let config = LinearReadoutConfig::new(16, 3);
    let draw = |seed| {
        let readout = config.init::<Host>(seed, &device);
        readout.weight.val().into_data().to_vec::<f32>().unwrap()
    };
    let weights = draw(7);
    assert_eq!(weights, draw(7));
    assert_ne!(weights, draw(8));
    assert!(weights.iter().all(|w| w.abs() <= 0.25));
    assert!(weights.iter().any(|w| w.abs() > 0.2));
    let wide: Vec<f64> = config
        .init::<NdArray<f64>>(7, &device)
        .weight
        .val()
        .into_data()
        .to_vec()
        .unwrap();
    assert!(wide.iter().zip(&weights).all(|(a, b)| *a == f64::from(*b)));
}

#[test]
fn weight_and_bias_are_trained_by_the_gradient() {
    let device = Default::default();
    let readout = by_hand::<Autodiff<Host>>(&device);
    assert_eq!(readout.num_params(), 8);
    let features = Tensor::from_data([[1.0, 0.0, 2.0], [0.0, -1.0, 0.0]], &device);
    let gradients = readout.forward(features).sum().backward();
    let of_weight = readout.weight.val().grad(&gradients).unwrap().into_data();
    let of_bias = readout.bias.val().grad(&gradients).unwrap().into_data();
    // The gradient of the sum is the sum of the features, in either output.
    let expected = TensorData::from([[1.0, 1.0], [-1.0, -1.0], [2.0, 2.0_f32]]);
    of_weight.assert_eq(&expected, true);
    of_bias.assert_eq(&TensorData::from([2.0, 2.0_f32]), true);
}

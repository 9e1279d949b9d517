//! Softmax and normalisation go back with the accuracy of 32 bits.

use burn::backend::Autodiff;
use burn::tensor::backend::Backend as _;
use burn::tensor::{DType, Distribution, Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};

use ran_unit::{normalise, softmax};

type B = Autodiff<NdArray<f32>>;

/// The gradient of a weighted sum of what a function makes of the scores, in numbers of a type.
fn gradient(
    function: fn(Tensor<B, 2>) -> Tensor<B, 2>,
    [scores, weights]: [TensorData; 2],
    dtype: DType,
) -> Vec<f64> {
    let options = (&NdArrayDevice::Cpu, dtype);
    let scores = Tensor::<B, 2>::from_data(scores, options).require_grad();
    let weights = Tensor::from_data(weights, options);
    let gradients = (function(scores.clone()) * weights).sum().backward();
    let gradient = scores.grad(&gradients).expect("scores are tracked");
    gradient.into_data().convert::<f64>().into_vec().unwrap()
}

#[test]
fn gradients_of_softmax_and_normalisation_are_as_accurate_as_32_bits() {
    let functions: [fn(Tensor<B, 2>) -> Tensor<B, 2>; 2] = [softmax, normalise];
    B::seed(&NdArrayDevice::Cpu, 7);
    for function in functions {
        for scale in [0.1, 1.0, 5.0] {
            let random = |scale| {
                let spread = Distribution::Normal(0.0, scale);
                Tensor::<B, 2>::random([40, 8], spread, &NdArrayDevice::Cpu).into_data()
            };
            let given = [random(scale), random(1.0)];
            let got = gradient(function, given.clone(), DType::F32);
            let expected = gradient(function, given, DType::F64);
            let square =
                |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
            let apart = square(&mut got.iter().zip(&expected).map(|(a, b)| a - b));
            let off = apart / square(&mut expected.iter().copied());
            assert!(off < 2e-6, "scale {scale}: {off}");
        }
    }
}

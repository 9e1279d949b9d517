//! The fast product against burn's own, and its gradients.

use burn::backend::Autodiff;
use burn::tensor::{Distribution, Tensor, Tolerance, backend::Backend};
use burn_ndarray::NdArray;
use ran_readout::product;

use crate::Host;

fn random<B: Backend>(shape: [usize; 2]) -> Tensor<B, 2> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Default::default())
}

#[track_caller]
fn assert_near(got: Tensor<Host, 2>, expected: Tensor<Host, 2>) {
    let expected = expected.into_data();
    let tolerance = Tolerance::<f32>::rel_abs(1e-4, 1e-4);
    got.into_data().assert_approx_eq(&expected, tolerance);
}

#[test]
fn product_equals_values_worked_by_hand() {
    let device = Default::default();
    let lhs = Tensor::<Host, 2>::from_data([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]], &device);
    let rhs = Tensor::from_data([[1.0, 0.0], [2.0, 1.0], [-1.0, 4.0]], &device);
    let expected = Tensor::from_data([[2.0, 14.0], [-2.5, 1.0]], &device);
    assert_near(product(lhs, rhs), expected);
}

#[test]
fn product_equals_burns_own_however_the_matrices_lie() {
    for [rows, inner, columns] in [[1, 1, 1], [5, 33, 9], [64, 7, 1], [100, 130, 12]] {
        let lhs = [
            random::<Host>([rows, inner]),
            random([inner, rows]).transpose(),
            random([rows, 2 * inner]).slice([0..rows, inner..2 * inner]),
            random([2 * inner, rows]).slice_dim(0, 0..inner).transpose(),
            random([1, inner]).expand([rows, inner]),
        ];
        let rhs = [
            random([inner, columns]),
            random([columns, inner]).transpose(),
            random([columns, inner])
                .slice_dim(0, 0..columns)
                .transpose(),
        ];
        for lhs in &lhs {
            for rhs in &rhs {
                let expected = lhs.clone().matmul(rhs.clone());
                assert_near(product(lhs.clone(), rhs.clone()), expected);
            }
        }
    }
}

#[test]
fn gradients_equal_those_of_burns_own_product_and_reach_only_who_asked() {
    type Tracked = Autodiff<Host>;
    for (of_lhs, of_rhs) in [(true, true), (true, false), (false, true)] {
        let lhs = random::<Tracked>([17, 23]).set_require_grad(of_lhs);
        let rhs = random::<Tracked>([23, 9]).set_require_grad(of_rhs);
        let weights = random::<Tracked>([17, 9]);
        let gradients = |output: Tensor<Tracked, 2>| {
            let found = (output * weights.clone()).sum().backward();
            [lhs.grad(&found), rhs.grad(&found)]
        };
        let got = gradients(product(lhs.clone(), rhs.clone()));
        let expected = gradients(lhs.clone().matmul(rhs.clone()));
        let wanted = [of_lhs, of_rhs];
        for ((got, expected), wanted) in got.into_iter().zip(expected).zip(wanted) {
            assert_eq!(got.is_some(), wanted);
            if let (Some(got), Some(expected)) = (got, expected) {
                assert_near(got, expected);
            }
        }
    }
}

#[test]
fn numbers_of_64_bits_are_multiplied_as_such() {
    let device = Default::default();
    let options = (&device, burn::tensor::DType::F64);
    let lhs = Tensor::<NdArray<f64>, 2>::from_data([[1.0_f64 + 1e-12]], options);
    let rhs = Tensor::from_data([[1.0_f64]], options);
    let got: f64 = product(lhs, rhs).into_data().to_vec().unwrap()[0];
    assert_eq!(got, 1.0 + 1e-12);
}

#[test]
#[should_panic(expected = "expected rows as wide as the weights have inputs, 3, got 2")]
fn widths_that_disagree_are_refused() {
    product(random::<Host>([4, 2]), random([3, 5]));
}

//! Features of the states of a batch, in burn operations.

use std::num::NonZeroUsize;

use burn::backend::Autodiff;
use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_ndarray::NdArray;
use ndarray::{Array2, Array3, Axis, concatenate, s};
use ran_readout::Features;

use crate::Host;

const TWO: Features = Features::Segments(NonZeroUsize::new(2).unwrap());
const ALL: [Features; 5] = [
    Features::Last,
    Features::Mean,
    Features::MeanAndLast,
    Features::EveryStep,
    TWO,
];

fn states() -> Array3<f32> {
    Array3::from_shape_fn((3, 5, 2), |(b, t, i)| {
        ((b * 31 + t * 7 + i * 3) % 11) as f32 - 4.0
    })
}

fn tensor<B: Backend>(states: &Array3<f32>) -> Tensor<B, 3> {
    let (batch, steps, d_state) = states.dim();
    let data = TensorData::new(states.iter().copied().collect(), [batch, steps, d_state]);
    Tensor::from_data(data, &Default::default())
}

#[test]
fn a_batch_equals_its_sequences_one_by_one() {
    let states = states();
    for scored in [
        [vec![4], vec![2], vec![0]],
        [vec![0, 3], vec![1], vec![]],
        [vec![0, 1, 2, 3, 4], vec![2, 4], vec![0, 1]],
    ] {
        for features in ALL {
            let rows: Vec<Array2<f32>> = scored
                .iter()
                .enumerate()
                .map(|(b, scored)| features.rows(states.slice(s![b, .., ..]), scored))
                .collect();
            let views: Vec<_> = rows.iter().map(|rows| rows.view()).collect();
            let expected = concatenate(Axis(0), &views).unwrap();
            let gathered = features.gather(tensor::<Host>(&states), &scored);
            assert_eq!(gathered.dims(), [expected.nrows(), expected.ncols()]);
            let gathered = gathered.into_data().to_vec::<f32>().unwrap();
            for (gathered, expected) in gathered.iter().zip(&expected) {
                assert!(
                    (gathered - expected).abs() < 1e-5,
                    "{features:?} at {scored:?}"
                );
            }
        }
    }
}

#[test]
fn gradients_equal_values_worked_by_hand_and_spare_padding() {
    // The sum of all features of one sequence of three steps, of which the last is padding.
    let table: [(Features, &[usize], [f32; 3]); 8] = [
        (Features::Last, &[1], [0.0, 1.0, 0.0]),
        (Features::Mean, &[1], [0.5, 0.5, 0.0]),
        (Features::MeanAndLast, &[1], [0.5, 1.5, 0.0]),
        (Features::EveryStep, &[1], [1.0, 1.0, 0.0]),
        (Features::Mean, &[0, 1], [1.5, 0.5, 0.0]),
        (Features::EveryStep, &[0, 1], [1.0, 1.0, 0.0]),
        (TWO, &[1], [1.0, 1.0, 0.0]),
        (TWO, &[2], [1.0, 0.5, 0.5]),
    ];
    for (features, scored, expected) in table {
        let states = Array3::from_shape_fn((1, 3, 1), |(_, t, _)| t as f32);
        let states = tensor::<Autodiff<Host>>(&states).require_grad();
        let gradients = features.gather(states.clone(), &[scored]).sum().backward();
        let gradient = states.grad(&gradients).unwrap().into_data();
        let gradient = gradient.to_vec::<f32>().unwrap();
        assert_eq!(gradient, expected, "{features:?} at {scored:?}");
    }
}

#[test]
fn many_means_are_taken_by_running_sums_and_equal_few() {
    let states = Array3::from_shape_fn((2, 40, 3), |(b, t, i)| {
        ((b * 17 + t * 5 + i * 2) % 13) as f32 / 13.0
    });
    let every: Vec<usize> = (0..40).collect();
    for features in [Features::Mean, Features::MeanAndLast, TWO] {
        let many = features.gather(tensor::<Host>(&states), &[every.clone(), vec![]]);
        for (step, row) in many.iter_dim(0).enumerate() {
            let few = features.gather(tensor::<Host>(&states), &[vec![step], vec![]]);
            few.into_data()
                .assert_approx_eq::<f32>(&row.into_data(), Default::default());
        }
    }
}

#[test]
fn numbers_of_either_width_work_side_by_side() {
    let narrow = Features::Mean.gather(tensor::<Host>(&states()), &[[2], [1], [4]]);
    let device = Default::default();
    let data = TensorData::new(states().iter().map(|&h| f64::from(h)).collect(), [3, 5, 2]);
    let options = (&device, burn::tensor::DType::F64);
    let wide = Tensor::<NdArray<f64>, 3>::from_data(data, options);
    let wide = Features::Mean.gather(wide, &[[2], [1], [4]]);
    let wide = wide.into_data().to_vec::<f64>().unwrap();
    let narrow = narrow.into_data().to_vec::<f32>().unwrap();
    for (wide, narrow) in wide.iter().zip(narrow) {
        assert!((wide - f64::from(narrow)).abs() < 1e-6);
    }
}

#[test]
#[should_panic(expected = "expected a list of scored steps for each of 3 sequences, got 1")]
fn a_missing_list_panics() {
    Features::Last.gather(tensor::<Host>(&states()), &[[0]]);
}

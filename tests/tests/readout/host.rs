//! The linear readout on the host.

use ndarray::{Array1, Array2, Axis, s};
use ran_readout::{HostReadout, LinearReadout};

use crate::Host;

#[test]
fn rows_that_come_one_by_one_have_the_bits_of_those_that_come_together() {
    // Few outputs are dot products, many a product of matrices.
    for d_output in [1, 16, 17] {
        let noise = |shape: (usize, usize), factor: f64| {
            Array2::from_shape_fn(shape, |(i, j)| ((7 * i + 3 * j) as f64 * factor).sin())
        };
        let (weights, bias) = (noise((37, d_output), 0.7), Array1::from_elem(d_output, 0.3));
        let device = Default::default();
        let readout = LinearReadout::<Host>::from_weights(&weights, &bias, &device);
        let host = HostReadout::of(&readout);
        assert_eq!(host.d_output(), d_output);
        let rows = noise((9, 37), 0.9).mapv(|x| x as f32);
        let together = host.outputs(rows.view());
        let expected = rows.mapv(f64::from).dot(&weights) + &bias;
        for (row, expected) in together.iter().zip(&expected) {
            assert!((f64::from(*row) - expected).abs() < 1e-5);
        }
        for count in 1..9 {
            let pieces = rows.axis_chunks_iter(Axis(0), count);
            let pieces: Vec<_> = pieces.map(|piece| host.outputs(piece)).collect();
            let views: Vec<_> = pieces.iter().map(|one| one.view()).collect();
            assert_eq!(ndarray::concatenate(Axis(0), &views).unwrap(), together);
        }
        assert_eq!(host.outputs(rows.slice(s![..0, ..])).dim(), (0, d_output));
    }
}

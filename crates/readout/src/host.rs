//! A linear readout on the host, for rows as they come.

use burn::tensor::{TensorData, backend::Backend};
use ndarray::{Array1, Array2, ArrayView2};

use crate::LinearReadout;

/// The numbers of a [`LinearReadout`] in 32-bit floats on the host.
#[derive(Clone, Debug)]
pub struct HostReadout {
    /// Wᵀ, `[d_output, d_features]`: an output's weights lie one beside another.
    weight: Array2<f32>,
    /// b, `[d_output]`.
    bias: Array1<f32>,
}

/// Up to this many outputs, putting the weights in the order of a product of matrices takes longer than it saves. The number of
/// rows must not matter: rows that come one by one have the bits of those that come together.
const FEW: usize = 16;

impl HostReadout {
    /// Copies a readout's numbers.
    pub fn of<B: Backend>(readout: &LinearReadout<B>) -> Self {
        let numbers = |data: TensorData| {
            let data = data.convert::<f32>();
            data.into_vec::<f32>()
                .expect("numbers were converted to f32")
        };
        let [d_features, d_output] = readout.weight.shape().dims();
        let weight = numbers(readout.weight.val().into_data());
        let weight = Array2::from_shape_vec((d_features, d_output), weight)
            .expect("the weights have their dims");
        Self {
            weight: weight.t().as_standard_layout().into_owned(),
            bias: numbers(readout.bias.val().into_data()).into(),
        }
    }

    /// Width of a row of outputs, O.
    pub fn d_output(&self) -> usize {
        self.bias.len()
    }

    /// The outputs for rows of features.
    ///
    /// # Shapes
    ///
    /// - rows: `[rows, d_features]`
    /// - output: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// If there are rows, of another width.
    pub fn outputs(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        if self.d_output() > FEW {
            return rows.dot(&self.weight.t()) + &self.bias;
        }
        let mut outputs = Array2::zeros((rows.nrows(), self.d_output()));
        for (row, mut outputs) in rows.rows().into_iter().zip(outputs.rows_mut()) {
            outputs.assign(&(self.weight.dot(&row) + &self.bias));
        }
        outputs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_ndarray::NdArray;
    use ndarray::{Axis, s};

    #[test]
    fn rows_that_come_one_by_one_have_the_bits_of_those_that_come_together() {
        for d_output in [1, FEW, FEW + 1] {
            let noise = |shape: (usize, usize), factor: f64| {
                Array2::from_shape_fn(shape, |(i, j)| ((7 * i + 3 * j) as f64 * factor).sin())
            };
            let (weights, bias) = (noise((37, d_output), 0.7), Array1::from_elem(d_output, 0.3));
            let device = Default::default();
            let readout = LinearReadout::<NdArray<f32>>::from_weights(&weights, &bias, &device);
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
}

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

/// Rows that are not worth it to put the weights in the order of a product of matrices.
const FEW: usize = 4;

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
    /// If the rows are of another width.
    pub fn outputs(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        if rows.nrows() > FEW {
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
    use ndarray::{Axis, array};

    #[test]
    fn outputs_of_few_and_of_many_rows_equal_those_worked_by_hand() {
        let weights = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let device = Default::default();
        let readout =
            LinearReadout::<NdArray<f32>>::from_weights(&weights, &array![0.5, -0.5], &device);
        let host = HostReadout::of(&readout);
        assert_eq!(host.d_output(), 2);
        let row = array![1.0, -2.0, 0.5];
        for count in [0, 1, FEW, FEW + 1, 20] {
            let rows = row.broadcast((count, 3)).unwrap().to_owned();
            for outputs in host.outputs(rows.view()).axis_iter(Axis(0)) {
                assert_eq!(outputs, array![-2.0, -3.5]);
            }
        }
    }
}

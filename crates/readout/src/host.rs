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
/// rows must not matter: rows that come one by one have the bits of those that come together (tests/tests/readout/host.rs
/// has as many outputs and one more).
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

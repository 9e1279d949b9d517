//! What a backend must bring to train and run models, and the way from it to the host.

use burn::tensor::{Tensor, backend::Backend};
use ndarray::Array2;
use ran_readout::ProductBackend;
use ran_reservoir::ScanBackend;

/// A backend that models are trained on: the reservoir's scan and the readout's product, each with a default in burn
/// operations.
pub trait LearningBackend: ScanBackend + ProductBackend {}

impl<B: ScanBackend + ProductBackend> LearningBackend for B {}

/// A matrix on the host.
pub(crate) fn host<B: Backend>(tensor: Tensor<B, 2>) -> Array2<f32> {
    let [rows, columns] = tensor.dims();
    let numbers = tensor.into_data().convert::<f32>();
    let numbers = numbers.into_vec().expect("numbers were converted to f32");
    Array2::from_shape_vec((rows, columns), numbers).expect("a tensor has its dims")
}

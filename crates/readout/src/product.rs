//! The product of rows of features with a readout's weights, as fast as the backend can.

mod autodiff;
#[cfg(feature = "ndarray")]
mod ndarray;

use burn::tensor::{Tensor, TensorPrimitive, backend::Backend, ops::FloatTensor};

/// A backend that may have a faster product of two matrices than burn's own.
///
/// A readout has many rows and few outputs. burn-ndarray packs both matrices for such a product on one thread, and copies
/// one that is transposed, as those of the gradients are; for 32-bit floats this project lets faer do it, which reads them
/// as they lie. Elsewhere it is burn's own.
pub trait ProductBackend: Backend {
    /// lhs·rhs.
    ///
    /// # Shapes
    ///
    /// - lhs: `[rows, inner]`
    /// - rhs: `[inner, columns]`
    /// - output: `[rows, columns]`
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(lhs, rhs)
    }
}

#[cfg(feature = "wgpu")]
impl<F, I, T> ProductBackend for burn_wgpu::Wgpu<F, I, T>
where
    F: burn_wgpu::FloatElement,
    I: burn_wgpu::IntElement,
    T: burn_wgpu::BoolElement,
{
}

/// lhs·rhs, with gradients where they are tracked.
///
/// # Shapes
///
/// - lhs: `[rows, inner]`
/// - rhs: `[inner, columns]`
/// - output: `[rows, columns]`
///
/// # Panics
///
/// If the inner widths differ.
pub fn product<B: ProductBackend>(lhs: Tensor<B, 2>, rhs: Tensor<B, 2>) -> Tensor<B, 2> {
    let ([_, inner], [expected, _]) = (lhs.dims(), rhs.dims());
    assert_eq!(
        inner, expected,
        "expected rows as wide as the weights have inputs, {expected}, got {inner}"
    );
    let [lhs, rhs] = [lhs, rhs].map(|tensor| tensor.into_primitive().tensor());
    Tensor::from_primitive(TensorPrimitive::Float(B::product(lhs, rhs)))
}

//! The product on ndarray: faer's for 32-bit floats, which reads a transposed matrix as it lies.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, FloatTensorOps};
use burn_ndarray::{
    FloatNdArrayElement, IntNdArrayElement, NdArray, NdArrayTensor, QuantElement, SharedArray,
};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef};
use ndarray::{ArcArray, ArcArray2, Ix2, IxDyn};

use super::ProductBackend;
use crate::dense::TASKS;

impl<E: FloatNdArrayElement, I: IntNdArrayElement, Q: QuantElement> ProductBackend
    for NdArray<E, I, Q>
where
    NdArrayTensor: From<SharedArray<E>>,
    NdArrayTensor: From<SharedArray<I>>,
    Self: Backend<FloatTensorPrimitive = NdArrayTensor>,
{
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        match (matrix(&lhs), matrix(&rhs)) {
            (Some(lhs), Some(rhs)) => multiplied(&lhs, &rhs),
            _ => Self::float_matmul(lhs, rhs),
        }
    }
}

/// `None` where it is not a matrix of 32-bit floats.
fn matrix(tensor: &NdArrayTensor) -> Option<ArcArray2<f32>> {
    match tensor {
        NdArrayTensor::F32(storage) => storage
            .clone()
            .into_shared()
            .into_dimensionality::<Ix2>()
            .ok(),
        _ => None,
    }
}

fn multiplied(lhs: &ArcArray2<f32>, rhs: &ArcArray2<f32>) -> NdArrayTensor {
    let (rows, columns) = (lhs.nrows(), rhs.ncols());
    let mut output = vec![0.0; rows * columns];
    matmul(
        MatMut::from_row_major_slice_mut(&mut output, rows, columns),
        Accum::Replace,
        view(lhs, &mut None),
        view(rhs, &mut None),
        1.0,
        TASKS,
    );
    let output = ArcArray::from_shape_vec(IxDyn(&[rows, columns]), output);
    output
        .expect("the product has rows × columns numbers")
        .into()
}

/// The matrix as faer sees it; copied to `place` if neither its rows nor its columns lie one after another.
fn view<'a>(matrix: &'a ArcArray2<f32>, place: &'a mut Option<Vec<f32>>) -> MatRef<'a, f32> {
    let (rows, columns) = matrix.dim();
    if let Some(numbers) = matrix.as_slice() {
        return MatRef::from_row_major_slice(numbers, rows, columns);
    }
    match matrix.as_slice_memory_order() {
        // Two dimensions without gaps that are not in the order of rows are in that of columns.
        Some(numbers) if matrix.t().is_standard_layout() => {
            MatRef::from_column_major_slice(numbers, rows, columns)
        }
        _ => {
            let numbers = place.insert(matrix.iter().copied().collect());
            MatRef::from_row_major_slice(numbers, rows, columns)
        }
    }
}

//! What units compute in burn operations, in one program: in the crates of the kinds, whose code is compiled as kernels are, these
//! tests would take minutes to be compiled.

mod attention_block;
mod dropout;
mod lag_bias;
mod memory_unit;
mod qkv_roles;
mod qkv_unit;
mod softmax;
mod tanh_unit;

use ran_compiled as _;

use burn::tensor::{Tensor, TensorData};
use burn_ndarray::{NdArray, NdArrayDevice};

type B = NdArray<f32>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;

fn numbers<const R: usize>(tensor: Tensor<B, R>) -> Vec<f32> {
    tensor.into_data().into_vec().expect("numbers are f32")
}

/// A window of these numbers, `[batch, units, context, d_unit]`.
fn window(values: Vec<f32>, shape: [usize; 4]) -> Tensor<B, 4> {
    Tensor::from_data(TensorData::new(values, shape), &DEVICE)
}

/// A window whose numbers differ.
fn wavy(shape: [usize; 4]) -> Tensor<B, 4> {
    let count = shape.iter().product::<usize>();
    window(
        (0..count).map(|at| (at as f32 * 0.7).sin()).collect(),
        shape,
    )
}

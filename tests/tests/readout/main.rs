//! What the readout computes in burn operations, in one program at the lowest level of optimisation: in ran-readout, whose closed form
//! is compiled to run fast, these tests would take minutes to be compiled.

mod gather;
mod host;
mod linear;
mod product;

use ran_compiled as _;

type Host = burn_ndarray::NdArray<f32>;

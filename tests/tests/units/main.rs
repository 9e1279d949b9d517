//! What units compute in burn operations, in one program: in the crates of the kinds, whose code is compiled as kernels are, these
//! tests would take minutes to be compiled.

mod attention_block;
mod memory_unit;
mod qkv_roles;
mod qkv_unit;
mod softmax;
mod tanh_unit;

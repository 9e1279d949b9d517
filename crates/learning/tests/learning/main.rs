//! What the crate promises, in one program: each that trains by gradient takes minutes to be compiled.

mod bias;
mod closed_form;
mod force;
mod free_run;
mod gradient;
mod hostile_model;
mod inspect;
mod long;
mod model_file;
mod networks;
mod page;
mod populations;
mod roles;
mod stream;
mod stream_state;
mod text;

use ran_compiled as _;

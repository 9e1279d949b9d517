//! A reservoir of units: populations, wiring, working memory, and the loop over time.
//!
//! A [`Reservoir`] is a fixed or trained recurrent network whose neurons are units ([`ran_unit::Unit`]). It owns the
//! only loop over time; the [`Memory`] that it carries from step to step belongs to the caller, so that a signal can be
//! fed in pieces of any length.
//!
//! ```
//! use ran_reservoir::burn::tensor::Tensor;
//! use ran_reservoir::{Initializer, NdArray, Reservoir, ReservoirConfig};
//! # use ran_compiled as _;
//!
//! let config: ReservoirConfig = toml::from_str(
//!     "context = 4
//!      leak = 0.5
//!      [[population]]
//!      kind = 'attention-block'
//!      units = 3
//!      d_unit = 8
//!      output = 'tanh'",
//! )?;
//! // Two inputs a step, seed 7.
//! let device = Default::default();
//! let reservoir = Reservoir::<NdArray>::init(&config, 2, Initializer::Reservoir, 7, &device)?;
//! assert_eq!(reservoir.d_state(), 24);
//!
//! // One sequence of ten steps, at once and in two pieces, with the memory carried from the first to the second.
//! let inputs = Tensor::<NdArray, 3>::ones([1, 10, 2], &device);
//! let (states, _) = reservoir.forward(inputs.clone(), reservoir.start(1, &device), None);
//! let (first, memory) = reservoir.forward(inputs.clone().narrow(1, 0, 6), reservoir.start(1, &device), None);
//! let (second, _) = reservoir.forward(inputs.narrow(1, 6, 4), memory, None);
//! let apart = (Tensor::cat(vec![first, second], 1) - states).abs().max().into_scalar();
//! assert!(apart < 1e-5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch_stream;
mod config;
mod erased;
mod error;
mod inputs;
mod kind;
mod layout;
mod leak;
mod memory;
mod own;
mod own_unit;
mod population;
mod projections;
mod reads;
mod reference;
mod register;
mod reservoir;
mod scan;
mod sources;
mod standard;
mod stream;
mod wire;
mod wiring;

pub use batch_stream::{BatchStream, PreparedReservoir};
pub use config::{ReservoirConfig, WiringKind};
pub use error::ReservoirError;
pub use inputs::Inputs;
pub use kind::UnitKind;
pub use leak::Leak;
pub use memory::{Memory, MemoryData};
pub use own::{Kind, KindOptions, OwnKind};
pub use own_unit::OwnUnit;
pub use population::PopulationConfig;
pub use projections::ProjectionsConfig;
pub use ran_memory_unit::Activation;
pub use ran_qkv_unit::{GateLaw, LagLaw, Qk, Roles, Value};
pub use ran_scan::Memory as MemoryKind;
pub use reads::{Reads, Recurrence, RoleReads, Signal, Source, Term};
pub use register::{register, register_on};
pub use reservoir::Reservoir;
pub use scan::{BackwardPass, Scan, ScanBackend, ScanGradients, Scanned};
pub use standard::StandardUnit;
pub use stream::Stream;

// What a program needs beside this crate, in the versions that fit.
pub use burn;
#[cfg(feature = "ndarray")]
pub use burn_ndarray::{NdArray, NdArrayDevice};
#[cfg(feature = "wgpu")]
pub use burn_wgpu::{Wgpu, WgpuDevice};
pub use ran_attention_block::AttentionBlockConfig;
pub use ran_memory_unit::MemoryUnitConfig;
pub use ran_qkv_unit::QkvUnitConfig;
pub use ran_tanh_unit::TanhUnitConfig;
pub use ran_topology::Wiring;
pub use ran_unit::{Initializer, Output, Unit, UnitShape};

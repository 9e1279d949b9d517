//! The networks that a Recurrent Attention Network is compared with.
//!
//! Each turns a sequence of inputs into a sequence of features, in one call or step by step ([`Network`]), and carries what
//! it remembers in a [`Memory`] that belongs to the caller. A [`BaselineConfig`] names one and its options, and draws it
//! from a seed; the equations stand at each network.
//!
//! ```
//! use burn::tensor::Tensor;
//! use burn_ndarray::{NdArray, NdArrayDevice};
//! use ran_baselines::{Baseline, BaselineConfig, GatedConfig, Network};
//!
//! let device = NdArrayDevice::Cpu;
//! let config = BaselineConfig::Gru(GatedConfig { width: 8, layers: 1 });
//! let network: Baseline<NdArray> = config.init(3, 7, &device)?;
//! let inputs = Tensor::ones([2, 5, 3], &device); // two sequences of five steps of three numbers
//! let (features, memory) = network.forward(inputs, network.start(2, &device));
//! assert_eq!(features.dims(), [2, 5, 8]);
//! assert_eq!(memory.position(), 5);
//! # Ok::<(), ran_baselines::BaselineError>(())
//! ```

mod config;
mod echo_state_transformer;
mod error;
mod gated;
mod gru;
mod lstm;
mod mamba;
mod memory;
mod network;
mod parts;
mod pieces;
mod retention;
mod retnet;
mod rotary;
mod rwkv;
mod transformer;

pub use config::{Baseline, BaselineConfig};
pub use echo_state_transformer::{
    EchoStateTransformer, EchoStateTransformerConfig, EchoStateTransformerLayer, Reservoirs,
    is_fixed,
};
pub use error::BaselineError;
pub use gated::{GatedConfig, GatedLayer};
pub use gru::Gru;
pub use lstm::Lstm;
pub use mamba::{Mamba, MambaConfig, MambaLayer};
pub use memory::{Memory, MemoryData, PartData, Slot};
pub use network::Network;
pub use parts::{FeedForward, LayerNorm, Linear, RmsNorm};
pub use retention::Retention;
pub use retnet::{RetNet, RetNetConfig, RetNetLayer};
pub use rwkv::{ChannelMixing, LowRank, Rwkv, RwkvConfig, RwkvLayer, TimeMixing};
pub use transformer::{
    NormPlace, Positions, Transformer, TransformerActivation, TransformerConfig, TransformerLayer,
};

#[cfg(test)]
use ran_compiled as _;

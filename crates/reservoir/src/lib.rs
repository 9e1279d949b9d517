//! A reservoir of units: populations, wiring, working memory, and the loop over time.
//!
//! A [`Reservoir`] is a fixed or trained recurrent network whose neurons are units ([`ran_unit::Unit`]). It owns the
//! only loop over time; the [`Memory`] that it carries from step to step belongs to the caller, so that a signal can be
//! fed in pieces of any length.

mod config;
mod error;
mod memory;
mod population;
mod projections;
mod reference;
mod reservoir;
mod scan;
mod standard;
mod stream;
mod wire;
mod wiring;

pub use config::{MemoryKind, ReservoirConfig};
pub use error::ReservoirError;
pub use memory::{Memory, MemoryData};
pub use population::{PopulationConfig, UnitKind};
pub use projections::ProjectionsConfig;
pub use ran_memory_unit::Activation;
pub use reservoir::Reservoir;
pub use scan::{Scan, ScanBackend, ScanGradients, Scanned, WayBack};
pub use standard::StandardUnit;
pub use stream::Stream;
pub use wiring::WiringKind;

//! Seeded wirings of reservoirs, as plain numbers.
//!
//! The unit inputs of a reservoir are N *slots*, N being the width of the state. A [`Wiring`] says what each slot
//! reads: a weighted sum of inputs and of state dimensions, z = W·[x; h]. It is drawn once and never trained.
//!
//! - [`identity`] is the poster's: every slot is a copy of one input or of one state dimension.
//! - [`delay_lines`] is an identity wiring whose chains of slots are equally long.
//! - [`sparse`] is the classical echo state network's: every slot is a random sum over a few state dimensions and all
//!   inputs, with a given spectral radius.
//!
//! [`Projections`] say how strongly populations of slots project to one another, in an identity or a sparse wiring.
//!
//! ```
//! use rand::SeedableRng;
//! use ran_topology::{Identity, identity};
//!
//! let shape = Identity { d_input: 3, d_state: 16, input_copies: 2, input_scale: 1.0, projections: None };
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let wiring = identity(&shape, &mut rng)?;
//! assert_eq!(wiring.slots().filter(|slot| slot.sources[0] < 3).count(), 6);
//! # Ok::<(), ran_topology::TopologyError>(())
//! ```

mod delay_lines;
mod error;
mod identity;
mod projections;
mod radius;
mod sparse;
mod wiring;

pub use delay_lines::delay_lines;
pub use error::TopologyError;
pub use identity::{Identity, identity};
pub use projections::Projections;
pub use radius::spectral_radius;
pub use sparse::{Sparse, sparse};
pub use wiring::{Slot, Wiring};

//! What can be wrong with the shape of a wiring.

/// Why a wiring cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TopologyError {
    /// The inputs take every slot.
    #[error(
        "{d_input} inputs with {input_copies} copies each take {taken} slots, and recurrence needs at least one more: \
         the units must offer at least {needed} slots (units × d_unit), got {d_state}",
        taken = d_input.saturating_mul(*input_copies), needed = d_input.saturating_mul(*input_copies).saturating_add(1)
    )]
    NoRoomForRecurrence {
        /// Width of the inputs, I.
        d_input: usize,
        /// Slots that each input feeds.
        input_copies: usize,
        /// The number of slots, N.
        d_state: usize,
    },
    /// The populations that inputs project to have too few slots.
    #[error(
        "the inputs feed {needed} slots, and the populations that they project to have {room}: take fewer copies, larger \
         populations, or let the inputs project to more of them"
    )]
    NoRoomForInputs {
        /// Slots that inputs feed.
        needed: usize,
        /// The number of slots.
        room: usize,
    },
    /// The populations that project to one have too few dimensions.
    #[error(
        "a slot of the population {population:?} reads {needed} state dimensions, and what projects to it has {room}: \
         give a population that projects to it a strength above 0"
    )]
    NothingToRead {
        /// The population's name.
        population: String,
        /// State dimensions that a slot reads.
        needed: usize,
        /// State dimensions of the populations with a strength above 0.
        room: usize,
    },
    /// A number is outside of what it can be.
    #[error("{field} must be {allowed}, got {got}")]
    OutOfRange {
        /// The number's name.
        field: &'static str,
        /// What it can be.
        allowed: String,
        /// What it was.
        got: String,
    },
    /// The recurrent weights cannot be scaled.
    #[error(
        "the spectral radius of the drawn recurrent weights is zero or was not found: take a larger fan_in, another \
         seed, or leave spectral_radius out"
    )]
    NoSpectralRadius,
    /// Stored numbers do not describe a wiring.
    #[error("the stored wiring is not one: {0}")]
    Malformed(String),
}

impl TopologyError {
    pub(crate) fn out_of_range(
        field: &'static str,
        allowed: impl Into<String>,
        got: impl ToString,
    ) -> Self {
        Self::OutOfRange {
            field,
            allowed: allowed.into(),
            got: got.to_string(),
        }
    }
}

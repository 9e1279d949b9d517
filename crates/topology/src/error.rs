//! What can be wrong with the shape of a wiring.

/// Why a wiring cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TopologyError {
    /// The inputs take every slot.
    #[error(
        "{d_input} inputs with {input_copies} copies each take {taken} slots, and recurrence needs at least one more: \
         the units must offer at least {needed} slots (units × d_unit), got {d_state}",
        taken = d_input * input_copies, needed = d_input * input_copies + 1
    )]
    NoRoomForRecurrence {
        /// Width of the inputs, I.
        d_input: usize,
        /// Slots that each input feeds.
        input_copies: usize,
        /// Slots that there are, N.
        d_state: usize,
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

//! How the first weights of attention are drawn, by the names of a configuration.

use ran_qkv_unit::LagLaw;
use serde::{Deserialize, Serialize};

/// How the first weights of keys follow from those of queries, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QkInit {
    /// Not at all.
    #[default]
    Independent,
    /// They are the same.
    Tied,
    /// They are the same but for noise.
    Mimetic,
}

/// The law of first biases of scores by lag, or that there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LagBiasLaw {
    /// There are no biases.
    #[default]
    None,
    /// Normal, independent for each lag.
    Normal,
    /// A cosine of the lag.
    Cosine,
    /// A straight line.
    Slope,
}

impl LagBiasLaw {
    pub(crate) fn law(self) -> Option<LagLaw> {
        match self {
            Self::None => None,
            Self::Normal => Some(LagLaw::Normal),
            Self::Cosine => Some(LagLaw::Cosine),
            Self::Slope => Some(LagLaw::Slope),
        }
    }
}

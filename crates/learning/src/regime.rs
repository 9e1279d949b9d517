//! What is trained, and how.

use ran_readout::Features;
use ran_unit::Initializer;
use serde::{Deserialize, Serialize};

/// What is trained, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// Units stay random; the readout is fitted in closed form, by ridge regression.
    #[default]
    Reservoir,
    /// Units and readout are trained by gradient: the poster.
    Full,
    /// As `full`, but W_q and W_k stay random: the poster's perspective.
    FixedQk,
    /// As `full`, then the readout again in closed form.
    Hybrid,
}

impl Regime {
    /// The regime's name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reservoir => "reservoir",
            Self::Full => "full",
            Self::FixedQk => "fixed-qk",
            Self::Hybrid => "hybrid",
        }
    }

    /// Whether a parameter of a unit is trained; `path` is where it is in its population, as in `qkv.query.weight`.
    pub fn trains(self, path: &[impl AsRef<str>]) -> bool {
        let holds = |name: &str| path.iter().any(|part| part.as_ref() == name);
        match self {
            Self::Reservoir => false,
            Self::Full | Self::Hybrid => true,
            Self::FixedQk => !(holds("query") || holds("key")),
        }
    }

    /// The law for weights where the configuration names none.
    pub fn initializer(self) -> Initializer {
        match self {
            Self::Reservoir => Initializer::Reservoir,
            Self::Full | Self::FixedQk | Self::Hybrid => Initializer::Trained,
        }
    }

    /// What the readout sees where the configuration does not say: the mean and the last state in closed form, the
    /// last state, as on the poster, by gradient.
    pub fn features(self) -> Features {
        match self {
            Self::Reservoir => Features::MeanAndLast,
            Self::Full | Self::FixedQk | Self::Hybrid => Features::Last,
        }
    }
}

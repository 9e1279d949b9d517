//! The configuration of a model and of how it learns, as it stands in a file.

use crate::OnlineConfig;
use ran_readout::{Features, Ridge};
use ran_reservoir::ReservoirConfig;
use ran_unit::Initializer;
use serde::{Deserialize, Serialize};

use crate::view::View;
use crate::{LearningConfig, LearningError};

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

/// What is read off the states.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadoutConfig {
    /// What the readout sees of the states; by default as the regime has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    /// The names of the populations whose states it sees, each once; default: all. They are seen in the reservoir's order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub populations: Option<Vec<String>>,
    /// The penalty λ of the ridge regression, or how it is chosen.
    pub ridge: Ridge,
    /// Learns the readout step by step instead of by ridge regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<OnlineConfig>,
    /// Walks over the training set of an online readout. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<usize>,
}

impl ReadoutConfig {
    fn validate(&self, regime: Regime) -> Result<(), LearningError> {
        let wrong = |field: &str, problem: String| {
            let field = format!("readout.{field}");
            Err(LearningError::Config { field, problem })
        };
        let closed = matches!(regime, Regime::Reservoir | Regime::Hybrid);
        if self.online.is_some() && !closed {
            let regime = regime.name();
            let problem = format!(
                "belongs to the regimes \"reservoir\" and \"hybrid\"; the regime is {regime:?}"
            );
            return wrong("online", problem);
        }
        if let Some(online) = &self.online
            && let Err(error) = online.init(1, 1)
        {
            return wrong("online", format!("is wrong: {error}"));
        }
        if let Some(OnlineConfig::Force(force)) = &self.online {
            let features = self.features.unwrap_or(regime.features());
            if features != Features::Last {
                return wrong(
                    "features",
                    "must be \"last\" with the rule \"force\", which sees one state at a time"
                        .into(),
                );
            }
            if force.every == 0 {
                return wrong("online.every", "must be at least 1, got 0".into());
            }
        }
        match self.passes {
            Some(0) => wrong("passes", "must be at least 1, got 0".into()),
            Some(_) if self.online.is_none() => wrong(
                "passes",
                "belongs to an online readout; readout.online is not given".into(),
            ),
            _ => Ok(()),
        }
    }
}

/// Width of what a readout sees, beyond which its weights fit into no memory.
const MOST_FEATURES: usize = 1 << 24;

/// A reservoir, a readout, and how they learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// The reservoir.
    pub reservoir: ReservoirConfig,
    /// How the model learns.
    #[serde(default)]
    pub learning: LearningConfig,
    /// What is read off the states.
    #[serde(default)]
    pub readout: ReadoutConfig,
}

impl ModelConfig {
    /// What the readout sees of the states.
    pub fn features(&self) -> Features {
        let default = self.learning.regime.features();
        self.readout.features.unwrap_or(default)
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is wrong, what it was and what is allowed.
    pub fn validate(&self) -> Result<(), LearningError> {
        self.reservoir.validate()?;
        self.learning.validate()?;
        self.readout.validate(self.learning.regime)?;
        let width = View::of(self)?.width();
        if width > MOST_FEATURES {
            let problem = format!("must be at most {MOST_FEATURES} numbers, got {width}");
            return Err(LearningError::Config {
                field: "readout.features".into(),
                problem,
            });
        }
        Ok(())
    }
}

//! The configuration of a model and of how it learns, as it stands in a file.

use ran_baselines::BaselineConfig;
use ran_readout::{Features, Ridge};
use ran_reservoir::{Inputs, ReservoirConfig};
use serde::{Deserialize, Serialize};

use crate::inputs::{InputMapConfig, ModelInputs};
use crate::view::View;
use crate::{LearningConfig, LearningError, OnlineConfig, Part, Regime, Truncate};

/// What a readout that is fitted in passes over all states minimises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadoutLoss {
    /// The squared error, in closed form; for classes beside one-hot targets.
    #[default]
    SquaredError,
    /// The cross-entropy of classes or labels, by L-BFGS ([`ran_readout::fit_cross_entropy`]).
    CrossEntropy,
}

impl ReadoutLoss {
    fn is_default(&self) -> bool {
        *self == Self::default()
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
    /// What the regimes `reservoir` and `hybrid` minimise.
    #[serde(skip_serializing_if = "ReadoutLoss::is_default")]
    pub loss: ReadoutLoss,
    /// The penalty λ of the squares of the weights, or how it is chosen: by leave-one-out for the squared error, by rows that are held
    /// out for the cross-entropy. Readouts that learn step by step or by gradient alone ignore it.
    pub ridge: Ridge,
    /// Whether the penalty is of features in units of their standard deviations on the training set ([`ran_readout::Standardised`]).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub standardise: bool,
    /// Learns the readout step by step instead of by ridge regression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online: Option<OnlineConfig>,
    /// Passes over the training set of an online readout. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<usize>,
}

impl ReadoutConfig {
    fn validate(&self, regime: Regime) -> Result<(), LearningError> {
        let wrong = |field: &str, problem: String| {
            Err(LearningError::config(format!("readout.{field}"), problem))
        };
        let closed = matches!(regime, Regime::Reservoir | Regime::Hybrid);
        if self.online.is_some() && !closed {
            let regime = regime.name();
            let problem = format!(
                "belongs to the regimes \"reservoir\" and \"hybrid\"; the regime is {regime:?}"
            );
            return wrong("online", problem);
        }
        if self.standardise && (!closed || self.online.is_some()) {
            let problem = "belongs to readouts that are fitted in closed form, by the regimes \"reservoir\" and \"hybrid\" without readout.online";
            return wrong("standardise", problem.into());
        }
        if self.loss == ReadoutLoss::CrossEntropy {
            if !closed {
                let regime = regime.name();
                let problem = format!(
                    "belongs to the regimes \"reservoir\" and \"hybrid\"; the regime {regime:?} minimises the cross-entropy of classes \
                     by gradient"
                );
                return wrong("loss", problem);
            }
            if self.online.is_some() {
                let problem = "must be \"squared-error\" with readout.online, which minimises that";
                return wrong("loss", problem.into());
            }
        }
        if let Some(online) = &self.online
            && let Err(error) = online.init(1, 1)
        {
            return wrong("online", format!("is wrong: {error}"));
        }
        if self.features == Some(Features::Pooled) && regime != Regime::Reservoir {
            let regime = regime.name();
            let problem =
                format!("must not be \"pooled\", which has no gradient, in the regime {regime:?}");
            return wrong("features", problem);
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
            if let Some((key, problem)) = force.problem() {
                return wrong(&format!("online.{key}"), problem.into());
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
    /// A linear map in front of the units; without it the reservoir reads the inputs as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_map: Option<InputMapConfig>,
    /// A network in the reservoir's place, to compare one with; `reservoir` then says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<BaselineConfig>,
    /// The reservoir; needed where there is no `network`.
    #[serde(default, skip_serializing_if = "ReservoirConfig::is_empty")]
    pub reservoir: ReservoirConfig,
    /// How the model learns.
    #[serde(default)]
    pub learning: LearningConfig,
    /// What is read off the states.
    #[serde(default)]
    pub readout: ReadoutConfig,
}

impl ModelConfig {
    /// What the reservoir reads: what the input map makes, else the inputs, of symbols one number each, of which one is 1.
    pub fn reservoir_inputs(&self, inputs: &ModelInputs) -> Inputs {
        match (&self.input_map, inputs) {
            (Some(map), _) => map.width.into(),
            (None, ModelInputs::Numbers(inputs)) => inputs.clone(),
            (None, ModelInputs::Symbols(symbols)) => {
                let names: Vec<String> = (0..*symbols).map(|at| format!("symbol {at}")).collect();
                Inputs::named(*symbols, &names)
            }
        }
    }

    /// What the readout sees of the states.
    pub fn features(&self) -> Features {
        let default = self.learning.regime.features();
        self.readout.features.unwrap_or(default)
    }

    /// Which states the readout sees, and which features of them.
    ///
    /// # Errors
    ///
    /// If it is to see no population, one that does not exist, or one twice.
    pub(crate) fn view(&self) -> Result<View, LearningError> {
        let populations = self.readout.populations.as_deref();
        if let Some(network) = &self.network {
            return match populations {
                None => Ok(View::whole(network.d_features(), self.features())),
                Some(_) => Err(LearningError::config(
                    "readout.populations",
                    "names populations, and network.kind puts another network in their place",
                )),
            };
        }
        View::new(&self.reservoir, populations, self.features())
    }

    /// Width of the features that the readout sees.
    ///
    /// # Errors
    ///
    /// If it is to see no population, one that does not exist, or one twice.
    pub fn readout_width(&self) -> Result<usize, LearningError> {
        Ok(self.view()?.width())
    }

    /// Checks a network in the reservoir's place.
    fn check_network(&self, network: &BaselineConfig) -> Result<(), LearningError> {
        let wrong = |field: &str, problem: &str| {
            Err(LearningError::config(format!("learning.{field}"), problem))
        };
        network.check()?;
        let learning = &self.learning;
        let fixes = "fixes queries and keys";
        for (field, is_there, does, hint) in [
            (
                "regime",
                learning.regime == Regime::FixedQk,
                fixes,
                ": \"full\", \"hybrid\" and \"reservoir\" are allowed",
            ),
            ("fixed_qk", learning.fixed_qk, fixes, ""),
            ("qk", learning.qk.is_some(), "fits queries", ""),
            ("bias", learning.bias.is_some(), "fits biases", ""),
        ] {
            if is_there {
                let problem = format!(
                    "{does} of units, and the network that network.kind names has no units{hint}"
                );
                return wrong(field, &problem);
            }
        }
        match learning.truncate {
            Truncate::Steps(_) => wrong(
                "truncate",
                "cuts gradients inside a sequence, which only a reservoir does: shorter sequences with learning.carry do so for other networks",
            ),
            _ => Ok(()),
        }
    }

    /// Checks what is fitted before the readout, as far as that depends on no data.
    fn check_fits(&self) -> Result<(), LearningError> {
        let fits = [
            ("learning.qk", self.learning.qk.is_some()),
            ("learning.bias", self.learning.bias.is_some()),
        ];
        for (field, is_there) in fits {
            if is_there && self.input_map.is_some() {
                let problem = "reads inputs as they are: it does not go with an input map";
                return Err(LearningError::config(field, problem));
            }
        }
        let populations = self.reservoir.populations.iter().enumerate();
        let mut neurons = populations.map(|(at, one)| one.is_fed_neurons(at));
        if self.learning.bias.is_some() && !neurons.any(|fitted| fitted) {
            let problem = "needs a population of tanh units that are not linear, and whose `reads` name what they read, none of it \
                           their own state";
            return Err(LearningError::config("learning.bias", problem));
        }
        Ok(())
    }

    /// Whether the input map is named among what is trained.
    fn names_map(&self) -> bool {
        let trained = self.learning.trained.as_ref();
        trained.is_some_and(|trained| trained.contains(&Part::InputMap))
    }

    /// Checks every field.
    ///
    /// # Errors
    ///
    /// Names the first field that is wrong, what it was and what is allowed.
    pub fn validate(&self) -> Result<(), LearningError> {
        match &self.network {
            Some(network) => self.check_network(network)?,
            None => self.reservoir.validate()?,
        }
        self.learning.validate()?;
        self.check_fits()?;
        match &self.input_map {
            Some(map) => map.validate()?,
            None if self.names_map() => {
                let problem = "names \"input-map\", and there is none: input_map.width makes one";
                return Err(LearningError::config("learning.trained", problem));
            }
            None => {}
        }
        self.readout.validate(self.learning.regime)?;
        let width = self.view()?.width();
        if width > MOST_FEATURES {
            let problem = format!("must be at most {MOST_FEATURES} numbers, got {width}");
            return Err(LearningError::config("readout.features", problem));
        }
        Ok(())
    }
}

//! The configuration of one population.

use burn::tensor::backend::Backend;
use ran_attention_block::AttentionBlockConfig;
use ran_memory_unit::{Activation, MemoryUnitConfig};
use ran_qkv_unit::QkvUnitConfig;
use ran_tanh_unit::TanhUnitConfig;
use ran_unit::{Initializer, Output, UnitShape};
use rand_chacha::ChaCha8Rng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{KindOptions, OwnKind, ReservoirError, StandardUnit};

/// A kind of unit: one of the project's, or one that the program [registered](crate::register).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitKind {
    /// Attention, then feed-forward: the poster's unit.
    AttentionBlock,
    /// Attention only.
    QkvUnit,
    /// Feed-forward only.
    MemoryUnit,
    /// The classical neuron.
    TanhUnit,
    /// A kind that the program registered.
    Own(OwnKind),
}

impl UnitKind {
    /// The kind's name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AttentionBlock => "attention-block",
            Self::QkvUnit => "qkv-unit",
            Self::MemoryUnit => "memory-unit",
            Self::TanhUnit => "tanh-unit",
            Self::Own(kind) => kind.name(),
        }
    }

    /// The project's kind of a name.
    pub(crate) fn of_the_project(name: &str) -> Option<Self> {
        PROJECT.into_iter().find(|kind| kind.name() == name)
    }

    /// Matrices of D×D numbers that the weights of a unit fill.
    fn matrices(self) -> usize {
        match self {
            Self::AttentionBlock => 11,
            Self::QkvUnit => 3,
            Self::MemoryUnit => 8,
            Self::TanhUnit | Self::Own(_) => 0,
        }
    }

    /// Whether its units attend over their windows.
    pub fn attends(self) -> bool {
        match self {
            Self::AttentionBlock | Self::QkvUnit => true,
            Self::MemoryUnit | Self::TanhUnit => false,
            Self::Own(kind) => kind.attends(),
        }
    }

    fn feeds_forward(self) -> bool {
        matches!(self, Self::AttentionBlock | Self::MemoryUnit)
    }
}

/// The kinds that come with the project.
const PROJECT: [UnitKind; 4] = [
    UnitKind::AttentionBlock,
    UnitKind::QkvUnit,
    UnitKind::MemoryUnit,
    UnitKind::TanhUnit,
];

impl Serialize for UnitKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for UnitKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let kind = Self::of_the_project(&name);
        let kind = kind.or_else(|| OwnKind::named(&name).map(Self::Own));
        kind.ok_or_else(|| {
            let project = PROJECT.iter().map(|kind| kind.name());
            let names = project.chain(OwnKind::names());
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            D::Error::custom(format_args!(
                "unknown variant `{name}`, expected one of {names}"
            ))
        })
    }
}

/// U units of one kind and width D.
///
/// Options that a kind does not have are an error when given, so that no setting is silently without effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationConfig {
    /// The population's name, for instance the brain structure that it models. Default: its kind and place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its units compute.
    pub kind: UnitKind,
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D.
    pub d_unit: usize,
    /// Heads that D is split into. Default 1. Kinds with attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// Whether rows see no newer rows. Default false. Kinds with attention; matters for `rewritten` memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causal: Option<bool>,
    /// The function between the feed-forward layers. Default ReLU. Kinds with feed-forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Whether each half adds its input. Default false. All kinds but the tanh unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual: Option<bool>,
    /// Whether each half is layer-normalised. Default false. All kinds but the tanh unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_norm: Option<bool>,
    /// The last function on each row. Default identity. All kinds but the tanh unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// How weights are drawn. Default: for a reservoir where they stay random, for training where they are trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initializer: Option<Initializer>,
    /// Bound of the neurons' uniform biases. Default 0. Tanh unit only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<f64>,
    /// The options of a kind that the program brought along. Default none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<KindOptions>,
}

impl PopulationConfig {
    /// A population with the poster's defaults.
    pub fn new(kind: UnitKind, units: usize, d_unit: usize) -> Self {
        Self {
            name: None,
            kind,
            units,
            d_unit,
            heads: None,
            causal: None,
            activation: None,
            residual: None,
            layer_norm: None,
            output: None,
            initializer: None,
            bias: None,
            options: None,
        }
    }

    /// The population's name; `index` is its place among the populations.
    pub fn name(&self, index: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{}-{index}", self.kind.name()),
        }
    }

    /// How many numbers its weights are, at least: biases and normalisation come on top.
    pub(crate) fn fewest_weights(&self) -> usize {
        let matrices = self.kind.matrices().saturating_mul(self.d_unit).max(1);
        matrices
            .saturating_mul(self.d_unit)
            .saturating_mul(self.units)
    }

    /// Checks every field; `index` is the population's place, for the message.
    pub(crate) fn validate(&self, index: usize) -> Result<(), ReservoirError> {
        let wrong = |field: &str, problem: String| {
            let field = format!("reservoir.population[{index}].{field}");
            Err(ReservoirError::config(field, problem))
        };
        for (field, got) in [("units", self.units), ("d_unit", self.d_unit)] {
            if got == 0 {
                return wrong(field, "must be at least 1, got 0".into());
            }
        }
        let heads = self.heads.unwrap_or(1);
        if heads == 0 || !self.d_unit.is_multiple_of(heads) {
            let d_unit = self.d_unit;
            let problem = format!("must divide d_unit, got {heads} heads for a width of {d_unit}");
            return wrong("heads", problem);
        }
        if let Some(bias) = self.bias.filter(|bias| !bias.is_finite() || *bias < 0.0) {
            return wrong("bias", format!("must be at least 0, got {bias}"));
        }
        let own = match self.kind {
            UnitKind::Own(kind) => Some(kind),
            _ => None,
        };
        let attends = own.is_none() && self.kind.attends();
        let feeds = self.kind.feeds_forward();
        let options = [
            ("heads", self.heads.is_some(), attends),
            ("causal", self.causal.is_some(), attends),
            ("activation", self.activation.is_some(), feeds),
            ("residual", self.residual.is_some(), attends || feeds),
            ("layer_norm", self.layer_norm.is_some(), attends || feeds),
            ("output", self.output.is_some(), attends || feeds),
            (
                "initializer",
                self.initializer.is_some(),
                self.kind != UnitKind::TanhUnit,
            ),
            ("bias", self.bias.is_some(), self.kind == UnitKind::TanhUnit),
            ("options", self.options.is_some(), own.is_some()),
        ];
        let allowed = options.iter().filter(|(_, _, fits)| *fits);
        let allowed: Vec<_> = allowed.map(|(field, ..)| *field).collect();
        match options.iter().find(|(_, given, fits)| *given && !fits) {
            Some((field, ..)) => {
                let kind = self.kind.name();
                let allowed = allowed.join(", ");
                let problem = format!("is not an option of kind {kind:?}, which has: {allowed}");
                wrong(field, problem)
            }
            None => match own.map(|kind| kind.check(&self.own_options(), self.shape())) {
                Some(Err(problem)) => wrong("options", problem),
                _ => Ok(()),
            },
        }
    }

    fn shape(&self) -> UnitShape {
        let &Self { units, d_unit, .. } = self;
        UnitShape { units, d_unit }
    }

    fn own_options(&self) -> KindOptions {
        self.options.clone().unwrap_or_default()
    }

    /// Draws the population's weights; `initializer` where the configuration names none.
    ///
    /// # Errors
    ///
    /// If its kind is not registered on this backend.
    pub(crate) fn init<B: Backend>(
        &self,
        initializer: Initializer,
        mut rng: ChaCha8Rng,
        device: &B::Device,
    ) -> Result<StandardUnit<B>, ReservoirError> {
        let &Self { units, d_unit, .. } = self;
        let heads = self.heads.unwrap_or(1);
        let causal = self.causal.unwrap_or(false);
        let activation = self.activation.unwrap_or_default();
        let residual = self.residual.unwrap_or(false);
        let layer_norm = self.layer_norm.unwrap_or(false);
        let output = self.output.unwrap_or_default();
        let initializer = self.initializer.unwrap_or(initializer);
        let qkv = QkvUnitConfig {
            units,
            d_unit,
            heads,
            causal,
            residual,
            layer_norm,
            output,
            initializer,
        };
        let memory = MemoryUnitConfig {
            units,
            d_unit,
            activation,
            residual,
            layer_norm,
            output,
            initializer,
        };
        let rng = &mut rng;
        Ok(match self.kind {
            UnitKind::AttentionBlock => {
                let output = Output::Identity;
                let qkv = QkvUnitConfig { output, ..qkv };
                let config = AttentionBlockConfig { qkv, memory };
                StandardUnit::AttentionBlock(config.init(rng, device))
            }
            UnitKind::QkvUnit => StandardUnit::QkvUnit(qkv.init(rng, device)),
            UnitKind::MemoryUnit => StandardUnit::MemoryUnit(memory.init(rng, device)),
            UnitKind::TanhUnit => {
                let bias = self.bias.unwrap_or(0.0);
                let config = TanhUnitConfig {
                    units,
                    d_unit,
                    bias,
                };
                StandardUnit::TanhUnit(config.init(rng, device))
            }
            UnitKind::Own(kind) => {
                let (options, rng) = (self.own_options(), rng.clone());
                let unit = kind.init(&options, self.shape(), initializer, rng, device)?;
                StandardUnit::Own(unit)
            }
        })
    }
}

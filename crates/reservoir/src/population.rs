//! The configuration of one population.

mod checks;

use burn::tensor::backend::Backend;
use ran_attention_block::AttentionBlockConfig;
use ran_memory_unit::{Activation, MemoryUnitConfig};
use ran_qkv_unit::{Gate, GateLaw, LagBiasConfig, LagLaw, Qk, QkvUnitConfig, Roles, Value};
use ran_tanh_unit::TanhUnitConfig;
use ran_unit::{Initializer, Output, UnitShape};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::own::Recipe;
use crate::reads::{Reads, Recurrence, Signal};
use crate::{KindOptions, Leak, OwnUnit, ReservoirError, StandardUnit, UnitKind};

/// U units of one kind and width D.
///
/// Options that a kind does not have are an error when given, so that no setting is silently without effect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// The leak of its units. Default: the reservoir's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<Leak>,
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
    /// Whether tanh is left out, so that neurons add what they read. Default false. Tanh unit only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<bool>,
    /// The signals that its slots read, for kinds with attention by role. Default: what the wiring gives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
    /// How many random places of the signals of `reads` each slot sums, with random weights, in place of reading one. Default: it
    /// reads one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fan_in: Option<usize>,
    /// What slots read of the population's own state beside `reads`. Default none. Tanh unit only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
    /// How the first weights of keys follow from those of queries. Default independent. Kinds with attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qk: Option<Qk>,
    /// How wide the noise of `qk = "mimetic"` is, in widths of the weights. Default 0.3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qk_noise: Option<f64>,
    /// What the first weights of queries are multiplied by. Default 1. Kinds with attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qk_gain: Option<f64>,
    /// What the gate of `reads` is multiplied by before it is added to a row's score. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_gain: Option<f64>,
    /// Whether `gate_gain` is the gain of all units, or the bound of uniform ones. Default fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_law: Option<GateLaw>,
    /// What the first weights of values are. Default random. Kinds with attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The law of first biases of scores by lag. Default: there are no biases. Kinds with attention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_bias: Option<LagLaw>,
    /// The scale of the biases by lag. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_bias_scale: Option<f64>,
}

impl PopulationConfig {
    /// A population with the poster's defaults.
    pub fn new(kind: UnitKind, units: usize, d_unit: usize) -> Self {
        Self {
            kind,
            units,
            d_unit,
            ..Self::default()
        }
    }

    /// Width of its part of the state, U·D.
    pub fn d_state(&self) -> usize {
        self.units.saturating_mul(self.d_unit)
    }

    /// The population's name; `index` is its place among the populations.
    pub fn name(&self, index: usize) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("{}-{index}", self.kind.name()),
        }
    }

    /// Whether its units are neurons that are not linear, and `reads` names what they read, none of it their own state; `index` is the
    /// population's place, for its name.
    pub fn is_fed_neurons(&self, index: usize) -> bool {
        let name = self.name(index);
        let own = |signal: &Signal| signal.terms().iter().any(|term| term.parts().0 == name);
        let recurrent = !matches!(self.recurrence, None | Some(Recurrence::None));
        match &self.reads {
            Some(Reads::Slots(signals)) => {
                self.kind == UnitKind::TanhUnit
                    && self.linear != Some(true)
                    && !recurrent
                    && !signals.iter().any(own)
            }
            _ => false,
        }
    }

    /// How many numbers its weights are, at least: biases and normalisation come on top.
    pub(crate) fn fewest_weights(&self, context: usize) -> usize {
        let matrices = self.kind.matrices().saturating_mul(self.d_unit).max(1);
        let lags = match self.lag_law() {
            Some(_) => context.saturating_mul(self.heads.unwrap_or(1)),
            None => 0,
        };
        matrices
            .saturating_mul(self.d_unit)
            .saturating_add(lags)
            .saturating_mul(self.units)
    }

    /// The law of the biases of lags, where there are some.
    fn lag_law(&self) -> Option<LagLaw> {
        self.lag_bias.filter(|law| *law != LagLaw::None)
    }

    /// Checks that roles fit its units; `field` is where the population is written.
    pub(crate) fn check_roles(&self, roles: &Roles, field: &str) -> Result<(), ReservoirError> {
        let heads = self.heads.unwrap_or(1);
        let (qk, value) = (self.qk.unwrap_or_default(), self.value.unwrap_or_default());
        let fits = roles.check(self.d_unit, heads, qk, value);
        fits.map_err(|(option, problem)| {
            ReservoirError::config(format!("{field}.{option}"), problem)
        })
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
        roles: Option<Roles>,
        context: usize,
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
        let default = QkvUnitConfig::new(units, d_unit);
        let qkv = QkvUnitConfig {
            units,
            d_unit,
            heads,
            causal,
            residual,
            layer_norm,
            output,
            initializer,
            roles,
            qk: self.qk.unwrap_or(default.qk),
            qk_noise: self.qk_noise.unwrap_or(default.qk_noise),
            qk_gain: self.qk_gain.unwrap_or(default.qk_gain),
            gate: Gate {
                gain: self.gate_gain.unwrap_or(default.gate.gain),
                law: self.gate_law.unwrap_or(default.gate.law),
            },
            value: self.value.unwrap_or(default.value),
            lag_bias: self.lag_law().map(|law| LagBiasConfig {
                law,
                scale: self.lag_bias_scale.unwrap_or(1.0),
                lags: context,
            }),
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
                    linear: self.linear.unwrap_or(false),
                };
                StandardUnit::TanhUnit(config.init(rng, device))
            }
            UnitKind::Own(kind) => {
                let recipe = Recipe {
                    kind,
                    options: self.own_options(),
                    shape: self.shape(),
                    initializer,
                    rng: rng.clone(),
                };
                StandardUnit::Own(OwnUnit::init(recipe, device)?)
            }
        })
    }
}

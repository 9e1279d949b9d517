//! What queries, keys and values read of a unit's slots, and the first weights that follow: equations 11, 12 and 13 of
//! docs/model.md#roles.
//!
//! Roles are first weights, not another unit: a matrix is zero where its role does not read, and training may go on from
//! there.

use burn::module::Param;
use burn::tensor::{TensorData, backend::Backend};
use ran_unit::{UnitLinear, uniform};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::{QkvUnit, QkvUnitConfig};

/// Which slots of a unit each role reads. Roles may share slots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// Slots of queries.
    pub query: Vec<usize>,
    /// Slots of keys.
    pub key: Vec<usize>,
    /// Slots of values.
    pub value: Vec<usize>,
    /// The slot whose signal opens a row to attention ([`Gate`]).
    pub gate: Option<usize>,
}

/// How the first weights of keys follow from those of queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Qk {
    /// Not at all.
    #[default]
    Independent,
    /// They are the same: the n-th slot of keys meets the weights of the n-th slot of queries.
    Tied,
    /// They are the same but for noise (after Trockman & Kolter 2023).
    Mimetic,
}

/// What the first weights of values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Drawn as all others.
    #[default]
    Random,
    /// Every head answers with the slots of values as they are, in its first columns.
    Identity,
}

/// The law of a gate's gains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateLaw {
    /// The same for all units and heads.
    #[default]
    Fixed,
    /// Uniform between minus and plus the gain, for each unit and head apart.
    Uniform,
}

/// A signal of a row that is added to its score, G times: keys have it in the last column of each head, and queries a
/// constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// The gain G.
    pub gain: f64,
    /// Its law.
    pub law: GateLaw,
}

impl Default for Gate {
    /// A gain of 10 for all units.
    fn default() -> Self {
        Self {
            gain: 10.0,
            law: GateLaw::Fixed,
        }
    }
}

impl Roles {
    /// Each role reads every slot.
    pub fn all(d_unit: usize) -> Self {
        let all = || (0..d_unit).collect();
        Self {
            query: all(),
            key: all(),
            value: all(),
            gate: None,
        }
    }

    /// Checks that roles fit a unit.
    ///
    /// # Errors
    ///
    /// The option that does not fit and a sentence that says why.
    pub fn check(
        &self,
        d_unit: usize,
        heads: usize,
        qk: Qk,
        value: Value,
    ) -> Result<(), (&'static str, String)> {
        let d_head = d_unit / heads.max(1);
        let slots = [&self.query, &self.key, &self.value].into_iter().flatten();
        if let Some(slot) = slots.chain(&self.gate).find(|slot| **slot >= d_unit) {
            let problem = format!("must name slots below {d_unit}, got {slot}");
            return Err(("reads", problem));
        }
        let (queries, keys, values) = (self.query.len(), self.key.len(), self.value.len());
        if qk != Qk::Independent && queries != keys {
            let problem = format!(
                "must be \"independent\" unless queries and keys read equally many signals; they read {queries} and {keys}"
            );
            return Err(("qk", problem));
        }
        if value == Value::Identity && values > d_head {
            let problem = format!(
                "must be \"random\" where values read more signals than a head is wide; they read {values}, and {heads} \
                 heads share a width of {d_unit}"
            );
            return Err(("value", problem));
        }
        if self.gate.is_some() && d_head < 2 && queries + keys > 0 {
            let problem = format!(
                "must be left out where a head is 1 wide and queries or keys read signals, as a gate takes a column of each \
                 head; {heads} heads share a width of {d_unit}"
            );
            return Err(("reads.gate", problem));
        }
        Ok(())
    }
}

/// Numbers of a layer, `[units, d_unit, d_unit]` and `[units, d_unit]`.
pub(crate) struct Layer {
    weight: Vec<f32>,
    bias: Vec<f32>,
    units: usize,
}

impl Layer {
    /// The layer on a device.
    pub(crate) fn on<B: Backend>(self, device: &B::Device) -> UnitLinear<B> {
        let d_unit = self.bias.len() / self.units;
        let shape = [self.units, d_unit, d_unit];
        UnitLinear {
            weight: Param::from_data(TensorData::new(self.weight, shape), device),
            bias: Param::from_data(TensorData::new(self.bias, [self.units, d_unit]), device),
        }
    }
}

impl<B: Backend> QkvUnit<B> {
    /// Has queries ask for keys by a linear map of what they read: W_q = g·A·W_k on the slots of the roles. The gate's column
    /// stays.
    ///
    /// # Shapes
    ///
    /// - map: A, `[queries, keys]`, row by row
    ///
    /// # Panics
    ///
    /// If the map has not as many entries as pairs of a slot of queries and one of keys.
    pub fn ask(&mut self, roles: &Roles, map: &[f32], gain: f32) {
        assert_eq!(
            map.len(),
            roles.query.len() * roles.key.len(),
            "the map must have an entry for each slot of queries and of keys (left: got, right: expected)"
        );
        let [units, d_unit, _] = self.query.weight.shape().dims();
        let d_head = d_unit / self.kernel().heads;
        let device = self.query.weight.val().device();
        let numbers = |layer: &UnitLinear<B>| {
            let data = layer.weight.val().into_data().convert::<f32>();
            data.into_vec::<f32>()
                .expect("numbers were converted to f32")
        };
        let (mut queries, keys) = (numbers(&self.query), numbers(&self.key));
        let gated = |column: usize| roles.gate.is_some() && (column + 1).is_multiple_of(d_head);
        for unit in 0..units {
            let at = |slot: usize, column: usize| (unit * d_unit + slot) * d_unit + column;
            let rows = map.chunks_exact(roles.key.len().max(1));
            for (&query, row) in roles.query.iter().zip(rows) {
                for column in (0..d_unit).filter(|&column| !gated(column)) {
                    let terms = roles.key.iter().zip(row);
                    let sum = terms.map(|(&key, weight)| weight * keys[at(key, column)]);
                    queries[at(query, column)] = gain * sum.sum::<f32>();
                }
            }
        }
        let data = TensorData::new(queries, [units, d_unit, d_unit]);
        self.query.weight = Param::from_data(data, &device);
    }
}

/// How the first weights of a population are drawn.
pub(crate) struct Drawing<'a> {
    config: &'a QkvUnitConfig,
    roles: Roles,
}

impl<'a> Drawing<'a> {
    /// # Panics
    ///
    /// If the roles do not fit the unit.
    pub(crate) fn new(config: &'a QkvUnitConfig) -> Self {
        let roles = config.roles.clone();
        let roles = roles.unwrap_or_else(|| Roles::all(config.d_unit));
        let fits = roles.check(config.d_unit, config.heads, config.qk, config.value);
        if let Err((option, problem)) = fits {
            panic!("{option} {problem}");
        }
        Self { config, roles }
    }

    /// Draws the layers to queries, keys and values.
    pub(crate) fn layers(&self, rng: &mut impl Rng) -> [Layer; 3] {
        let Roles {
            query, key, value, ..
        } = &self.roles;
        let mut drawn = self.drawn(query.len(), rng);
        let keys = match self.config.qk {
            Qk::Independent => self.drawn(key.len(), rng),
            Qk::Tied => drawn.clone(),
            Qk::Mimetic => {
                let noise = self.config.qk_noise as f32;
                let noises = self.drawn(key.len(), rng).into_iter();
                let near = noises.zip(&drawn);
                near.map(|(own, tied)| tied + noise * own).collect()
            }
        };
        let gain = self.config.qk_gain as f32;
        drawn.iter_mut().for_each(|weight| *weight *= gain);
        let mut layers = [self.layer(query, &drawn), self.layer(key, &keys)];
        let values = match self.config.value {
            Value::Random => {
                let drawn = self.drawn(value.len(), rng);
                self.layer(value, &drawn)
            }
            Value::Identity => self.identity(value),
        };
        self.gate(&mut layers, rng);
        let [queries, keys] = layers;
        [queries, keys, values]
    }

    /// Weights of `slots` slots, `[units, slots, d_unit]`.
    fn drawn(&self, slots: usize, rng: &mut impl Rng) -> Vec<f32> {
        let &QkvUnitConfig { units, d_unit, .. } = self.config;
        let bound = self.config.initializer.weight_bound(slots, d_unit);
        let weights = uniform(units * slots * d_unit, bound, rng);
        // Layers draw their biases too, which are zero here: with roles or without, later numbers are the same.
        uniform(units * d_unit, 0.0, rng);
        weights
    }

    /// A layer without weights.
    fn zeros(&self) -> Layer {
        let &QkvUnitConfig { units, d_unit, .. } = self.config;
        Layer {
            weight: vec![0.0; units * d_unit * d_unit],
            bias: vec![0.0; units * d_unit],
            units,
        }
    }

    /// A layer that reads some slots with these weights, `[units, slots, d_unit]`.
    fn layer(&self, slots: &[usize], weights: &[f32]) -> Layer {
        let d_unit = self.config.d_unit;
        let mut layer = self.zeros();
        if slots.is_empty() {
            return layer;
        }
        let units = layer.weight.chunks_exact_mut(d_unit * d_unit);
        for (matrix, weights) in units.zip(weights.chunks_exact(slots.len() * d_unit)) {
            for (slot, row) in slots.iter().zip(weights.chunks_exact(d_unit)) {
                matrix[slot * d_unit..][..d_unit].copy_from_slice(row);
            }
        }
        layer
    }

    /// A layer whose heads each copy some slots.
    fn identity(&self, slots: &[usize]) -> Layer {
        let d_unit = self.config.d_unit;
        let mut layer = self.zeros();
        for matrix in layer.weight.chunks_exact_mut(d_unit * d_unit) {
            for first in (0..d_unit).step_by(d_unit / self.config.heads) {
                for (column, slot) in slots.iter().enumerate() {
                    matrix[slot * d_unit + first + column] = 1.0;
                }
            }
        }
        layer
    }

    /// Gives the last column of each head to the gate.
    fn gate(&self, [queries, keys]: &mut [Layer; 2], rng: &mut impl Rng) {
        let Some(slot) = self.roles.gate else {
            return;
        };
        let gate = self.config.gate;
        let &QkvUnitConfig {
            units,
            d_unit,
            heads,
            ..
        } = self.config;
        let d_head = d_unit / heads;
        for unit in 0..units {
            for last in (d_head - 1..d_unit).step_by(d_head) {
                for row in 0..d_unit {
                    let at = (unit * d_unit + row) * d_unit + last;
                    queries.weight[at] = 0.0;
                    keys.weight[at] = if row == slot { 1.0 } else { 0.0 };
                }
                let gain = match gate.law {
                    GateLaw::Fixed => gate.gain as f32,
                    GateLaw::Uniform => uniform(1, gate.gain as f32, rng)[0],
                };
                // Scores are divided by the root of a head's width.
                queries.bias[unit * d_unit + last] = gain * (d_head as f32).sqrt();
            }
        }
    }
}

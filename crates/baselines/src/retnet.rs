//! The retentive network.

use burn::module::Module;
use burn::tensor::{DType, Tensor, backend::Backend};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{check_count, check_rotary};
use crate::network::{STATE, check, name_of};
use crate::parts::{feed_forward_parameters, glorot, linear_parameters};
use crate::retention::{Decays, Retention};
use crate::rotary::Turns;
use crate::{BaselineError, FeedForward, LayerNorm, Linear, Memory, Network, Slot};

const NAME: &str = "retnet";

/// The most numbers of a layer's values.
const MOST_VALUES: usize = 1 << 16;

/// The most heads: the last one's decay is still told from 1.
const MOST_HEADS: usize = 1000;

/// What a retentive network is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetNetConfig {
    /// Width of the rows between layers, of queries and of keys.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
    /// Number of heads that the width is split into.
    pub heads: usize,
    /// How many times as wide as keys values are.
    pub value_factor: usize,
    /// Width between the two maps of a feed-forward; twice the width where it is not given.
    pub feed_forward: Option<usize>,
}

impl Default for RetNetConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            heads: 4,
            value_factor: 2,
            feed_forward: None,
        }
    }
}

impl RetNetConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range, or `heads` does not divide `width` into even parts.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        check_rotary(self.heads, self.width)?;
        check_count("value_factor", self.value_factor)?;
        self.feed_forward
            .map_or(Ok(()), |given| check_count("feed_forward", given))?;
        if self.heads > MOST_HEADS {
            let problem = format!("must be at most {MOST_HEADS}, got {}", self.heads);
            return Err(BaselineError::config("heads", problem));
        }
        let values = self.value_factor * self.width;
        if values > MOST_VALUES {
            let problem = format!("times value_factor must be at most {MOST_VALUES}, got {values}");
            return Err(BaselineError::config("width", problem));
        }
        Ok(())
    }

    fn between(&self) -> usize {
        self.feed_forward.unwrap_or(2 * self.width)
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        let &Self { width, layers, .. } = self;
        let values = self.value_factor * width;
        let retention = 2 * width * width + 3 * width * values;
        let feed_forward = feed_forward_parameters([width, self.between()], false);
        let norm = 2 * width;
        let layer = retention + feed_forward + 2 * norm;
        linear_parameters([d_input, width], true) + layers * layer + norm
    }

    /// Draws the weights by Glorot's law (2010), layer after layer; those of queries, keys, values and gates times 2^−2.5, as
    /// in torchscale. The options must have been checked.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> RetNet<B> {
        let &Self { width, heads, .. } = self;
        let bound = glorot([d_input, width]);
        let input = Linear::init([d_input, width], bound, Some(0.0), rng, device);
        let values = self.value_factor * width;
        let layers = (0..self.layers).map(|_| RetNetLayer {
            retention_norm: LayerNorm::new(width, device),
            retention: Retention::init([width, values], heads, rng, device),
            feed_forward_norm: LayerNorm::new(width, device),
            feed_forward: FeedForward::init([width, self.between()], 1.0, false, rng, device),
        });
        RetNet {
            input,
            layers: layers.collect(),
            norm: LayerNorm::new(width, device),
        }
    }
}

/// A retentive network (Sun et al. 2023).
///
/// With the inputs mapped to rows, x ← inputs·W + b, each layer computes
///
/// - x ← x + MSR(LN(x)), multi-scale retention: [`Retention`]
/// - x ← x + GELU(LN(x)·W₁)·W₂
///
/// The features are LN(x). The norms are layer norms, as in the paper; torchscale has since put norms by the root of the mean
/// square in their places, and a gated feed-forward. What is remembered is one matrix for each head, however long the sequence.
#[derive(Module, Debug)]
pub struct RetNet<B: Backend> {
    /// The map of the inputs, `[d_input, width]`.
    pub input: Linear<B>,
    /// The layers, the lowest first.
    pub layers: Vec<RetNetLayer<B>>,
    /// The norm after the last layer.
    pub norm: LayerNorm<B>,
}

/// One layer of a [`RetNet`].
#[derive(Module, Debug)]
pub struct RetNetLayer<B: Backend> {
    /// The norm before the retention.
    pub retention_norm: LayerNorm<B>,
    /// The retention.
    pub retention: Retention<B>,
    /// The norm before the feed-forward.
    pub feed_forward_norm: LayerNorm<B>,
    /// The feed-forward, without biases.
    pub feed_forward: FeedForward<B>,
}

impl<B: Backend> RetNet<B> {
    /// Goes through the layers; `retain` computes a layer's retention from its rows and its state.
    fn through(
        &self,
        inputs: Tensor<B, 3>,
        memory: &Memory<B>,
        retain: impl Fn(&Retention<B>, Tensor<B, 3>, Tensor<B, 4>) -> (Tensor<B, 3>, Tensor<B, 4>),
    ) -> (Tensor<B, 3>, Memory<B>) {
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = self.input.forward(inputs);
        for (at, layer) in self.layers.iter().enumerate() {
            let name = name_of(at, STATE);
            let normed = layer.retention_norm.forward(rows.clone());
            let (retained, state) = retain(&layer.retention, normed, memory.get(&name));
            after = after.with(name, state);
            rows = rows + retained;
            let normed = layer.feed_forward_norm.forward(rows.clone());
            rows = rows + layer.feed_forward.forward(normed);
        }
        (self.norm.forward(rows), after)
    }

    fn turns(&self, position: usize, steps: usize, of: (&B::Device, DType)) -> Turns<B> {
        Turns::new(&self.layers[0].retention.angles(), position, steps, of)
    }
}

impl<B: Backend> Network<B> for RetNet<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let layers = self.layers.iter().enumerate();
        layers
            .map(|(at, layer)| Slot::new(name_of(at, STATE), &layer.retention.state_shape()))
            .collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let (position, steps) = (memory.position(), inputs.dims()[1]);
        let of = (&inputs.device(), inputs.dtype());
        let turns = self.turns(position, steps, of);
        let decays = Decays::new(self.layers[0].retention.heads(), position, steps, of);
        self.through(inputs, &memory, |retention, rows, state| {
            retention.by_chunks(rows, state, &turns, &decays)
        })
    }

    fn step(&self, inputs: Tensor<B, 2>, memory: Memory<B>) -> (Tensor<B, 2>, Memory<B>) {
        let inputs = inputs.unsqueeze_dim(1);
        check(self, &inputs, &memory);
        let position = memory.position();
        let turns = self.turns(position, 1, (&inputs.device(), inputs.dtype()));
        let (features, after) = self.through(inputs, &memory, |retention, rows, state| {
            retention.recurrently(rows, state, &turns, position)
        });
        (features.squeeze_dim(1), after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter();
        let layers = layers
            .map(|layer| layer.retention.multiply_adds() + layer.feed_forward.multiply_adds());
        self.input.multiply_adds() + layers.sum::<u64>()
    }
}

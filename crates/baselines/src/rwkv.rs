//! RWKV, version 7.

mod time_mixing;

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, backend::Backend};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{check_count, check_heads};
use crate::network::{STATE, check, name_of};
use crate::parts::{given, glorot, linear_parameters};
use crate::{BaselineError, LayerNorm, Linear, Memory, Network, Slot};

pub use time_mixing::{LowRank, TimeMixing};
use time_mixing::{Mixed, Place, Ranks};

const NAME: &str = "rwkv";

/// How many times wider than the rows the hidden layer of channel mixing is.
const WIDER: usize = 4;

/// What an RWKV network is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RwkvConfig {
    /// Width of the rows between layers, and of the features.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
    /// Number of heads that the width is split into. The authors' heads are 64 wide.
    pub heads: usize,
    /// Rank of the maps to decays, rates and gates; by default those that the authors suggest for the width, at least 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<usize>,
}

impl Default for RwkvConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            heads: 4,
            rank: None,
        }
    }
}

impl RwkvConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range, or `heads` does not divide `width`.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        check_heads(self.heads, self.width)?;
        check_count("rank", self.rank.unwrap_or(1))
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        let &Self { width, layers, .. } = self;
        let norm = 2 * width;
        let ranks = Ranks::new(width, self.rank);
        let time: usize = (0..layers)
            .map(|layer| ranks.parameters(width, layer > 0))
            .sum();
        let channel = width + 2 * linear_parameters([width, WIDER * width], false);
        let input = linear_parameters([d_input, width], true);
        input + norm + time + layers * (2 * norm + channel) + norm
    }

    /// Draws the weights, layer after layer. The options must have been checked.
    ///
    /// First values are those of the authors' training code, which depend on the layer and the column. Its orthogonal maps
    /// are uniform here, with the same variance. The map of the inputs is drawn by Glorot's law (2010), its biases are
    /// zero.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Rwkv<B> {
        let &Self {
            width,
            layers,
            heads,
            ..
        } = self;
        let shape = [d_input, width];
        let input = Linear::init(shape, glorot(shape), Some(0.0), rng, device);
        let ranks = Ranks::new(width, self.rank);
        let layers = (0..layers).map(|layer| {
            let place = Place { layer, layers };
            RwkvLayer {
                time_norm: LayerNorm::new(width, device),
                time: TimeMixing::init(place, [width, heads], &ranks, rng, device),
                channel_norm: LayerNorm::new(width, device),
                channel: ChannelMixing::init(place, width, rng, device),
            }
        });
        Rwkv {
            input,
            input_norm: LayerNorm::new(width, device),
            layers: layers.collect(),
            norm: LayerNorm::new(width, device),
        }
    }
}

/// RWKV-7, "Goose" (Peng et al. 2025).
///
/// The inputs are mapped to rows and normed. Each layer computes x ← x + T(LN(x)) and x ← x + C(LN(x)), with
/// [`TimeMixing`] and [`ChannelMixing`]. The features are LN(x). The paper's network has an embedding of tokens in place of
/// the map, and a readout after the norm.
#[derive(Module, Debug)]
pub struct Rwkv<B: Backend> {
    /// The map of the inputs to rows.
    pub input: Linear<B>,
    /// The norm before the first layer.
    pub input_norm: LayerNorm<B>,
    /// The layers, the lowest first.
    pub layers: Vec<RwkvLayer<B>>,
    /// The norm after the last layer.
    pub norm: LayerNorm<B>,
}

/// One layer of an [`Rwkv`].
#[derive(Module, Debug)]
pub struct RwkvLayer<B: Backend> {
    /// The norm before time mixing.
    pub time_norm: LayerNorm<B>,
    /// What remembers.
    pub time: TimeMixing<B>,
    /// The norm before channel mixing.
    pub channel_norm: LayerNorm<B>,
    /// The feed-forward.
    pub channel: ChannelMixing<B>,
}

/// The feed-forward of an [`Rwkv`]: max(0, (x + m ⊙ (x₋₁ − x))·K)²·V, with the row x₋₁ of the step before.
#[derive(Module, Debug)]
pub struct ChannelMixing<B: Backend> {
    /// How much of the step before is mixed in, m, `[width]`.
    pub mix: Param<Tensor<B, 1>>,
    /// The map K to the hidden layer, `[width, 4·width]`.
    pub key: Linear<B>,
    /// The map V back, `[4·width, width]`.
    pub value: Linear<B>,
}

impl<B: Backend> ChannelMixing<B> {
    fn init(place: Place, width: usize, rng: &mut impl Rng, device: &B::Device) -> Self {
        let bound = 0.5 / (width as f32).sqrt();
        let mix = place.mix(width, place.above().powi(4));
        Self {
            mix: given(mix, [width], device),
            key: Linear::init([width, WIDER * width], bound, None, rng, device),
            value: Linear::init([WIDER * width, width], 0.0, None, rng, device),
        }
    }

    /// # Shapes
    ///
    /// - rows, shifted: `[batch, steps, width]`
    /// - output: `[batch, steps, width]`
    fn forward(&self, rows: Tensor<B, 3>, shifted: Tensor<B, 3>) -> Tensor<B, 3> {
        let mixed = rows.clone() + (shifted - rows) * self.mix.val().unsqueeze();
        let hidden = relu(self.key.forward(mixed));
        self.value.forward(hidden.clone() * hidden)
    }
}

/// Each step's row of the step before, and the last step's row.
///
/// # Shapes
///
/// - rows: `[batch, steps, width]`
/// - before: `[batch, width]`
/// - output: `[batch, steps, width]` and `[batch, width]`
fn shifted<B: Backend>(rows: &Tensor<B, 3>, before: Tensor<B, 2>) -> (Tensor<B, 3>, Tensor<B, 2>) {
    let [_, steps, _] = rows.dims();
    let last = rows.clone().narrow(1, steps - 1, 1).squeeze_dim(1);
    let mut parts = vec![before.unsqueeze_dim(1)];
    if steps > 1 {
        parts.push(rows.clone().narrow(1, 0, steps - 1));
    }
    (Tensor::cat(parts, 1), last)
}

impl<B: Backend> Network<B> for Rwkv<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let width = Network::<B>::d_features(self);
        let mut slots = Vec::with_capacity(3 * self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let [heads, d_head] = layer.time.bonus.dims();
            slots.push(Slot::new(name_of(at, TIME_ROW), &[width]));
            slots.push(Slot::new(name_of(at, STATE), &[heads, d_head, d_head]));
            slots.push(Slot::new(name_of(at, CHANNEL_ROW), &[width]));
        }
        slots
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = self.input_norm.forward(self.input.forward(inputs));
        let mut first_values = None;
        for (at, layer) in self.layers.iter().enumerate() {
            let normed = layer.time_norm.forward(rows.clone());
            let (before, last) = shifted(&normed, memory.get(&name_of(at, TIME_ROW)));
            let state = memory.get(&name_of(at, STATE));
            let Mixed {
                rows: mixed,
                values,
                state,
            } = layer
                .time
                .forward(normed, before, first_values.clone(), state);
            first_values.get_or_insert(values);
            after = after
                .with(name_of(at, TIME_ROW), last)
                .with(name_of(at, STATE), state);
            rows = rows + mixed;

            let normed = layer.channel_norm.forward(rows.clone());
            let (before, last) = shifted(&normed, memory.get(&name_of(at, CHANNEL_ROW)));
            after = after.with(name_of(at, CHANNEL_ROW), last);
            rows = rows + layer.channel.forward(normed, before);
        }
        (self.norm.forward(rows), after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter().map(|layer| {
            let channel = &layer.channel;
            let shift = Network::<B>::d_features(self) as u64;
            let channel = channel.key.multiply_adds() + channel.value.multiply_adds() + shift;
            layer.time.multiply_adds() + channel
        });
        self.input.multiply_adds() + layers.sum::<u64>()
    }
}

const TIME_ROW: &str = "time_row";
const CHANNEL_ROW: &str = "channel_row";

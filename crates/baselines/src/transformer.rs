//! The Transformer, as a decoder that remembers keys and values.

use burn::module::Module;
use burn::tensor::activation::relu;
use burn::tensor::{Bool, DType, Tensor, TensorData, backend::Backend};
use ran_unit::softmax;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{check_count, check_heads, check_rotary};
use crate::network::{check, name_of};
use crate::parts::{
    Dropout, by_head, feed_forward_parameters, gelu, glorot, linear_parameters, side_by_side,
};
use crate::rotary::Turns;
use crate::{BaselineError, FeedForward, LayerNorm, Linear, Memory, Network, Slot};

const NAME: &str = "transformer";

/// What a Transformer is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformerConfig {
    /// Width of the rows between layers.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
    /// Number of heads that the width is split into.
    pub heads: usize,
    /// Width between the two maps of a feed-forward; four times the width where it is not given.
    pub feed_forward: Option<usize>,
    /// How many keys a query sees, its own step's among them; all up to its own where it is not given.
    pub context: Option<usize>,
    /// Where norms stand.
    pub norm: NormPlace,
    /// How a row knows its position.
    pub positions: Positions,
    /// What stands between the two maps of a feed-forward.
    pub activation: TransformerActivation,
    /// With which probability training hides a weight of attention, a number between the maps of a feed-forward, and a number
    /// that is added to a row (Srivastava et al. 2014).
    pub dropout: f64,
}

/// Where a Transformer's norms stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormPlace {
    /// Before each part (Xiong et al. 2020).
    #[default]
    Pre,
    /// After each sum, as in the first Transformer (Vaswani et al. 2017).
    Post,
}

/// How a Transformer's rows know their positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// Queries and keys turn with them (Su et al. 2021).
    #[default]
    Rotary,
    /// Sines and cosines of them are added to the rows below the first layer (Vaswani et al. 2017).
    Sinusoidal,
}

/// What stands between the two maps of a Transformer's feed-forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransformerActivation {
    /// x·Φ(x).
    #[default]
    Gelu,
    /// max(x, 0).
    Relu,
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            heads: 4,
            feed_forward: None,
            context: None,
            norm: NormPlace::default(),
            positions: Positions::default(),
            activation: TransformerActivation::default(),
            dropout: 0.0,
        }
    }
}

impl TransformerConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range, or `heads` does not divide `width`, with rotary positions into even parts.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        match self.positions {
            Positions::Rotary => check_rotary(self.heads, self.width)?,
            Positions::Sinusoidal => check_heads(self.heads, self.width)?,
        }
        self.feed_forward
            .map_or(Ok(()), |given| check_count("feed_forward", given))?;
        if !(self.dropout >= 0.0 && self.dropout < 1.0) {
            let problem = format!("must be from 0 to below 1, got {}", self.dropout);
            return Err(BaselineError::config("dropout", problem));
        }
        match self.context {
            Some(0) => Err(BaselineError::config(
                "context",
                "must be at least 1, got 0",
            )),
            _ => Ok(()),
        }
    }

    fn between(&self) -> usize {
        self.feed_forward.unwrap_or(4 * self.width)
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        let &Self { width, layers, .. } = self;
        let attention =
            linear_parameters([width, 3 * width], true) + linear_parameters([width, width], true);
        let feed_forward = feed_forward_parameters([width, self.between()], true);
        let norm = 2 * width;
        let layer = attention + feed_forward + 2 * norm;
        linear_parameters([d_input, width], true) + layers * layer + norm
    }

    /// Draws the weights by Glorot's law (2010), layer after layer; biases are zero. The maps back to the rows between layers
    /// are divided by √(2·layers), as in GPT-2 (Radford et al. 2019), unless norms stand after the sums. The options must have been checked.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Transformer<B> {
        let &Self { width, layers, .. } = self;
        let square = glorot([width, width]);
        let back = match self.norm {
            NormPlace::Pre => 1.0 / ((2 * layers) as f32).sqrt(),
            NormPlace::Post => 1.0,
        };
        let mut linear = |shape, bound| Linear::init(shape, bound, Some(0.0), &mut *rng, device);
        let input = linear([d_input, width], glorot([d_input, width]));
        let layers = (0..layers).map(|_| TransformerLayer {
            attention_norm: LayerNorm::new(width, device),
            attention: Linear::init([width, 3 * width], square, Some(0.0), rng, device),
            output: Linear::init([width, width], square * back, Some(0.0), rng, device),
            feed_forward_norm: LayerNorm::new(width, device),
            feed_forward: FeedForward::init([width, self.between()], back, true, rng, device),
        });
        Transformer {
            input,
            layers: layers.collect(),
            norm: LayerNorm::new(width, device),
            options: self.clone(),
        }
    }
}

/// A Transformer decoder (Vaswani et al. 2017), by default with norms before each part (Xiong et al. 2020) and rotary positions
/// (Su et al. 2021).
///
/// With the inputs mapped to rows, x ← inputs·W + b, each layer computes
///
/// - q, k, v = LN(x)·W + b, each a third of the columns; q and k turned by their positions, pair i by position·10000^(−2i/d_head)
/// - x ← x + softmax(q·kᵀ/√d_head)·v·W + b, head by head; a query sees the keys up to its own step's, the last `context` of them
/// - x ← x + GELU(LN(x)·W + b)·W + b
///
/// The features are LN(x). With norms [after the sums](NormPlace::Post), x ← LN(x + part(x)) for both parts. With
/// [sinusoidal](Positions::Sinusoidal) positions nothing turns, and entry i of the mapped input at position p gains sin(p·10000^(−i/width))
/// where i is even, and the cosine of entry i − 1's angle where it is odd. What is remembered are the turned keys and the values that later queries see: up to context − 1 steps
/// of them, or all.
#[derive(Module, Debug)]
pub struct Transformer<B: Backend> {
    /// The map of the inputs, `[d_input, width]`.
    pub input: Linear<B>,
    /// The layers, the lowest first.
    pub layers: Vec<TransformerLayer<B>>,
    /// The norm after the last layer.
    pub norm: LayerNorm<B>,
    #[module(skip)]
    options: TransformerConfig,
}

/// One layer of a [`Transformer`].
#[derive(Module, Debug)]
pub struct TransformerLayer<B: Backend> {
    /// The norm of the attention, before it or after its sum.
    pub attention_norm: LayerNorm<B>,
    /// The map to queries, keys and values, `[width, 3·width]`.
    pub attention: Linear<B>,
    /// The map of what the heads answer, `[width, width]`.
    pub output: Linear<B>,
    /// The norm of the feed-forward, before it or after its sum.
    pub feed_forward_norm: LayerNorm<B>,
    /// The feed-forward.
    pub feed_forward: FeedForward<B>,
}

/// Queries that are answered at once, so that the scores of a long sequence are never held all together.
const QUERIES: usize = 128;

impl<B: Backend> Transformer<B> {
    fn d_head(&self) -> usize {
        self.options.width / self.options.heads
    }

    /// The angles by which pairs turn from step to step.
    fn angles(&self) -> Vec<f64> {
        let d_head = self.d_head();
        let pairs = 0..d_head / 2;
        pairs
            .map(|pair| 10_000_f64.powf(-2.0 * pair as f64 / d_head as f64))
            .collect()
    }

    /// How many steps' keys are remembered after `steps` steps.
    fn kept(&self, steps: usize) -> usize {
        match self.options.context {
            Some(context) => steps.min(context - 1),
            None => steps,
        }
    }

    /// Attention of the newest queries over the keys up to their own.
    ///
    /// # Shapes
    ///
    /// - queries: `[batch, heads, steps, d_head]`
    /// - keys, values: `[batch, heads, past + steps, d_head]`
    /// - output: `[batch, heads, steps, d_head]`
    fn attend(
        &self,
        queries: Tensor<B, 4>,
        keys: Tensor<B, 4>,
        values: Tensor<B, 4>,
        dropout: &mut Dropout<'_>,
    ) -> Tensor<B, 4> {
        let steps = queries.dims()[2];
        let past = keys.dims()[2] - steps;
        let queries = queries / (self.d_head() as f64).sqrt();
        let starts = (0..steps).step_by(QUERIES);
        let answers = starts.map(|start| {
            let count = QUERIES.min(steps - start);
            let asking = queries.clone().narrow(2, start, count);
            let first = self.oldest(past + start);
            let seen = past + start + count - first;
            let keys = keys.clone().narrow(2, first, seen);
            let values = values.clone().narrow(2, first, seen);
            let mut scores = asking.matmul(keys.swap_dims(2, 3)); // [batch, heads, count, seen]
            if count > 1 {
                let at = past + start..past + start + count;
                let hidden = self.hidden(at, first..first + seen, &scores.device());
                scores = scores.mask_fill(hidden, f32::NEG_INFINITY);
            }
            dropout.apply(softmax(scores)).matmul(values)
        });
        Tensor::cat(answers.collect(), 2)
    }

    /// The oldest key that the query at this place sees.
    fn oldest(&self, query: usize) -> usize {
        match self.options.context {
            Some(context) => (query + 1).saturating_sub(context),
            None => 0,
        }
    }

    /// Which keys queries do not see, `[1, 1, queries, keys]`.
    fn hidden(
        &self,
        queries: std::ops::Range<usize>,
        keys: std::ops::Range<usize>,
        device: &B::Device,
    ) -> Tensor<B, 4, Bool> {
        let shape = [1, 1, queries.len(), keys.len()];
        let hidden: Vec<bool> = queries
            .flat_map(|query| {
                let oldest = self.oldest(query);
                keys.clone().map(move |key| key > query || key < oldest)
            })
            .collect();
        Tensor::from_data(TensorData::new(hidden, shape), device)
    }

    /// The sines and cosines that are added to rows, `[1, steps, width]`.
    fn sinusoids(&self, position: usize, steps: usize, of: (&B::Device, DType)) -> Tensor<B, 3> {
        let width = self.options.width;
        let entry = |at: usize, i: usize| {
            let angle = at as f64 * 10_000_f64.powf(-((i - i % 2) as f64) / width as f64);
            if i.is_multiple_of(2) {
                angle.sin()
            } else {
                angle.cos()
            }
        };
        let steps = position..position + steps;
        let shape = [1, steps.len(), width];
        let numbers = steps.flat_map(|at| (0..width).map(move |i| entry(at, i)));
        Tensor::from_data(TensorData::new(numbers.collect::<Vec<_>>(), shape), of)
    }

    /// The rows after a part with its norm.
    fn with_part(
        &self,
        rows: Tensor<B, 3>,
        norm: &LayerNorm<B>,
        part: impl FnOnce(Tensor<B, 3>) -> Tensor<B, 3>,
    ) -> Tensor<B, 3> {
        match self.options.norm {
            NormPlace::Pre => rows.clone() + part(norm.forward(rows)),
            NormPlace::Post => norm.forward(rows.clone() + part(rows)),
        }
    }

    fn run(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        rng: Option<&mut dyn Rng>,
    ) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let (position, [_, steps, _]) = (memory.position(), inputs.dims());
        let (device, dtype) = (inputs.device(), inputs.dtype());
        let of = (&device, dtype);
        let probability = self.options.dropout;
        let mut dropout = Dropout { probability, rng };
        let rotary = self.options.positions == Positions::Rotary;
        let turns = rotary.then(|| Turns::new(&self.angles(), position, steps, of));
        let turned = |rows| match &turns {
            Some(turns) => turns.apply(rows),
            None => rows,
        };
        let heads = self.options.heads;
        let kept = self.kept(position + steps);
        let mut parts = Vec::new();
        let mut rows = self.input.forward(inputs);
        if !rotary {
            rows = rows + self.sinusoids(position, steps, of);
        }
        for (at, layer) in self.layers.iter().enumerate() {
            rows = self.with_part(rows, &layer.attention_norm, |rows| {
                let width = rows.dims()[2];
                let all = layer.attention.forward(rows);
                let part = |at: usize| by_head(all.clone().narrow(2, at * width, width), heads);
                let of_layer = names(at);
                let [keys, values] = [turned(part(1)), part(2)];
                let joined = |name: &str, new| match memory.find::<4>(name) {
                    Some(old) => Tensor::cat(vec![old, new], 2),
                    None => new,
                };
                let (keys, values) = (joined(&of_layer[0], keys), joined(&of_layer[1], values));
                if kept > 0 {
                    let newest =
                        |of: &Tensor<B, 4>| of.clone().narrow(2, of.dims()[2] - kept, kept);
                    parts.extend(of_layer.into_iter().zip([newest(&keys), newest(&values)]));
                }
                let answers = self.attend(turned(part(0)), keys, values, &mut dropout);
                dropout.apply(layer.output.forward(side_by_side(answers)))
            });
            rows = self.with_part(rows, &layer.feed_forward_norm, |rows| {
                let activation: fn(Tensor<B, 3>) -> Tensor<B, 3> = match self.options.activation {
                    TransformerActivation::Gelu => gelu,
                    TransformerActivation::Relu => relu,
                };
                let maps = &layer.feed_forward;
                let answers = maps.forward_with(rows, |rows| dropout.apply(activation(rows)));
                dropout.apply(answers)
            });
        }
        let after = Memory::new(NAME, position + steps);
        let after = parts
            .into_iter()
            .fold(after, |after, (name, part)| after.with(name, part));
        (self.norm.forward(rows), after)
    }
}

impl<B: Backend> Network<B> for Transformer<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, steps: usize) -> Vec<Slot> {
        let shape = [self.options.heads, self.kept(steps), self.d_head()];
        let layers = 0..if shape[1] == 0 { 0 } else { self.layers.len() };
        layers
            .flat_map(names)
            .map(|name| Slot::new(name, &shape))
            .collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        self.run(inputs, memory, None)
    }

    fn forward_in_training(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        rng: &mut dyn Rng,
    ) -> (Tensor<B, 3>, Memory<B>) {
        self.run(inputs, memory, Some(rng))
    }

    fn multiply_adds_at(&self, position: usize) -> u64 {
        let seen = position + 1 - self.oldest(position);
        let attended = 2 * seen as u64 * Network::<B>::d_features(self) as u64;
        let layers = self.layers.iter();
        let layers = layers.map(|layer| {
            layer.attention.multiply_adds()
                + attended
                + layer.output.multiply_adds()
                + layer.feed_forward.multiply_adds()
        });
        self.input.multiply_adds() + layers.sum::<u64>()
    }
}

/// The names of a layer's keys and values in the memory.
fn names(layer: usize) -> [String; 2] {
    ["keys", "values"].map(|part| name_of(layer, part))
}

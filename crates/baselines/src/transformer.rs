//! The Transformer, as a decoder that remembers keys and values.

use burn::module::Module;
use burn::tensor::{Bool, Tensor, TensorData, backend::Backend};
use ran_unit::softmax;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::{check_count, check_rotary};
use crate::network::{check, name_of};
use crate::parts::{by_head, feed_forward_parameters, glorot, linear_parameters, side_by_side};
use crate::rotary::Turns;
use crate::{BaselineError, FeedForward, LayerNorm, Linear, Memory, Network, Slot};

const NAME: &str = "transformer";

/// What a Transformer is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Default for TransformerConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            heads: 4,
            feed_forward: None,
            context: None,
        }
    }
}

impl TransformerConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range, or `heads` does not divide `width` into even parts.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        check_rotary(self.heads, self.width)?;
        check_count("feed_forward", self.between())?;
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
    /// are divided by √(2·layers), as in GPT-2 (Radford et al. 2019). The options must have been checked.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Transformer<B> {
        let &Self { width, layers, .. } = self;
        let square = glorot([width, width]);
        let back = 1.0 / ((2 * layers) as f32).sqrt();
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
            heads: self.heads,
            context: self.context,
        }
    }
}

/// A Transformer decoder (Vaswani et al. 2017) with norms before each part (Xiong et al. 2020) and rotary positions
/// (Su et al. 2021).
///
/// With the inputs mapped to rows, x ← inputs·W + b, each layer computes
///
/// - q, k, v = LN(x)·W + b, each a third of the columns; q and k turned by their positions, pair i by position·10000^(−2i/d_head)
/// - x ← x + softmax(q·kᵀ/√d_head)·v·W + b, head by head; a query sees the keys up to its own step's, the last `context` of them
/// - x ← x + GELU(LN(x)·W + b)·W + b
///
/// The features are LN(x). What is remembered are the turned keys and the values that later queries see: up to context − 1 steps
/// of them, or all.
#[derive(Module, Debug)]
pub struct Transformer<B: Backend> {
    /// The map of the inputs, `[d_input, width]`.
    pub input: Linear<B>,
    /// The layers, the lowest first.
    pub layers: Vec<TransformerLayer<B>>,
    /// The norm after the last layer.
    pub norm: LayerNorm<B>,
    heads: usize,
    context: Option<usize>,
}

/// One layer of a [`Transformer`].
#[derive(Module, Debug)]
pub struct TransformerLayer<B: Backend> {
    /// The norm before the attention.
    pub attention_norm: LayerNorm<B>,
    /// The map to queries, keys and values, `[width, 3·width]`.
    pub attention: Linear<B>,
    /// The map of what the heads answer, `[width, width]`.
    pub output: Linear<B>,
    /// The norm before the feed-forward.
    pub feed_forward_norm: LayerNorm<B>,
    /// The feed-forward.
    pub feed_forward: FeedForward<B>,
}

/// Queries that are answered at once, so that the scores of a long sequence are never held all together.
const QUERIES: usize = 128;

impl<B: Backend> Transformer<B> {
    fn d_head(&self) -> usize {
        self.layers[0].output.weight.dims()[0] / self.heads
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
        match self.context {
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
            softmax(scores).matmul(values)
        });
        Tensor::cat(answers.collect(), 2)
    }

    /// The oldest key that the query at this place sees.
    fn oldest(&self, query: usize) -> usize {
        match self.context {
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
}

impl<B: Backend> Network<B> for Transformer<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, steps: usize) -> Vec<Slot> {
        let shape = [self.heads, self.kept(steps), self.d_head()];
        let layers = 0..if shape[1] == 0 { 0 } else { self.layers.len() };
        layers
            .flat_map(names)
            .map(|name| Slot::new(name, &shape))
            .collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let (position, [_, steps, _]) = (memory.position(), inputs.dims());
        let of = (&inputs.device(), inputs.dtype());
        let turns = Turns::new(&self.angles(), position, steps, of);
        let kept = self.kept(position + steps);
        let mut after = Memory::new(NAME, position + steps);
        let mut rows = self.input.forward(inputs);
        for (at, layer) in self.layers.iter().enumerate() {
            let width = rows.dims()[2];
            let all = layer
                .attention
                .forward(layer.attention_norm.forward(rows.clone()));
            let part = |at: usize| by_head(all.clone().narrow(2, at * width, width), self.heads);
            let remembered = names(at).map(|name| memory.find::<4>(&name));
            let [keys, values] = std::array::from_fn(|of| {
                let new = if of == 0 {
                    turns.apply(part(1))
                } else {
                    part(2)
                };
                match &remembered[of] {
                    Some(old) => Tensor::cat(vec![old.clone(), new], 2),
                    None => new,
                }
            });
            if kept > 0 {
                let newest = |of: &Tensor<B, 4>| of.clone().narrow(2, of.dims()[2] - kept, kept);
                let [of_keys, of_values] = names(at);
                after = after
                    .with(of_keys, newest(&keys))
                    .with(of_values, newest(&values));
            }
            let answers = self.attend(turns.apply(part(0)), keys, values);
            rows = rows + layer.output.forward(side_by_side(answers));
            let normed = layer.feed_forward_norm.forward(rows.clone());
            rows = rows + layer.feed_forward.forward(normed);
        }
        (self.norm.forward(rows), after)
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

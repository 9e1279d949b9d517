//! The Echo State Transformer.

mod reservoirs;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, backend::Backend};
use ran_unit::softmax;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::error::check_count;
use crate::network::{STATE, check, name_of};
use crate::parts::{
    by_root_mean_square, drawn, feed_forward_parameters, gelu, given, linear_parameters,
};
use crate::pieces::steps;
use crate::{BaselineError, Linear, Memory, Network, RmsNorm, Slot};

pub use reservoirs::{Reservoirs, is_fixed};
use reservoirs::{Wiring, normals};

const NAME: &str = "echo-state-transformer";

/// What the norms add to the mean square, in the authors' code.
const NORM_ADDS: f64 = 1e-8;

/// How many times wider than the rows the hidden layer of the feed-forward is.
const WIDER: usize = 4;

/// What an Echo State Transformer is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EchoStateTransformerConfig {
    /// Width of the rows between layers, of what attention sees of a reservoir, and of the features, D.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
    /// Number of reservoirs of a layer, M.
    pub units: usize,
    /// Neurons of a reservoir, R.
    pub neurons: usize,
    /// Share of the inputs, and of the neurons of its own reservoir, that a neuron reads, rounded down; at least one.
    pub connectivity: f64,
}

impl Default for EchoStateTransformerConfig {
    /// The first of the four networks of about 100,000 parameters in the authors' experiments.
    fn default() -> Self {
        Self {
            width: 32,
            layers: 1,
            units: 12,
            neurons: 101,
            connectivity: 0.2,
        }
    }
}

/// The most neurons of a reservoir: its spectral radius takes time R³.
const MOST_NEURONS: usize = 2048;

/// The most fixed numbers: 4 GiB in 32-bit floats.
const MOST_FIXED: usize = 1 << 30;

impl EchoStateTransformerConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range, or there would be too many fixed numbers.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        check_count("units", self.units)?;
        if !(1..=MOST_NEURONS).contains(&self.neurons) {
            let problem = format!("must be between 1 and {MOST_NEURONS}, got {}", self.neurons);
            return Err(BaselineError::config("neurons", problem));
        }
        // Written so that what is not a number is refused, too.
        if !(self.connectivity > 0.0 && self.connectivity <= 1.0) {
            let problem = format!("must be above 0 and at most 1, got {}", self.connectivity);
            return Err(BaselineError::config("connectivity", problem));
        }
        let fixed = self.wiring().fixed().saturating_mul(self.layers);
        if fixed > MOST_FIXED {
            let problem = format!(
                "and the other options give {fixed} fixed weights, at most {MOST_FIXED} are allowed"
            );
            return Err(BaselineError::config("neurons", problem));
        }
        Ok(())
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        let &Self { width, units, .. } = self;
        let asking = 3 * units * width * width;
        let reservoirs = self.wiring().parameters();
        let attention = 3 * width * width + linear_parameters([units * width, width], true);
        let feed_forward = feed_forward_parameters([width, WIDER * width], true);
        let layer = asking + reservoirs + attention + feed_forward + 3 * width;
        linear_parameters([d_input, width], false) + self.layers * layer
    }

    /// How many numbers stay as they were drawn: the reservoirs' weights and biases, the zeros among them.
    pub fn fixed(&self) -> usize {
        self.layers * self.wiring().fixed()
    }

    /// Draws the weights, layer after layer. The options must have been checked.
    ///
    /// The laws are those of the authors' code: the map of the inputs normal; the maps of attention to the reservoirs
    /// uniform in ±1/D, others in ±1/√fan-in, with their biases; for the reservoirs see [`Reservoirs`].
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> EchoStateTransformer<B> {
        let &Self { width, .. } = self;
        let input = Linear {
            weight: given(normals(d_input * width, rng), [d_input, width], device),
            bias: None,
        };
        let layers = (0..self.layers).map(|_| self.init_layer(rng, device));
        EchoStateTransformer {
            input,
            layers: layers.collect(),
        }
    }

    fn init_layer<B: Backend>(
        &self,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> EchoStateTransformerLayer<B> {
        let &Self { width, units, .. } = self;
        let reservoirs = Reservoirs::init(&self.wiring(), rng, device);
        let mut asking = || {
            let bound = 1.0 / width as f32;
            drawn([units, width, width], bound, &mut *rng, device)
        };
        let [query, key, value] = [asking(), asking(), asking()];
        let mut linear = |d_in: usize, d_out, bias: bool| {
            let bound = 1.0 / (d_in as f32).sqrt();
            let bias = bias.then_some(bound);
            Linear::init([d_in, d_out], bound, bias, &mut *rng, device)
        };
        EchoStateTransformerLayer {
            query,
            key,
            value,
            reservoirs,
            self_query: linear(width, width, false),
            self_key: linear(width, width, false),
            self_value: linear(width, width, false),
            reduce: linear(units * width, width, true),
            up: linear(width, WIDER * width, true),
            down: linear(WIDER * width, width, true),
            update_norm: RmsNorm::new(width, device),
            self_norm: RmsNorm::new(width, device),
            norm: RmsNorm::new(width, device),
        }
    }

    fn wiring(&self) -> Wiring {
        Wiring {
            width: self.width,
            units: self.units,
            neurons: self.neurons,
            connectivity: self.connectivity,
        }
    }
}

/// The Echo State Transformer (Bendi-Ouis & Hinaut 2025, arXiv 2507.02917): attention over a fixed number of reservoirs in
/// place of all earlier steps.
///
/// The inputs are mapped to rows, and each [layer](EchoStateTransformerLayer) maps them on. The features are the last
/// layer's rows, which it norms. The paper gives figures and few equations: what they leave open is as in the authors' code
/// (github.com/Naowak/Echo-State-Transformer), in which a layer's output takes the place of its input, without a residual
/// around the layer. What differs from that code:
///
/// - The temperature of the leaks is exp(τ), so that it stays positive.
/// - Nothing holds the spectral radii within 10⁻⁵ to 10, where the authors' code puts them after each step of training. A
///   negative ρ turns the signs of the recurrent weights, and its size is the radius.
/// - There is no dropout.
#[derive(Module, Debug)]
pub struct EchoStateTransformer<B: Backend> {
    /// The map of the inputs to rows, without biases.
    pub input: Linear<B>,
    /// The layers, the lowest first.
    pub layers: Vec<EchoStateTransformerLayer<B>>,
}

/// One layer of an [`EchoStateTransformer`].
///
/// With the row x, and what each reservoir m had to say after the step before, oₘ, the rows of O (zeros at first),
///
/// - qₘ = x·Qₘ, and uₘ = RMS(x + softmax(qₘ·(O·Kₘ)ᵀ/√D)·O·Vₘ): attention on previous states, with maps of each reservoir's
///   own
/// - the [reservoirs](Reservoirs) get their uₘ and have oₘ to say
/// - z = RMS(O + softmax(O·Q·(O·K)ᵀ/√D)·O·V): attention on current states, with the same maps for all reservoirs
/// - y = z·W + b, with the rows of z side by side
/// - the layer's output is RMS(y + GELU(y·F + f)·G + g)
///
/// RMS has a gain and an ε of 10⁻⁸.
#[derive(Module, Debug)]
pub struct EchoStateTransformerLayer<B: Backend> {
    /// The maps Qₘ of the row to each reservoir's query, `[units, width, width]`.
    pub query: Param<Tensor<B, 3>>,
    /// The maps Kₘ of what all reservoirs say to each one's keys, `[units, width, width]`.
    pub key: Param<Tensor<B, 3>>,
    /// The maps Vₘ of what all reservoirs say to each one's values, `[units, width, width]`.
    pub value: Param<Tensor<B, 3>>,
    /// The working memory.
    pub reservoirs: Reservoirs<B>,
    /// The map Q of attention on current states.
    pub self_query: Linear<B>,
    /// The map K of attention on current states.
    pub self_key: Linear<B>,
    /// The map V of attention on current states.
    pub self_value: Linear<B>,
    /// The map W and b of all reservoirs to one row, `[units·width, width]`.
    pub reduce: Linear<B>,
    /// The map F and f to the hidden layer, `[width, 4·width]`.
    pub up: Linear<B>,
    /// The map G and g back, `[4·width, width]`.
    pub down: Linear<B>,
    /// The norm of what the reservoirs get.
    pub update_norm: RmsNorm<B>,
    /// The norm after attention on current states.
    pub self_norm: RmsNorm<B>,
    /// The norm of the output.
    pub norm: RmsNorm<B>,
}

impl<B: Backend> EchoStateTransformerLayer<B> {
    /// The layer's rows, and the reservoirs' states after the last step.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, steps, width]`
    /// - state: `[batch, units, neurons]`
    /// - output: the same two
    fn forward(&self, rows: Tensor<B, 3>, state: Tensor<B, 3>) -> (Tensor<B, 3>, Tensor<B, 3>) {
        let [batch, count, width] = rows.dims();
        let rows = rows.swap_dims(0, 1); // time first
        let (said, state) = self.remember(rows, state.swap_dims(0, 1));
        let [_, units, ..] = said.dims();
        // What follows remembers nothing, and is computed for all steps at once.
        let said = said
            .permute([2, 0, 1, 3])
            .reshape([batch * count, units, width]);
        let query = self.self_query.forward(said.clone()) * root_of(width);
        let key = self.self_key.forward(said.clone());
        let value = self.self_value.forward(said.clone());
        let mixed = softmax(query.matmul(key.transpose())).matmul(value);
        let mixed = norm(&self.self_norm, mixed + said);
        let reduced = self
            .reduce
            .forward(mixed.reshape([batch, count, units * width]));
        let hidden = gelu(self.up.forward(reduced.clone()));
        let rows = norm(&self.norm, self.down.forward(hidden) + reduced);
        (rows, state.swap_dims(0, 1))
    }

    /// The loop over time: what the reservoirs say at each step, and their states after the last.
    ///
    /// Keys and values are not computed: qₘ·(O·Kₘ)ᵀ = (qₘ·Kₘᵀ)·Oᵀ, whose first product does not depend on the state, and the
    /// map to the values follows the mean.
    ///
    /// # Shapes
    ///
    /// - rows: `[steps, batch, width]`
    /// - state: `[units, batch, neurons]`
    /// - output: `[steps, units, batch, width]` and the state's
    fn remember(
        &self,
        rows: Tensor<B, 3>,
        mut state: Tensor<B, 3>,
    ) -> (Tensor<B, 4>, Tensor<B, 3>) {
        let [count, batch, width] = rows.dims();
        let [units, ..] = self.query.dims();
        let all = rows.clone().reshape([1, count * batch, width]);
        let query = all.matmul(self.query.val()) * root_of(width);
        let asking = query.matmul(self.key.val().transpose()); // [units, steps·batch, width]
        let asking = asking.reshape([units, count, batch, width]);
        let asking = steps::<B, 4, 3>(asking.permute([1, 2, 0, 3]), 0); // [batch, units, width]
        let rows = steps::<B, 3, 2>(rows, 0);

        // See `Ready` for why nothing in the loop reshapes a parameter.
        let reservoirs = self.reservoirs.ready();
        let gain: Tensor<B, 3> = self.update_norm.gain.val().unsqueeze();
        let mut said = reservoirs.say(state.clone());
        let mut all_said = Vec::with_capacity(count);
        for (asking, row) in asking.into_iter().zip(rows) {
            let rows_said = said.swap_dims(0, 1); // [batch, units, width]
            let weights = softmax(asking.matmul(rows_said.clone().transpose()));
            let mean = weights.matmul(rows_said).swap_dims(0, 1); // [units, batch, width]
            let heard = mean.matmul(self.value.val()) + row.unsqueeze_dim(0);
            let update = by_root_mean_square(heard, NORM_ADDS) * gain.clone();
            state = reservoirs.next(update, state);
            said = reservoirs.say(state.clone());
            all_said.push(said.clone());
        }
        (Tensor::stack(all_said, 0), state)
    }

    fn multiply_adds(&self) -> u64 {
        let [units, width, _] = self.query.dims();
        let shared = [&self.self_query, &self.self_key, &self.self_value];
        let shared: u64 = shared.into_iter().map(Linear::multiply_adds).sum();
        let after = [&self.reduce, &self.up, &self.down];
        let after: u64 = after.into_iter().map(Linear::multiply_adds).sum();
        // Queries, their products with the maps to keys, values; scores and means, of both kinds of attention.
        let own = units * (3 * width * width + 2 * units * width) + 2 * units * units * width;
        own as u64 + units as u64 * shared + self.reservoirs.multiply_adds() + after
    }
}

/// What scores are multiplied by, 1/√D.
fn root_of(width: usize) -> f64 {
    1.0 / (width as f64).sqrt()
}

/// The norm with this network's ε.
fn norm<B: Backend, const R: usize>(norm: &RmsNorm<B>, rows: Tensor<B, R>) -> Tensor<B, R> {
    by_root_mean_square(rows, NORM_ADDS) * norm.gain.val().unsqueeze()
}

impl<B: Backend> Network<B> for EchoStateTransformer<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let layers = self.layers.iter().enumerate();
        let slot = |(at, layer): (usize, &EchoStateTransformerLayer<B>)| {
            let [units, neurons, _] = layer.reservoirs.recurrent.dims();
            Slot::new(name_of(at, STATE), &[units, neurons])
        };
        layers.map(slot).collect()
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = self.input.forward(inputs);
        for (at, layer) in self.layers.iter().enumerate() {
            let name = name_of(at, STATE);
            let (next, state) = layer.forward(rows, memory.get(&name));
            after = after.with(name, state);
            rows = next;
        }
        (rows, after)
    }

    /// Of the reservoirs' weights, those that are not zero count.
    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter();
        let layers = layers.map(EchoStateTransformerLayer::multiply_adds);
        self.input.multiply_adds() + layers.sum::<u64>()
    }
}

//! Mamba: selective state spaces.

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, backend::Backend};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::check_count;
use crate::network::{STATE, check, name_of};
use crate::parts::{drawn, filled, given, glorot, linear_parameters, sigmoid, silu};
use crate::pieces::{pieces, steps};
use crate::{BaselineError, LayerNorm, Linear, Memory, Network, RmsNorm, Slot};

const NAME: &str = "mamba";

/// The name of a layer's last inputs of the convolution in the memory.
const WINDOW: &str = "window";

/// The most channels of a layer.
const MOST_CHANNELS: usize = 1 << 16;

/// What a Mamba network is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MambaConfig {
    /// Width of the rows between layers, and of the features.
    pub width: usize,
    /// Number of layers, one above the other.
    pub layers: usize,
    /// How many times wider than the rows the channels within a layer are, E.
    pub expand: usize,
    /// Numbers that each channel remembers, N.
    pub d_state: usize,
    /// Steps that the convolution sees, the newest included.
    pub d_conv: usize,
    /// Rank of the map to the step sizes; by default a sixteenth of the width, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dt_rank: Option<usize>,
    /// Whether a layer adds to a row, whose norm it reads, as in the paper. Without, each layer reads what the one below
    /// answers, and the norm after the last is layer normalisation (the network of CogScale, Bendi-Ouis & Hinaut 2026).
    pub residual: bool,
}

impl Default for MambaConfig {
    fn default() -> Self {
        Self {
            width: 64,
            layers: 2,
            expand: 2,
            d_state: 16,
            d_conv: 4,
            dt_rank: None,
            residual: true,
        }
    }
}

impl MambaConfig {
    /// Checks the options.
    ///
    /// # Errors
    ///
    /// If a number is out of range.
    pub fn check(&self) -> Result<(), BaselineError> {
        check_count("width", self.width)?;
        check_count("layers", self.layers)?;
        check_count("expand", self.expand)?;
        if self.inner() > MOST_CHANNELS {
            let problem = format!(
                "times expand must be at most {MOST_CHANNELS}, got {}",
                self.inner()
            );
            return Err(BaselineError::config("width", problem));
        }
        check_count("d_state", self.d_state)?;
        check_count("d_conv", self.d_conv)?;
        check_count("dt_rank", self.dt_rank())
    }

    /// How many numbers are trained.
    pub fn parameters(&self, d_input: usize) -> usize {
        let &Self { width, d_state, .. } = self;
        let (inner, rank) = (self.inner(), self.dt_rank());
        let (norms, last) = if self.residual {
            (width, width)
        } else {
            (0, 2 * width)
        };
        let layer = norms
            + linear_parameters([width, 2 * inner], false)
            + (self.d_conv + 1) * inner
            + linear_parameters([inner, rank + 2 * d_state], false)
            + linear_parameters([rank, inner], true)
            + inner * d_state
            + inner
            + linear_parameters([inner, width], false);
        linear_parameters([d_input, width], true) + self.layers * layer + last
    }

    /// Draws the weights, layer after layer. The options must have been checked.
    ///
    /// As in the authors' code: maps uniform in ±1/√fan-in, that back to the rows divided by √layers where it adds to them; the
    /// convolution's weights and biases uniform in ±1/√d_conv; biases that give step sizes log-uniform in 0.001 to 0.1; A = −1 … −N in
    /// each channel, D = 1. The map of the inputs is drawn by Glorot's law (2010), its biases are zero.
    pub fn init<B: Backend>(
        &self,
        d_input: usize,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Mamba<B> {
        let &Self { width, layers, .. } = self;
        let shape = [d_input, width];
        let input = Linear::init(shape, glorot(shape), Some(0.0), rng, device);
        let layers = (0..layers).map(|_| self.init_layer(rng, device)).collect();
        Mamba {
            input,
            layers,
            norm: self.residual.then(|| RmsNorm::new(width, device)),
            layer_norm: (!self.residual).then(|| LayerNorm::new(width, device)),
        }
    }

    fn init_layer<B: Backend>(&self, rng: &mut impl Rng, device: &B::Device) -> MambaLayer<B> {
        let &Self {
            width,
            d_state,
            d_conv,
            ..
        } = self;
        let (inner, rank) = (self.inner(), self.dt_rank());
        let mut map = |d_in, d_out, bound| Linear::init([d_in, d_out], bound, None, rng, device);
        let input = map(width, 2 * inner, fan_in_bound(width));
        let selection = map(inner, rank + 2 * d_state, fan_in_bound(inner));
        let mut step_size = map(rank, inner, fan_in_bound(rank));
        let by_depth = match self.residual {
            true => (self.layers as f32).sqrt(),
            false => 1.0,
        };
        let output = map(inner, width, fan_in_bound(inner) / by_depth);
        step_size.bias = Some(given(step_biases(inner, rng), [inner], device));
        let rates = (0..inner).flat_map(|_| (1..=d_state).map(|n| (n as f32).ln()));
        MambaLayer {
            norm: self.residual.then(|| RmsNorm::new(width, device)),
            input,
            convolution: drawn([d_conv, inner], fan_in_bound(d_conv), rng, device),
            convolution_bias: drawn([inner], fan_in_bound(d_conv), rng, device),
            selection,
            step_size,
            log_rate: given(rates.collect(), [inner, d_state], device),
            skip: filled([inner], 1.0, device),
            output,
        }
    }

    fn inner(&self) -> usize {
        self.expand * self.width
    }

    fn dt_rank(&self) -> usize {
        self.dt_rank.unwrap_or(self.width.div_ceil(16))
    }
}

fn fan_in_bound(fan_in: usize) -> f32 {
    1.0 / (fan_in as f32).sqrt()
}

/// Biases whose softplus is log-uniform in 0.001 to 0.1.
fn step_biases(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    let (least, most) = (0.001_f64.ln(), 0.1_f64.ln());
    let bias = |_| {
        let size = (least + (most - least) * rng.random::<f64>()).exp();
        (size + (-(-size).exp_m1()).ln()) as f32
    };
    (0..count).map(bias).collect()
}

/// Layers of selective state spaces (Gu & Dao 2023).
///
/// The inputs are mapped to rows, each [layer](MambaLayer) adds to the rows, and their norm is the features. The paper's
/// network has an embedding of tokens in place of the map, and a readout after the norm. Without
/// [residuals](MambaConfig::residual) a layer's answers are the rows of the next.
#[derive(Module, Debug)]
pub struct Mamba<B: Backend> {
    /// The map of the inputs to rows.
    pub input: Linear<B>,
    /// The layers, the lowest first.
    pub layers: Vec<MambaLayer<B>>,
    /// The norm after the last layer, where layers add to the rows.
    pub norm: Option<RmsNorm<B>>,
    /// The norm after the last layer, where they do not.
    pub layer_norm: Option<LayerNorm<B>>,
}

/// One layer of a [`Mamba`] (section 3.4 and algorithm 2 of the paper).
///
/// With the normed row x, or the row where layers do not add to it, at each step, for each of the C = E·width channels,
///
/// - u', z = x·W, in two parts
/// - u = silu(Σⱼ kⱼ ⊙ u'₍ⱼ₎ + c), over the newest steps, the newest last
/// - δ, B, C = u·S, in three parts, and Δ = softplus(δ·R + r)
/// - h ← exp(Δ·A) ⊙ h + Δ·B·u with A = −exp(a)
/// - y = (h·C + D ⊙ u) ⊙ silu(z)
///
/// and y·O is added to the row, or is the next. A is discretised by a hold of zeroth order, B by Euler's rule, as in the authors' code.
#[derive(Module, Debug)]
pub struct MambaLayer<B: Backend> {
    /// The norm of the rows, where the layer adds to them.
    pub norm: Option<RmsNorm<B>>,
    /// The map W to u' and z, `[width, 2·channels]`.
    pub input: Linear<B>,
    /// The convolution's weights k of each channel, the oldest step first, `[d_conv, channels]`.
    pub convolution: Param<Tensor<B, 2>>,
    /// The convolution's biases c, `[channels]`.
    pub convolution_bias: Param<Tensor<B, 1>>,
    /// The map S to δ, B and C, `[channels, rank + 2·d_state]`.
    pub selection: Linear<B>,
    /// The map R and r to the step sizes, `[rank, channels]`.
    pub step_size: Linear<B>,
    /// The logarithm a of the rates, `[channels, d_state]`.
    pub log_rate: Param<Tensor<B, 2>>,
    /// What of u goes past the state, D, `[channels]`.
    pub skip: Param<Tensor<B, 1>>,
    /// The map O back to the row's width, `[channels, width]`.
    pub output: Linear<B>,
}

/// Numbers of states that are computed in one operation. More would fall out of the processor's cache, fewer would have
/// the operations' overhead dominate.
const AT_ONCE: usize = 1 << 16;

impl<B: Backend> MambaLayer<B> {
    /// The rows of the next layer, from the convolution's window and the state before them.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, steps, width]`
    /// - window: `[batch, d_conv − 1, channels]`, none where that is empty
    /// - state: `[batch, channels, d_state]`
    /// - output: the same three
    fn forward(
        &self,
        rows: Tensor<B, 3>,
        window: Option<Tensor<B, 3>>,
        state: Tensor<B, 3>,
    ) -> (Tensor<B, 3>, Option<Tensor<B, 3>>, Tensor<B, 3>) {
        let [d_conv, channels] = self.convolution.dims();
        let read = match &self.norm {
            Some(norm) => norm.forward(rows.clone()),
            None => rows.clone(),
        };
        let both = self.input.forward(read);
        let fresh = both.clone().narrow(2, 0, channels);
        let gate = silu(both.narrow(2, channels, channels));

        let steps = fresh.dims()[1];
        let seen = match window {
            Some(window) => Tensor::cat(vec![window, fresh], 1),
            None => fresh,
        };
        let kept = (d_conv > 1).then(|| seen.clone().narrow(1, steps, d_conv - 1));
        let taps = self.convolution.val();
        let mut sum = self.convolution_bias.val().unsqueeze();
        for tap in 0..d_conv {
            let weight = taps.clone().narrow(0, tap, 1).unsqueeze_dim(0); // [1, 1, channels]
            sum = sum + seen.clone().narrow(1, tap, steps) * weight;
        }
        let u = silu(sum);

        let (read, state) = self.scan(u.clone(), state);
        let y = (read + u * self.skip.val().unsqueeze()) * gate;
        let answer = self.output.forward(y);
        let next = match &self.norm {
            Some(_) => rows + answer,
            None => answer,
        };
        (next, kept, state)
    }

    /// The selective scan: what is read of the state at each step, and the state after the last.
    ///
    /// # Shapes
    ///
    /// - u: `[batch, steps, channels]`
    /// - state: `[batch, channels, d_state]`
    /// - output: `[batch, steps, channels]` and the state's
    fn scan(&self, u: Tensor<B, 3>, mut state: Tensor<B, 3>) -> (Tensor<B, 3>, Tensor<B, 3>) {
        let [batch, _, channels] = u.dims();
        let [rank, _] = self.step_size.weight.dims();
        let [_, d_state] = self.log_rate.dims();
        let chosen = self.selection.forward(u.clone()); // [batch, steps, rank + 2·d_state]
        let size = softplus(self.step_size.forward(chosen.clone().narrow(2, 0, rank)));
        let part = |at| chosen.clone().narrow(2, rank + at * d_state, d_state);
        let rate = -self.log_rate.val().exp();

        // Time first, so that each step's numbers lie together, and blocks of steps at a time.
        let block = (AT_ONCE / (batch * channels * d_state)).max(1);
        let blocks = |rows: Tensor<B, 3>| pieces(rows.swap_dims(0, 1), 0, block).into_iter();
        let fed = blocks(size.clone() * u);
        let (size, write, read) = (blocks(size), blocks(part(0)), blocks(part(1)));
        let mut outputs = Vec::with_capacity(size.len());
        for (((size, fed), write), read) in size.zip(fed).zip(write).zip(read) {
            let decay = (size.unsqueeze_dim::<4>(3) * rate.clone().unsqueeze()).exp();
            let fed = fed.unsqueeze_dim::<4>(3) * write.unsqueeze_dim(2); // [block, batch, channels, d_state]
            let mut states = Vec::with_capacity(block);
            for (decay, fed) in steps(decay, 0).into_iter().zip(steps(fed, 0)) {
                state = decay * state + fed;
                states.push(state.clone());
            }
            let states: Tensor<B, 4> = Tensor::stack(states, 0);
            let product = states.matmul(read.unsqueeze_dim(3)); // [block, batch, channels, 1]
            outputs.push(product.squeeze_dim::<3>(3));
        }
        (Tensor::cat(outputs, 0).swap_dims(0, 1), state)
    }

    fn multiply_adds(&self) -> u64 {
        let [d_conv, channels] = self.convolution.dims();
        let [_, d_state] = self.log_rate.dims();
        let maps = [&self.input, &self.selection, &self.step_size, &self.output];
        let maps: u64 = maps.into_iter().map(Linear::multiply_adds).sum();
        maps + (d_conv * channels + 3 * channels * d_state + channels) as u64
    }
}

/// ln(1 + exp(x)), with the exact gradient σ(x).
///
/// burn's backward pass through a logarithm takes a reciprocal, which burn-ndarray approximates. So the value is a constant,
/// and x less itself, which is zero, brings the gradient.
fn softplus<B: Backend, const R: usize>(x: Tensor<B, R>) -> Tensor<B, R> {
    let fixed = x.clone().detach();
    let value = relu(fixed.clone()) + (-fixed.clone().abs()).exp().log1p();
    value + sigmoid(fixed.clone()) * (x - fixed)
}

impl<B: Backend> Network<B> for Mamba<B> {
    fn name(&self) -> &'static str {
        NAME
    }

    fn widths(&self) -> [usize; 2] {
        self.input.weight.dims()
    }

    fn slots(&self, _steps: usize) -> Vec<Slot> {
        let mut slots = Vec::with_capacity(2 * self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let [d_conv, channels] = layer.convolution.dims();
            let [_, d_state] = layer.log_rate.dims();
            if d_conv > 1 {
                slots.push(Slot::new(name_of(at, WINDOW), &[d_conv - 1, channels]));
            }
            slots.push(Slot::new(name_of(at, STATE), &[channels, d_state]));
        }
        slots
    }

    fn forward(&self, inputs: Tensor<B, 3>, memory: Memory<B>) -> (Tensor<B, 3>, Memory<B>) {
        check(self, &inputs, &memory);
        let mut after = Memory::new(NAME, memory.position() + inputs.dims()[1]);
        let mut rows = self.input.forward(inputs);
        for (at, layer) in self.layers.iter().enumerate() {
            let [of_window, of_state] = [WINDOW, STATE].map(|part| name_of(at, part));
            let (window, state) = (memory.find(&of_window), memory.get(&of_state));
            let (next, window, state) = layer.forward(rows, window, state);
            if let Some(window) = window {
                after = after.with(of_window, window);
            }
            after = after.with(of_state, state);
            rows = next;
        }
        if let Some(norm) = &self.norm {
            rows = norm.forward(rows);
        }
        if let Some(norm) = &self.layer_norm {
            rows = norm.forward(rows);
        }
        (rows, after)
    }

    fn multiply_adds_at(&self, _position: usize) -> u64 {
        let layers = self.layers.iter().map(MambaLayer::multiply_adds);
        self.input.multiply_adds() + layers.sum::<u64>()
    }
}

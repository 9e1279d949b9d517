//! What several networks are made of: linear maps, norms, activations, the loop over time.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_unit::{dropout, normalise, uniform};
use rand::Rng;

use crate::pieces::steps;

/// A parameter of numbers uniform in ±`bound`, drawn on the host, so that a seed gives the same on every backend.
pub(crate) fn drawn<B: Backend, const R: usize>(
    shape: [usize; R],
    bound: f32,
    rng: &mut impl Rng,
    device: &B::Device,
) -> Param<Tensor<B, R>> {
    given(uniform(shape.iter().product(), bound, rng), shape, device)
}

/// A parameter of one number everywhere.
pub(crate) fn filled<B: Backend, const R: usize>(
    shape: [usize; R],
    value: f32,
    device: &B::Device,
) -> Param<Tensor<B, R>> {
    given(vec![value; shape.iter().product()], shape, device)
}

/// A parameter of these numbers.
pub(crate) fn given<B: Backend, const R: usize>(
    numbers: Vec<f32>,
    shape: [usize; R],
    device: &B::Device,
) -> Param<Tensor<B, R>> {
    Param::from_data(TensorData::new(numbers, shape), device)
}

/// Half the width of the uniform law of Glorot & Bengio (2010): √(6/(fan-in + fan-out)).
pub(crate) fn glorot([d_in, d_out]: [usize; 2]) -> f32 {
    (6.0 / (d_in + d_out) as f32).sqrt()
}

/// A linear map: y = x·W + b.
#[derive(Module, Debug)]
pub struct Linear<B: Backend> {
    /// The weights W, `[d_in, d_out]`.
    pub weight: Param<Tensor<B, 2>>,
    /// The biases b, `[d_out]`, where there are any.
    pub bias: Option<Param<Tensor<B, 1>>>,
}

impl<B: Backend> Linear<B> {
    /// Draws weights uniform in ±`bound`, then biases uniform in ±`bias`; without `bias` there are none.
    pub(crate) fn init(
        [d_in, d_out]: [usize; 2],
        bound: f32,
        bias: Option<f32>,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        Self {
            weight: drawn([d_in, d_out], bound, rng, device),
            bias: bias.map(|bound| drawn([d_out], bound, rng, device)),
        }
    }

    /// Maps the last dimension.
    ///
    /// # Shapes
    ///
    /// - rows: `[..., d_in]`
    /// - output: `[..., d_out]`
    pub fn forward<const R: usize>(&self, rows: Tensor<B, R>) -> Tensor<B, R> {
        let weight = self.weight.val();
        let mut shape = rows.dims();
        let [d_in, d_out] = weight.dims();
        // One product of two matrices, whatever the dimensions before the last are.
        let count = shape[..R - 1].iter().product();
        shape[R - 1] = d_out;
        let mut mapped = rows.reshape([count, d_in]).matmul(weight);
        if let Some(bias) = &self.bias {
            mapped = mapped + bias.val().unsqueeze();
        }
        mapped.reshape(shape)
    }

    /// The map of a step's rows, for a loop over time.
    ///
    /// An operation on parameters alone begins a graph of its own in burn's automatic differentiation, and to join a step's to
    /// that of all steps before can cost as much as these are. So the biases are reshaped once.
    pub(crate) fn ready(&self) -> impl Fn(Tensor<B, 2>) -> Tensor<B, 2> + use<B> {
        let weight = self.weight.val();
        let bias: Option<Tensor<B, 2>> = self.bias.as_ref().map(|bias| bias.val().unsqueeze());
        move |rows| {
            let mapped = rows.matmul(weight.clone());
            match &bias {
                Some(bias) => mapped + bias.clone(),
                None => mapped,
            }
        }
    }

    /// Multiply-adds for one row.
    pub(crate) fn multiply_adds(&self) -> u64 {
        let [d_in, d_out] = self.weight.dims();
        d_in as u64 * d_out as u64
    }
}

/// Two linear maps with a GELU between them: y = GELU(x·W₁ + b₁)·W₂ + b₂.
#[derive(Module, Debug)]
pub struct FeedForward<B: Backend> {
    /// The map W₁ and b₁ to the width between, `[width, feed_forward]`.
    pub up: Linear<B>,
    /// The map W₂ and b₂ back, `[feed_forward, width]`.
    pub down: Linear<B>,
}

impl<B: Backend> FeedForward<B> {
    /// Draws weights by Glorot's law, the second map's then times `scale`; biases, where there are any, are zero.
    pub(crate) fn init(
        [width, between]: [usize; 2],
        scale: f32,
        bias: bool,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let bias = bias.then_some(0.0);
        let bound = glorot([width, between]);
        Self {
            up: Linear::init([width, between], bound, bias, rng, device),
            down: Linear::init([between, width], bound * scale, bias, rng, device),
        }
    }

    /// Maps the last dimension.
    pub fn forward<const R: usize>(&self, rows: Tensor<B, R>) -> Tensor<B, R> {
        self.forward_with(rows, gelu)
    }

    /// Maps the last dimension, with something else than a GELU between the maps.
    pub(crate) fn forward_with<const R: usize>(
        &self,
        rows: Tensor<B, R>,
        between: impl FnOnce(Tensor<B, R>) -> Tensor<B, R>,
    ) -> Tensor<B, R> {
        self.down.forward(between(self.up.forward(rows)))
    }

    /// Multiply-adds for one row.
    pub(crate) fn multiply_adds(&self) -> u64 {
        self.up.multiply_adds() + self.down.multiply_adds()
    }
}

/// How many numbers a [`FeedForward`] has.
pub(crate) fn feed_forward_parameters([width, between]: [usize; 2], bias: bool) -> usize {
    linear_parameters([width, between], bias) + linear_parameters([between, width], bias)
}

/// How many numbers a [`Linear`] has.
pub(crate) fn linear_parameters([d_in, d_out]: [usize; 2], bias: bool) -> usize {
    d_in * d_out + if bias { d_out } else { 0 }
}

/// Layer normalisation (Ba, Kiros & Hinton 2016) of the last dimension: y = g ⊙ (x − mean)/√(var + ε) + b, ε = 1e-5.
#[derive(Module, Debug)]
pub struct LayerNorm<B: Backend> {
    /// The gain g, `[width]`, one at first.
    pub gain: Param<Tensor<B, 1>>,
    /// The bias b, `[width]`, zero at first.
    pub bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> LayerNorm<B> {
    /// A normalisation that changes nothing but mean and scale.
    pub(crate) fn new(width: usize, device: &B::Device) -> Self {
        Self {
            gain: filled([width], 1.0, device),
            bias: filled([width], 0.0, device),
        }
    }

    /// Normalises the last dimension.
    pub fn forward<const R: usize>(&self, rows: Tensor<B, R>) -> Tensor<B, R> {
        normalise(rows) * self.gain.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}

/// Normalisation by the root of the mean square (Zhang & Sennrich 2019) of the last dimension: y = g ⊙ x/√(mean(x²) + ε),
/// ε = 1e-5.
#[derive(Module, Debug)]
pub struct RmsNorm<B: Backend> {
    /// The gain g, `[width]`, one at first.
    pub gain: Param<Tensor<B, 1>>,
}

impl<B: Backend> RmsNorm<B> {
    /// A normalisation that changes nothing but the scale.
    pub(crate) fn new(width: usize, device: &B::Device) -> Self {
        Self {
            gain: filled([width], 1.0, device),
        }
    }

    /// Normalises the last dimension.
    pub fn forward<const R: usize>(&self, rows: Tensor<B, R>) -> Tensor<B, R> {
        by_root_mean_square(rows, 1e-5) * self.gain.val().unsqueeze()
    }
}

/// x/√(mean(x²) + ε) of the last dimension.
pub(crate) fn by_root_mean_square<B: Backend, const R: usize>(
    rows: Tensor<B, R>,
    epsilon: f64,
) -> Tensor<B, R> {
    let square = rows.clone().powi_scalar(2).mean_dim(R - 1);
    // Not divided by the root: burn's backward pass through a division takes a reciprocal, which burn-ndarray approximates.
    rows * (square + epsilon).powf_scalar(-0.5)
}

/// Hides numbers in training.
pub(crate) struct Dropout<'a> {
    /// With which probability a number is hidden.
    pub(crate) probability: f64,
    /// Where the draws come from; none where nothing is trained.
    pub(crate) rng: Option<&'a mut dyn Rng>,
}

impl Dropout<'_> {
    /// Hides some of the numbers.
    pub(crate) fn apply<B: Backend, const R: usize>(&mut self, rows: Tensor<B, R>) -> Tensor<B, R> {
        match &mut self.rng {
            Some(rng) => dropout(rows, self.probability, *rng),
            None => rows,
        }
    }
}

/// The logistic function, 1/(1 + exp(−x)).
///
/// Not burn's own, which computes in 32 bits whatever the numbers are.
pub(crate) fn sigmoid<B: Backend, const R: usize>(x: Tensor<B, R>) -> Tensor<B, R> {
    (x * 0.5).tanh() * 0.5 + 0.5
}

/// x·σ(x), also called swish.
pub(crate) fn silu<B: Backend, const R: usize>(x: Tensor<B, R>) -> Tensor<B, R> {
    x.clone() * sigmoid(x)
}

/// x·Φ(x), exact.
///
/// Not burn's own, whose gradient is that of an approximation.
pub(crate) fn gelu<B: Backend, const R: usize>(x: Tensor<B, R>) -> Tensor<B, R> {
    let below = ((x.clone() * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    x * below
}

/// Splits the last dimension into heads: the first head with the first columns, and so on.
///
/// # Shapes
///
/// - rows: `[batch, steps, heads·d_head]`
/// - output: `[batch, heads, steps, d_head]`
pub(crate) fn by_head<B: Backend>(rows: Tensor<B, 3>, heads: usize) -> Tensor<B, 4> {
    let [batch, steps, width] = rows.dims();
    rows.reshape([batch, steps, heads, width / heads])
        .swap_dims(1, 2)
}

/// Undoes [`by_head`].
pub(crate) fn side_by_side<B: Backend>(rows: Tensor<B, 4>) -> Tensor<B, 3> {
    let [batch, heads, steps, d_head] = rows.dims();
    rows.swap_dims(1, 2).reshape([batch, steps, heads * d_head])
}

/// Goes through a sequence step by step: `step` gets a step's row and the state, and returns the step's output and the next
/// state.
///
/// # Shapes
///
/// - rows: `[batch, steps, d_row]`
/// - output: `[batch, steps, d_output]`
pub(crate) fn over_time<B: Backend, S>(
    rows: Tensor<B, 3>,
    mut state: S,
    mut step: impl FnMut(Tensor<B, 2>, S) -> (Tensor<B, 2>, S),
) -> (Tensor<B, 3>, S) {
    let mut outputs = Vec::with_capacity(rows.dims()[1]);
    for row in steps(rows, 1) {
        let (output, next) = step(row, state);
        outputs.push(output);
        state = next;
    }
    (Tensor::stack(outputs, 1), state)
}

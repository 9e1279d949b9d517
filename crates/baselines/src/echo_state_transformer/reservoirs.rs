//! The working memory of an Echo State Transformer: reservoirs side by side.

use std::f64::consts::TAU;

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_topology::spectral_radius;
use ran_unit::softmax;
use rand::seq::index::sample;
use rand::{Rng, RngExt};

use crate::parts::given;

/// How many reservoirs there are, how wide, and how they are wired.
pub(super) struct Wiring {
    pub(super) width: usize,
    pub(super) units: usize,
    pub(super) neurons: usize,
    pub(super) connectivity: f64,
}

impl Wiring {
    /// How many of `count` a neuron reads.
    fn reads(&self, count: usize) -> usize {
        // A share of at most 1 gives at most the count.
        ((self.connectivity * count as f64) as usize).clamp(1, count)
    }

    /// How many numbers are trained.
    pub(super) fn parameters(&self) -> usize {
        self.units * (self.neurons * self.width + self.width + 1) + 1
    }

    /// How many numbers stay as they were drawn.
    pub(super) fn fixed(&self) -> usize {
        self.units * self.neurons * (self.width + self.neurons + 1)
    }
}

/// Reservoirs side by side, whose weights stay as they were drawn, and whose radius, leak and readout are trained.
///
/// With what each reservoir m gets, uₘ, and its state sₘ,
///
/// - λ = softmax(uₘ·lₘ / exp(τ)) over the reservoirs: the leaks, which add up to 1
/// - sₘ ← (1 − λₘ)·sₘ + λₘ·tanh(uₘ·Iₘ + ρₘ·sₘ·Wₘ + bₘ)
/// - oₘ = sₘ·Oₘ
///
/// W has a spectral radius of 1, with normal weights before it is scaled. Each neuron reads the same number of inputs, with
/// weights of 1, and of neurons; half the biases b are 1, the others 0. Of what is trained, l and ρ are uniform in 0 to 1 at
/// first, O is normal, and τ is 0.
#[derive(Module, Debug)]
pub struct Reservoirs<B: Backend> {
    /// The fixed weights I of the inputs, `[units, width, neurons]`.
    pub input: Param<Tensor<B, 3>>,
    /// The fixed recurrent weights W, `[units, neurons, neurons]`.
    pub recurrent: Param<Tensor<B, 3>>,
    /// The fixed biases b, `[units, neurons]`.
    pub bias: Param<Tensor<B, 2>>,
    /// The spectral radii ρ, `[units]`.
    pub radius: Param<Tensor<B, 1>>,
    /// The maps l to the leaks, `[units, width]`.
    pub leak: Param<Tensor<B, 2>>,
    /// The logarithm τ of the leaks' temperature, `[1]`.
    pub log_temperature: Param<Tensor<B, 1>>,
    /// The maps O to what the reservoirs say, `[units, neurons, width]`.
    pub output: Param<Tensor<B, 3>>,
    /// How many inputs, and how many neurons, a neuron reads.
    reads: [usize; 2],
}

impl<B: Backend> Reservoirs<B> {
    /// Draws the weights, reservoir by reservoir.
    pub(super) fn init(wiring: &Wiring, rng: &mut impl Rng, device: &B::Device) -> Self {
        let &Wiring {
            width,
            units,
            neurons,
            ..
        } = wiring;
        let reads = [wiring.reads(width), wiring.reads(neurons)];
        let mut input = Vec::with_capacity(units * width * neurons);
        let mut recurrent = Vec::with_capacity(units * neurons * neurons);
        for _ in 0..units {
            let weights = normals(neurons * neurons, rng);
            let mut weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
            keep(&mut weights, neurons, reads[1], rng);
            let entries = weights.iter().enumerate();
            let entries = entries.map(|(at, &weight)| ([at / neurons, at % neurons], weight));
            // Without a radius there is nothing to scale: all weights of a neuron alone may be as good as zero.
            let found = spectral_radius(neurons, entries).filter(|found| *found > 0.0);
            let scale = found.map_or(1.0, f64::recip);
            recurrent.extend(weights.into_iter().map(|weight| (weight * scale) as f32));

            let mut ones = vec![1.0; width * neurons];
            keep(&mut ones, neurons, reads[0], rng);
            input.extend(ones.into_iter().map(|weight| weight as f32));
        }
        let mut between = |count| (0..count).map(|_| rng.random::<f32>()).collect::<Vec<_>>();
        let bias = between(units * neurons).into_iter();
        let bias = bias.map(|drawn| if drawn < 0.5 { 1.0 } else { 0.0 });
        let (leak, radius) = (between(units * width), between(units));
        Self {
            input: fixed(input, [units, width, neurons], device),
            recurrent: fixed(recurrent, [units, neurons, neurons], device),
            bias: fixed(bias.collect(), [units, neurons], device),
            radius: given(radius, [units], device),
            leak: given(leak, [units, width], device),
            log_temperature: given(vec![0.0], [1], device),
            output: given(
                normals(units * neurons * width, rng),
                [units, neurons, width],
                device,
            ),
            reads,
        }
    }

    /// The reservoirs, ready for a loop over time.
    pub(super) fn ready(&self) -> Ready<B> {
        Ready {
            // No gradient flows to what is fixed, whatever a trainer does to all parameters.
            input: self.input.val().detach(),
            recurrent: self.recurrent.val().detach(),
            bias: self.bias.val().detach().unsqueeze_dim(1),
            radius: self.radius.val().reshape([-1, 1, 1]),
            leak: self.leak.val().unsqueeze_dim(1),
            coldness: (-self.log_temperature.val()).exp().unsqueeze(),
            output: self.output.val(),
        }
    }

    pub(super) fn multiply_adds(&self) -> u64 {
        let [units, neurons, width] = self.output.dims();
        let [inputs, own] = self.reads;
        // Feed, echo, leaky sum and readout of each neuron; the scores of the leaks.
        (units * (neurons * (inputs + own + 1 + width) + width)) as u64
    }
}

/// Reservoirs in a loop over time.
///
/// Each operation on parameters alone begins a graph of burn's automatic differentiation, and to join two graphs can cost the
/// time of the larger one. So there are none within the loop.
pub(super) struct Ready<B: Backend> {
    input: Tensor<B, 3>,
    recurrent: Tensor<B, 3>,
    bias: Tensor<B, 3>,
    radius: Tensor<B, 3>,
    leak: Tensor<B, 3>,
    coldness: Tensor<B, 2>,
    output: Tensor<B, 3>,
}

impl<B: Backend> Ready<B> {
    /// What the reservoirs have to say.
    ///
    /// # Shapes
    ///
    /// - state: `[units, batch, neurons]`
    /// - output: `[units, batch, width]`
    pub(super) fn say(&self, state: Tensor<B, 3>) -> Tensor<B, 3> {
        state.matmul(self.output.clone())
    }

    /// The states after a step.
    ///
    /// # Shapes
    ///
    /// - update: `[units, batch, width]`
    /// - state: `[units, batch, neurons]`
    /// - output: `[units, batch, neurons]`
    pub(super) fn next(&self, update: Tensor<B, 3>, state: Tensor<B, 3>) -> Tensor<B, 3> {
        let leak = self.leaks(update.clone());
        let fed = update.matmul(self.input.clone());
        let echo = state.clone().matmul(self.recurrent.clone()) * self.radius.clone();
        let new = (fed + echo + self.bias.clone()).tanh();
        state.clone() + leak * (new - state)
    }

    /// The leaks.
    ///
    /// # Shapes
    ///
    /// - update: `[units, batch, width]`
    /// - output: `[units, batch, 1]`
    fn leaks(&self, update: Tensor<B, 3>) -> Tensor<B, 3> {
        let [units, batch, _] = update.dims();
        let scores = (update * self.leak.clone()).sum_dim(2);
        let scores = scores.reshape([units, batch]).transpose(); // [batch, units]
        let leaks = softmax(scores * self.coldness.clone());
        leaks.transpose().reshape([units, batch, 1])
    }
}

/// The names that a parameter ends in through which no gradient flows.
const FIXED: [[&str; 2]; 3] = [
    ["reservoirs", "input"],
    ["reservoirs", "recurrent"],
    ["reservoirs", "bias"],
];

/// Whether a network's parameter stays as it was drawn, however the network is trained; `path` are the names that lead to it.
pub fn is_fixed(path: &[impl AsRef<str>]) -> bool {
    let end = path.len().saturating_sub(2);
    FIXED
        .iter()
        .any(|fixed| path[end..].iter().map(AsRef::as_ref).eq(*fixed))
}

/// A parameter through which no gradient flows.
fn fixed<B: Backend, const R: usize>(
    numbers: Vec<f32>,
    shape: [usize; R],
    device: &B::Device,
) -> Param<Tensor<B, R>> {
    let param: Param<Tensor<B, R>> = Param::from_data(TensorData::new(numbers, shape), device);
    param.set_require_grad(false)
}

/// Keeps `count` numbers of each column, drawn at random, and sets the others to zero.
fn keep(matrix: &mut [f64], columns: usize, count: usize, rng: &mut impl Rng) {
    let rows = matrix.len() / columns;
    for column in 0..columns {
        let mut kept = vec![false; rows];
        for row in sample(rng, rows, count) {
            kept[row] = true;
        }
        for row in (0..rows).filter(|&row| !kept[row]) {
            matrix[row * columns + column] = 0.0;
        }
    }
}

/// Numbers of the normal law with mean 0 and deviation 1 (Box & Muller 1958).
pub(super) fn normals(count: usize, rng: &mut impl Rng) -> Vec<f32> {
    let normal = |_| {
        // Of 0 there is no logarithm; 1 less a number below 1 is above 0.
        let (radius, turn): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        ((-2.0 * radius.ln()).sqrt() * (TAU * turn).cos()) as f32
    };
    (0..count).map(normal).collect()
}

#[cfg(test)]
mod tests {
    use ran_unit::RngStream;

    use super::*;

    #[test]
    fn each_neuron_reads_as_many() {
        let mut matrix = vec![1.0; 12 * 7];
        keep(&mut matrix, 7, 5, &mut RngStream::Weights(0).rng(1));
        for column in 0..7 {
            let kept: f64 = (0..12).map(|row| matrix[row * 7 + column]).sum();
            assert_eq!(kept, 5.0);
        }
    }
}

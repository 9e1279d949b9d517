//! A bias of attention by lag, in burn operations: equation 10 of docs/model.md#roles.

use std::f64::consts::{PI, SQRT_2};

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData, backend::Backend};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// The law that the biases of lags are drawn from, for each unit and head apart; l is the lag and s the scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LagLaw {
    /// There are no biases: they are zero.
    #[default]
    None,
    /// Independent for each lag: normal with deviation s.
    Normal,
    /// s·√2·cos(ω·l + φ) with ω uniform in 0 to π and φ uniform in 0 to 2π.
    Cosine,
    /// A straight line, −a·l with a normal with deviation s.
    Slope,
}

/// Which biases of lags a population has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LagBiasConfig {
    /// The law.
    pub law: LagLaw,
    /// The scale s.
    pub scale: f64,
    /// Lags from 0 on that have a bias: the rows of context, C.
    pub lags: usize,
}

impl LagBiasConfig {
    /// The biases of one head.
    fn draw(&self, rng: &mut impl Rng) -> Vec<f32> {
        let &Self { law, scale, lags } = self;
        let places = 0..lags;
        let biases: Vec<f64> = match law {
            LagLaw::None => vec![0.0; lags],
            LagLaw::Normal => places.map(|_| scale * normal(rng)).collect(),
            LagLaw::Cosine => {
                let turns: [f64; 2] = [rng.random(), rng.random()];
                let [speed, phase] = [turns[0] * PI, turns[1] * 2.0 * PI];
                let wave = |lag: usize| (speed * lag as f64 + phase).cos();
                places.map(|lag| scale * SQRT_2 * wave(lag)).collect()
            }
            LagLaw::Slope => {
                let slope = scale * normal(rng);
                places.map(|lag| -slope * lag as f64).collect()
            }
        };
        biases.into_iter().map(|bias| bias as f32).collect()
    }
}

/// A number of the normal law with mean 0 and deviation 1 (Box & Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    // Of 0 there is no logarithm; 1 less a number below 1 is above 0.
    let (radius, turn): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * radius.ln()).sqrt() * (2.0 * PI * turn).cos()
}

/// What is added to the score of a row that is l steps older than the row that asks, for each unit and head.
///
/// A row that is newer, which `rewritten` memory alone has, gets nothing.
#[derive(Module, Debug)]
pub struct LagBias<B: Backend> {
    /// The biases, `[units, heads, lags]`.
    pub bias: Param<Tensor<B, 3>>,
}

impl<B: Backend> LagBias<B> {
    /// Draws the biases, unit by unit and head by head.
    pub fn init(
        config: &LagBiasConfig,
        [units, heads]: [usize; 2],
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self {
        let drawn = (0..units * heads).flat_map(|_| config.draw(rng));
        let data = TensorData::new(drawn.collect::<Vec<_>>(), [units, heads, config.lags]);
        Self {
            bias: Param::from_data(data, device),
        }
    }

    /// Lags that have a bias.
    pub fn lags(&self) -> usize {
        self.bias.shape()[2]
    }

    /// The biases, flat.
    pub fn tensor(&self) -> Tensor<B, 1> {
        self.bias.val().flatten(0, 2)
    }

    /// Adds the biases to the scores of the newest rows with all rows.
    ///
    /// # Shapes
    ///
    /// - scores: `[units·batch, heads, queries, context]`, oldest row first
    /// - output: the same
    ///
    /// # Panics
    ///
    /// If there are not as many biases as rows of context.
    pub fn add(&self, scores: Tensor<B, 4>) -> Tensor<B, 4> {
        let [both, heads, queries, context] = scores.dims();
        let bias = self.bias.val();
        let [units, _, lags] = bias.dims();
        assert_eq!(
            lags, context,
            "a unit must have as many biases of lags as rows of context (left: got, right: expected)"
        );
        // The place behind the last lag is that of newer rows.
        let asking = context - queries..context;
        let lag = |query: usize, key: usize| query.checked_sub(key).unwrap_or(context) as i32;
        let places = asking.flat_map(|query| (0..context).map(move |key| lag(query, key)));
        let places = TensorData::new(places.collect::<Vec<_>>(), [queries * context]);
        let places = Tensor::<B, 1, Int>::from_data(places, &scores.device());
        let newer = bias.clone().narrow(2, 0, 1).zeros_like();
        let bias = Tensor::cat(vec![bias, newer], 2).select(2, places);
        let bias = bias.reshape([units, 1, heads, queries, context]);
        let scores = scores.reshape([units, both / units, heads, queries, context]);
        (scores + bias).reshape([both, heads, queries, context])
    }
}

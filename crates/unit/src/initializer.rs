//! How the weights of a unit are drawn.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// The law that first weights are drawn from. Drawn on the host, so that a seed gives the same weights on every
/// backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initializer {
    /// For units that stay random: weights uniform with variance 1/fan-in, so that a row keeps its scale through
    /// the unit; the bias before an activation uniform in ±0.5, other biases zero.
    #[default]
    Reservoir,
    /// For units that are trained: weights uniform in ±√(6/(fan-in + fan-out)) (Glorot & Bengio 2010), biases zero.
    Trained,
}

impl Initializer {
    /// Half the width of the uniform law that weights of a layer are drawn from.
    pub fn weight_bound(self, fan_in: usize, fan_out: usize) -> f32 {
        match self {
            Self::Reservoir => (3.0 / fan_in as f32).sqrt(),
            Self::Trained => (6.0 / (fan_in + fan_out) as f32).sqrt(),
        }
    }

    /// Half the width of the uniform law for the bias in front of an activation; zero for none.
    pub fn activation_bias_bound(self) -> f32 {
        match self {
            Self::Reservoir => 0.5,
            Self::Trained => 0.0,
        }
    }
}

/// `count` numbers uniform in ±`bound`, drawn one after another.
pub fn uniform(count: usize, bound: f32, rng: &mut impl Rng) -> Vec<f32> {
    (0..count)
        .map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RngStream;

    #[test]
    fn reservoir_weights_have_variance_one_over_fan_in() {
        let fan_in = 16;
        let bound = Initializer::Reservoir.weight_bound(fan_in, 64);
        let drawn = uniform(100_000, bound, &mut RngStream::Weights(0).rng(1));
        let variance = drawn.iter().map(|w| w * w).sum::<f32>() / drawn.len() as f32;
        approx::assert_relative_eq!(variance, 1.0 / 16.0, max_relative = 0.02);
        assert!(drawn.iter().all(|w| w.abs() <= bound));
    }
}

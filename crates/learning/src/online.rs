//! Learning a readout step by step, as it stands in a configuration.

use ran_readout::{LmsConfig, OnlineReadout, ReadoutError, RlsConfig, Samples};
use serde::{Deserialize, Serialize};

/// A rule that updates a readout with each row of features, told apart by its key `rule`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum OnlineConfig {
    /// Recursive least squares, with forgetting.
    Rls(RlsConfig),
    /// Least mean squares.
    Lms(LmsConfig),
    /// Recursive least squares in closed loop.
    Force(ForceConfig),
}

/// FORCE learning (Sussillo & Abbott 2009, "Generating coherent patterns of activity from chaotic neural networks"): from
/// the first scored step on, the reservoir sees, instead of the series, what the readout predicts from the step before, after its
/// correction there, and recursive least squares keeps the error small throughout.
///
/// A readout that was taught so has met its own errors, and is for going on by itself (`evaluation.free_run`). For forecasts of
/// all inputs a step ahead, with the features `last`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForceConfig {
    /// λ of recursive least squares, in (0, 1]: a step that is k updates old counts λᵏ. 1 forgets nothing.
    pub forgetting: f64,
    /// δ > 0 of recursive least squares: the penalty that the first P = I/δ stands for.
    pub delta: f64,
    /// Steps from one update of the readout to the next, at least 1.
    pub every: usize,
}

impl Default for ForceConfig {
    fn default() -> Self {
        let RlsConfig { forgetting, delta } = RlsConfig::default();
        Self {
            forgetting,
            delta,
            every: 1,
        }
    }
}

impl ForceConfig {
    /// A key whose value is wrong, and what it must be.
    pub(crate) fn problem(&self) -> Option<(&'static str, &'static str)> {
        (self.every == 0).then_some(("every", "must be at least 1, got 0"))
    }

    /// The recursive least squares in it.
    pub(crate) fn rls(&self) -> RlsConfig {
        RlsConfig {
            forgetting: self.forgetting,
            delta: self.delta,
        }
    }
}

impl OnlineConfig {
    /// Makes a readout with zero weights.
    ///
    /// # Errors
    ///
    /// If a parameter lies outside its range.
    pub fn init(&self, d_features: usize, d_output: usize) -> Result<OnlineReadout, ReadoutError> {
        match self {
            Self::Rls(config) => config.init(d_features, d_output),
            Self::Lms(config) => config.init(d_features, d_output),
            Self::Force(config) => config.rls().init(d_features, d_output),
        }
    }
}

/// Learns from all rows, one after another, in `passes` passes.
pub(crate) fn fit_online(
    samples: &dyn Samples,
    config: &OnlineConfig,
    passes: usize,
) -> Result<OnlineReadout, ReadoutError> {
    let mut readout = config.init(samples.d_features(), samples.d_output())?;
    let mut outcome = Ok(());
    for _ in 0..passes {
        samples.pass(&mut |features, targets| {
            for (features, target) in features.rows().into_iter().zip(targets.rows()) {
                if outcome.is_ok() {
                    outcome = readout.update(features, target).map(drop);
                }
            }
        });
    }
    outcome.map(|()| readout)
}

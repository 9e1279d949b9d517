//! Learning a readout step by step, as it stands in a configuration.

use ndarray::{Array1, Array2, ArrayView1};
use ran_readout::{Lms, LmsConfig, Online, ReadoutError, Rls, RlsConfig, Samples};
use serde::{Deserialize, Serialize};

use crate::ForceConfig;

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

/// An online readout by any of the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum OnlineReadout {
    /// Recursive least squares.
    Rls(Rls),
    /// Least mean squares.
    Lms(Lms),
}

impl OnlineConfig {
    /// Makes a readout with zero weights.
    ///
    /// # Errors
    ///
    /// If a parameter lies outside its range.
    pub fn init(&self, d_features: usize, d_output: usize) -> Result<OnlineReadout, ReadoutError> {
        Ok(match self {
            Self::Rls(config) => OnlineReadout::Rls(config.init(d_features, d_output)?),
            Self::Lms(config) => OnlineReadout::Lms(config.init(d_features, d_output)?),
            Self::Force(config) => OnlineReadout::Rls(config.rls().init(d_features, d_output)?),
        })
    }
}

macro_rules! delegate {
    ($readout:expr, $inner:ident => $call:expr) => {
        match $readout {
            OnlineReadout::Rls($inner) => $call,
            OnlineReadout::Lms($inner) => $call,
        }
    };
}

impl Online for OnlineReadout {
    fn predict(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        delegate!(self, readout => readout.predict(features))
    }

    fn update(
        &mut self,
        features: ArrayView1<'_, f32>,
        target: ArrayView1<'_, f32>,
    ) -> Result<Array1<f64>, ReadoutError> {
        delegate!(self, readout => readout.update(features, target))
    }

    fn weights(&self) -> Array2<f64> {
        delegate!(self, readout => readout.weights())
    }

    fn bias(&self) -> Array1<f64> {
        delegate!(self, readout => readout.bias())
    }
}

/// Learns from all rows, one after another, so many times.
pub(crate) fn fit_online(
    samples: &dyn Samples,
    config: &OnlineConfig,
    passes: usize,
) -> Result<OnlineReadout, ReadoutError> {
    let mut readout = config.init(samples.d_features(), samples.d_output())?;
    let mut outcome = Ok(());
    for _ in 0..passes {
        samples.walk(&mut |features, targets| {
            for (features, target) in features.rows().into_iter().zip(targets.rows()) {
                if outcome.is_ok() {
                    outcome = readout.update(features, target).map(drop);
                }
            }
        });
    }
    outcome.map(|()| readout)
}

//! Online readouts: linear models that learn step by step while a sequence streams in.

mod lms;
mod rls;

pub use lms::LmsConfig;
pub use rls::RlsConfig;

use crate::ReadoutError;
use ndarray::{Array1, Array2, ArrayView1, s};
use rls::Rls;

/// A linear readout that predicts and then learns, one row at a time: output = features·W + b.
///
/// Weights start at zero and are kept in f64. [`RlsConfig::init`] and [`LmsConfig::init`] make one.
#[derive(Clone, Debug, PartialEq)]
pub struct OnlineReadout {
    /// W with b as its last row, read by a feature that is always 1: `[d_features + 1, d_output]`.
    rows: Array2<f64>,
    updates: usize,
    rule: Rule,
}

/// What tells one online readout from another: its gain, by which an error changes the weights.
#[derive(Clone, Debug, PartialEq)]
enum Rule {
    Rls(Rls),
    Lms(LmsConfig),
}

impl OnlineReadout {
    fn new(rule: Rule, d_features: usize, d_output: usize) -> Self {
        Self {
            rows: Array2::zeros((d_features + 1, d_output)),
            updates: 0,
            rule,
        }
    }

    /// The output for one row of features.
    ///
    /// # Shapes
    ///
    /// - features: `[d_features]`
    /// - output: `[d_output]`
    ///
    /// # Panics
    ///
    /// If the features are not `d_features` wide.
    pub fn predict(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        self.extend(features).dot(&self.rows).mapv(|o| o as f32)
    }

    /// Learns from one row, and returns target − output as it was before.
    ///
    /// # Shapes
    ///
    /// - features: `[d_features]`
    /// - target: `[d_output]`
    /// - output: `[d_output]`
    ///
    /// # Errors
    ///
    /// If a value is not finite, or if the update leaves the range of f64. The first leaves the readout as it was;
    /// after the second it must not be used any more.
    ///
    /// # Panics
    ///
    /// If a width is not what the readout was made for.
    pub fn update(
        &mut self,
        features: ArrayView1<'_, f32>,
        target: ArrayView1<'_, f32>,
    ) -> Result<Array1<f64>, ReadoutError> {
        let (features, error) = self.compare(features, target)?;
        let (gain, mut finite) = match &mut self.rule {
            Rule::Rls(rls) => rls.gain(&features),
            Rule::Lms(lms) => (lms.gain(features), true),
        };
        self.updates += 1;
        for (mut row, &gain) in self.rows.rows_mut().into_iter().zip(&gain) {
            for (weight, &error) in row.iter_mut().zip(&error) {
                *weight += gain * error;
                finite &= weight.is_finite();
            }
        }
        match finite {
            true => Ok(error),
            false => Err(ReadoutError::Diverged {
                update: self.updates,
            }),
        }
    }

    /// W, `[d_features, d_output]`.
    pub fn weights(&self) -> Array2<f64> {
        self.rows.slice(s![..self.d_features(), ..]).to_owned()
    }

    /// b, `[d_output]`.
    pub fn bias(&self) -> Array1<f64> {
        self.rows.row(self.d_features()).to_owned()
    }

    fn d_features(&self) -> usize {
        self.rows.nrows() - 1
    }

    /// The features in f64, then 1.
    fn extend(&self, features: ArrayView1<'_, f32>) -> Array1<f64> {
        let d_features = self.d_features();
        assert_eq!(
            features.len(),
            d_features,
            "expected features of width {d_features}, got {}",
            features.len()
        );
        features
            .iter()
            .map(|&x| f64::from(x))
            .chain([1.0])
            .collect()
    }

    /// Checks a row and returns its extended features and its error.
    fn compare(
        &self,
        features: ArrayView1<'_, f32>,
        target: ArrayView1<'_, f32>,
    ) -> Result<(Array1<f64>, Array1<f64>), ReadoutError> {
        let d_output = self.rows.ncols();
        assert_eq!(
            target.len(),
            d_output,
            "expected a target of width {d_output}, got {}",
            target.len()
        );
        let extended = self.extend(features);
        for (what, values) in [("features", features), ("targets", target)] {
            if let Some((column, &value)) = values.indexed_iter().find(|(_, v)| !v.is_finite()) {
                return Err(ReadoutError::NotFinite {
                    what,
                    row: self.updates,
                    column,
                    value,
                });
            }
        }
        let error = target.mapv(f64::from) - extended.dot(&self.rows);
        Ok((extended, error))
    }
}

/// Checks that a parameter lies in a range.
fn check(
    name: &'static str,
    value: f64,
    allowed: &'static str,
    inside: bool,
) -> Result<(), ReadoutError> {
    if inside && value.is_finite() {
        Ok(())
    } else {
        Err(ReadoutError::Parameter {
            name,
            value,
            allowed,
        })
    }
}

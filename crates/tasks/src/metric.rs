//! Metrics: the scores by name, which of them apply to a category of targets, and which way is up.

use crate::scores;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the targets are, and so how predictions are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Real-valued targets.
    Regression,
    /// One-hot targets; the prediction is the argmax.
    Classification,
    /// Targets of independent 0/1 labels.
    MultiLabel,
}

/// A score by its name, as it stands in records; [`scores`] has the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// The share of steps whose class is right.
    Accuracy,
    /// The share of labels that are right.
    BitAccuracy,
    /// The cross-entropy in bits per row.
    BitsPerSymbol,
    /// The cross-entropy in nats per row.
    CrossEntropy,
    /// The share of steps that are right in every label.
    ExactMatch,
    /// The sum over outputs of the squared correlation.
    MemoryCapacity,
    /// The mean squared error.
    Mse,
    /// e to the power of the cross-entropy.
    Perplexity,
    /// The root of the mean squared error.
    Rmse,
    /// The root mean squared error over the targets' standard deviation.
    Nrmse,
    /// The share of the targets' variance that is explained.
    R2,
}

/// Scores by name.
pub type ScoreTable = BTreeMap<Metric, f64>;

impl Metric {
    /// Its name in records and on the screen, as `bit-accuracy`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BitAccuracy => "bit-accuracy",
            Self::BitsPerSymbol => "bits-per-symbol",
            Self::CrossEntropy => "cross-entropy",
            Self::ExactMatch => "exact-match",
            Self::MemoryCapacity => "memory-capacity",
            Self::Mse => "mse",
            Self::Perplexity => "perplexity",
            Self::Rmse => "rmse",
            Self::Nrmse => "nrmse",
            Self::R2 => "r2",
        }
    }

    /// Whether a larger score is a better one.
    #[must_use]
    pub fn higher_is_better(self) -> bool {
        !matches!(
            self,
            Self::BitsPerSymbol
                | Self::CrossEntropy
                | Self::Perplexity
                | Self::Mse
                | Self::Rmse
                | Self::Nrmse
        )
    }

    /// The score of predictions.
    ///
    /// # Shapes
    ///
    /// - predictions, targets: `[rows, d_output]`
    ///
    /// # Panics
    ///
    /// When the shapes differ.
    #[must_use]
    pub fn score(self, predictions: ArrayView2<'_, f32>, targets: ArrayView2<'_, f32>) -> f64 {
        let score = match self {
            Self::Accuracy => scores::accuracy,
            Self::BitAccuracy => scores::bit_accuracy,
            Self::BitsPerSymbol => scores::bits_per_symbol,
            Self::CrossEntropy => scores::cross_entropy,
            Self::ExactMatch => scores::exact_match,
            Self::MemoryCapacity => scores::memory_capacity,
            Self::Mse => scores::mse,
            Self::Perplexity => scores::perplexity,
            Self::Rmse => scores::rmse,
            Self::Nrmse => scores::nrmse,
            Self::R2 => scores::r_squared,
        };
        score(predictions, targets)
    }

    /// Other scales of the same score, which stand beside it.
    fn relatives(self) -> &'static [Self] {
        match self {
            Self::CrossEntropy => &[Self::BitsPerSymbol, Self::Perplexity],
            _ => &[],
        }
    }

    /// The score of predictions by this metric and by all others that apply. One that is no number, as the NRMSE of
    /// constant targets, is left out.
    ///
    /// # Panics
    ///
    /// When the shapes differ.
    #[must_use]
    pub fn table(
        self,
        category: Category,
        predictions: ArrayView2<'_, f32>,
        targets: ArrayView2<'_, f32>,
    ) -> ScoreTable {
        let others = category.metrics().iter().chain(self.relatives()).copied();
        let scores = others
            .chain([self])
            .map(|metric| (metric, metric.score(predictions, targets)));
        scores.filter(|(_, score)| score.is_finite()).collect()
    }
}

impl Category {
    /// The score that tasks of the category are judged by unless they say otherwise.
    #[must_use]
    pub fn metric(self) -> Metric {
        match self {
            Self::Regression => Metric::Mse,
            Self::Classification => Metric::Accuracy,
            Self::MultiLabel => Metric::BitAccuracy,
        }
    }

    /// All scores that apply to every task of the category.
    #[must_use]
    pub fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Regression => &[Metric::Mse, Metric::Rmse, Metric::Nrmse, Metric::R2],
            Self::Classification => &[Metric::Accuracy],
            Self::MultiLabel => &[Metric::BitAccuracy, Metric::ExactMatch],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::array;

    #[test]
    fn each_category_has_the_scores_that_apply_to_it() {
        // Errors 1, 0, 1, 0 and targets of variance 5/4; the correlation is 3/√(4 · 5).
        let (predictions, targets) = (
            array![[1.0], [1.0], [3.0], [3.0]],
            array![[0.0], [1.0], [2.0], [3.0]],
        );
        let table = |metric: Metric, category| {
            let table = metric.table(category, predictions.view(), targets.view());
            let named = table
                .iter()
                .map(|(metric, score)| (metric.name(), *score))
                .collect::<Vec<_>>();
            (table, named)
        };
        let (_, regression) = table(Metric::MemoryCapacity, Category::Regression);
        let expected = [
            ("memory-capacity", 0.8),
            ("mse", 0.5),
            ("rmse", 0.5_f64.sqrt()),
            ("nrmse", 0.4_f64.sqrt()),
            ("r2", 0.6),
        ];
        assert_eq!(regression.len(), expected.len());
        for ((name, score), (expected_name, expected)) in regression.into_iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert_relative_eq!(score, expected);
        }
        let (labels, _) = table(Metric::BitAccuracy, Category::MultiLabel);
        assert_eq!(
            labels.keys().copied().collect::<Vec<_>>(),
            [Metric::BitAccuracy, Metric::ExactMatch]
        );
        let (classes, _) = table(Metric::Accuracy, Category::Classification);
        assert_eq!(classes.len(), 1);
    }

    #[test]
    fn a_score_that_is_no_number_is_left_out() {
        let constant = array![[1.0], [1.0]];
        let table = Metric::Mse.table(Category::Regression, constant.view(), constant.view());
        assert_eq!(
            table.keys().copied().collect::<Vec<_>>(),
            [Metric::Mse, Metric::Rmse]
        );
    }

    #[test]
    fn names_are_those_of_records() {
        for category in [
            Category::Regression,
            Category::Classification,
            Category::MultiLabel,
        ] {
            assert!(category.metrics().contains(&category.metric()));
            for metric in category.metrics() {
                let written = toml::Value::try_from(metric).unwrap();
                assert_eq!(written.as_str(), Some(metric.name()));
            }
        }
    }
}

//! How much each key matters for the score: functional analysis of variance (fANOVA; Hutter, Hoos & Leyton-Brown 2014).

use std::collections::HashMap;

use optimizer::param::ParamValue;
use optimizer::parameter::ParamId;
use optimizer::sampler::CompletedTrial;
use optimizer::storage::MemoryStorage;
use optimizer::{FanovaConfig, Study};
use serde::Serialize;

use super::axis::Axis;
use super::colours::scored;
use crate::Results;

/// The shares of the score's variance that keys explain, largest first; together at most 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Importance {
    /// How many trials it was computed from.
    pub(super) trials: usize,
    /// Each key that varies, by its name, alone.
    pub(super) keys: Vec<(String, f64)>,
    /// Two keys together, beyond what they explain alone.
    pub(super) pairs: Vec<(String, String, f64)>,
    /// Why there are no shares, in a sentence.
    pub(super) problem: Option<String>,
}

/// From fewer trials shares would be chance.
const FEWEST: usize = 20;
/// The time grows with the square of the number of trials and with that of keys: of more trials, as many are taken, evenly
/// spread, and fewer where there are more than [`MANY`] keys.
const MOST: usize = 600;
const MANY: usize = 8;

impl Importance {
    /// Fits a random forest to the scored trials and takes its variance apart.
    ///
    /// The forest's trees compare only which of two values is larger. Each key thus goes in as the rank of its value among
    /// those that occur: a logarithmic scale makes no difference, categories are ranked in the order of their axis, and a
    /// trial that lacks a conditional key has the rank below all others, so that one split of a tree tells it from the rest.
    pub(super) fn of(results: &Results, axes: &[Axis]) -> Self {
        let scored: Vec<_> = scored(results).collect();
        let none = |problem: String| Self {
            problem: Some(problem),
            ..Self::default()
        };
        if scored.len() < FEWEST {
            return none(format!(
                "{} scored trials are too few to tell which keys matter; {FEWEST} are needed",
                scored.len()
            ));
        }
        let keys = axes.iter().filter(|axis| axis.key).count();
        let every = scored
            .len()
            .div_ceil((MOST * MANY / keys.max(MANY)).max(FEWEST));
        let used: Vec<_> = scored.into_iter().step_by(every).collect();
        let mean = used.iter().map(|(_, score)| score).sum::<f64>() / used.len() as f64;
        let squares = used.iter().map(|(_, score)| (score - mean).powi(2));
        let deviation = (squares.sum::<f64>() / used.len() as f64).sqrt();
        if deviation == 0.0 {
            return none("all scores are equal: no key matters".into());
        }
        let keys = axes.iter().filter(|axis| axis.key).filter_map(|axis| {
            let places: Vec<Option<f64>> = used.iter().map(|(trial, _)| axis.at(trial)).collect();
            let ranks = ranks(&places);
            let varies = ranks.iter().any(|&rank| rank != ranks[0]);
            varies.then(|| (ParamId::new(), axis.name.clone(), ranks))
        });
        let keys: Vec<(ParamId, String, Vec<i64>)> = keys.collect();
        if keys.is_empty() {
            return none("no key varies".into());
        }
        let trials = used.iter().enumerate().map(|(index, (_, score))| {
            let ranks = keys
                .iter()
                .map(|(id, _, ranks)| (*id, ParamValue::Int(ranks[index])));
            let names = keys.iter().map(|(id, name, _)| (*id, name.clone()));
            // Shares are the same in any unit of the score; small ones must not fall below the crate's limit.
            let value = (score - mean) / deviation;
            let (ranks, names) = (ranks.collect(), names.collect());
            CompletedTrial::new(index as u64, ranks, HashMap::new(), names, value)
        });
        let storage = MemoryStorage::with_trials(trials.collect());
        let study: Study<f64> = Study::builder().storage(storage).build();
        // Single trials in a leaf would be the noise of one seed.
        let forest = FanovaConfig {
            min_samples_leaf: 3,
            ..FanovaConfig::default()
        };
        match study.fanova_with_config(&forest) {
            Ok(found) => Self {
                trials: used.len(),
                keys: found.main_effects,
                pairs: found
                    .interactions
                    .into_iter()
                    .map(|((one, other), share)| (one, other, share))
                    .collect(),
                problem: None,
            },
            Err(error) => none(format!(
                "the importance of keys cannot be computed: {error}"
            )),
        }
    }
}

/// The rank of each place among those that occur; 0 for none.
fn ranks(places: &[Option<f64>]) -> Vec<i64> {
    let mut known: Vec<f64> = places.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    known.dedup();
    let rank = |place: f64| known.partition_point(|&other| other < place) as i64 + 1;
    places.iter().map(|place| place.map_or(0, rank)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::axis::axes;
    use crate::report::page::tests::{results, trial};
    use serde_json::json;

    /// Scores that the key `much` decides, `kind` a little and `none` not at all.
    fn sweep(count: u64) -> Results {
        let trials = (0..count).map(|index| {
            let (much, none) = ((index * 37) % 41, (index * 29) % 31);
            let steep = index % 3 == 0;
            let score = (much as f64 / 10.0) + if steep { 1.0 } else { 0.0 };
            let mut trial = trial(index, score);
            trial.point = [
                ("much".into(), json!(much)),
                ("none".into(), json!(none)),
                ("same".into(), json!(1)),
            ]
            .into();
            if steep {
                trial.point.insert("kind".into(), json!("steep"));
            }
            trial
        });
        let keys = ["none", "kind", "much", "same"].map(String::from).to_vec();
        Results {
            keys,
            logarithmic: Vec::new(),
            trials: trials.collect(),
            ..results(0)
        }
    }

    #[test]
    fn the_key_that_decides_comes_first_and_a_missing_key_counts() {
        let results = sweep(200);
        let found = Importance::of(&results, &axes(&results));
        let names: Vec<&str> = found.keys.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["much", "kind", "none"]);
        assert!(
            found.keys[0].1 > 0.6 && found.keys[1].1 > 0.05 && found.keys[2].1 < 0.05,
            "{found:?}"
        );
        let all = found.keys.iter().map(|(_, share)| share).sum::<f64>()
            + found.pairs.iter().map(|(_, _, share)| share).sum::<f64>();
        assert!((all - 1.0).abs() < 1e-9);
        assert_eq!(found.trials, 200);
    }

    #[test]
    fn too_few_trials_are_said_to_be_too_few() {
        let mut results = sweep(19);
        let problem = Importance::of(&results, &axes(&results)).problem.unwrap();
        assert!(
            problem.starts_with("19 scored trials are too few"),
            "{problem}"
        );
        results = sweep(30);
        results
            .trials
            .iter_mut()
            .for_each(|trial| trial.score = Some(1.0));
        assert!(
            Importance::of(&results, &axes(&results))
                .problem
                .unwrap()
                .contains("equal")
        );
    }

    #[test]
    fn ranks_keep_the_order_and_put_absence_first() {
        assert_eq!(
            ranks(&[Some(10.0), None, Some(-1.0), Some(10.0)]),
            [2, 0, 1, 2]
        );
    }
}

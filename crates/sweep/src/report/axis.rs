//! What can stand on an axis: each key of the space, the score, the parameters and the time.

use std::cmp::Ordering;

use serde::Serialize;
use serde_json::Value;

use crate::table::text;
use crate::{Results, Trial};

/// An axis and how it is divided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Axis {
    /// The key, or `score`, `parameters` or `seconds`.
    pub(super) name: String,
    /// The shortest end of the key that no other key has: `units` for `reservoir.population.0.units`.
    pub(super) label: String,
    /// Whether it is a key of the space.
    pub(super) key: bool,
    /// Whether equal distances are equal ratios.
    pub(super) logarithmic: bool,
    /// What the places 0, 1, 2 … stand for; empty for an axis of numbers.
    pub(super) categories: Vec<String>,
    /// Where the cells of a heat map begin and end.
    pub(super) edges: Vec<f64>,
}

/// More different numbers than this share cells.
const MOST_CELLS: usize = 24;
/// The number of cells that they share.
const CELLS: usize = 20;

/// All axes: the keys in the order of the space, then the score, the parameters and the time.
pub(super) fn axes(results: &Results) -> Vec<Axis> {
    let trials = &results.trials;
    let keys = results.keys.iter().map(|key| {
        let values = trials.iter().filter_map(|trial| trial.point.get(key));
        let values: Vec<&Value> = values.filter(|value| !value.is_null()).collect();
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
        let spread = results.logarithmic.contains(key);
        let label = results.label(key);
        match numbers {
            Some(numbers) if !numbers.is_empty() => Axis::with_numbers(key, label, spread, numbers),
            _ => Axis::with_categories(key, label, values),
        }
    });
    let numbers = |of: fn(&Trial) -> Option<f64>| trials.iter().filter_map(of).collect();
    let others = [
        ("score", false, numbers(|trial| trial.score)),
        ("parameters", true, numbers(parameters)),
        ("seconds", true, numbers(|trial| Some(trial.seconds))),
    ];
    let others = others.map(|(name, spread, numbers)| Axis {
        key: false,
        ..Axis::with_numbers(name, name.into(), spread, numbers)
    });
    keys.chain(others).collect()
}

fn parameters(trial: &Trial) -> Option<f64> {
    trial.parameters.map(|parameters| parameters.total() as f64)
}

impl Axis {
    /// Whether it is an axis of numbers, of which the trials have at least one.
    pub(super) fn of_numbers(&self) -> bool {
        self.categories.is_empty() && !self.edges.is_empty()
    }

    fn with_numbers(name: &str, label: String, logarithmic: bool, numbers: Vec<f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().filter(|x| x.is_finite()).collect();
        numbers.sort_by(f64::total_cmp);
        numbers.dedup();
        let logarithmic = logarithmic && numbers.first().is_some_and(|&least| least > 0.0);
        let place = |value: f64| if logarithmic { value.log10() } else { value };
        let value = |place: f64| {
            if logarithmic {
                10_f64.powf(place)
            } else {
                place
            }
        };
        let places: Vec<f64> = numbers.into_iter().map(place).collect();
        let edges = edges(&places).into_iter().map(value).collect();
        Self {
            name: name.into(),
            label,
            key: true,
            logarithmic,
            categories: Vec::new(),
            edges,
        }
    }

    /// Numbers come first, by size; then all else, by its text.
    fn with_categories(name: &str, label: String, mut values: Vec<&Value>) -> Self {
        values.sort_by(|one, other| match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => text(one).cmp(&text(other)),
        });
        let mut categories: Vec<String> = values.into_iter().map(text).collect();
        categories.dedup();
        let edges = match categories.len() {
            // A key that no trial has.
            0 => Vec::new(),
            count => (0..=count).map(|at| at as f64 - 0.5).collect(),
        };
        Self {
            name: name.into(),
            label,
            key: true,
            logarithmic: false,
            categories,
            edges,
        }
    }

    /// Where a trial is on the axis: a number, or the place of its category; none where it lacks the key.
    pub(super) fn at(&self, trial: &Trial) -> Option<f64> {
        match self.name.as_str() {
            name if self.key => {
                let value = trial.point.get(name).filter(|value| !value.is_null())?;
                if self.categories.is_empty() {
                    return value.as_f64();
                }
                let text = text(value);
                let place = self
                    .categories
                    .iter()
                    .position(|category| *category == text);
                place.map(|place| place as f64)
            }
            "score" => trial.score,
            "parameters" => parameters(trial),
            _ => Some(trial.seconds),
        }
    }

    /// Which cell of the heat map a value falls into; the last one holds its end.
    pub(super) fn cell(&self, value: f64) -> Option<[f64; 2]> {
        let last = self.edges.len().checked_sub(2)?;
        let after = self.edges.partition_point(|&edge| edge <= value);
        let cell = after.saturating_sub(1).min(last);
        Some([self.edges[cell], self.edges[cell + 1]])
    }
}

/// Edges of cells in places: half-way between the numbers, or equal cells where there are many.
fn edges(places: &[f64]) -> Vec<f64> {
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else {
        return Vec::new();
    };
    if places.len() == 1 {
        let half = if first == 0.0 { 0.5 } else { 0.1 * first.abs() };
        return vec![first - half, first + half];
    }
    if places.len() > MOST_CELLS {
        let step = (last - first) / CELLS as f64;
        let edge = |at: usize| {
            if at == CELLS {
                last
            } else {
                first + at as f64 * step
            }
        };
        return (0..=CELLS).map(edge).collect();
    }
    let middles = places
        .windows(2)
        .map(|pair| f64::midpoint(pair[0], pair[1]));
    let mut edges: Vec<f64> = middles.collect();
    let (begin, end) = (2.0 * first - edges[0], 2.0 * last - edges[edges.len() - 1]);
    edges.insert(0, begin);
    edges.push(end);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn axis(values: &[Value], logarithmic: bool) -> Axis {
        let trials = values.iter().enumerate().map(|(index, value)| {
            let mut trial = crate::report::page::tests::trial(index as u64, 0.5);
            trial.point.insert("key".into(), value.clone());
            trial
        });
        let keys = vec!["key".to_owned()];
        let results = Results {
            logarithmic: if logarithmic {
                keys.clone()
            } else {
                Vec::new()
            },
            keys,
            trials: trials.collect(),
            ..crate::report::page::tests::results(0)
        };
        axes(&results).remove(0)
    }

    #[test]
    fn few_numbers_have_a_cell_each_and_many_share_twenty() {
        let few = axis(&[json!(1), json!(2), json!(4)], false);
        assert_eq!(few.edges, [0.5, 1.5, 3.0, 5.0]);
        assert_eq!(few.cell(2.0), Some([1.5, 3.0]));
        assert_eq!(few.cell(5.0), Some([3.0, 5.0]));
        let many: Vec<Value> = (0..=100).map(|at| json!(at)).collect();
        let many = axis(&many, false);
        assert_eq!(many.edges.len(), 21);
        assert_eq!((many.edges[0], many.edges[20]), (0.0, 100.0));
        assert_eq!(many.cell(100.0), Some([95.0, 100.0]));
    }

    #[test]
    fn a_logarithmic_key_has_its_edges_at_equal_ratios() {
        let axis = axis(&[json!(1), json!(100)], true);
        assert!(axis.logarithmic);
        for (edge, expected) in axis.edges.iter().zip([0.1, 10.0, 1000.0]) {
            assert!((edge / expected - 1.0).abs() < 1e-12, "{:?}", axis.edges);
        }
    }

    #[test]
    fn what_is_no_number_is_a_category() {
        let mixed = axis(
            &[json!("b"), json!(true), json!(10), json!(9), json!("b")],
            true,
        );
        assert_eq!(mixed.categories, ["9", "10", "b", "true"]);
        assert!(!mixed.logarithmic);
        assert_eq!(mixed.edges, [-0.5, 0.5, 1.5, 2.5, 3.5]);
        let nothing = axis(&[json!(null)], false);
        assert!(!nothing.of_numbers() && nothing.edges.is_empty());
        let zero = axis(&[json!(0), json!(5)], true);
        assert!(!zero.logarithmic && zero.categories.is_empty());
    }
}

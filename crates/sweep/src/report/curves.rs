//! Curves of equal numbers of parameters over two keys, from what the trials counted.

use ran_picture::Surface;
use serde::Serialize;

use super::axis::Axis;
use crate::Results;

/// A curve on which models have one number of parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Curve {
    /// The number, in short: `100k`.
    pub(super) name: String,
    /// The pieces, each as points of the axes' values.
    pub(super) pieces: Vec<Vec<[f64; 2]>>,
}

/// The numbers of parameters that get a curve where trials are on both sides of it.
const LEVELS: [f64; 4] = [1e4, 1e5, 1e6, 5e6];
/// At most as many others are chosen where there are fewer than two of these.
const MOST: usize = 4;
/// Where more of the logarithm's variance is left open by the two keys, others matter as well, and there are no curves.
const ROUGHEST: f64 = 0.03;

/// The curves over two axes of numbers. None where the parameters are no smooth function of the two, or were not counted.
pub(super) fn curves(results: &Results, x: &Axis, y: &Axis) -> Vec<Curve> {
    if !(x.categories.is_empty() && y.categories.is_empty()) {
        return Vec::new();
    }
    // Numbers of parameters are sums of products of sizes, which are nearly straight between logarithms.
    let logarithmic = [x, y].map(|axis| {
        let mut values = results.trials.iter().filter_map(|trial| axis.at(trial));
        values.all(|value| value > 0.0)
    });
    let place = |side: usize, value: f64| if logarithmic[side] { value.ln() } else { value };
    let counted = results.trials.iter().filter_map(|trial| {
        let total = trial.parameters?.total() as f64;
        let at = [place(0, x.at(trial)?), place(1, y.at(trial)?)];
        (total > 0.0).then_some((at, total.ln()))
    });
    let (points, logarithms): (Vec<[f64; 2]>, Vec<f64>) = counted.unzip();
    let surface = Surface::new(&points, &logarithms);
    let Some(surface) = surface.filter(|surface| surface.roughness() < ROUGHEST) else {
        return Vec::new();
    };
    let least = logarithms.iter().copied().fold(f64::INFINITY, f64::min);
    let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let value = |side: usize, place: f64| {
        rounded(if logarithmic[side] {
            place.exp()
        } else {
            place
        })
    };
    let curve = |level: f64| {
        let pieces = surface.curves(level.ln()).into_iter().map(|piece| {
            let points = piece.into_iter();
            points
                .map(|[at_x, at_y]| [value(0, at_x), value(1, at_y)])
                .collect()
        });
        Curve {
            name: name(level),
            pieces: pieces.collect(),
        }
    };
    let levels = levels(least.exp(), most.exp()).into_iter();
    levels
        .map(curve)
        .filter(|curve| !curve.pieces.is_empty())
        .collect()
}

/// Five digits: a page has many points.
fn rounded(value: f64) -> f64 {
    format!("{value:.4e}").parse().unwrap_or(value)
}

/// Round numbers between two: those of [`LEVELS`], or others where there are fewer than two of them.
fn levels(least: f64, most: f64) -> Vec<f64> {
    let between = |level: &f64| least < *level && *level < most;
    let usual: Vec<f64> = LEVELS.into_iter().filter(between).collect();
    if usual.len() >= 2 || !(least > 0.0 && most.is_finite()) {
        return usual;
    }
    let decades = least.log10().floor() as i32..=most.log10().ceil() as i32;
    let round = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)));
    let round: Vec<f64> = round.filter(between).collect();
    let every = round.len().div_ceil(MOST).max(1);
    round.into_iter().step_by(every).collect()
}

fn name(level: f64) -> String {
    match level {
        level if level >= 1e6 => format!("{}M", rounded(level / 1e6)),
        level if level >= 1e3 => format!("{}k", rounded(level / 1e3)),
        level => format!("{}", rounded(level)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameters;
    use crate::report::axis::axes;
    use crate::report::page::tests::{results, trial};
    use serde_json::json;

    fn sweep(count: impl Fn(u64, u64) -> u64) -> Results {
        let pairs = (1..=30).flat_map(|x| (1..=30).map(move |y| (3 * x, 3 * y)));
        let trials = pairs.enumerate().map(|(index, (x, y))| {
            let mut trial = trial(index as u64, 0.5);
            trial.point = [("x".into(), json!(x)), ("y".into(), json!(y))].into();
            trial.parameters = Some(Parameters {
                trained: count(x, y),
                fixed: 0,
            });
            trial
        });
        let trials = trials.collect();
        let keys = vec!["x".into(), "y".into()];
        Results {
            keys,
            logarithmic: Vec::new(),
            trials,
            ..results(0)
        }
    }

    #[test]
    fn curves_are_where_the_counts_are() {
        let results = sweep(|x, y| 8 * x * y * y);
        let axes = axes(&results);
        let curves = curves(&results, &axes[0], &axes[1]);
        let names: Vec<&str> = curves.iter().map(|curve| &*curve.name).collect();
        assert_eq!(names, ["10k", "100k", "1M", "5M"]);
        for (curve, level) in curves.iter().zip(LEVELS) {
            for [x, y] in curve.pieces.iter().flatten().filter(|[_, y]| *y > 12.0) {
                let count = 8.0 * x * y * y;
                assert!(
                    (count / level - 1.0).abs() < 0.03,
                    "{level}: {count} at {x}, {y}"
                );
            }
        }
    }

    #[test]
    fn counts_that_depend_on_something_else_have_no_curves() {
        let results = sweep(|x, y| 1000 * (1 + (7 * x + 13 * y) % 97));
        let axes = axes(&results);
        assert!(curves(&results, &axes[0], &axes[1]).is_empty());
    }

    #[test]
    fn levels_are_the_usual_ones_or_other_round_ones() {
        assert_eq!(levels(5e3, 2e6), [1e4, 1e5, 1e6]);
        assert_eq!(levels(1e3, 9e3), [2e3, 5e3]);
        assert!(levels(2e4, 9e7).len() == 3 && levels(3e5, 3e5).is_empty());
        assert_eq!(levels(1.0, 9.0e3).len(), 4);
        assert_eq!([500.0, 1e4, 2.5e6].map(name), ["500", "10k", "2.5M"]);
    }
}

//! Which points a sweep tries: looked at before anything is written, then batch by batch.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::method::Halving;
use crate::method::Tried;
use crate::{Bench, Bounds, Method, Point, SweepConfig, SweepError};

/// Points that are looked at, at most, before anything is written: of a space whose keys hang together, few may fit.
const LOOKED_AT: usize = 256;

/// The first batch of points.
///
/// # Errors
///
/// When none of some points can be tried, or none meets the constraints, or it is stopped.
pub(crate) fn first(
    config: &SweepConfig,
    bench: &mut dyn Bench,
    stop: &AtomicBool,
) -> Result<Vec<Point>, SweepError> {
    check(config, bench)?;
    next(config, &[], bench, stop)?.ok_or(SweepError::NotBegun)
}

/// Looks at some points: refuses what is wrong with all of them.
fn check(config: &SweepConfig, bench: &mut dyn Bench) -> Result<(), SweepError> {
    // Without constraints, to see what is wrong with the points themselves. Of those that are drawn one by one, any
    // are as good as the first.
    let trials = LOOKED_AT as u64;
    let method = match config.method.clone() {
        Method::Random { seed, .. } | Method::Sobol { seed, .. } | Method::Tpe { seed, .. } => {
            Method::Random { trials, seed }
        }
        Method::Halving(halving) => Method::Halving(Halving { trials, ..halving }),
        Method::Grid => Method::Grid,
    };
    let Ok(points) = method.propose(&config.space, &[], &mut |_| Ok::<_, Infallible>(true));
    let points = points.unwrap_or_default();
    let step = points.len().div_ceil(LOOKED_AT).max(1);
    let mut wrong = None;
    let mut before = HashSet::new();
    for point in points.iter().step_by(step) {
        if !before.insert(format!("{point:?}")) {
            continue;
        }
        match check_point(config, point, bench) {
            Ok(()) => return Ok(()),
            Err(problem) => {
                wrong.get_or_insert(problem);
            }
        }
    }
    let looked_at = before.len();
    match wrong {
        Some(problem) => Err(SweepError::Nothing(format!(
            "none of {looked_at} points of the space that were looked at can be run: {problem}"
        ))),
        None => Err(no_point(config)),
    }
}

/// Looks at a point as a trial has it, and as `[final]` judges it.
fn check_point(config: &SweepConfig, point: &Point, bench: &mut dyn Bench) -> Result<(), String> {
    bench.facts(&config.assignments(point), config.trial.judge)?;
    let Some(of) = &config.r#final else {
        return Ok(());
    };
    let mut last = config.clone();
    last.set.extend(of.set.clone());
    let judged = bench.facts(&last.assignments(&as_judged_last(config, point)), of.judge);
    let judged = judged.map_err(|problem| format!("as [final] judges it: {problem}"));
    judged.map(|_| ())
}

/// A point as `[final]` judges it: without the resource of successive halving, where `[final]` sets that itself.
fn as_judged_last(config: &SweepConfig, point: &Point) -> Point {
    let mut point = point.clone();
    let set = config.r#final.as_ref().map(|last| &last.set);
    if let (Some(resource), Some(set)) = (config.method.resource(), set)
        && set.contains_key(resource)
    {
        point.remove(resource);
    }
    point
}

/// The points that have a score, as `[final]` judges them, the best first, each once. In successive halving one that has had more of the
/// resource comes before all that had less.
pub(crate) fn best(config: &SweepConfig, tried: &[Tried]) -> Vec<Point> {
    let resource = config.method.resource();
    let amount = |point: &Point| resource.and_then(|key| point.get(key)?.as_integer());
    let mut scored: Vec<_> = tried
        .iter()
        .filter_map(|one| Some((one.loss?, &one.point)))
        .collect();
    scored.sort_by(|(loss, point), (other_loss, other)| {
        let amounts = amount(other).cmp(&amount(point));
        amounts.then(loss.total_cmp(other_loss))
    });
    let mut before = HashSet::new();
    scored.retain(|(_, point)| {
        let mut point = (*point).clone();
        resource.map(|key| point.remove(key));
        before.insert(format!("{point:?}"))
    });
    let points = scored.into_iter().map(|(_, point)| point);
    points.map(|point| as_judged_last(config, point)).collect()
}

/// The next batch of points, empty where the method is done; none where `stop` became true before it was found.
///
/// # Errors
///
/// When no point meets the constraints.
pub(crate) fn next(
    config: &SweepConfig,
    tried: &[Tried],
    bench: &mut dyn Bench,
    stop: &AtomicBool,
) -> Result<Option<Vec<Point>>, SweepError> {
    let mut allowed = |point: &Point| {
        if stop.load(Ordering::Relaxed) {
            return Err(Stopped);
        }
        if config.constraints.is_empty() {
            return Ok(true);
        }
        let facts = bench.facts(&config.assignments(point), config.trial.judge);
        Ok(facts.is_ok_and(|facts| config.constraints.allow(facts.parameters)))
    };
    match config.method.propose(&config.space, tried, &mut allowed) {
        Err(Stopped) => Ok(None),
        Ok(points) => points.ok_or_else(|| no_point(config)).map(Some),
    }
}

/// Points were not looked for to the end.
struct Stopped;

fn no_point(config: &SweepConfig) -> SweepError {
    let of = |name: &str, bounds: Bounds| {
        let least = bounds
            .at_least
            .map(|least| format!("{name} at least {least}"));
        let most = bounds.at_most.map(|most| format!("{name} at most {most}"));
        least.into_iter().chain(most)
    };
    let asked: Vec<String> = of("parameters", config.constraints.parameters)
        .chain(of(
            "trained_parameters",
            config.constraints.trained_parameters,
        ))
        .collect();
    SweepError::Nothing(format!(
        "no point of the space was found that meets the constraints ({})",
        asked.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facts, Judged, Metric, Parameters};

    /// A model that fits where the key `a` is 7 alone.
    struct Narrow;

    impl Bench for Narrow {
        fn metric(&mut self) -> Result<Metric, String> {
            Ok(Metric {
                name: "accuracy".into(),
                higher_is_better: true,
            })
        }

        fn facts(&mut self, assignments: &[String], _: Judged) -> Result<Facts, String> {
            match assignments == ["a=7"] {
                true => Ok(Facts {
                    parameters: Parameters {
                        trained: 1,
                        fixed: 0,
                    },
                    bytes: 1,
                }),
                false => Err("it does not fit".into()),
            }
        }
    }

    #[test]
    fn a_space_of_which_few_points_fit_is_begun_and_one_of_which_none_does_is_not() {
        let checked = |to: u64| {
            let text = format!(
                "base = 'x'\n[space]\na = {{ from = 0, to = {to} }}\n[method]\nname = 'tpe'\ntrials = 20"
            );
            check(&toml::from_str(&text).unwrap(), &mut Narrow)
        };
        checked(40).unwrap();
        let error = checked(6).unwrap_err().to_string();
        assert!(error.contains("it does not fit"), "{error}");
    }

    #[test]
    fn looking_for_points_ends_where_it_is_stopped() {
        let text = "base = 'x'\n[space]\na = { from = 8, to = 40 }\n[method]\nname = 'random'\ntrials = 20\n\
                    [constraints]\nparameters = { at_most = 1 }";
        let config: SweepConfig = toml::from_str(text).unwrap();
        let stopped = next(&config, &[], &mut Narrow, &AtomicBool::new(true));
        assert_eq!(stopped.unwrap(), None);
        let nothing = next(&config, &[], &mut Narrow, &AtomicBool::new(false));
        let problem = nothing.unwrap_err().to_string();
        assert!(problem.contains("parameters at most 1"), "{problem}");
    }

    #[test]
    fn final_judges_what_had_most_of_the_resource_and_each_point_once() {
        let config = |last: &str| -> SweepConfig {
            let text = format!(
                "base = 'x'\n[space]\na = {{ from = 0, to = 9 }}\n[method]\nname = 'halving'\nresource = 'r'\nleast = 1\n\
                 most = 3\ntrials = 9\n[final]\n{last}"
            );
            toml::from_str(&text).unwrap()
        };
        let tried = |trial, a: i64, r: i64, loss| {
            let values = [("a", a), ("r", r)];
            let point = values.map(|(key, value)| (key.into(), value.into()));
            Tried {
                trial,
                point: point.into(),
                loss,
            }
        };
        // The point 4 is the best of all with little, the point 5 with much; 6 failed with much.
        let tried = [
            tried(0, 4, 1, Some(0.1)),
            tried(1, 5, 1, Some(0.2)),
            tried(2, 6, 1, Some(0.3)),
            tried(3, 5, 3, Some(0.4)),
            tried(4, 4, 3, Some(0.5)),
            tried(5, 6, 3, None),
        ];
        let values = |last: &str| -> Vec<(i64, Option<i64>)> {
            let points = best(&config(last), &tried);
            let value = |point: &Point, key: &str| point.get(key)?.as_integer();
            let points = points.iter();
            points
                .map(|point| (value(point, "a").unwrap(), value(point, "r")))
                .collect()
        };
        let mut drawn = config("");
        drawn.method = Method::Random { trials: 6, seed: 0 };
        let twice = [tried[0].clone(), tried[0].clone(), tried[1].clone()];
        assert_eq!(best(&drawn, &twice).len(), 2, "a point comes once");
        let most_first = [(5, Some(3)), (4, Some(3)), (6, Some(1))];
        assert_eq!(values("best = 3"), most_first);
        // What [final] sets itself is not in the points.
        let without = [(5, None), (4, None), (6, None)];
        assert_eq!(values("best = 3\nset = { r = 7 }"), without);
        let set = config("best = 1\nset = { r = 7 }");
        assert!(set.validate().is_ok());
        let mut set = set;
        set.set.insert("r".into(), 7.into());
        let problem = set.validate().unwrap_err().to_string();
        assert!(problem.contains("resource"), "{problem}");
    }
}

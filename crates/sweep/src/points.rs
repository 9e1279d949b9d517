//! Which points a sweep tries: looked at before anything is written, then batch by batch.

use std::collections::HashSet;
use std::convert::Infallible;

use crate::method::Tried;
use crate::{Bench, Bounds, Method, Point, SweepConfig, SweepError};

/// Points that are looked at, at most, before anything is written: of a space whose keys hang together, few may fit.
const LOOKED_AT: usize = 256;

/// The first batch of points.
///
/// # Errors
///
/// When none of some points can be tried, or none meets the constraints.
pub(crate) fn first(config: &SweepConfig, bench: &mut dyn Bench) -> Result<Vec<Point>, SweepError> {
    check(config, bench)?;
    next(config, &[], bench)
}

/// Looks at some points: refuses what is wrong with all of them.
fn check(config: &SweepConfig, bench: &mut dyn Bench) -> Result<(), SweepError> {
    // Without constraints, to see what is wrong with the points themselves. Of those that are drawn one by one, any
    // are as good as the first.
    let method = match config.method.clone() {
        Method::Random { seed, .. } | Method::Sobol { seed, .. } | Method::Tpe { seed, .. } => {
            Method::Random {
                trials: LOOKED_AT as u64,
                seed,
            }
        }
        other => other,
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
    let judged = bench.facts(&last.assignments(point), of.judge);
    let judged = judged.map_err(|problem| format!("as [final] judges it: {problem}"));
    judged.map(|_| ())
}

/// The next batch of points, empty where the method is done.
///
/// # Errors
///
/// When no point meets the constraints.
pub(crate) fn next(
    config: &SweepConfig,
    tried: &[Tried],
    bench: &mut dyn Bench,
) -> Result<Vec<Point>, SweepError> {
    let mut allowed = |point: &Point| {
        if config.constraints.is_empty() {
            return Ok(true);
        }
        let facts = bench.facts(&config.assignments(point), config.trial.judge);
        Ok::<_, Infallible>(facts.is_ok_and(|facts| config.constraints.allow(facts.parameters)))
    };
    let Ok(points) = config.method.propose(&config.space, tried, &mut allowed);
    points.ok_or_else(|| no_point(config))
}

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
}

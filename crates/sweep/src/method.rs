//! How the points of a space are chosen.
//!
//! A method proposes points batch by batch. What it proposes is a function of the sweep's seed and of the scores of
//! earlier *batches*, so that it does not matter how many trials run side by side, or which of them ends first.

mod halving;
mod samplers;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use toml::Value;

use crate::{Point, Space};
pub use halving::Halving;
use samplers::Draw;

/// A point that was tried, with a score that is better the lower it is; none where the trial failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tried {
    pub(crate) trial: u64,
    pub(crate) point: Point,
    pub(crate) loss: Option<f64>,
}

/// How points are chosen: the table `[method]` of a sweep, told apart by its key `name`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Method {
    /// Every combination of the keys' values, which lists and ranges of whole numbers or with a `step` have.
    Grid,
    /// Points drawn independently.
    Random {
        /// How many.
        trials: u64,
        /// The seed of the draws. Default 0.
        #[serde(default)]
        seed: u64,
    },
    /// Points of a scrambled Sobol sequence, which lie more evenly than random ones (Burley 2020).
    Sobol {
        /// How many.
        trials: u64,
        /// The seed of the scrambling. Default 0.
        #[serde(default)]
        seed: u64,
    },
    /// Tree-structured Parzen estimators: draws where good points lie densely and bad ones do not (Bergstra et al. 2011).
    Tpe {
        /// How many.
        trials: u64,
        /// The seed of the draws. Default 0.
        #[serde(default)]
        seed: u64,
        /// Points of a Sobol sequence before the first that is estimated. Default 16.
        #[serde(default = "startup")]
        startup: u64,
        /// Points that are proposed at once, from the scores of all before. Default 4.
        #[serde(default = "batch")]
        batch: u64,
    },
    /// Successive halving (Jamieson & Talwalkar 2016): many points with little of a resource, the best share of them with more.
    Halving(Halving),
}

fn startup() -> u64 {
    16
}

fn batch() -> u64 {
    4
}

/// Trials, at most.
const MOST: u64 = 10_000_000;

impl Method {
    /// Parzen estimators with all defaults.
    #[must_use]
    pub fn tpe(trials: u64) -> Self {
        Self::Tpe {
            trials,
            seed: 0,
            startup: startup(),
            batch: batch(),
        }
    }

    /// Whether later points depend on earlier scores.
    pub(crate) fn chooses(&self) -> bool {
        matches!(self, Self::Tpe { .. } | Self::Halving(_))
    }

    /// Checks that it fits a space.
    pub(crate) fn check(&self, space: &Space) -> Result<(), String> {
        match self {
            Self::Grid => {
                let unlisted = space.iter().find(|(_, one)| one.domain.listed().is_none());
                if let Some((key, _)) = unlisted {
                    return Err(format!(
                        "is \"grid\", which needs a list, or a range of whole numbers or with a step that is not logarithmic, for {key:?}"
                    ));
                }
            }
            Self::Tpe { batch: 0, .. } | Self::Tpe { startup: 0, .. } => {
                return Err("needs a `batch` and a `startup` of at least 1".into());
            }
            Self::Halving(halving) => halving.check(space)?,
            Self::Random { .. } | Self::Sobol { .. } | Self::Tpe { .. } => {}
        }
        match self.trials(space) {
            1..=MOST => Ok(()),
            trials => Err(format!("must have 1 to {MOST} trials, got {trials}")),
        }
    }

    /// The key that is varied beside those of the space.
    pub(crate) fn resource(&self) -> Option<&str> {
        match self {
            Self::Halving(halving) => Some(&halving.resource),
            _ => None,
        }
    }

    /// How many trials there are, before constraints leave some of a grid out.
    #[must_use]
    pub fn trials(&self, space: &Space) -> u64 {
        match self {
            Self::Grid => {
                let counts = space.iter().map(|(_, one)| {
                    one.domain
                        .listed()
                        .map_or(0, |list| list.len() as u64 + u64::from(one.optional))
                });
                counts.fold(1, u64::saturating_mul)
            }
            Self::Random { trials, .. } | Self::Sobol { trials, .. } | Self::Tpe { trials, .. } => {
                *trials
            }
            Self::Halving(halving) => {
                let rungs = halving.rungs();
                let trials = rungs.iter().map(|rung| rung.trials);
                trials.fold(0, u64::saturating_add)
            }
        }
    }

    /// The points to try next, after those of all earlier batches; empty at the end. `allowed` says which may be tried at
    /// all.
    ///
    /// # Errors
    ///
    /// Passes on what `allowed` finds; and `None` in place of points where none was found that is allowed.
    pub(crate) fn propose<E>(
        &self,
        space: &Space,
        tried: &[Tried],
        allowed: &mut dyn FnMut(&Point) -> Result<bool, E>,
    ) -> Result<Option<Vec<Point>>, E> {
        let first = tried.len() as u64;
        let (draw, trials) = match self {
            Self::Grid if first == 0 => {
                let mut points = Vec::new();
                // Where a condition takes a key away, points that differ in it alone become one.
                let mut before = HashSet::new();
                for point in grid(space) {
                    if before.insert(format!("{point:?}")) && allowed(&point)? {
                        points.push(point);
                    }
                }
                return Ok((!points.is_empty()).then_some(points));
            }
            Self::Grid => return Ok(Some(Vec::new())),
            Self::Random { trials, seed } => (Draw::Random(*seed), first..*trials),
            Self::Sobol { trials, seed } => (Draw::Sobol(*seed), first..*trials),
            Self::Tpe {
                trials,
                seed,
                startup,
                batch,
            } => {
                let startup = (*startup).min(*trials);
                if first < startup {
                    (Draw::Sobol(*seed), first..startup)
                } else {
                    (Draw::Tpe(*seed), first..(first + batch).min(*trials))
                }
            }
            Self::Halving(halving) => return halving.propose(space, tried, allowed),
        };
        samplers::draw(space, draw, trials, tried, allowed)
    }
}

/// All combinations, the last key's values changing fastest, without what conditions leave out.
fn grid(space: &Space) -> impl Iterator<Item = Point> {
    let keys: Vec<(&str, Vec<Option<Value>>)> = space
        .iter()
        .map(|(key, one)| {
            let values = one
                .domain
                .listed()
                .unwrap_or_default()
                .into_iter()
                .map(Some);
            (key, values.chain(one.optional.then_some(None)).collect())
        })
        .collect();
    let count = keys
        .iter()
        .map(|(_, values)| values.len() as u64)
        .fold(1, u64::saturating_mul);
    (0..count).map(move |mut number| {
        let mut point = Point::new();
        for (key, values) in keys.iter().rev() {
            let len = values.len() as u64;
            if let Some(value) = &values[(number % len) as usize] {
                point.insert((*key).into(), value.clone());
            }
            number /= len;
        }
        space.conditioned(point)
    })
}

#[cfg(test)]
mod tests;

//! Successive halving: many points with little of a resource, the best share of them with more.

use serde::{Deserialize, Serialize};
use toml::Value;

use super::{Tried, samplers};
use crate::{Point, Space};

/// Successive halving over a resource, which is a key of the configuration: epochs, or training sequences (`task.limit`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// The key: `learning.epochs`, or `task.limit`.
    pub resource: String,
    /// What the first rung's trials get of it.
    pub least: i64,
    /// What the last rung's trials get.
    pub most: i64,
    /// How many points begin.
    pub trials: u64,
    /// From rung to rung the resource grows, and the number of points falls, by this factor. Default 3.
    #[serde(default = "three")]
    pub eta: u64,
    /// The seed of the draws. Default 0.
    #[serde(default)]
    pub seed: u64,
}

fn three() -> u64 {
    3
}

/// Trials with the same amount of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rung {
    pub(super) resource: i64,
    pub(super) trials: u64,
}

impl Halving {
    pub(super) fn check(&self, space: &Space) -> Result<(), String> {
        if space.keys().any(|key| key == self.resource) {
            return Err(format!(
                "has the resource {:?}, which the space varies too",
                self.resource
            ));
        }
        if self.least < 1 || self.most < self.least {
            let (least, most) = (self.least, self.most);
            return Err(format!(
                "must have 1 ≤ least ≤ most, got {least} and {most}"
            ));
        }
        if self.eta < 2 || self.trials == 0 {
            return Err("needs an `eta` of at least 2 and at least one of `trials`".into());
        }
        Ok(())
    }

    /// The rungs, from the least to the most of the resource.
    pub(super) fn rungs(&self) -> Vec<Rung> {
        let mut rungs = Vec::new();
        let (mut resource, mut trials) = (self.least, self.trials);
        loop {
            rungs.push(Rung { resource, trials });
            if resource >= self.most || trials == 1 {
                return rungs;
            }
            resource = resource.saturating_mul(self.eta as i64).min(self.most);
            trials = (trials / self.eta).max(1);
        }
    }

    pub(super) fn propose<E>(
        &self,
        space: &Space,
        tried: &[Tried],
        allowed: &mut dyn FnMut(&Point) -> Result<bool, E>,
    ) -> Result<Option<Vec<Point>>, E> {
        let with = |mut point: Point, rung: Rung| {
            point.insert(self.resource.clone(), Value::Integer(rung.resource));
            point
        };
        let rungs = self.rungs();
        let mut done = 0;
        for (index, &rung) in rungs.iter().enumerate() {
            let begin = done as usize;
            done += rung.trials;
            if tried.len() as u64 >= done {
                continue;
            }
            if index == 0 {
                let draw = samplers::Draw::Random(self.seed);
                let drawn =
                    samplers::draw(space, draw, 0..rung.trials, &[], &mut |point: &Point| {
                        allowed(&with(point.clone(), rung))
                    })?;
                return Ok(
                    drawn.map(|points| points.into_iter().map(|one| with(one, rung)).collect())
                );
            }
            let before = begin - rungs[index - 1].trials as usize;
            let mut last: Vec<&Tried> = tried[before..begin].iter().collect();
            // What failed is no better than anything that did not; equals stay in their order.
            let loss = |one: &Tried| one.loss.unwrap_or(f64::INFINITY);
            last.sort_by(|one, other| loss(one).total_cmp(&loss(other)));
            last.truncate(rung.trials as usize);
            return Ok(Some(
                last.into_iter()
                    .map(|one| with(one.point.clone(), rung))
                    .collect(),
            ));
        }
        Ok(Some(Vec::new()))
    }
}

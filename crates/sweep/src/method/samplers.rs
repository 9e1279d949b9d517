//! Points that are drawn, by the samplers of the crate `optimizer`.
//!
//! Each key is drawn by itself, with a history of that key alone: the crate's estimator takes the values of the first key that
//! has an equal distribution, and so would mix up two keys with the same range.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use optimizer::distribution::{CategoricalDistribution, Distribution};
use optimizer::param::ParamValue;
use optimizer::parameter::ParamId;
use optimizer::sampler::random::RandomSampler;
use optimizer::sampler::sobol::SobolSampler;
use optimizer::sampler::tpe::TpeSampler;
use optimizer::sampler::{CompletedTrial, Sampler};
use toml::Value;

use super::Tried;
use crate::space::short;
use crate::{Dimension, Domain, Point, Space};

/// Draws of one trial, at most, until one is found that is allowed.
const DRAWS: u64 = 10_000;

/// Draws of one trial that were tried before, until others are drawn at random: an estimate can become so narrow that it gives nothing
/// else. As many again of these, and the space is taken to hold nothing new.
const REPEATS: u64 = 100;

/// The same for the trials after one that found nothing new: they are drawn at random from the first.
const REPEATS_OF_USED_UP: u64 = 20;

/// Trials that find nothing that is allowed, until the space is taken to hold no such point.
const WITHOUT: usize = 10;

/// Points that are not allowed and count as bad ones, at most: each makes an estimate slower.
const MOST_REFUSED: u64 = 500;

/// Dimensions and points of a Sobol sequence of the crate `sobol_burley`.
const SOBOL_KEYS: u64 = 256;
const SOBOL_POINTS: u64 = 1 << 16;

/// How numbers are drawn, each from a seed.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    /// Independently.
    Random(u64),
    /// From a scrambled Sobol sequence.
    Sobol(u64),
    /// Where good points of the history lie densely, and bad ones do not.
    Tpe(u64),
}

impl Draw {
    /// The same, independently of what was tried.
    fn independent(self) -> Self {
        let (Self::Random(seed) | Self::Sobol(seed) | Self::Tpe(seed)) = self;
        Self::Random(seed)
    }

    /// Draws for key number `key` of the space, `of`; `draw` counts the draws of trial `trial`, from 0.
    fn value(self, key: u64, trial: u64, draw: u64, of: &Key<'_>) -> ParamValue {
        let distribution = &of.distribution;
        match self {
            // A Sobol sequence has no more dimensions.
            Self::Sobol(_) if key >= SOBOL_KEYS => self.independent().value(key, trial, draw, of),
            Self::Random(seed) => {
                let sampler = RandomSampler::with_seed(mixed([seed, key, draw]));
                sampler.sample(distribution, trial, &[])
            }
            Self::Sobol(seed) => {
                // A key is a dimension of the sequence, a trial one of its points. Draws beyond a trial's first, and trials beyond
                // its last point, are of a sequence of another scrambling.
                let scrambling = draw + trial / SOBOL_POINTS * DRAWS;
                let trial = trial % SOBOL_POINTS;
                let sampler = SobolSampler::with_seed(mixed([seed, scrambling]));
                for _ in 0..key {
                    sampler.sample(distribution, trial, &[]);
                }
                sampler.sample(distribution, trial, &[])
            }
            Self::Tpe(seed) => {
                // The quarter of the best that were tried counts as good, as in the crate's default; the history is long enough
                // by the time this is asked.
                let good = 0.25 * of.tried as f64 / of.history.len().max(1) as f64;
                let sampler = TpeSampler::builder()
                    .seed(mixed([seed, key, draw]))
                    .n_startup_trials(2)
                    .gamma(good.clamp(0.01, 0.25))
                    .build();
                let sampler = sampler.expect("its settings are within their bounds");
                sampler.sample(distribution, trial, &of.history)
            }
        }
    }
}

/// A seed from several numbers: FNV-1a over their bytes.
fn mixed<const N: usize>(numbers: [u64; N]) -> u64 {
    let bytes = numbers.into_iter().flat_map(u64::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Draws the points of some trials; none where nothing is found that is allowed. A trial that finds nothing has the point of another.
pub(super) fn draw<E>(
    space: &Space,
    draw: Draw,
    trials: Range<u64>,
    tried: &[Tried],
    allowed: &mut dyn FnMut(&Point) -> Result<bool, E>,
) -> Result<Option<Vec<Point>>, E> {
    let mut keys: Vec<Key> = space
        .iter()
        .map(|(name, dimension)| Key::new(name, dimension, tried))
        .collect();
    let mut points: Vec<Option<Point>> = Vec::new();
    let mut refused = 0;
    let mut used_up = false;
    let mut before: HashSet<String> = tried.iter().map(|one| text(&one.point)).collect();
    for trial in trials {
        let mut found = None;
        // A point that was tried before tells nothing new; where a space has no other, it is tried again.
        let mut again = None;
        let mut repeats = 0;
        for count in 0..DRAWS {
            let draw = match used_up || repeats > REPEATS {
                true => draw.independent(),
                false => draw,
            };
            let point: Point = keys
                .iter()
                .enumerate()
                .filter_map(|(index, key)| {
                    let value = draw.value(index as u64, trial, count, key);
                    Some((key.name.to_owned(), key.value(&value)?))
                })
                .collect();
            let point = space.conditioned(point);
            if before.contains(&text(&point)) {
                again.get_or_insert(point);
                repeats += 1;
                let most = match used_up {
                    true => REPEATS_OF_USED_UP,
                    false => 2 * REPEATS,
                };
                if repeats > most {
                    break;
                }
            } else if allowed(&point)? {
                found = Some(point);
                break;
            } else if refused < MOST_REFUSED {
                // To an estimator that never sees what is not allowed, it is what was never tried, and draws it on.
                refused += 1;
                keys.iter_mut().for_each(|key| key.add(0, &point, f64::MAX));
            }
        }
        used_up = found.is_none() && again.is_some();
        let found = found.or(again);
        before.extend(found.as_ref().map(text));
        points.push(found);
        if tried.is_empty() && points.len() >= WITHOUT && points.iter().all(Option::is_none) {
            return Ok(None);
        }
    }
    let other = points.iter().flatten().next();
    let other = other.or(tried.first().map(|one| &one.point)).cloned();
    let points = points.into_iter().map(|found| found.or(other.clone()));
    Ok(points.collect())
}

/// What tells a point from another.
fn text(point: &Point) -> String {
    format!("{point:?}")
}

/// One key as the crate's samplers see it.
struct Key<'a> {
    name: &'a str,
    dimension: &'a Dimension,
    distribution: Distribution,
    id: ParamId,
    /// What is known of its values: of the points that were tried, then of those that were not allowed.
    history: Vec<CompletedTrial>,
    /// How many of these were tried.
    tried: usize,
}

impl<'a> Key<'a> {
    fn new(name: &'a str, dimension: &'a Dimension, tried: &[Tried]) -> Self {
        let distribution = match &dimension.domain {
            Domain::Values(values) => Distribution::Categorical(CategoricalDistribution {
                n_choices: values.len() + usize::from(dimension.optional),
            }),
            Domain::Real(of) => Distribution::Float(of.clone()),
            Domain::Integer(of) => Distribution::Int(of.clone()),
        };
        let mut key = Self {
            name,
            dimension,
            distribution,
            id: ParamId::new(),
            history: Vec::new(),
            tried: 0,
        };
        for one in tried {
            if let Some(loss) = one.loss {
                key.add(one.trial, &one.point, loss);
            }
        }
        key.tried = key.history.len();
        key
    }

    /// Adds a point to its history, if the point has it.
    fn add(&mut self, trial: u64, point: &Point, loss: f64) {
        let value = match self.dimension.is_there(point) {
            true => self.number(point.get(self.name)),
            false => None,
        };
        if let Some(value) = value {
            self.history.push(CompletedTrial::new(
                trial,
                HashMap::from([(self.id, value)]),
                HashMap::from([(self.id, self.distribution.clone())]),
                HashMap::new(),
                loss,
            ));
        }
    }

    /// A value, or that there is none, as the samplers have it.
    fn number(&self, value: Option<&Value>) -> Option<ParamValue> {
        match (&self.dimension.domain, value) {
            (Domain::Values(values), Some(value)) => {
                let index = values.iter().position(|one| one == value)?;
                Some(ParamValue::Categorical(index))
            }
            (Domain::Values(values), None) => Some(ParamValue::Categorical(values.len())),
            (Domain::Real(_), value) => value?.as_float().map(ParamValue::Float),
            (Domain::Integer(_), value) => value?.as_integer().map(ParamValue::Int),
        }
    }

    /// What the samplers give as a value; none where the key is to be left out.
    fn value(&self, number: &ParamValue) -> Option<Value> {
        match (&self.dimension.domain, number) {
            (Domain::Values(values), ParamValue::Categorical(index)) => values.get(*index).cloned(),
            (_, ParamValue::Int(number)) => Some(Value::Integer(*number)),
            (Domain::Real(of), ParamValue::Float(number)) => Some(Value::Float(short(*number, of))),
            (_, ParamValue::Float(number)) => unreachable!("only a range has {number}"),
            (_, ParamValue::Categorical(index)) => unreachable!("a range has no choice {index}"),
        }
    }
}

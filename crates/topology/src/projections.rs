//! How strongly populations project to one another.

use std::ops::Range;

use crate::TopologyError;

/// How strongly inputs and populations project to populations.
///
/// For a slot of a population, a dimension of a population with strength s is s times as likely to be read as one of a
/// population with strength 1; 0 cuts the projection. With equal strengths it is left to chance, as in a wiring without
/// projections. How much the slots read in all does not change: a projection grows at the cost of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Projections {
    populations: Vec<Population>,
}

/// A range of slots, and what projects to it.
#[derive(Clone, Debug, PartialEq)]
struct Population {
    name: String,
    slots: Range<usize>,
    from_inputs: f64,
    /// One strength per population.
    from_populations: Vec<f64>,
}

impl Projections {
    /// Populations with their names and widths, in the order of their places in the state; every strength is 1.
    pub fn even(populations: impl IntoIterator<Item = (String, usize)>) -> Self {
        let mut end = 0_usize;
        let mut populations: Vec<_> = populations
            .into_iter()
            .map(|(name, width)| {
                let start = end;
                end = end.saturating_add(width);
                Population {
                    name,
                    slots: start..end,
                    from_inputs: 1.0,
                    from_populations: Vec::new(),
                }
            })
            .collect();
        let count = populations.len();
        for one in &mut populations {
            one.from_populations = vec![1.0; count];
        }
        Self { populations }
    }

    /// Sets how strongly the inputs (`from` is `None`) or a population project to the population `to`.
    ///
    /// # Errors
    ///
    /// If there is no such population, or the strength is below 0 or not finite.
    pub fn set(
        &mut self,
        from: Option<usize>,
        to: usize,
        strength: f64,
    ) -> Result<(), TopologyError> {
        let count = self.populations.len();
        if let Some(got) = [from, Some(to)]
            .into_iter()
            .flatten()
            .find(|&at| at >= count)
        {
            let allowed = format!("below the number of populations, {count}");
            return Err(TopologyError::out_of_range("population", allowed, got));
        }
        if !(strength.is_finite() && strength >= 0.0) {
            let error = TopologyError::out_of_range("strength", "a number from 0", strength);
            return Err(error);
        }
        let target = &mut self.populations[to];
        match from {
            Some(from) => target.from_populations[from] = strength,
            None => target.from_inputs = strength,
        }
        Ok(())
    }

    /// Width of the state that the populations make up, N.
    pub fn d_state(&self) -> usize {
        self.populations.last().map_or(0, |last| last.slots.end)
    }

    pub(crate) fn check_width(&self, d_state: usize) -> Result<(), TopologyError> {
        if self.d_state() == d_state {
            return Ok(());
        }
        let allowed = format!("the width of the state, {d_state}");
        let got = self.d_state();
        Err(TopologyError::out_of_range(
            "the populations' width",
            allowed,
            got,
        ))
    }

    /// Each population's slots.
    pub(crate) fn slots(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        self.populations.iter().map(|one| one.slots.clone())
    }

    /// How strongly inputs project to a population.
    pub(crate) fn inputs_to(&self, to: usize) -> f64 {
        self.populations[to].from_inputs
    }

    /// The population that a slot belongs to.
    pub(crate) fn population_of(&self, slot: usize) -> usize {
        self.populations
            .partition_point(|one| one.slots.end <= slot)
    }

    /// How strongly the population of a state dimension projects to a population.
    pub(crate) fn state_to(&self, dim: usize, to: usize) -> f64 {
        self.populations[to].from_populations[self.population_of(dim)]
    }

    /// How many of `fed` slots that read inputs are each population's: in proportion to strength times width.
    pub(crate) fn share_inputs(&self, fed: usize) -> Result<Vec<usize>, TopologyError> {
        let room = self.slots().map(|slots| slots.len()).collect::<Vec<_>>();
        let weights = self.populations.iter();
        let weights = weights.map(|one| one.from_inputs * one.slots.len() as f64);
        apportion(fed, &weights.collect::<Vec<_>>(), &room).ok_or_else(|| {
            let reached = self.populations.iter().filter(|one| one.from_inputs > 0.0);
            TopologyError::NoRoomForInputs {
                needed: fed,
                room: reached.map(|one| one.slots.len()).sum(),
            }
        })
    }

    /// How many of `count` slots of a population read each population: in proportion to strength times width.
    pub(crate) fn share_states(
        &self,
        to: usize,
        count: usize,
    ) -> Result<Vec<usize>, TopologyError> {
        let target = &self.populations[to];
        let weights = self.populations.iter().zip(&target.from_populations);
        let weights = weights.map(|(from, strength)| strength * from.slots.len() as f64);
        let weights: Vec<_> = weights.collect();
        apportion(count, &weights, &vec![count; weights.len()])
            .ok_or_else(|| self.nothing_to_read(to, 1))
    }

    /// That a slot of a population finds fewer dimensions to read than it needs.
    pub(crate) fn nothing_to_read(&self, to: usize, needed: usize) -> TopologyError {
        let target = &self.populations[to];
        let from = self.populations.iter().zip(&target.from_populations);
        let from = from.filter(|(_, strength)| **strength > 0.0);
        TopologyError::NothingToRead {
            population: target.name.clone(),
            needed,
            room: from.map(|(one, _)| one.slots.len()).sum(),
        }
    }
}

/// Shares `total` out in proportion to weights, by largest remainders, at most `room` each; `None` where it does not fit.
fn apportion(total: usize, weights: &[f64], room: &[usize]) -> Option<Vec<usize>> {
    let mut given = vec![0; weights.len()];
    let mut left = total;
    while left > 0 {
        let open = |at: &usize| weights[*at] > 0.0 && given[*at] < room[*at];
        let open: Vec<usize> = (0..weights.len()).filter(open).collect();
        let sum: f64 = open.iter().map(|&at| weights[at]).sum();
        if open.is_empty() {
            return None;
        }
        let quota = |at: usize| left as f64 * weights[at] / sum;
        let mut more: Vec<_> = open.iter().map(|&at| (at, quota(at) as usize)).collect();
        let rest = left - more.iter().map(|(_, count)| count).sum::<usize>();
        more.sort_by(|(a, _), (b, _)| quota(*b).fract().total_cmp(&quota(*a).fract()));
        more.iter_mut()
            .take(rest)
            .for_each(|(_, count)| *count += 1);
        for (at, count) in more {
            let fits = count.min(room[at] - given[at]);
            given[at] += fits;
            left -= fits;
        }
    }
    Some(given)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn two() -> Projections {
        Projections::even([("cortex".into(), 30), ("hippocampus".into(), 10)])
    }

    #[test]
    fn strength_times_width_is_shared_out() {
        let mut projections = two();
        assert_eq!(projections.share_states(1, 8).unwrap(), [6, 2]);
        projections.set(Some(1), 1, 3.0).unwrap();
        assert_eq!(projections.share_states(1, 8).unwrap(), [4, 4]);
        projections.set(Some(0), 1, 0.0).unwrap();
        assert_eq!(projections.share_states(1, 8).unwrap(), [0, 8]);
        assert_eq!(projections.share_states(0, 8).unwrap(), [6, 2]);
    }

    #[test]
    fn inputs_that_find_no_room_in_one_population_go_to_the_next() {
        let mut projections = two();
        projections.set(None, 1, 100.0).unwrap();
        assert_eq!(projections.share_inputs(8).unwrap(), [0, 8]);
        assert_eq!(projections.share_inputs(15).unwrap(), [5, 10]);
        projections.set(None, 0, 0.0).unwrap();
        let error = projections.share_inputs(15).unwrap_err().to_string();
        assert!(error.contains("15 slots"), "{error}");
        assert!(error.contains("have 10"), "{error}");
    }

    #[test]
    fn a_population_that_nothing_projects_to_is_named() {
        let mut projections = two();
        projections.set(Some(0), 1, 0.0).unwrap();
        projections.set(Some(1), 1, 0.0).unwrap();
        let error = projections.share_states(1, 3).unwrap_err().to_string();
        assert!(error.contains("\"hippocampus\""), "{error}");
    }

    #[test]
    fn wrong_strengths_and_populations_are_refused() {
        for strength in [-0.5, f64::NAN, f64::INFINITY] {
            let error = two().set(None, 0, strength).unwrap_err().to_string();
            assert!(error.contains(&strength.to_string()), "{error}");
        }
        let error = two().set(Some(2), 0, 1.0).unwrap_err().to_string();
        assert!(error.contains("got 2"), "{error}");
    }

    proptest! {
        #[test]
        fn all_is_shared_out_and_nothing_overflows(
            total in 0..200_usize,
            parts in proptest::collection::vec((0.0..5.0_f64, 0..80_usize), 1..6),
        ) {
            let (weights, room): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let open = weights.iter().zip(&room).filter(|(weight, _)| **weight > 0.0);
            let fits: usize = open.map(|(_, room)| room).sum();
            match apportion(total, &weights, &room) {
                Some(given) => {
                    prop_assert_eq!(given.iter().sum::<usize>(), total);
                    prop_assert!(given.iter().zip(&room).all(|(given, room)| given <= room));
                }
                None => prop_assert!(fits < total),
            }
        }
    }
}

//! An axis: what it measures, how, and where its ticks are.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use crate::canvas::LETTERS;
use crate::text::{fit_all, numbers, width_of};

/// How an axis is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal distances are equal differences.
    #[default]
    Linear,
    /// As linear, for what is counted: only whole numbers have ticks.
    Count,
    /// Equal distances are equal ratios; only numbers above 0 have a place.
    Log,
}

/// One axis of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// How it is divided.
    pub scale: Scale,
    /// From where to where; what all points need, where it is none. Points outside are drawn at the edge.
    pub range: Option<[f64; 2]>,
    /// What the whole numbers from 0 stand for, all of which the axis then has; empty for an axis of numbers.
    pub categories: Vec<String>,
}

impl Axis {
    /// A linear axis as long as it has to be.
    #[must_use]
    pub fn new(label: &str) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// Where a value is on the paper: the value itself, or its logarithm; none where it has no place.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let placed = match self.scale {
            Scale::Linear | Scale::Count => value,
            Scale::Log if value > 0.0 => value.log10(),
            Scale::Log => return None,
        };
        placed.is_finite().then_some(placed)
    }

    /// The ends of the axis in places: those asked for, or those of the places with `margin` parts of their distance at
    /// either side. None where there is no place.
    pub(crate) fn ends(&self, places: impl Iterator<Item = f64>, margin: f64) -> Option<[f64; 2]> {
        let asked = self.range.map(|ends| ends.map(|end| self.place(end)));
        if let Some([Some(low), Some(high)]) = asked
            && low < high
        {
            return Some([low, high]);
        }
        let [low, high] = extremes(places)?;
        if !self.categories.is_empty() {
            return Some([-0.5, self.categories.len() as f64 - 0.5]);
        }
        // Where all is at one place, an axis about it.
        let pad = if high - low > 1e-12 * low.abs().max(high.abs()) {
            margin * (high - low)
        } else {
            (0.1 * low.abs()).max(0.5)
        };
        Some([low - pad, high + pad])
    }

    /// The places of about `count` ticks between two ends, at round values.
    pub(crate) fn ticks(&self, [low, high]: [f64; 2], count: usize) -> Vec<f64> {
        if !self.categories.is_empty() {
            return (0..self.categories.len()).map(|at| at as f64).collect();
        }
        match self.scale {
            // A few decades: 1, 2 and 5 of each.
            Scale::Log if (1.0..2.5).contains(&(high - low)) => {
                let decades = low.floor() as i32..=high.floor() as i32;
                let places = decades.flat_map(|decade| {
                    [1.0_f64, 2.0, 5.0].map(|step| step.log10() + f64::from(decade))
                });
                places
                    .filter(|place| (low..=high).contains(place))
                    .collect()
            }
            Scale::Log if high - low >= 2.5 => {
                let decades = (high.floor() - low.ceil()) as usize + 1;
                let every = decades.div_ceil(count.max(1));
                let first = low.ceil() as i64;
                let decade = |index: usize| first as f64 + (index * every) as f64;
                (0..decades.div_ceil(every)).map(decade).collect()
            }
            // Less than a decade: round values, at the places of their logarithms.
            Scale::Log => {
                let values = linear_ticks(10_f64.powf(low), 10_f64.powf(high), count);
                values
                    .iter()
                    .filter_map(|&value| self.place(value))
                    .collect()
            }
            Scale::Linear => linear_ticks(low, high, count),
            Scale::Count => {
                // Steps of less than one would pass the whole numbers between them by.
                let most = ((high - low).floor() as usize).max(1);
                let ticks = linear_ticks(low, high, count.min(most));
                ticks
                    .into_iter()
                    .filter(|tick| tick.fract() == 0.0)
                    .collect()
            }
        }
    }

    /// What places are called; places that differ have names that differ. Those of categories may be of any length.
    pub(crate) fn names(&self, places: &[f64]) -> Vec<String> {
        if !self.categories.is_empty() {
            let category = |&place: &f64| self.categories.get(place as usize).cloned();
            return places.iter().filter_map(category).collect();
        }
        let values = places.iter().map(|&place| match self.scale {
            Scale::Linear | Scale::Count => place,
            Scale::Log => 10_f64.powf(place),
        });
        numbers(&values.collect::<Vec<_>>())
    }

    /// The same, those of categories at most `width` wide, but for a few letters, without which they could not be read.
    pub(crate) fn fitted(&self, places: &[f64], size: i32, width: i32) -> Vec<String> {
        let names = self.names(places);
        if self.categories.is_empty() {
            return names;
        }
        fit_all(&names, size, width.max(90))
    }
}

/// Of names that have a room together, set side by side, how many there are for each that can be written without touching the next.
pub(crate) fn every(names: &[String], room: i32) -> usize {
    let room = (room / names.len().max(1) as i32).max(1);
    let needed = names.iter().map(|name| width_of(name, LETTERS) + 14).max();
    (needed.unwrap_or(0) as usize)
        .div_ceil(room as usize)
        .max(1)
}

/// The least and the largest of some numbers; none where there are none.
pub(crate) fn extremes(numbers: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    numbers.fold(None, |ends: Option<[f64; 2]>, number| {
        let [low, high] = ends.unwrap_or([number; 2]);
        Some([low.min(number), high.max(number)])
    })
}

/// Places on an axis, from one end to the other, and its ticks.
pub(crate) struct Ticked(pub(crate) Range<f64>, pub(crate) Vec<f64>);

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (place - self.0.start) / (self.0.end - self.0.start);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.1.clone()
    }

    fn range(&self) -> Range<f64> {
        self.0.clone()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    if low == high {
        return vec![low];
    }
    let rough = (high - low) / count.max(1) as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|&step| step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    let count = (last - first).max(-1.0) as usize + usize::from(last >= first);
    // What is 0 but for rounding should be called 0.
    let tick = |index: usize| {
        let tick = (first + index as f64) * step;
        if tick.abs() < 1e-9 * step { 0.0 } else { tick }
    };
    (0..count).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(axis: &Axis, ends: [f64; 2]) -> Vec<String> {
        axis.names(&axis.ticks(ends, 5))
    }

    #[test]
    fn ticks_are_at_round_values() {
        let axis = Axis::new("");
        assert_eq!(
            names(&axis, [0.0, 100.0]),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(
            names(&axis, [-0.13, 0.31]),
            ["-0.1", "0", "0.1", "0.2", "0.3"]
        );
        assert_eq!(names(&axis, [97.0, 103.0]), ["98", "100", "102"]);
        assert_eq!(names(&axis, [7.0, 7.0]), ["7"]);
    }

    #[test]
    fn a_logarithmic_axis_has_its_ticks_at_decades() {
        let axis = Axis {
            scale: Scale::Log,
            ..Axis::new("")
        };
        assert_eq!(
            names(&axis, [-3.2, 1.1]),
            ["0.001", "0.01", "0.1", "1", "10"]
        );
        assert_eq!(names(&axis, [0.0, 0.7]), ["1", "2", "3", "4", "5"]);
        assert_eq!(names(&axis, [0.6, 1.8]), ["5", "10", "20", "50"]);
        assert_eq!(axis.place(0.0), None);
        assert_eq!(axis.place(100.0), Some(2.0));
        assert!(axis.ticks([-20.0, 20.0], 5).len() <= 6);
    }

    #[test]
    fn counts_have_ticks_at_whole_numbers() {
        let axis = Axis {
            scale: Scale::Count,
            ..Axis::new("")
        };
        assert_eq!(names(&axis, [1.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(names(&axis, [2.0, 3.0]), ["2", "3"]);
        assert_eq!(names(&axis, [0.5, 1.5]), ["1"]);
        assert_eq!(names(&axis, [2.0, 2.0]), ["2"]);
        assert_eq!(
            names(&axis, [0.0, 50.0]),
            ["0", "10", "20", "30", "40", "50"]
        );
    }

    #[test]
    fn an_axis_about_a_single_place_has_a_length() {
        let axis = Axis::new("");
        assert_eq!(axis.ends([20.0].into_iter(), 0.1), Some([18.0, 22.0]));
        assert_eq!(axis.ends([0.0, 10.0].into_iter(), 0.1), Some([-1.0, 11.0]));
        assert_eq!(axis.ends([].into_iter(), 0.1), None);
    }
}

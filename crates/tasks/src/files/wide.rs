//! Numbers whose differences 32 bits would not hold.

use super::recording::{Case, Recordings};
use ndarray::Array2;

/// What is taken from every channel before it is cut to 32 bits: 0, unless its values lie so far from 0, beside how far they
/// lie from one another, that 32 bits would blur them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shift {
    /// Of each input.
    pub(super) inputs: Vec<f64>,
    /// Of each target.
    pub(super) targets: Vec<f64>,
}

/// How many times its range a channel may lie from 0. The error of 32 bits is then at most 6e-5 of the range.
const FARTHEST: f64 = 1024.0;

impl Shift {
    /// Takes it from all sequences; from inputs only where `standardised`, which are then in no unit of their own.
    pub(super) fn take(parts: &mut [Recordings], standardised: bool) -> Self {
        let mut shift = Self {
            inputs: of(parts, |case| &case.inputs),
            targets: of(parts, |case| &case.series),
        };
        if !standardised {
            shift.inputs.fill(0.0);
        }
        for case in parts.iter_mut().flat_map(|part| &mut part.cases) {
            subtract(&mut case.inputs, &shift.inputs);
            subtract(&mut case.series, &shift.targets);
        }
        shift
    }
}

fn subtract(values: &mut Array2<f64>, offsets: &[f64]) {
    for (mut channel, offset) in values.columns_mut().into_iter().zip(offsets) {
        if *offset != 0.0 {
            channel -= *offset;
        }
    }
}

fn of(parts: &[Recordings], values: fn(&Case) -> &Array2<f64>) -> Vec<f64> {
    let cases = || parts.iter().flat_map(|part| &part.cases).map(values);
    let width = cases().map(|values| values.ncols()).min().unwrap_or(0);
    let mut ends = vec![[f64::INFINITY, f64::NEG_INFINITY]; width];
    for row in cases().flat_map(|values| values.rows()) {
        for ([low, high], &value) in ends.iter_mut().zip(row) {
            // `min` and `max` pass over NaN.
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
    ends.into_iter().map(offset).collect()
}

/// The middle of a range that lies far from 0, else 0.
fn offset([low, high]: [f64; 2]) -> f64 {
    let farthest = low.abs().max(high.abs());
    if low < high && farthest > FARTHEST * (high - low) {
        low / 2.0 + high / 2.0
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_range_that_is_narrow_beside_its_distance_from_zero_is_moved() {
        for (ends, expected) in [
            ([1e7 - 1.0, 1e7 + 1.0], 1e7),
            ([-1e7 - 1.0, -1e7 + 1.0], -1e7),
            ([-1.0, 1.0], 0.0),
            ([900.0, 901.0], 0.0),
            ([5e6, 5e6], 0.0),
            ([f64::INFINITY, f64::NEG_INFINITY], 0.0),
        ] {
            assert_eq!(offset(ends), expected, "{ends:?}");
        }
    }
}

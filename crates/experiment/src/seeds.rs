//! Which seeds to run, as `--seeds 0..5` gives them.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A range of seeds: `0..5` is 0, 1, 2, 3, 4, and `3` is 3 alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(Range<u64>);

/// The text is not a range of seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a range such as 0..5 (which is 0, 1, 2, 3, 4) nor one number such as 3")]
pub struct SeedsError(String);

impl FromStr for Seeds {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, SeedsError> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let range = match text.split_once("..") {
            Some((start, end)) => number(start)
                .zip(number(end))
                .map(|(start, end)| start..end),
            None => number(text).and_then(|seed| Some(seed..seed.checked_add(1)?)),
        };
        let range = range.filter(|range| !range.is_empty());
        range.map(Self).ok_or_else(|| SeedsError(text.into()))
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}..{}", self.0.start, self.0.end)
    }
}

impl Default for Seeds {
    /// Seed 0 alone.
    fn default() -> Self {
        Self(0..1)
    }
}

impl Seeds {
    /// The seeds in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + use<> {
        self.0.clone()
    }

    /// How many there are; at least one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.end - self.0.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_their_end_out() {
        let seeds: Seeds = "0..5".parse().unwrap();
        assert_eq!(seeds.iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(seeds.count(), 5);
        assert_eq!("3".parse::<Seeds>().unwrap(), "3..4".parse().unwrap());
    }

    #[test]
    fn what_is_not_a_range_is_refused() {
        for text in [
            "",
            "x",
            "5..5",
            "5..0",
            "0..",
            "..5",
            "-1..2",
            "18446744073709551615",
        ] {
            assert!(text.parse::<Seeds>().is_err(), "{text}");
        }
    }
}

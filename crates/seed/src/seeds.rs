//! Which seeds to run, as `--seeds 0..5` gives them, and sets of seeds.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A range of seeds: `0..5` is 0, 1, 2, 3, 4, and `3` is 3 alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seeds(Range<u64>);

/// The text is not a range of seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedsError {
    /// It is something else.
    #[error(
        "{0:?} is neither a range such as 0..5 (which is 0, 1, 2, 3, 4) nor one number such as 3"
    )]
    Form(String),
    /// It is a range without seeds.
    #[error("{0:?} has no seed: a range ends before its second number, as 0..5 does with 4")]
    Empty(String),
}

impl FromStr for Seeds {
    type Err = SeedsError;

    fn from_str(text: &str) -> Result<Self, SeedsError> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let seeds = match text.split_once("..") {
            Some((start, end)) => number(start)
                .zip(number(end))
                .map(|(start, end)| Self(start..end)),
            None => number(text).and_then(Self::one),
        };
        let seeds = seeds.ok_or_else(|| SeedsError::Form(text.into()))?;
        match seeds.0.is_empty() {
            true => Err(SeedsError::Empty(text.into())),
            false => Ok(seeds),
        }
    }
}

impl TryFrom<String> for Seeds {
    type Error = SeedsError;

    fn try_from(text: String) -> Result<Self, SeedsError> {
        text.parse()
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> Self {
        seeds.to_string()
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
    /// A seed alone; none for the largest number, which has no end to leave out.
    #[must_use]
    pub fn one(seed: u64) -> Option<Self> {
        Some(Self(seed..seed.checked_add(1)?))
    }

    /// The seeds in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + use<> {
        self.0.clone()
    }

    /// The first seed that is among others, too.
    #[must_use]
    pub fn shared(&self, others: &Self) -> Option<u64> {
        let first = self.0.start.max(others.0.start);
        (first < self.0.end.min(others.0.end)).then_some(first)
    }

    /// How many there are; at least one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.end - self.0.start
    }
}

/// A set of seeds: ranges that lie apart, in ascending order.
///
/// In a file it is a range, `"0..5"`, or a list of ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeedRanges(Vec<Range<u64>>);

impl FromIterator<Seeds> for SeedRanges {
    fn from_iter<I: IntoIterator<Item = Seeds>>(seeds: I) -> Self {
        let mut ranges: Vec<_> = seeds.into_iter().map(|seeds| seeds.0).collect();
        ranges.sort_by_key(|range| range.start);
        let mut apart: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        Self(apart)
    }
}

impl SeedRanges {
    /// The ranges.
    pub fn iter(&self) -> impl Iterator<Item = Seeds> {
        self.0.iter().cloned().map(Seeds)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many seeds there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|range| range.count()).sum()
    }

    /// Whether it has one of some seeds.
    #[must_use]
    pub fn overlaps(&self, seeds: &Seeds) -> bool {
        let mut ranges = self.0.iter();
        ranges.any(|range| range.start < seeds.0.end && seeds.0.start < range.end)
    }

    /// Whether it has a seed.
    #[must_use]
    pub fn contains(&self, seed: u64) -> bool {
        self.0.iter().any(|range| range.contains(&seed))
    }

    /// Those that are not among some others.
    #[must_use]
    pub fn without(&self, others: &BTreeSet<u64>) -> Self {
        let mut left = Vec::new();
        for range in &self.0 {
            let mut start = range.start;
            for &other in others.range(range.clone()) {
                left.push(start..other);
                start = other + 1;
            }
            left.push(start..range.end);
        }
        left.retain(|range| !range.is_empty());
        Self(left)
    }
}

impl fmt::Display for SeedRanges {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<_> = self.iter().map(|range| range.to_string()).collect();
        out.write_str(&ranges.join(" and "))
    }
}

impl Serialize for SeedRanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0[..] {
            [range] => Seeds(range.clone()).serialize(serializer),
            _ => serializer.collect_seq(self.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for SeedRanges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SeedRangesVisitor)
    }
}

struct SeedRangesVisitor;

impl<'de> Visitor<'de> for SeedRangesVisitor {
    type Value = SeedRanges;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a range of seeds such as \"0..5\", or a list of ranges")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SeedRanges, E> {
        let range = text.parse::<Seeds>().map_err(E::custom)?;
        Ok(SeedRanges::from_iter([range]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<SeedRanges, A::Error> {
        let mut ranges = Vec::new();
        while let Some(range) = list.next_element::<Seeds>()? {
            ranges.push(range);
        }
        Ok(ranges.into_iter().collect())
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

    #[test]
    fn what_is_wrong_with_a_range_is_said() {
        let said = |text: &str| text.parse::<Seeds>().unwrap_err().to_string();
        assert!(said("5..0").contains("has no seed"));
        assert!(said("x").contains("neither a range"));
    }

    #[test]
    fn the_first_seed_that_two_ranges_share_is_found_however_many_there_are() {
        let shared = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| text.parse::<Seeds>().unwrap());
            assert_eq!(one.shared(&other), other.shared(&one));
            one.shared(&other)
        };
        assert_eq!(shared("0", "1..18446744073709551615"), None);
        assert_eq!(shared("0..5", "5..9"), None);
        assert_eq!(shared("0..6", "4..9"), Some(4));
        assert_eq!(shared("0..6", "2..3"), Some(2));
    }

    fn ranges(texts: &[&str]) -> SeedRanges {
        texts
            .iter()
            .map(|text| text.parse::<Seeds>().unwrap())
            .collect()
    }

    #[test]
    fn ranges_are_joined_where_they_meet() {
        let seeds = ranges(&["5..7", "0..2", "2..3", "6..9"]);
        assert_eq!(seeds.to_string(), "0..3 and 5..9");
        assert_eq!(seeds.count(), 7);
        assert!(seeds.overlaps(&"8..100".parse().unwrap()));
        assert!(!seeds.overlaps(&"3..5".parse().unwrap()));
    }

    #[test]
    fn what_is_left_of_ranges_is_ranges() {
        let seeds = ranges(&["0..5", "18446744073709551610..18446744073709551615"]);
        let left = |done: &[u64]| seeds.without(&done.iter().copied().collect()).to_string();
        let last = "18446744073709551610..18446744073709551615";
        assert_eq!(left(&[]), format!("0..5 and {last}"));
        assert_eq!(left(&[0, 2, 3, 9]), format!("1..2 and 4..5 and {last}"));
        assert_eq!(left(&[0, 1, 2, 3, 4]), last);
    }

    #[test]
    fn a_file_has_one_range_or_a_list() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct File {
            seeds: SeedRanges,
        }
        for text in ["seeds = \"0..5\"\n", "seeds = [\"0..5\", \"7..8\"]\n"] {
            let file: File = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&file).unwrap(), text);
        }
        for (text, word) in [("seeds = 'many'", "0..5"), ("seeds = 3", "list of ranges")] {
            let error = toml::from_str::<File>(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}

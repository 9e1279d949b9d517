//! How a configuration was chosen: the table `[chosen]` of an experiment.

use serde::{Deserialize, Serialize};

use crate::SeedRanges;

/// How a configuration was chosen, so that the score that chose it is not taken for the score to expect.
///
/// Of many configurations the best one on some seeds is a little lucky there: a figure to publish is made on seeds that took
/// no part, from [`Chosen::PUBLISHED`] on. The table is left out where settings change the configuration, which then is
/// another one.
///
/// ```toml
/// [chosen]
/// seeds = "100..103"   # or a list: ["100..103", "10..12"]
/// tried = 55
/// by = "mean squared error on validation steps"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The seeds whose scores took part.
    pub seeds: SeedRanges,
    /// How many configurations were judged; 1 where it was taken as it is.
    pub tried: usize,
    /// By what they were judged.
    pub by: String,
}

impl Chosen {
    /// The first of the seeds that figures are published of, which choose nothing.
    pub const PUBLISHED: u64 = 1000;

    /// The warning that belongs to a score of one of its seeds.
    pub(crate) fn warning(&self) -> String {
        format!(
            "seeds {} took part in choosing this configuration (tried: {}; by: {}): a figure to publish is made on seeds from {} on",
            self.seeds,
            self.tried,
            self.by,
            Self::PUBLISHED
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_says_which_seeds_chose_and_which_are_left() {
        let text = "seeds = ['100..103', '7..8']\ntried = 12\nby = 'error'";
        let chosen: Chosen = toml::from_str(text).unwrap();
        assert_eq!(
            toml::from_str::<Chosen>(&toml::to_string(&chosen).unwrap()),
            Ok(chosen.clone())
        );
        let warning = chosen.warning();
        for word in ["seeds 7..8 and 100..103", "12; by: error", "from 1000 on"] {
            assert!(warning.contains(word), "{warning}");
        }
    }
}

//! What a sweep came to: its trials, as plain values, for tables, files and the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The trials of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The sweep's name: that of its file.
    pub name: String,
    /// What the score is: a metric's name, as records have it.
    pub metric: String,
    /// What was judged: `valid` or `test`, the split of the data.
    pub judged: String,
    /// Whether a higher score is better.
    pub higher_is_better: bool,
    /// The keys of the space, as `--set` names them, in alphabetical order; the resource of successive halving comes last.
    pub keys: Vec<String>,
    /// Keys whose values were spread on a logarithmic scale.
    pub logarithmic: Vec<String>,
    /// How many trials were asked for.
    pub planned: u64,
    /// The trials that ended, by ascending number.
    pub trials: Vec<Trial>,
}

impl Results {
    /// What was judged, in words.
    #[must_use]
    pub fn judged_data(&self) -> &str {
        match self.judged.as_str() {
            "valid" => "validation",
            other => other,
        }
    }

    /// A score with the sign that makes a higher one better.
    #[must_use]
    pub fn goodness(&self, score: f64) -> f64 {
        if self.higher_is_better { score } else { -score }
    }

    /// A key as charts and tables name it: its shortest end that no other key has, and that does not begin with a place in a list,
    /// which says nothing without its name.
    #[must_use]
    pub fn label(&self, key: &str) -> String {
        let parts: Vec<&str> = key.split('.').collect();
        let ends = (0..parts.len()).rev().map(|from| parts[from..].join("."));
        let mut ends = ends.filter(|end| !end.starts_with(|first: char| first.is_ascii_digit()));
        let unique = |end: &String| {
            let tail = format!(".{end}");
            let mut others = self.keys.iter().filter(|other| *other != key);
            !others.any(|other| other == end || other.ends_with(&tail))
        };
        ends.find(unique).unwrap_or_else(|| key.into())
    }
}

/// One trial: a point of the space and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its number, from 0.
    pub trial: u64,
    /// The value of each key of the space that it has: a number, text, a truth value, or any other value of TOML.
    pub point: BTreeMap<String, Value>,
    /// Its parameters; none where they could not be counted.
    pub parameters: Option<Parameters>,
    /// A score for each seed, by ascending seed; none where the trial failed.
    pub seeds: Vec<SeedScore>,
    /// The mean of the scores that are judged; none where the trial failed.
    pub score: Option<f64>,
    /// Why it failed, in a sentence.
    pub problem: Option<String>,
    /// Time of all seeds.
    pub seconds: f64,
    /// The command that runs its configuration alone.
    pub command: String,
}

/// How many parameters a model has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Those that are trained.
    pub trained: u64,
    /// Those that stay as they were drawn.
    pub fixed: u64,
}

impl Parameters {
    /// Both together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.trained + self.fixed
    }
}

/// The scores of a seed; none on a split that was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedScore {
    /// The seed.
    pub seed: u64,
    /// On the training set.
    pub train: Option<f64>,
    /// On the validation set.
    pub valid: Option<f64>,
    /// On the test set.
    pub test: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_as_short_as_they_can_be() {
        let labels = |keys: &[&str]| {
            let results: Results = serde_json::from_value(serde_json::json!({
                "name": "labels", "metric": "accuracy", "judged": "valid", "higher_is_better": true, "keys": keys,
                "logarithmic": [], "planned": 0, "trials": []
            }))
            .unwrap();
            let labels = results.keys.iter().map(|key| results.label(key));
            labels.collect::<Vec<_>>()
        };
        assert_eq!(
            labels(&["a.0.units", "b.0.units", "reservoir.leak", "b.leaks", "c.0"]),
            ["a.0.units", "b.0.units", "leak", "leaks", "c.0"]
        );
        assert_eq!(labels(&["units", "a.units"]), ["units", "a.units"]);
    }
}

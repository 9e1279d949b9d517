//! The inputs of a reservoir by name.

use std::collections::HashMap;

/// The inputs: how many there are, and what they are called.
///
/// Inputs whose names differ in a number at their ends alone are a group: `symbol 0` and `symbol 1` are the group `symbol`.
/// All of them together are the group `inputs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
    width: usize,
    names: Vec<String>,
}

impl From<usize> for Inputs {
    /// `width` inputs without names.
    fn from(width: usize) -> Self {
        let names = Vec::new();
        Self { width, names }
    }
}

impl Inputs {
    /// The group of all inputs.
    pub const ALL: &'static str = "inputs";

    /// `width` inputs with a name each; without names where there are fewer or more names than inputs.
    pub fn named(width: usize, names: &[String]) -> Self {
        let names = match names.len() == width {
            true => names.to_vec(),
            false => Vec::new(),
        };
        Self { width, names }
    }

    /// Width of the inputs, I.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The groups in the order of their first inputs, each with its inputs; that of all where no input has a name.
    pub fn groups(&self) -> Vec<(&str, Vec<usize>)> {
        if self.names.is_empty() {
            return vec![(Self::ALL, (0..self.width).collect())];
        }
        let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut places = HashMap::new();
        for (input, name) in self.names.iter().enumerate() {
            let group = group(name);
            let place = *places.entry(group).or_insert(groups.len());
            if place == groups.len() {
                groups.push((group, Vec::new()));
            }
            groups[place].1.push(input);
        }
        groups
    }

    /// The inputs of a group, or the one input of that name.
    pub(crate) fn find(&self, name: &str) -> Option<Vec<usize>> {
        if name == Self::ALL {
            return Some((0..self.width).collect());
        }
        let found = self.groups().into_iter().find(|(group, _)| *group == name);
        let one = || self.names.iter().position(|one| one == name);
        found.map_or_else(|| one().map(|at| vec![at]), |(_, inputs)| Some(inputs))
    }
}

/// An input's name without the number at its end.
fn group(name: &str) -> &str {
    match name.rsplit_once(' ') {
        Some((group, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => group,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_whose_names_differ_in_a_number_are_a_group() {
        let names = ["symbol 0", "marker", "symbol 1", "hot water"].map(String::from);
        let inputs = Inputs::named(4, &names);
        let groups = inputs.groups();
        let groups: Vec<_> = groups.iter().map(|(name, all)| (*name, &all[..])).collect();
        let expected = [
            ("symbol", &[0, 2][..]),
            ("marker", &[1]),
            ("hot water", &[3]),
        ];
        assert_eq!(groups, expected);
        assert_eq!(inputs.find("symbol"), Some(vec![0, 2]));
        assert_eq!(inputs.find("symbol 1"), Some(vec![2]));
        assert_eq!(inputs.find("inputs"), Some(vec![0, 1, 2, 3]));
        assert_eq!(inputs.find("hot"), None);
    }

    #[test]
    fn inputs_without_names_are_one_group() {
        assert_eq!(Inputs::from(2).groups(), [("inputs", vec![0, 1])]);
        let unnamed = Inputs::named(2, &["x".into()]);
        assert_eq!(unnamed, Inputs::from(2));
    }
}

//! Splitting sequences at random, class by class where there are classes.

use crate::{Category, Dataset, Sample, TaskError};
use ran_seed::RngStream;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;

impl Dataset {
    /// Moves a fraction of the training sequences to the validation split: drawn by seed, of each class alike where the
    /// task is classification, and never a whole class; where sequences go on from one another, the last ones, as one. What
    /// inputs are standardised with is then that of the sequences that are left, so that nothing of the validation split
    /// reaches it.
    ///
    /// # Errors
    ///
    /// If the fraction is none, or leaves nothing for validation.
    pub fn split_off_valid(&mut self, fraction: f64, seed: u64) -> Result<(), TaskError> {
        split_off_valid(self, "learning", fraction, seed)?;
        if let Some(before) = self.standardiser.take() {
            self.standardise();
            let again = self.standardiser.take();
            self.standardiser = again.map(|again| before.then(&again));
        }
        Ok(())
    }

    /// Does with a data set of whole sequences what a task's keys ask for: splits the validation set off, leaves out training
    /// sequences beyond the limit, and standardises what is left.
    pub(crate) fn finish(
        mut self,
        task: &'static str,
        valid: f64,
        limit: Option<usize>,
        standardise: bool,
        seed: u64,
    ) -> Result<Self, TaskError> {
        split_off_valid(&mut self, task, valid, seed)?;
        self::limit(&mut self, task, limit, seed)?;
        if standardise {
            self.standardise();
        }
        Ok(self)
    }
}

/// Indices `0..groups.len()` split into (rest, part), both ascending; `fraction` of each group, rounded,
/// goes to the part, but never a whole group.
pub(crate) fn stratified(
    groups: &[usize],
    fraction: f64,
    seed: u64,
    stream: RngStream,
) -> (Vec<usize>, Vec<usize>) {
    let mut rng = stream.rng(seed);
    let (mut rest, mut part) = (Vec::new(), Vec::new());
    let count = groups.iter().max().map_or(0, |&last| last + 1);
    let mut members = vec![Vec::new(); count];
    for (index, &group) in groups.iter().enumerate() {
        members[group].push(index);
    }
    for mut members in members {
        members.shuffle(&mut rng);
        let taken = (members.len() as f64 * fraction).round() as usize;
        let taken = taken.min(members.len().saturating_sub(1));
        part.extend_from_slice(&members[..taken]);
        rest.extend_from_slice(&members[taken..]);
    }
    rest.sort_unstable();
    part.sort_unstable();
    (rest, part)
}

/// Checks that `fraction` is one: `0 <= fraction < 1`.
pub(crate) fn check_fraction(
    task: &'static str,
    key: &'static str,
    fraction: f64,
) -> Result<(), TaskError> {
    if (0.0..1.0).contains(&fraction) {
        return Ok(());
    }
    let problem =
        format!("{fraction} is not allowed; it is a fraction of at least 0 and less than 1");
    Err(TaskError::key(task, key, problem))
}

/// Moves `fraction` of the training sequences to the validation split.
pub(crate) fn split_off_valid(
    dataset: &mut Dataset,
    task: &'static str,
    fraction: f64,
    seed: u64,
) -> Result<(), TaskError> {
    check_fraction(task, "valid", fraction)?;
    if fraction == 0.0 {
        return Ok(());
    }
    let count = dataset.train.len();
    let part = match dataset.continues {
        true => {
            let taken = (count as f64 * fraction).round() as usize;
            (count - taken.min(count.saturating_sub(1))..count).collect()
        }
        false => stratified(&groups(dataset), fraction, seed, RngStream::ValidSplit).1,
    };
    if part.is_empty() {
        let how = match dataset.continues {
            true => "",
            false => ", taken class by class,",
        };
        let problem = format!(
            "{fraction} of {count} training sequences{how} leaves none for validation; a larger fraction or 0 is allowed"
        );
        return Err(TaskError::key(task, "valid", problem));
    }
    let mut chosen = vec![false; count];
    part.iter().for_each(|&index| chosen[index] = true);
    let mut chosen = chosen.into_iter();
    let train = &mut dataset.train;
    let moved = train.extract_if(.., |_| chosen.next().unwrap_or(false));
    match dataset.continues {
        true => {
            let moved: Vec<Sample> = moved.collect();
            dataset.valid.push(Sample::join(&moved));
        }
        false => dataset.valid.extend(moved),
    }
    Ok(())
}

/// Keeps `limit` of the training sequences, if there is one. Which ones follows from the seed; classes keep their shares, and a
/// smaller limit keeps some of those that a larger one keeps.
pub(crate) fn limit(
    dataset: &mut Dataset,
    task: &'static str,
    limit: Option<usize>,
    seed: u64,
) -> Result<(), TaskError> {
    let Some(limit) = limit else { return Ok(()) };
    let count = dataset.train.len();
    if !(1..=count).contains(&limit) {
        let problem = format!(
            "{limit} is not allowed; it is a number of training sequences, of which there are {count} here"
        );
        return Err(TaskError::key(task, "limit", problem));
    }
    let mut classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, class) in groups(dataset).into_iter().enumerate() {
        classes.entry(class).or_default().push(index);
    }
    let mut rng = RngStream::Limit.rng(seed);
    let mut order = Vec::with_capacity(count);
    for mut members in classes.into_values() {
        members.shuffle(&mut rng);
        // Members of a class lie at equal distances from 0 to 1, so that the front of all has each class's share.
        let distance = 1.0 / members.len() as f64;
        let places = members.into_iter().enumerate();
        order.extend(places.map(|(place, index)| ((place as f64 + 0.5) * distance, index)));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut kept = vec![false; count];
    order[..limit]
        .iter()
        .for_each(|&(_, index)| kept[index] = true);
    let mut kept = kept.into_iter();
    dataset.train.retain(|_| kept.next().unwrap_or(false));
    Ok(())
}

/// What a split takes evenly from: the class of each training sequence, where it has one.
fn groups(dataset: &Dataset) -> Vec<usize> {
    match dataset.category {
        Category::Classification => dataset.train.iter().map(last_class).collect(),
        Category::Regression | Category::MultiLabel => vec![0; dataset.train.len()],
    }
}

fn last_class(sample: &Sample) -> usize {
    let last = sample.targets.rows().into_iter().next_back();
    last.and_then(|row| row.iter().position(|&bit| bit == 1.0))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_gives_its_fraction() {
        let groups: Vec<usize> = (0..50).map(|i| usize::from(i >= 20)).collect();
        let (rest, part) = stratified(&groups, 0.2, 3, RngStream::TestSplit);
        assert_eq!(part.iter().filter(|&&i| i < 20).count(), 4);
        assert_eq!(part.iter().filter(|&&i| i >= 20).count(), 6);
        let mut all = [rest, part].concat();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn the_split_follows_the_seed() {
        let groups = vec![0; 100];
        let part = |seed| stratified(&groups, 0.5, seed, RngStream::TestSplit).1;
        assert_eq!(part(0), part(0));
        assert_ne!(part(0), part(1));
    }

    fn vowels(limit: usize, seed: u64) -> Result<Dataset, TaskError> {
        let text = format!("name = 'japanese-vowels'\nlimit = {limit}\nstandardise = false");
        toml::from_str::<crate::TaskConfig>(&text)
            .unwrap()
            .load(seed)
    }

    #[test]
    fn a_limit_keeps_shares_of_classes_and_is_drawn_by_seed() {
        let dataset = vowels(45, 0).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len()), (45, 370));
        let counts = dataset
            .stack_targets(&dataset.train)
            .sum_axis(ndarray::Axis(0));
        assert_eq!(counts.to_vec(), [5.0; 9]);
        assert_eq!(dataset, vowels(45, 0).unwrap());
        assert_ne!(dataset.train, vowels(45, 1).unwrap().train);
        let larger = vowels(50, 0).unwrap().train;
        assert!(dataset.train.iter().all(|sample| larger.contains(sample)));
    }

    #[test]
    fn a_limit_of_none_or_of_more_than_there_are_is_refused() {
        for limit in [0, 271] {
            let message = vowels(limit, 0).unwrap_err().to_string();
            let expected = format!(
                "key `limit`: {limit} is not allowed; it is a number of training sequences, of which there are 270"
            );
            assert!(message.contains(&expected), "{message}");
        }
    }

    #[test]
    fn every_task_of_many_sequences_has_a_limit() {
        for (text, count) in [
            ("name = 'sequential-digits'", 10),
            ("name = 'adding-problem'", 10),
            ("name = 'cross-situation'", 10),
            ("name = 'sinus-forecasting'", 1),
        ] {
            let load = |limit: usize| {
                let text = format!("{text}\nlimit = {limit}");
                toml::from_str::<crate::TaskConfig>(&text).unwrap().load(0)
            };
            assert_eq!(load(count).unwrap().train.len(), count, "{text}");
            assert!(load(0).is_err(), "{text}");
        }
    }

    #[test]
    fn no_class_is_taken_whole() {
        let (rest, part) = stratified(&[0, 1], 0.9, 0, RngStream::TestSplit);
        assert_eq!((rest, part), (vec![0, 1], vec![]));
    }

    #[test]
    fn nothing_of_the_validation_split_reaches_what_inputs_are_standardised_with() {
        let sequence = |value: f32| Sample {
            inputs: ndarray::array![[value, 7.0], [value * value, 7.0]],
            scored: vec![1],
            targets: ndarray::array![[0.0]],
        };
        let raw: Vec<Sample> = (0..20).map(|at| sequence(at as f32 * 0.3 - 2.0)).collect();
        let split = |train: &[Sample]| {
            let mut dataset = Dataset {
                train: train.to_vec(),
                test: vec![sequence(1.0)],
                ..Dataset::new("numbers", Category::Regression, [2, 1])
            };
            dataset.standardise();
            dataset.split_off_valid(0.3, 5).unwrap();
            dataset
        };
        let (_, part) = stratified(&[0; 20], 0.3, 5, RngStream::ValidSplit);
        let kept = (0..20).filter(|at| !part.contains(at));
        let kept: Vec<Sample> = kept.map(|at| raw[at].clone()).collect();
        let expected = crate::Standardiser::fit(&kept);
        let mut far = raw.clone();
        part.iter().for_each(|&at| far[at] = sequence(30.0));
        for (train, valid) in [(&raw, None), (&far, Some(30.0))] {
            let dataset = split(train);
            let found = dataset.standardiser.as_ref().unwrap();
            for (found, expected) in found.mean.iter().zip(&expected.mean) {
                assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
            }
            for (found, expected) in found.deviation.iter().zip(&expected.deviation) {
                assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
            }
            // The inputs are standardised with what stands there.
            let own = [&dataset.train, &dataset.valid, &dataset.test].map(|split| &split[0]);
            let given = [
                kept[0].clone(),
                sequence(valid.unwrap_or(raw[part[0]].inputs[[0, 0]])),
                sequence(1.0),
            ];
            for (own, given) in own.into_iter().zip(given) {
                let mut inputs = given.inputs;
                expected.apply(&mut inputs);
                let apart = (&inputs - &own.inputs).mapv(f32::abs);
                assert!(
                    apart.iter().all(|&x| x < 1e-3),
                    "{inputs} is not {}",
                    own.inputs
                );
            }
        }
    }
}

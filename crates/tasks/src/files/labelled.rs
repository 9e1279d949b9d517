//! Sequences with a class or a number each, as a data set.

use super::recording::{Case, Recordings, Target, single};
use crate::sample::one_hot;
use crate::{Category, Dataset, FilesConfig, Sample, TaskError, split, ts};
use ran_seed::RngStream;
use std::collections::HashMap;
use std::path::Path;

/// The data set of training and test sequences.
pub(crate) fn pair(name: &str, train: Recordings, test: Recordings) -> Result<Dataset, TaskError> {
    let d_input = check_widths(&train, &test)?;
    let (category, labels) = match (&train.target, &test.target) {
        (Target::Class(declared), Target::Class(_)) => {
            check_classes(&train, &test)?;
            let labels = match declared[..] {
                [] => found_classes(&train.cases),
                _ => declared.clone(),
            };
            (Category::Classification, labels)
        }
        (Target::Value, Target::Value) => (Category::Regression, Vec::new()),
        _ => {
            let problem = format!(
                "this file and {} must agree in whether a target is a class or a number",
                train.path.display()
            );
            return Err(TaskError::file(&test.path, problem));
        }
    };
    let samples = |recordings: Recordings| -> Result<Vec<Sample>, TaskError> {
        let Recordings { path, cases, .. } = recordings;
        let cases = cases.into_iter();
        let samples = cases.map(|case| sample(case, category, &labels, &path));
        samples.collect()
    };
    let d_output = labels.len().max(1);
    Ok(Dataset {
        input_names: train.input_names.clone(),
        output_names: train.output_names.clone(),
        train: samples(train)?,
        test: samples(test)?,
        labels,
        ..Dataset::new(name, category, [d_input, d_output])
    })
}

/// Splits sequences at random, class by class. The part for testing is the same whatever the seed of a run, so that no search by
/// other seeds has seen it.
pub(super) fn split(
    data: Recordings,
    fraction: f64,
) -> Result<(Recordings, Recordings), TaskError> {
    let groups: Vec<usize> = match &data.target {
        Target::Class(_) => {
            let classes: HashMap<String, usize> =
                found_classes(&data.cases).into_iter().zip(0..).collect();
            data.cases.iter().map(|case| classes[&case.label]).collect()
        }
        Target::Value | Target::Series => vec![0; data.cases.len()],
    };
    let (rest, part) = split::stratified(&groups, fraction, 0, RngStream::TestSplit);
    if part.is_empty() {
        let problem = format!(
            "{fraction} of {} sequences, taken class by class, leaves none for testing; a larger fraction is needed",
            data.cases.len()
        );
        return Err(TaskError::key(FilesConfig::NAME, "test_fraction", problem));
    }
    let pick = |indices: &[usize]| Recordings {
        path: data.path.clone(),
        target: data.target.clone(),
        input_names: data.input_names.clone(),
        output_names: data.output_names.clone(),
        cases: indices.iter().map(|&at| data.cases[at].clone()).collect(),
    };
    Ok((pick(&rest), pick(&part)))
}

/// The number of channels, if both files agree in it.
pub(super) fn check_widths(train: &Recordings, test: &Recordings) -> Result<usize, TaskError> {
    let (d_input, found) = (train.cases[0].inputs.ncols(), test.cases[0].inputs.ncols());
    if d_input == found {
        check_names(train, test)?;
        return Ok(d_input);
    }
    let problem = format!(
        "the case has {found} channels where those of {} have {d_input}; both files must agree",
        train.path.display()
    );
    Err(test.cases[0].place.error(&test.path, problem))
}

/// Refuses files whose columns have names and stand for different inputs at the same place.
fn check_names(train: &Recordings, test: &Recordings) -> Result<(), TaskError> {
    let named = !train.input_names.is_empty() && !test.input_names.is_empty();
    if !named || train.input_names == test.input_names {
        return Ok(());
    }
    let problem = format!(
        "the inputs are {} where those of {} are {}; the key `inputs` takes columns by name, whatever their places",
        test.input_names.join(", "),
        train.path.display(),
        train.input_names.join(", ")
    );
    Err(TaskError::file(&test.path, problem))
}

/// The classes that occur, by number if all are numbers, otherwise by alphabet.
fn found_classes(cases: &[Case]) -> Vec<String> {
    let mut labels: Vec<String> = cases.iter().map(|case| case.label.clone()).collect();
    labels.sort();
    labels.dedup();
    let numbers: Option<Vec<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut pairs: Vec<_> = numbers.into_iter().zip(labels).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        return pairs.into_iter().map(|(_, label)| label).collect();
    }
    labels
}

/// Refuses a class that is tested but never trained.
fn check_classes(train: &Recordings, test: &Recordings) -> Result<(), TaskError> {
    let known = found_classes(&train.cases);
    match test.cases.iter().find(|case| !known.contains(&case.label)) {
        None => Ok(()),
        Some(case) => {
            let problem = format!(
                "class `{}` has no case in {}; its classes are {}",
                ts::excerpt(&case.label),
                train.path.display(),
                ts::excerpt(&known.join(", "))
            );
            Err(case.place.error(&test.path, problem))
        }
    }
}

fn sample(
    case: Case,
    category: Category,
    labels: &[String],
    path: &Path,
) -> Result<Sample, TaskError> {
    let targets = if category == Category::Regression {
        single(&case.series)
    } else {
        let class = labels.iter().position(|label| *label == case.label);
        let class = class.ok_or_else(|| {
            let problem = format!("class `{}` is unknown", ts::excerpt(&case.label));
            case.place.error(path, problem)
        })?;
        one_hot(class, labels.len())
    };
    Ok(Sample {
        scored: vec![case.inputs.nrows() - 1],
        inputs: single(&case.inputs),
        targets,
    })
}

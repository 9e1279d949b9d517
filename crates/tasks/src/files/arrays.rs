//! `.npy` and `.npz` arrays.

use super::FilesConfig;
use super::columns::{Column, Goal, Selection};
use super::recording::{Case, Place, Recordings, Target};
use crate::npy::{self, NpyArray, Values};
use crate::npz::{Npz, numbers};
use crate::{TaskError, input, ts};
use ndarray::{Array2, Array3, ArrayD, ArrayView1, ArrayView2, Axis, s};
use std::path::Path;

/// Reads the sequences of an `.npy` file, and their labels from another.
pub(super) fn read_npy(
    config: &FilesConfig,
    path: &Path,
    labels: Option<&Path>,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let what =
        "an .npy file; its labels lie in a file of their own, `train_labels` and `test_labels`";
    config.refuse("label", config.label.is_some(), what)?;
    config.refuse("value", config.value.is_some(), what)?;
    let array = |path: &Path, parse: fn(&[u8]) -> Result<NpyArray, String>| {
        let bytes = input::read(path)?;
        parse(&bytes).map_err(|problem| TaskError::file(path, problem))
    };
    let inputs = numbers(array(path, npy::parse_numbers)?, true);
    let inputs = inputs.map_err(|problem| TaskError::file(path, problem))?;
    let labels = match (labels, goal) {
        (Some(path), Goal::Label) => Some(
            texts(array(path, npy::parse)?).map_err(|problem| TaskError::file(path, problem))?,
        ),
        (_, Goal::Forecast { .. }) => None,
        _ => {
            let problem = "an .npy file does not say what is to be learnt; `labels` (or `train_labels` and `test_labels`) \
                           or `horizon` is needed";
            return Err(TaskError::key(FilesConfig::NAME, "labels", problem));
        }
    };
    recordings(
        config,
        path,
        "the array",
        inputs,
        labels,
        Target::Class(Vec::new()),
        goal,
    )
}

/// Reads the sequences of an `.npz` file, and their labels.
pub(super) fn read_npz(
    config: &FilesConfig,
    path: &Path,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let mut npz = Npz::open(path)?;
    let array = config.array.as_deref().unwrap_or("X");
    let inputs = npz.numbers(array)?;
    let (labels, target) = match goal {
        Goal::Forecast { .. } => (None, Target::Series),
        Goal::Label | Goal::Header => {
            let fallback = Column::Name("y".into());
            let name = config.label.as_ref().or(config.value.as_ref());
            let name = name.unwrap_or(&fallback).to_string();
            let target = match config.value {
                Some(_) => Target::Value,
                None => Target::Class(Vec::new()),
            };
            let labels = texts(npz.array(&name)?)
                .map_err(|problem| TaskError::file(path, format!("array `{name}`: {problem}")))?;
            (Some(labels), target)
        }
    };
    recordings(
        config,
        path,
        &format!("array `{array}`"),
        inputs,
        labels,
        target,
        goal,
    )
}

fn recordings(
    config: &FilesConfig,
    path: &Path,
    what: &str,
    inputs: ArrayD<f64>,
    labels: Option<Vec<String>>,
    target: Target,
    goal: &Goal,
) -> Result<Recordings, TaskError> {
    let refused = |problem: String| TaskError::file(path, format!("{what} {problem}"));
    let inputs = sequences(inputs, labels.is_some()).map_err(refused)?;
    let (count, steps, channels) = inputs.dim();
    if count == 0 || steps == 0 || channels == 0 {
        return Err(refused(format!(
            "has shape {:?}; each size must be at least 1",
            inputs.shape()
        )));
    }
    if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != count) {
        return Err(refused(format!(
            "holds {count} sequences, but there are {} labels",
            labels.len()
        )));
    }
    let selection = Selection::of(config, goal, channels, None, &[])?;
    let case = |(index, values): (usize, ArrayView2<'_, f64>)| {
        let place = Place::Sequence(index);
        let values = known(values).map_err(|problem| place.error(path, problem))?;
        let label = labels.as_ref().map(|labels| labels[index].clone());
        let label = label.unwrap_or_default();
        Ok(Case::select(place, &values, &selection, label))
    };
    let cases = inputs.axis_iter(Axis(0)).enumerate().map(case);
    let cases = cases.collect::<Result<_, TaskError>>()?;
    let target = labels.map_or(Target::Series, |_| target);
    Recordings::new(path, target, cases)
}

/// A sequence up to its last step that has a known value: arrays of sequences of unequal lengths are padded with NaN.
fn known(values: ArrayView2<'_, f64>) -> Result<Array2<f64>, String> {
    let missing = |values: ArrayView1<'_, f64>| values.iter().all(|value| value.is_nan());
    let steps = (0..values.nrows())
        .rev()
        .find(|&step| !missing(values.row(step)));
    let values = values.slice(s![..steps.map_or(0, |last| last + 1), ..]);
    match values.columns().into_iter().position(missing) {
        None => Ok(values.to_owned()),
        Some(channel) => Err(format!(
            "channel {channel} has no known value; at least one is needed"
        )),
    }
}

/// `[sequences, steps, channels]` whatever the number of dimensions.
fn sequences(array: ArrayD<f64>, labelled: bool) -> Result<Array3<f64>, String> {
    let shape = match (array.shape(), labelled) {
        (&[steps], false) => [1, steps, 1],
        (&[steps, channels], false) => [1, steps, channels],
        (&[count, steps], true) => [count, steps, 1],
        (&[count, steps, channels], _) => [count, steps, channels],
        (shape, labelled) => {
            let allowed = if labelled {
                "[sequences, steps] or [sequences, steps, channels]"
            } else {
                "[steps], [steps, channels] or [sequences, steps, channels]"
            };
            return Err(format!("has shape {shape:?}; {allowed} is allowed"));
        }
    };
    let array = array.into_shape_with_order(shape);
    array.map_err(|error| error.to_string())
}

/// One text per label; numbers are written out.
fn texts(array: NpyArray) -> Result<Vec<String>, String> {
    let count: usize = array.shape.iter().product();
    if array.shape.first() != Some(&count) {
        return Err(format!(
            "it has shape {:?}; labels are one per sequence",
            array.shape
        ));
    }
    match array.values {
        Values::Text(text) => Ok(text),
        Values::Numbers(numbers) => {
            let texts = numbers.iter().map(f64::to_string);
            let checked = texts.map(|text| ts::parse_number(&text).map(|_| text));
            checked.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn array() -> impl Strategy<Value = NpyArray> {
        prop::collection::vec(0..4_usize, 0..5).prop_flat_map(|shape| {
            let count = shape.iter().product::<usize>();
            let numbers = prop::collection::vec(any::<f64>(), count).prop_map(Values::Numbers);
            let texts = prop::collection::vec("[a-c]?", count).prop_map(Values::Text);
            let values = prop_oneof![numbers, texts];
            values.prop_map(move |values| NpyArray {
                shape: shape.clone(),
                values,
            })
        })
    }

    proptest! {
        #[test]
        fn arrays_of_any_shape_and_type_never_panic(inputs in array(), labels in array()) {
            let (config, path) = (FilesConfig::default(), Path::new("toy.npy"));
            let Ok(inputs) = numbers(inputs, true) else { return Ok(()) };
            let class = || Target::Class(Vec::new());
            let goal = Goal::Forecast { horizon: 1 };
            let series = recordings(&config, path, "it", inputs.clone(), None, Target::Series, &goal);
            let labels = texts(labels);
            let given = labels.clone().ok();
            let labelled = recordings(&config, path, "it", inputs, given, class(), &Goal::Label);
            for found in series.into_iter().chain(labelled) {
                prop_assert!(!found.cases.is_empty());
                prop_assert!(found.cases.iter().all(|case| !case.inputs.is_empty()));
            }
        }
    }
}

//! Data sets as `.npz` files in the layout of CogScale, written and read.
//!
//! The arrays are `X_train` `[sequences, steps, d_input]` and `Y_train` `[sequences, steps, d_output]`, the same for
//! `valid` and `test`, and `category`. A step that is not scored holds −100 in all its targets. Sequences that
//! are shorter than the longest of their split are padded with zeros behind, and their lengths stand in `L_train`,
//! `L_valid` and `L_test`.

mod write;

use crate::npy::Values;
use crate::npz::Npz;
use crate::sample::numbered;
use crate::{Category, Dataset, Sample, TaskError};
use ndarray::{Array2, ArrayD, Axis, Ix3, s};

/// What stands in the targets of a step that is not scored.
const UNSCORED: f32 = -100.0;

/// Reads what an [`NpzWriter`](crate::NpzWriter) writes of a whole data set, or CogScale's own arrays. `valid` may be missing; so may the lengths
/// and labels.
pub(crate) fn read(name: &str, npz: &mut Npz) -> Result<Dataset, TaskError> {
    let category = category(npz)?;
    let train = split(npz, "train", category)?;
    let valid = if npz.contains("X_valid") {
        split(npz, "valid", category)?
    } else {
        Vec::new()
    };
    let test = split(npz, "test", category)?;
    let refused = |problem: String| TaskError::file(npz.path(), problem);
    let (Some(first), false) = (train.first(), test.is_empty()) else {
        return Err(refused(
            "X_train and X_test must hold at least one sequence each".into(),
        ));
    };
    let (d_input, d_output) = (first.inputs.ncols(), first.targets.ncols());
    for (name, samples) in [("valid", &valid), ("test", &test)] {
        for sample in samples.iter().take(1) {
            let found = (sample.inputs.ncols(), sample.targets.ncols());
            if found != (d_input, d_output) {
                return Err(refused(format!(
                    "X_{name} and Y_{name} have widths {} and {} where those of train are {d_input} and {d_output}",
                    found.0, found.1
                )));
            }
        }
    }
    for (name, samples) in [("train", &train), ("valid", &valid), ("test", &test)] {
        if !samples.is_empty() && samples.iter().all(|sample| sample.scored.is_empty()) {
            return Err(refused(format!(
                "Y_{name} is {UNSCORED} in every step: no step is scored, and at least one must be"
            )));
        }
    }
    let labels = labels(npz, category, d_output)?;
    Ok(Dataset {
        input_names: names(npz, "input_names", d_input)?,
        output_names: names(npz, "output_names", d_output)?,
        labels,
        train,
        valid,
        test,
        ..Dataset::new(name, category, [d_input, d_output])
    })
}

fn category(npz: &mut Npz) -> Result<Category, TaskError> {
    let found = match npz.array("category")?.values {
        Values::Text(text) => text.into_iter().next().unwrap_or_default(),
        Values::Numbers(_) => "a number".into(),
    };
    match found.as_str() {
        "regression" => Ok(Category::Regression),
        "classification" => Ok(Category::Classification),
        "multi_classification" => Ok(Category::MultiLabel),
        other => {
            let problem = format!(
                "`category` is {other}; it must be classification, multi_classification or regression"
            );
            Err(TaskError::file(npz.path(), problem))
        }
    }
}

fn labels(npz: &mut Npz, category: Category, d_output: usize) -> Result<Vec<String>, TaskError> {
    if category == Category::Regression {
        return Ok(Vec::new());
    }
    if !npz.contains("labels") {
        return Ok(numbered(d_output));
    }
    texts(npz, "labels", d_output, "one per target")
}

/// The names of inputs or outputs, where the file has some.
fn names(npz: &mut Npz, array: &str, count: usize) -> Result<Vec<String>, TaskError> {
    if !npz.contains(array) {
        return Ok(Vec::new());
    }
    texts(npz, array, count, "one per number of a step")
}

/// The strings of an array, of which there must be `count`; `what` says why.
fn texts(npz: &mut Npz, array: &str, count: usize, what: &str) -> Result<Vec<String>, TaskError> {
    match npz.array(array)?.values {
        Values::Text(texts) if texts.len() == count => Ok(texts),
        _ => {
            let problem = format!("`{array}` must hold {count} strings, {what}");
            Err(TaskError::file(npz.path(), problem))
        }
    }
}

fn split(npz: &mut Npz, split: &str, category: Category) -> Result<Vec<Sample>, TaskError> {
    let inputs = npz.floats(&format!("X_{split}"))?;
    let targets = npz.floats(&format!("Y_{split}"))?;
    let refused = |problem: String| TaskError::file(npz.path(), problem);
    let three = |array: ArrayD<f32>, name: &str| {
        let shape = array.shape().to_vec();
        array.into_dimensionality::<Ix3>().map_err(|_| {
            refused(format!(
                "{name}_{split} has shape {shape:?}; it must be [sequences, steps, width]"
            ))
        })
    };
    let (inputs, targets) = (three(inputs, "X")?, three(targets, "Y")?);
    let (count, steps, d_input) = inputs.dim();
    if (count, steps) != (targets.dim().0, targets.dim().1) || d_input == 0 || targets.dim().2 == 0
    {
        return Err(refused(format!(
            "X_{split} {:?} and Y_{split} {:?} must agree in sequences and steps, and have a width",
            inputs.shape(),
            targets.shape()
        )));
    }
    let lengths = lengths(npz, split, count, steps)?;
    let mut samples = Vec::with_capacity(count);
    for (index, &length) in lengths.iter().enumerate() {
        let rows = targets.index_axis(Axis(0), index);
        let scored: Vec<usize> = (0..length)
            .filter(|&step| rows.row(step).iter().any(|&y| y != UNSCORED))
            .collect();
        let mut chosen: Array2<f32> = rows.select(Axis(0), &scored);
        if category != Category::Regression {
            // Some of CogScale's tasks leave the mask in the zeros of a one-hot row.
            chosen.mapv_inplace(|y| if y == UNSCORED { 0.0 } else { y });
            check_targets(&chosen, category).map_err(|problem| {
                let problem = format!("Y_{split}, sequence {index}: {problem}");
                TaskError::file(npz.path(), problem)
            })?;
        }
        let inputs = inputs.slice(s![index, ..length, ..]).to_owned();
        samples.push(Sample {
            inputs,
            scored,
            targets: chosen,
        });
    }
    Ok(samples)
}

fn check_targets(targets: &Array2<f32>, category: Category) -> Result<(), String> {
    if let Some(y) = targets.iter().find(|&&y| y != 0.0 && y != 1.0) {
        return Err(format!(
            "the target {y} is not allowed; targets of labels are 0 or 1"
        ));
    }
    if category == Category::Classification
        && targets.rows().into_iter().any(|row| row.sum() != 1.0)
    {
        return Err("a target row of a classification must hold exactly one 1".into());
    }
    Ok(())
}

fn lengths(
    npz: &mut Npz,
    split: &str,
    count: usize,
    steps: usize,
) -> Result<Vec<usize>, TaskError> {
    let name = format!("L_{split}");
    if steps == 0 && count > 0 {
        let problem = format!("the sequences of X_{split} have no steps");
        return Err(TaskError::file(npz.path(), problem));
    }
    if !npz.contains(&name) {
        return Ok(vec![steps; count]);
    }
    let allowed = |n: &f64| n.fract() == 0.0 && (1.0..=steps as f64).contains(n);
    match npz.array(&name)?.values {
        Values::Numbers(numbers) if numbers.len() == count && numbers.iter().all(allowed) => {
            Ok(numbers.into_iter().map(|n| n as usize).collect())
        }
        _ => {
            let problem = format!("`{name}` must hold {count} lengths of 1 to {steps} steps");
            Err(TaskError::file(npz.path(), problem))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::npz_writer::NpzWriter;
    use crate::{Split, TaskConfig, npy, npz};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// Writes a whole data set.
    pub(crate) fn write_npz(dataset: &Dataset, path: &Path) -> Result<(), TaskError> {
        let dataset = &*dataset.with_raw_targets();
        let mut writer = NpzWriter::create(path)?;
        for split in Split::ALL {
            writer.samples(dataset, split)?;
            writer.lengths(dataset, split)?;
        }
        writer.description(dataset)?;
        writer.finish()
    }

    fn round_trip(text: &str) -> (Dataset, Dataset) {
        let dataset = toml::from_str::<TaskConfig>(text).unwrap().load(0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        write_npz(&dataset, &path).unwrap();
        let again = read(&dataset.name, &mut Npz::open(&path).unwrap()).unwrap();
        (dataset, again)
    }

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "name = 'chaotic-forecasting'",
            "name = 'adding-problem'",
            "name = 'cross-situation'",
            "name = 'japanese-vowels'\nstandardise = false",
        ] {
            let (dataset, again) = round_trip(text);
            assert_eq!(dataset, again, "{text}");
        }
    }

    fn read_arrays(change: impl Fn(&mut BTreeMap<String, Vec<u8>>)) -> Result<Dataset, TaskError> {
        let mut arrays = BTreeMap::new();
        for split in ["train", "test"] {
            arrays.insert(format!("X_{split}"), npy::floats(&[1, 2, 1], &[0.5, 0.25]));
            // The mask also stands in the zero of the one-hot row, as in the package itself.
            arrays.insert(
                format!("Y_{split}"),
                npy::floats(&[1, 2, 2], &[-100.0, -100.0, -100.0, 1.0]),
            );
        }
        arrays.insert("category".into(), npy::text(&[], &["classification"]));
        change(&mut arrays);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.npz");
        npz::write(&path, &arrays).unwrap();
        read("toy", &mut Npz::open(&path).unwrap())
    }

    #[test]
    fn masks_in_a_one_hot_row_are_zeros() {
        let dataset = read_arrays(|_| {}).unwrap();
        assert_eq!(dataset.train[0].scored, [1]);
        assert_eq!(dataset.train[0].targets, ndarray::array![[0.0, 1.0]]);
        assert_eq!(dataset.labels, ["0", "1"]);
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_with_a_sentence() {
        let rows: [(&str, Vec<u8>, &str); 8] = [
            (
                "category",
                npy::text(&[], &["guess"]),
                "`category` is guess; it must be",
            ),
            (
                "X_train",
                npy::floats(&[2], &[0.0; 2]),
                "X_train has shape [2]; it must be [sequences, steps, width]",
            ),
            (
                "X_train",
                npy::floats(&[1, 3, 1], &[0.0; 3]),
                "must agree in sequences and steps",
            ),
            (
                "X_test",
                npy::floats(&[1, 2, 2], &[0.0; 4]),
                "X_test and Y_test have widths 2 and 2",
            ),
            (
                "Y_train",
                npy::floats(&[1, 2, 2], &[0.0, 1.0, 0.5, 0.0]),
                "sequence 0: the target 0.5",
            ),
            (
                "Y_train",
                npy::floats(&[1, 2, 2], &[0.0, 1.0, 1.0, 1.0]),
                "exactly one 1",
            ),
            (
                "Y_test",
                npy::floats(&[1, 2, 2], &[UNSCORED; 4]),
                "Y_test is -100 in every step: no step is scored",
            ),
            (
                "L_test",
                npy::integers(&[3]),
                "`L_test` must hold 1 lengths of 1 to 2 steps",
            ),
        ];
        for (name, bytes, expected) in rows {
            let changed = read_arrays(|arrays| drop(arrays.insert(name.into(), bytes.clone())));
            let message = changed.unwrap_err().to_string();
            assert!(
                message.contains(expected),
                "expected «{expected}», got «{message}»"
            );
        }
    }

    /// An array of few dimensions and values, most of which are masks, zeros and ones.
    fn array() -> impl Strategy<Value = Vec<u8>> {
        let values = prop_oneof![Just(UNSCORED), Just(0.0), Just(1.0), any::<f32>()];
        prop::collection::vec(0..4_usize, 0..4).prop_flat_map(move |shape| {
            let count = shape.iter().product::<usize>();
            let values = prop::collection::vec(values.clone(), count);
            values.prop_map(move |values| npy::floats(&shape, &values))
        })
    }

    proptest! {
        // Each case writes and reads a file, so fewer of them than of what happens in memory.
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn arbitrary_arrays_never_panic_and_what_loads_is_whole(
            changes in prop::collection::vec((0..7_usize, prop::option::of(array())), 1..4),
            category in prop::sample::select(vec!["regression", "classification", "multi_classification"]),
        ) {
            let names = ["X_train", "Y_train", "L_train", "X_test", "Y_test", "labels", "category"];
            let loaded = read_arrays(|arrays| {
                arrays.insert("category".into(), npy::text(&[], &[category]));
                for (name, array) in &changes {
                    match array {
                        Some(array) => arrays.insert(names[*name].into(), array.clone()),
                        None => arrays.remove(names[*name]),
                    };
                }
            });
            let Ok(dataset) = loaded else { return Ok(()) };
            for sample in dataset.train.iter().chain(&dataset.test) {
                prop_assert_eq!(sample.inputs.ncols(), dataset.d_input);
                prop_assert_eq!(sample.targets.dim(), (sample.scored.len(), dataset.d_output));
                prop_assert!(sample.scored.iter().all(|&step| step < sample.inputs.nrows()));
                prop_assert!(sample.inputs.iter().chain(&sample.targets).all(|x| x.is_finite()));
            }
        }
    }
}

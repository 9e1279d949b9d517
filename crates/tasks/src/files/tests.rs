//! What users' files give, format by format.

mod examples;
mod holes;
mod numbers;

use crate::npy;
use crate::{Category, Dataset, TaskConfig, TaskError};
use ndarray::array;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Loads a task whose files lie in a folder; `{}` in the config stands for the folder.
fn load(files: &[(&str, &[u8])], config: &str) -> Result<Dataset, TaskError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let config = config.replace("{}", &folder.path().display().to_string());
    let text = format!("name = 'files'\nstandardise = false\n{config}");
    toml::from_str::<TaskConfig>(&text).unwrap().load(0)
}

fn load_ts(train: &[u8], test: &[u8]) -> Result<Dataset, TaskError> {
    load(
        &[("train.ts", train), ("test.ts", test)],
        "train = '{}/train.ts'\ntest = '{}/test.ts'",
    )
}

fn load_csv(text: &str, config: &str) -> Result<Dataset, TaskError> {
    load(
        &[("data.csv", text.as_bytes())],
        &format!("data = '{{}}/data.csv'\n{config}"),
    )
}

#[test]
fn labels_come_from_the_header_or_else_from_the_training_data() {
    let test = b"@classLabel true\n@data\n1:10\n";
    let dataset = load_ts(b"@classLabel true 10 9\n@data\n1,2:9\n3:10\n", test).unwrap();
    assert_eq!(dataset.labels, ["10", "9"]);
    let dataset = load_ts(b"@classLabel true\n@data\n1,2:9\n3:10\n", test).unwrap();
    assert_eq!(dataset.labels, ["9", "10"]);
    assert_eq!(dataset.train[0].targets, array![[1.0, 0.0]]);
    assert_eq!(dataset.train[0].scored, [1]);
    assert_eq!(dataset.test[0].targets, array![[0.0, 1.0]]);
}

#[test]
fn a_number_for_a_target_makes_a_regression() {
    let dataset = load_ts(
        b"@targetLabel true\n@data\n1,2:9.5\n",
        b"@targetLabel true\n@data\n1:-2\n",
    )
    .unwrap();
    assert_eq!(
        (dataset.category, dataset.d_output),
        (Category::Regression, 1)
    );
    assert_eq!(dataset.train[0].targets, array![[9.5]]);
}

#[test]
fn ts_files_that_do_not_fit_each_other_are_refused_with_file_and_line() {
    let train = b"@classLabel true a b\n@data\n1:2:a\n";
    let rows: [(&[u8], &str); 7] = [
        (
            b"@classLabel true a b\n@data\n1:2:a\n1:2:b\n",
            "test.ts, line 4: class `b` has no case in",
        ),
        (
            b"@classLabel true a\n@data\n1:a\n",
            "test.ts, line 3: the case has 1 channels",
        ),
        (
            b"@targetLabel true\n@data\n1:2:3\n",
            "test.ts: this file and",
        ),
        (b"", "test.ts: there is no line @data"),
        (
            b"@classLabel true a\n@data\n1:2:\xff\n",
            "test.ts, line 3: there is a byte that is not UTF-8",
        ),
        (
            b"@classLabel true a\n@data\n1:NaN:a\n",
            "test.ts, line 3: channel 2: NaN is not allowed",
        ),
        (
            b"@classLabel false\n@data\n1:2\n",
            "test.ts: the header gives cases no target",
        ),
    ];
    for (test, expected) in rows {
        let message = load_ts(train, test).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "expected «{expected}», got «{message}»"
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let message = load(&[], "train = 'nowhere/train.ts'\ntest = 'test.ts'")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("nowhere/train.ts cannot be read"),
        "{message}"
    );
}

#[test]
fn the_archives_own_files_give_what_the_embedded_ones_give() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/japanese-vowels");
    let text = format!(
        "name = 'files'\ntrain = '{0}/JapaneseVowels_TRAIN.ts'\ntest = '{0}/JapaneseVowels_TEST.ts'",
        folder.display()
    );
    let mut dataset = toml::from_str::<TaskConfig>(&text)
        .unwrap()
        .load(0)
        .unwrap();
    dataset.name = "japanese-vowels".into();
    assert_eq!(
        dataset,
        crate::JapaneseVowelsConfig::default().load(0).unwrap()
    );
}

#[test]
fn series_of_a_ts_file_are_forecast_one_by_one() {
    let text = b"@classLabel false\n@data\n1,2,3:4,5,6\n7,8:9,10\n";
    let config = "train = '{}/a.ts'\ntest = '{}/a.ts'\nhorizon = 1\ntargets = [1]";
    let dataset = load(&[("a.ts", text)], config).unwrap();
    assert_eq!(dataset.train[0].inputs, array![[1.0, 4.0], [2.0, 5.0]]);
    assert_eq!(dataset.train[0].targets, array![[5.0], [6.0]]);
    assert_eq!(dataset.test[1].targets, array![[10.0]]);
}

#[test]
fn one_series_of_a_table_is_split_by_time() {
    let text = "load,wind,note\n0,10,a\n1,,b\n2,12,c\n3,13,d\n4,14,e\n5,15,f\n";
    let config = "inputs = ['load', 'wind']\ntargets = ['load']\nhorizon = 1\nvalid = 0.25";
    let dataset = load_csv(text, config).unwrap();
    assert_eq!(
        (dataset.category, dataset.d_input, dataset.d_output),
        (Category::Regression, 2, 1)
    );
    // Five steps have a target: three to learn from, one for validation, one for testing.
    assert_eq!(
        dataset.train[0].inputs,
        array![[0.0, 10.0], [1.0, 10.0], [2.0, 12.0]]
    );
    assert_eq!(dataset.train[0].targets, array![[1.0], [2.0], [3.0]]);
    assert_eq!(
        (
            dataset.valid[0].scored.as_slice(),
            dataset.valid[0].inputs.nrows()
        ),
        (&[3][..], 4)
    );
    assert_eq!(
        (
            dataset.test[0].scored.as_slice(),
            dataset.test[0].inputs.nrows()
        ),
        (&[4][..], 5)
    );
    assert_eq!(dataset.test[0].targets, array![[5.0]]);
}

#[test]
fn another_column_of_the_same_step_can_be_the_target() {
    let dataset = load_csv("1,2\n3,4\n5,6\n7,8\n", "targets = [1]\ntest_fraction = 0.5").unwrap();
    assert_eq!(dataset.train[0].inputs, array![[1.0], [3.0]]);
    assert_eq!(dataset.train[0].targets, array![[2.0], [4.0]]);
}

#[test]
fn rows_with_the_same_name_are_a_sequence() {
    let text = "id,x,y,what\na,1,2,up\nb,3,4,down\na,5,6,up\nc,7,8,up\nd,9,9,down\n";
    let dataset = load_csv(text, "sequence = 'id'\nlabel = 'what'\ntest_fraction = 0.5").unwrap();
    assert_eq!(
        (dataset.d_input, dataset.labels.as_slice()),
        (2, &["down".into(), "up".into()][..])
    );
    assert_eq!((dataset.train.len(), dataset.test.len()), (2, 2));
    let both = dataset.train.iter().chain(&dataset.test);
    let two = both
        .filter(|sample| sample.inputs == array![[1.0, 2.0], [5.0, 6.0]])
        .count();
    assert_eq!(two, 1);
}

#[test]
fn a_labelled_row_is_a_sequence_of_one_channel() {
    let text = "3,0.5,1,a\n?,7,,a\n1,2,3,b\n4,5,6,b\n";
    let dataset = load_csv(text, "label = 3\ntest_fraction = 0.5").unwrap();
    let both: Vec<_> = dataset
        .train
        .iter()
        .chain(&dataset.test)
        .map(|s| s.inputs.clone())
        .collect();
    assert!(both.contains(&array![[3.0], [0.5], [1.0]]));
    // An empty end is cut off, and for a gap at the start stands the mean of what is known of the training part, which is also
    // the mean with it filled in.
    let mean = crate::Standardiser::fit(&dataset.train).mean[0];
    assert!(both.contains(&array![[mean as f32], [7.0]]), "{both:?}");
    let dataset = load_csv("1,2,0.5\n3,4,1.5\n", "value = 2\ntest_fraction = 0.5").unwrap();
    assert_eq!(dataset.category, Category::Regression);
}

#[test]
fn a_table_that_does_not_fit_is_refused_with_file_and_line() {
    let rows = [
        ("", "horizon = 1", "data.csv: the table has no row of data"),
        (
            "a,b\n",
            "horizon = 1",
            "data.csv: the table has no row of data",
        ),
        (
            "1,2\n3\n",
            "horizon = 1",
            "data.csv, line 2: the row has 1 fields where line 1 has 2",
        ),
        (
            "a,b\n1,x\n2,3\n",
            "horizon = 1",
            "data.csv, line 2: column b: `x` is not a number",
        ),
        (
            "a,b\n1,NaN\n2,3\n",
            "horizon = 1",
            "data.csv, line 2: column b: NaN is not allowed",
        ),
        (
            "a,b\n1,inf\n2,3\n",
            "horizon = 1",
            "data.csv, line 2: column b: inf is not allowed",
        ),
        (
            "a,b\n1,\n2,\n",
            "horizon = 1",
            "data.csv, line 2: column b has no known value",
        ),
        (
            "a,b\n1,2\n",
            "horizon = 1",
            "data.csv, line 2: the series has 1 steps; a horizon of 1",
        ),
        (
            "a,b\n1,2\n",
            "horizon = 1\ntargets = ['c']",
            "key `targets`: there is no column c; the columns are a, b",
        ),
        (
            "1,2\n",
            "horizon = 1\ntargets = ['c']",
            "there is no column c; the columns have no names",
        ),
        (
            "1,2\n",
            "horizon = 1\ninputs = [2]",
            "key `inputs`: there is no column 2;",
        ),
        (
            "i,l,x\n1,a,1\n1,b,2\n",
            "sequence = 'i'\nlabel = 'l'",
            "line 3: the label is `b` where line 2",
        ),
        (
            "i,l,x\n1,,1\n",
            "sequence = 'i'\nlabel = 'l'",
            "line 2: column l holds no label",
        ),
        (
            "i,l,x\n1,a,1\n,a,2\n",
            "sequence = 'i'\nlabel = 'l'",
            "line 3: column i is empty; it must say which sequence",
        ),
        (
            "l,x\na,1\nb,2\n",
            "label = 'l'",
            "key `test_fraction`: 0.2 of 2 sequences",
        ),
        (
            "l,x\na,1\n",
            "",
            "key `label`: a table does not say what is to be learnt",
        ),
        ("1,2\n", "horizon = 0", "key `horizon`: 0 needs `targets`"),
        (
            "1,2\n",
            "horizon = 1\nlabel = 0",
            "key `label`: only one of these may be given",
        ),
        (
            "1,2\n",
            "horizon = 1\narray = 'X'",
            "key `array`: this key does not go with",
        ),
        (
            "1,2\n",
            "horizon = 1\ntest_fraction = 1.5",
            "key `test_fraction`: 1.5 is not allowed",
        ),
        (
            "1,2\n3,4\n5,6\n7,8\n9,1\n2,3\n",
            "horizon = 1\nvalid = 0.99",
            "key `valid`: 0.99 of",
        ),
        (
            "1,?\n2,3\n",
            "value = 1\ntest_fraction = 0.5",
            "`?` is not a number (it marks a missing value, which cannot be here)",
        ),
    ];
    for (text, config, expected) in rows {
        let message = load_csv(text, config).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "expected «{expected}», got «{message}»"
        );
    }
    let message = load(&[("a.csv", b"1\n\xff\n")], "data = '{}/a.csv'\nhorizon = 1")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("a.csv, line 2: there is a byte that is not UTF-8"),
        "{message}"
    );
    let message = load(&[("a.xlsx", b"")], "data = '{}/a.xlsx'\nhorizon = 1")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`.xlsx` files cannot be read; .ts, .csv"),
        "{message}"
    );
    let message = load(&[], "train = 'a.ts'").unwrap_err().to_string();
    assert!(
        message.contains("either `data` names one file, or `train` and `test`"),
        "{message}"
    );
}

#[test]
fn an_npy_file_is_a_series_or_labelled_sequences() {
    let series = npy::floats(&[5], &[0.0, 1.0, 2.0, 3.0, 4.0]);
    let dataset = load(
        &[("a.npy", &series)],
        "data = '{}/a.npy'\nhorizon = 2\ntest_fraction = 0.3",
    )
    .unwrap();
    assert_eq!(dataset.train[0].targets, array![[2.0], [3.0]]);
    assert_eq!(dataset.test[0].targets, array![[4.0]]);
    let inputs = npy::floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let labels = npy::integers(&[7, 5]);
    let config = "train = '{}/x.npy'\ntrain_labels = '{}/y.npy'\ntest = '{}/x.npy'\ntest_labels = '{}/y.npy'";
    let dataset = load(&[("x.npy", &inputs), ("y.npy", &labels)], config).unwrap();
    assert_eq!(dataset.labels, ["5", "7"]);
    assert_eq!(dataset.train[0].inputs, array![[1.0], [2.0]]);
    assert_eq!(dataset.train[0].targets, array![[0.0, 1.0]]);
    for (files, config, expected) in [
        (
            &[("a.npy", &series[..])][..],
            "data = '{}/a.npy'",
            "key `labels`: an .npy file does not say",
        ),
        (
            &[("a.npy", &b"x"[..])][..],
            "data = '{}/a.npy'\nhorizon = 1",
            "a.npy: the first bytes",
        ),
        (
            &[("a.npy", &npy::floats(&[2], &[1.0, f32::INFINITY])[..])][..],
            "data = '{}/a.npy'\nhorizon = 1",
            "a.npy: inf at [1] is not allowed",
        ),
    ] {
        let message = load(files, config).unwrap_err().to_string();
        assert!(
            message.contains(expected),
            "expected «{expected}», got «{message}»"
        );
    }
}

#[test]
fn an_npz_file_holds_arrays_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let arrays: BTreeMap<String, Vec<u8>> = [
        (
            "X",
            npy::floats(&[4, 2, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
        ),
        ("y", npy::text(&[4], &["up", "down", "up", "down"])),
        ("z", npy::floats(&[4], &[0.5, 1.0, 1.5, 2.0])),
    ]
    .map(|(name, bytes)| (name.to_string(), bytes))
    .into();
    crate::npz::write(&path, &arrays).unwrap();
    let load = |config: &str| {
        let text = format!(
            "name = 'files'\ndata = '{}'\ntest_fraction = 0.5\n{config}",
            path.display()
        );
        toml::from_str::<TaskConfig>(&text).unwrap().load(0)
    };
    let dataset = load("").unwrap();
    assert_eq!(
        (dataset.category, dataset.labels.len()),
        (Category::Classification, 2)
    );
    assert_eq!((dataset.train.len(), dataset.test.len()), (2, 2));
    assert_eq!(load("value = 'z'").unwrap().category, Category::Regression);
    assert_eq!(load("horizon = 1").unwrap().train[0].scored, [0]);
    let message = load("label = 'w'").unwrap_err().to_string();
    assert!(
        message.contains("a.npz: there is no array `w`; the arrays are: X, y, z"),
        "{message}"
    );
}

#[test]
fn the_test_part_of_one_file_is_the_same_whatever_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.csv");
    let lines: String = (0..40)
        .map(|at| format!("{at}.5,{at}.25,{}\n", at % 2))
        .collect();
    std::fs::write(&path, lines).unwrap();
    let text = format!(
        "name = 'files'\ndata = '{}'\nlabel = 2\nvalid = 0.25\nstandardise = false",
        path.display()
    );
    let task: TaskConfig = toml::from_str(&text).unwrap();
    let [one, other] = [0, 100].map(|seed| task.load(seed).unwrap());
    assert_eq!(one.test, other.test);
    assert_ne!(one.valid, other.valid);
}

#[test]
fn an_export_is_loaded_by_its_path_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adding.npz");
    let dataset = toml::from_str::<TaskConfig>("name = 'adding-problem'")
        .unwrap()
        .load(0)
        .unwrap();
    crate::npz_dataset::tests::write_npz(&dataset, &path).unwrap();
    let text = format!(
        "name = 'files'\ndata = '{}'\nstandardise = false",
        path.display()
    );
    let again = toml::from_str::<TaskConfig>(&text)
        .unwrap()
        .load(0)
        .unwrap();
    assert_eq!(
        again,
        Dataset {
            name: "files".into(),
            ..dataset
        }
    );
    for (key, value) in [
        ("horizon", "1"),
        ("targets", "[0]"),
        ("value", "0"),
        ("valid", "0.5"),
        ("test_fraction", "0.5"),
        ("labels", "'none.npy'"),
        ("train_labels", "'none.npy'"),
        ("sequence", "'id'"),
        ("header", "true"),
        ("array", "'X'"),
    ] {
        let task: TaskConfig = toml::from_str(&format!("{text}\n{key} = {value}")).unwrap();
        let message = task.load(0).unwrap_err().to_string();
        let words = format!("key `{key}`: this key does not go with");
        assert!(message.contains(&words), "{message}");
    }
}

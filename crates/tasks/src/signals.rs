//! Signals without targets: what a trained model is asked about, and which columns of a file are its inputs.

use crate::files::is_table;
use crate::{FilesConfig, Holes, TaskError, holes};
use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate};
use std::path::Path;

/// The inputs of a trained model, and how they are found in a file or a line.
///
/// Columns that have names are taken by name where the model keeps the names of its inputs: those that it lacks are
/// refused, others are left out. Columns without names are taken by their place: either they are laid out as those that
/// the model was trained on, or their number is that of the inputs.
#[derive(Clone, Copy, Debug)]
pub struct SignalInputs<'a> {
    /// How many a step of a file has: I, or half of it where a mask of holes stands behind them.
    pub d_input: usize,
    /// Their names; empty where the model keeps none.
    pub names: &'a [String],
    /// Their means over the training set, where the model keeps them.
    pub mean: Option<&'a [f64]>,
    /// How the files that it was trained on are laid out; none where it was trained on no user's file.
    pub files: Option<&'a FilesConfig>,
}

impl SignalInputs<'_> {
    /// Whether a file is followed line by line, a step each: a `.csv` or `.tsv` file, unless the model was trained on
    /// tables that hold a sequence in each row, or tell by a column which rows are one.
    #[must_use]
    pub fn come_in_lines(&self, path: &Path) -> bool {
        is_table(path) && !self.files.is_some_and(FilesConfig::tables_hold_sequences)
    }

    /// Whether the fields of a first line are names of columns: none of them is a number, or the names of all inputs are
    /// among them.
    #[must_use]
    pub fn are_names(&self, fields: &[String]) -> bool {
        let header = self.files.and_then(|files| files.header);
        let words = |field: &String| field != "?" && field.parse::<f64>().is_err();
        let known = !self.names.is_empty() && self.names.iter().all(|name| fields.contains(name));
        match header {
            Some(false) => false,
            Some(true) if known => true,
            _ => {
                let spoken = fields.iter().any(|field| words(field) && !field.is_empty());
                spoken && (known || fields.iter().all(words))
            }
        }
    }

    /// The columns that are inputs, in the inputs' order, of `width` columns with or without names. The column `sequence`
    /// is never one, the column `label` where there is one is none either.
    ///
    /// # Errors
    ///
    /// A sentence that says which input has no column or more than one, or how many columns there are and should be.
    pub fn columns(
        &self,
        names: Option<&[String]>,
        width: usize,
        sequence: Option<usize>,
        label: Option<usize>,
    ) -> Result<Vec<usize>, String> {
        if let Some(columns) = names.filter(|_| !self.names.is_empty()) {
            let found = self.names.iter().map(|name| self.named(name, columns));
            let found: Vec<usize> = found.collect::<Result<_, _>>()?;
            return match sequence.filter(|sequence| found.contains(sequence)) {
                None => Ok(found),
                Some(sequence) => Err(format!(
                    "column {sequence}, {}, is an input of the model and cannot tell sequences apart; the key `sequence` \
                     must name another one",
                    columns[sequence]
                )),
            };
        }
        let apart: Vec<usize> = sequence.into_iter().collect();
        let with_label: Vec<usize> = sequence.into_iter().chain(label).collect();
        let as_trained = |taken: &[usize]| self.files?.inputs_by_number(width, taken);
        let all = (0..width).filter(|column| !apart.contains(column));
        let layouts = [
            as_trained(&with_label),
            as_trained(&apart),
            Some(all.collect()),
        ];
        let mut layouts = layouts.into_iter().flatten();
        let fits = layouts.find(|columns| columns.len() == self.d_input);
        fits.ok_or_else(|| {
            let (got, listed) = (width - apart.len(), self.listed());
            format!("a step has {got} inputs, the model was trained on {listed}")
        })
    }

    /// A step as the model takes it, of one as it is read, in which a hole is NaN: the value of the step `before` stands
    /// for a hole, at a signal's first step the training set's mean; a mask of what is known stands behind, where the model
    /// was trained with one.
    ///
    /// # Shapes
    ///
    /// - step, before: `[d_input]`; `before` may have a mask behind
    /// - output: `[d_input]`, or `[2·d_input]` with a mask
    ///
    /// # Errors
    ///
    /// A sentence that names an input that is missing and that nothing stands for.
    pub fn complete(
        &self,
        step: ArrayView1<'_, f64>,
        before: Option<ArrayView1<'_, f64>>,
    ) -> Result<Array1<f64>, String> {
        let holes = self.files.map(|files| files.holes);
        let mut filled = step.to_owned();
        // A model that was trained on no user's file knows no holes.
        let stands = |row| holes.and(row);
        let mean = self.mean.map(ArrayView1::from);
        holes::fill_step(filled.view_mut(), stands(before), stands(mean)).map_err(|input| {
            format!("input {input} is missing, and the model knows nothing to put in its place")
        })?;
        if holes == Some(Holes::Mask) {
            filled = concatenate![Axis(0), filled, holes::known(&step.to_owned())];
        }
        Ok(filled)
    }

    /// A signal as the model takes it: see [`complete`](Self::complete).
    pub(crate) fn complete_all(&self, signal: &Array2<f64>) -> Result<Array2<f64>, String> {
        let mut steps: Vec<Array1<f64>> = Vec::with_capacity(signal.nrows());
        for step in signal.rows() {
            let before = steps.last().map(|step| step.view());
            steps.push(self.complete(step, before)?);
        }
        let rows: Vec<_> = steps.iter().map(|step| step.view()).collect();
        ndarray::stack(Axis(0), &rows).map_err(|error| error.to_string())
    }

    /// Reads the signals of a file, each `[steps, I]`, not standardised: a `.ts`, `.npy` or `.npz` file, or a table of
    /// sequences, with the options of the task that the model was trained on.
    ///
    /// An array of shape `[steps]` is one signal of one channel, `[steps, d_input]` is one signal, `[signals, steps,
    /// d_input]` are several; where the model was trained on labelled sequences of one channel, `[signals, steps]` are
    /// several too. Labels may be there, and are not looked at.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, breaks its format, or has not the model's inputs.
    pub fn read(&self, path: &Path) -> Result<Vec<Array2<f64>>, TaskError> {
        match self.files {
            Some(files) => files.read_signals(path, self),
            None => FilesConfig::default().read_signals(path, self),
        }
    }

    /// The place of an input's name among those of columns.
    fn named(&self, name: &String, columns: &[String]) -> Result<usize, String> {
        let places = (0..columns.len()).filter(|&place| columns[place] == *name);
        let places: Vec<usize> = places.collect();
        match places[..] {
            [place] => Ok(place),
            [] => Err(format!(
                "there is no column {name}; the model has {}, the columns are {}",
                self.listed(),
                columns.join(", ")
            )),
            [first, second, ..] => Err(format!(
                "the columns {first} and {second} (counted from 0) are both named {name}, which is an input of the model; \
                 names must differ"
            )),
        }
    }

    /// How many inputs there are, and their names.
    fn listed(&self) -> String {
        let count = self.d_input;
        match self.names {
            [] => format!("{count} inputs"),
            names => format!("{count} inputs: {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npy;
    use crate::{Column, TaskConfig};
    use ndarray::array;
    use std::fs;

    fn words(text: &str) -> Vec<String> {
        text.split(',').map(String::from).collect()
    }

    fn files(text: &str) -> FilesConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn columns_with_names_are_taken_by_name_and_others_by_their_place() {
        let names = words("load,wind");
        let named = SignalInputs {
            d_input: 2,
            names: &names,
            mean: None,
            files: None,
        };
        let by_name = |text: &str| named.columns(Some(&words(text)), words(text).len(), None, None);
        assert_eq!(by_name("load,wind"), Ok(vec![0, 1]));
        assert_eq!(by_name("wind,note,load"), Ok(vec![2, 0]));
        let missing = by_name("load,note").unwrap_err();
        assert!(
            missing.contains("no column wind") && missing.contains("load, note"),
            "{missing}"
        );
        let twice = by_name("load,wind,load").unwrap_err();
        assert!(
            twice.contains("0 and 2") && twice.contains("named load"),
            "{twice}"
        );
        assert_eq!(named.columns(None, 2, None, None), Ok(vec![0, 1]));
        let three = named.columns(None, 3, None, None).unwrap_err();
        assert!(
            three.contains("3 inputs") && three.contains("trained on 2 inputs: load, wind"),
            "{three}"
        );
        let apart = named.columns(Some(&words("load,wind")), 2, Some(1), None);
        assert!(apart.unwrap_err().contains("column 1, wind"));
    }

    #[test]
    fn columns_without_names_are_laid_out_as_in_training_or_are_the_inputs() {
        let config = files("data = 'a.csv'\nhorizon = 0\ninputs = [2, 1]\ntargets = [0]");
        let inputs = SignalInputs {
            d_input: 2,
            names: &[],
            mean: None,
            files: Some(&config),
        };
        assert_eq!(inputs.columns(None, 3, None, None), Ok(vec![2, 1]));
        assert_eq!(inputs.columns(None, 2, None, None), Ok(vec![0, 1]));
        let config = files("data = 'a.csv'\nsequence = 0\nlabel = 3");
        let inputs = SignalInputs {
            files: Some(&config),
            ..inputs
        };
        for (width, label) in [(4, Some(3)), (3, None)] {
            assert_eq!(inputs.columns(None, width, Some(0), label), Ok(vec![1, 2]));
        }
    }

    #[test]
    fn a_first_line_is_a_header_if_it_has_no_number_or_all_names_of_inputs() {
        let names = words("load,2019");
        let known = SignalInputs {
            d_input: 2,
            names: &names,
            mean: None,
            files: None,
        };
        let unknown = SignalInputs {
            names: &[],
            ..known
        };
        for (line, with_names, without) in [
            ("load,wind", true, true),
            ("2019,load,7", true, false),
            ("load,3", false, false),
            ("1,2", false, false),
            ("?,?", false, false),
            (",", false, false),
            (",load", true, true),
        ] {
            assert_eq!(known.are_names(&words(line)), with_names, "{line}");
            assert_eq!(unknown.are_names(&words(line)), without, "{line}");
        }
        let numbers = words("2019,2020");
        let config = files("data = 'a.csv'\nhorizon = 1\nheader = true");
        let named = SignalInputs {
            names: &numbers,
            mean: None,
            files: Some(&config),
            ..known
        };
        assert!(named.are_names(&numbers) && !named.are_names(&words("1,2")));
    }

    #[test]
    fn every_format_of_a_task_is_read_without_its_targets() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, bytes: &[u8]| fs::write(path(name), bytes).unwrap();
        write(
            "a.ts",
            b"@classLabel true up down\n@data\n1,2:3,4:up\n5:6:down\n",
        );
        write("grouped.csv", b"y,who,x\n2,a,1\n6,b,5\n4,a,3\n");
        write(
            "labelled.csv",
            b"who,what,x,y\na,up,1,2\na,up,3,4\nb,down,5,6\n",
        );
        write("rows.csv", b"up,1,3\ndown,5,\n");
        write("rows-alone.csv", b"first,second\n1,3\n5,\n");
        write("one.npy", &npy::floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        write("two.npy", &npy::floats(&[2, 2, 1], &[1.0, 2.0, 3.0, 4.0]));
        let arrays = [("V".to_string(), npy::floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0]))];
        crate::npz::write(&path("a.npz"), &arrays.into()).unwrap();
        let names = words("x,y");
        let two = array![[1.0, 2.0], [3.0, 4.0]];
        let grouped = vec![two.clone(), array![[5.0, 6.0]]];
        let rows = vec![array![[1.0], [3.0]], array![[5.0]]];
        let one_channel = vec![array![[1.0], [2.0]], array![[3.0], [4.0]]];
        let by_sequence = "data = 'a.csv'\nsequence = 'who'\nlabel = 'what'";
        let by_row = "data = 'a.csv'\nlabel = 0";
        let by_name = "data = 'a.csv'\nlabel = 'what'";
        let labelled = "data = 'a.npy'\nlabels = 'b.npy'";
        let in_npz = "data = 'a.npz'\narray = 'V'";
        let none: &[String] = &[];
        for (config, d_input, names, name, expected) in [
            (
                "horizon = 1",
                2,
                none,
                "a.ts",
                vec![array![[1.0, 3.0], [2.0, 4.0]], array![[5.0, 6.0]]],
            ),
            (
                "horizon = 1\ninputs = [1]",
                1,
                none,
                "a.ts",
                vec![array![[3.0], [4.0]], array![[6.0]]],
            ),
            (by_sequence, 2, &names[..], "grouped.csv", grouped.clone()),
            (by_sequence, 2, &names[..], "labelled.csv", grouped.clone()),
            (by_sequence, 2, none, "labelled.csv", grouped),
            (by_row, 1, none, "rows.csv", rows.clone()),
            (by_name, 1, none, "rows-alone.csv", rows),
            ("horizon = 1", 2, none, "one.npy", vec![two.clone()]),
            (labelled, 1, none, "one.npy", one_channel.clone()),
            (labelled, 1, none, "two.npy", one_channel.clone()),
            ("horizon = 1", 1, none, "two.npy", one_channel.clone()),
            ("horizon = 1\narray = 'V'", 2, none, "a.npz", vec![two]),
            (in_npz, 1, none, "a.npz", one_channel),
        ] {
            let config = files(config);
            let inputs = SignalInputs {
                d_input,
                names,
                mean: None,
                files: Some(&config),
            };
            let found = inputs.read(&path(name));
            assert_eq!(found.unwrap(), expected, "{name} with {config:?}");
        }
    }

    #[test]
    fn a_file_without_the_models_inputs_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let config = FilesConfig {
            sequence: Some(Column::Name("who".into())),
            ..FilesConfig::default()
        };
        let names = words("x,y");
        let inputs = SignalInputs {
            d_input: 2,
            names: &names,
            mean: None,
            files: Some(&config),
        };
        for (name, bytes, expected) in [
            ("a.csv", &b"who,x\na,1\n"[..], "a.csv: there is no column y"),
            (
                "b.csv",
                b"x,y\n1,2\n",
                "key `sequence`: there is no column who",
            ),
            (
                "c.npy",
                &npy::floats(&[1, 1, 1, 1], &[0.0])[..],
                "c.npy: the array has shape [1, 1, 1, 1]",
            ),
            (
                "d.npy",
                &npy::floats(&[4, 3], &[0.0; 12])[..],
                "d.npy: a step has 3 inputs",
            ),
            ("e.npy", b"no array", "e.npy: the first bytes"),
            ("f.wav", b"", "`.wav` files cannot be read; .ts, .csv"),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let sentence = inputs.read(&path).unwrap_err().to_string();
            assert!(
                sentence.contains(expected),
                "expected «{expected}», got «{sentence}»"
            );
        }
    }

    #[test]
    fn a_data_set_says_the_names_of_its_inputs_and_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(
            &path,
            "load,wind,who,size\n1,2,a,3\n2,3,a,3\n4,5,b,4\n5,6,b,4\n",
        )
        .unwrap();
        let load = |keys: &str| {
            let text = format!("name = 'files'\ndata = '{}'\n{keys}", path.display());
            let task: TaskConfig = toml::from_str(&text).unwrap();
            let dataset = task.load(0).unwrap();
            (dataset.input_names, dataset.output_names)
        };
        let forecast = "horizon = 1\ninputs = ['wind', 'load']\ntargets = [3]";
        assert_eq!(load(forecast), (words("wind,load"), words("size")));
        let value = "sequence = 'who'\nvalue = 'size'\ntest_fraction = 0.5";
        assert_eq!(load(value), (words("load,wind"), words("size")));
        let lorenz: TaskConfig = toml::from_str("name = 'lorenz'").unwrap();
        assert_eq!(lorenz.load(0).unwrap().input_names, words("x,y,z"));
    }

    #[test]
    fn a_test_file_whose_columns_stand_otherwise_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv"), "x,y\n1,2\n3,4\n5,6\n").unwrap();
        fs::write(folder.path().join("b.csv"), "y,x\n2,1\n4,3\n").unwrap();
        let load = |keys: &str| {
            let folder = folder.path().display();
            let text = format!(
                "name = 'files'\nhorizon = 1\ntrain = '{folder}/a.csv'\ntest = '{folder}/b.csv'\n{keys}"
            );
            toml::from_str::<TaskConfig>(&text).unwrap().load(0)
        };
        let sentence = load("").unwrap_err().to_string();
        for word in ["b.csv", "y, x", "a.csv are x, y", "`inputs`"] {
            assert!(
                sentence.contains(word),
                "{word} is missing from: {sentence}"
            );
        }
        assert!(load("inputs = ['x', 'y']").is_ok());
    }
}

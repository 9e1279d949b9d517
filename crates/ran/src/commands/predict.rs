//! `ran experiment predict`: what a saved model says of a signal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ndarray::Array1;
use ran_experiment::{BackendKind, PredictError, Prediction, SavedModel, Setting, Signals};
use ran_learning::ModelCard;
use ran_tasks::{Category, SignalInputs, scores};

/// Says what a saved model makes of a signal, a line for each step.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The model, as runs/NAME/ID/model.safetensors.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The raw inputs: a .csv, .tsv, .ts, .npy or .npz file, read as the files of the model's own task are, or - for lines
    /// from standard input, each answered at once. Each line is a step; an empty line begins another signal.
    /// Where the first line names the columns, the model's inputs are taken by name.
    #[arg(long, value_name = "FILE | -")]
    input: PathBuf,
    /// Changes how the file is laid out, as in task.sequence=id or task.array=X_test [default: as in the model's own task].
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// Says only what the model makes of each signal as a whole, at its last step.
    #[arg(long)]
    last: bool,
    /// What computes it: ndarray (the processor) or wgpu (a graphics card).
    #[arg(long, default_value_t)]
    backend: BackendKind,
    /// Prints JSON Lines instead of CSV.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let model = SavedModel::open(&arguments.model, &arguments.settings)?;
    let signals = open(&arguments.input, &model.inputs())?;
    let mut writer = Writer::new(model.card(), arguments.json, io::stdout().lock());
    // Whatever is wrong with the beginning of a file is known before the first line is written. A live signal may wait for
    // the names of what it will get.
    if arguments.input == Path::new("-") {
        writer.head()?;
    }
    let mut held: Option<Prediction> = None;
    let mut each = |prediction: Prediction| {
        if !arguments.last {
            return writer.line(&prediction);
        }
        if let Some(held) = held.take()
            && held.signal != prediction.signal
        {
            writer.line(&held)?;
        }
        held = Some(prediction);
        Ok(())
    };
    let mut warn = |text: &str| crate::say::say(&format!("note: {text}"));
    model.follow(signals, arguments.backend, &mut warn, &mut each)?;
    if let Some(held) = held {
        writer.line(&held)?;
    }
    Ok(writer.head()?)
}

/// Finds the signals of a file, or of standard input.
fn open(path: &Path, inputs: &SignalInputs<'_>) -> anyhow::Result<Signals> {
    if path == Path::new("-") {
        return Ok(Signals::Lines {
            name: "standard input".into(),
            lines: Box::new(io::stdin().lock()),
        });
    }
    let name = path.display().to_string();
    if !inputs.come_in_lines(path) {
        let signals = inputs.read(path)?;
        return Ok(Signals::Arrays { name, signals });
    }
    // A folder can be opened, but not read.
    let begun = File::open(path).and_then(|file| {
        let mut lines = BufReader::new(file);
        lines.fill_buf()?;
        Ok(Box::new(lines))
    });
    match begun {
        Ok(lines) => Ok(Signals::Lines { name, lines }),
        Err(source) => Err(PredictError::Read { name, source }.into()),
    }
}

struct Writer<W> {
    labels: Vec<String>,
    category: Category,
    /// What is added to each output, where 32 bits would not hold the sum.
    offset: Option<Vec<f64>>,
    d_output: usize,
    json: bool,
    /// Whether the names of the columns are written.
    begun: bool,
    out: W,
}

impl<W: Write> Writer<W> {
    fn new(card: &ModelCard, json: bool, out: W) -> Self {
        Self {
            labels: card.labels.clone(),
            category: card.category,
            offset: card.target_offset.clone(),
            d_output: card.d_output,
            json,
            begun: json,
            out,
        }
    }

    /// The names of the columns, once.
    fn head(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let mut names = vec!["signal".to_owned(), "step".to_owned()];
        if self.category == Category::Classification {
            names.push("label".into());
        }
        let output = |at: usize| match self.labels.get(at) {
            Some(label) => format!("p({})", on_one_line(label)),
            None => format!("output {at}"),
        };
        names.extend((0..self.d_output).map(output));
        self.record(&names)
    }

    /// A prediction, which is out of the program when this returns.
    fn line(&mut self, prediction: &Prediction) -> io::Result<()> {
        self.head()?;
        let Prediction {
            signal,
            step,
            outputs,
        } = prediction;
        let label = (self.category == Category::Classification).then(|| {
            let best = scores::argmax(outputs.view()).unwrap_or(0);
            self.labels.get(best).cloned().unwrap_or(best.to_string())
        });
        if self.json {
            let mut line = serde_json::json!({ "signal": signal, "step": step });
            if let Some(label) = label {
                line["label"] = label.into();
            }
            line["outputs"] = match &self.offset {
                Some(offset) => added(outputs, offset).into(),
                None => outputs.to_vec().into(),
            };
            writeln!(self.out, "{line}")?;
            return self.out.flush();
        }
        let mut fields = vec![signal.to_string(), step.to_string()];
        fields.extend(label.as_deref().map(on_one_line));
        match &self.offset {
            Some(offset) => fields.extend(added(outputs, offset).iter().map(f64::to_string)),
            None => fields.extend(outputs.iter().map(f32::to_string)),
        }
        self.record(&fields)
    }

    /// A line of fields, quoted where they need be.
    fn record(&mut self, fields: &[String]) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(fields)?;
        let line = writer.into_inner().map_err(|error| error.into_error())?;
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

/// A label, which may be a line break of a text, with such characters escaped.
fn on_one_line(label: &str) -> String {
    let characters = label.chars().map(|one| match one.is_control() {
        true => one.escape_default().to_string(),
        false => one.to_string(),
    });
    characters.collect()
}

fn added(outputs: &Array1<f32>, offset: &[f64]) -> Vec<f64> {
    let both = outputs.iter().zip(offset);
    both.map(|(&output, offset)| f64::from(output) + offset)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn of_equal_classes_the_first_is_named_as_scores_do() {
        let mut writer = Writer {
            labels: ["a", "b"].map(String::from).to_vec(),
            category: Category::Classification,
            offset: None,
            d_output: 2,
            json: false,
            begun: true,
            out: Vec::new(),
        };
        let prediction = Prediction {
            signal: 0,
            step: 1,
            outputs: arr1(&[0.5, 0.5]),
        };
        writer.line(&prediction).unwrap();
        assert_eq!(String::from_utf8(writer.out).unwrap(), "0,1,a,0.5,0.5\n");
    }

    #[test]
    fn a_line_break_that_is_a_label_stays_on_the_line() {
        assert_eq!(on_one_line("\n"), "\\n");
        assert_eq!(on_one_line("größer, \"b\""), "größer, \"b\"");
    }
}

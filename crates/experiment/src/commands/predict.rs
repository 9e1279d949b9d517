//! `ran experiment predict`: what a saved model says of a signal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use ndarray::{Array1, Array2};
use ran_experiment::{BackendKind, PredictError, Prediction, SavedModel, Signals};
use ran_tasks::{Category, read_npy_signals};

/// Says what a saved model makes of a signal, a line for each step.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The model, as runs/NAME/ID/model.safetensors.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The raw inputs: a .csv or .tsv file with a step per line, a .npy file of shape [steps, inputs] or [signals, steps,
    /// inputs], or - for lines from standard input, each answered at once. An empty line begins another signal.
    #[arg(long, value_name = "FILE | -")]
    input: PathBuf,
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
    let model = SavedModel::open(&arguments.model)?;
    // Whatever is wrong with the input is known before the first line is written.
    let mut input = Input::open(&arguments.input)?;
    let mut writer = Writer {
        labels: model.card.labels.clone(),
        category: model.card.category,
        offset: model.card.target_offset.clone(),
        json: arguments.json,
        out: io::stdout().lock(),
    };
    writer.head(model.card.d_output)?;
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
    model.follow(input.signals(), arguments.backend, &mut each)?;
    if let Some(held) = held {
        writer.line(&held)?;
    }
    Ok(())
}

/// Signals that have been found.
enum Input {
    Lines(String, Box<dyn BufRead>),
    Arrays(String, Vec<Array2<f64>>),
}

impl Input {
    fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            let lines = Box::new(io::stdin().lock());
            return Ok(Self::Lines("standard input".into(), lines));
        }
        let name = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension {
            Some("npy") => Ok(Self::Arrays(name, read_npy_signals(path)?)),
            Some("csv" | "tsv") => {
                // A folder can be opened, but not read.
                let begun = File::open(path).and_then(|file| {
                    let mut lines = BufReader::new(file);
                    lines.fill_buf()?;
                    Ok(lines)
                });
                match begun {
                    Ok(lines) => Ok(Self::Lines(name, Box::new(lines))),
                    Err(source) => Err(PredictError::Read { name, source }.into()),
                }
            }
            _ => bail!(
                "{name} cannot be read; .csv, .tsv and .npy files can, and - for standard input"
            ),
        }
    }

    fn signals(&mut self) -> Signals<'_> {
        match self {
            Self::Lines(name, lines) => Signals::Lines {
                name: std::mem::take(name),
                lines,
            },
            Self::Arrays(name, signals) => Signals::Arrays {
                name: std::mem::take(name),
                signals: std::mem::take(signals),
            },
        }
    }
}

struct Writer<W> {
    labels: Vec<String>,
    category: Category,
    /// What is added to each output, where 32 bits would not hold the sum.
    offset: Option<Vec<f64>>,
    json: bool,
    out: W,
}

impl<W: Write> Writer<W> {
    /// The names of the columns.
    fn head(&mut self, d_output: usize) -> io::Result<()> {
        if self.json {
            return Ok(());
        }
        let mut names = vec!["signal".to_owned(), "step".to_owned()];
        if self.category == Category::Classification {
            names.push("label".into());
        }
        let output = |at: usize| match self.labels.get(at) {
            Some(label) => format!("p({label})"),
            None => format!("output {at}"),
        };
        names.extend((0..d_output).map(output));
        writeln!(self.out, "{}", names.join(","))
    }

    /// A prediction, which is out of the program when this returns.
    fn line(&mut self, prediction: &Prediction) -> io::Result<()> {
        let Prediction {
            signal,
            step,
            outputs,
        } = prediction;
        let label = (self.category == Category::Classification).then(|| {
            let best = outputs.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let best = best.map_or(0, |(at, _)| at);
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
        } else {
            let mut fields = vec![signal.to_string(), step.to_string()];
            fields.extend(label);
            match &self.offset {
                Some(offset) => fields.extend(added(outputs, offset).iter().map(f64::to_string)),
                None => fields.extend(outputs.iter().map(f32::to_string)),
            }
            writeln!(self.out, "{}", fields.join(","))?;
        }
        self.out.flush()
    }
}

fn added(outputs: &Array1<f32>, offset: &[f64]) -> Vec<f64> {
    let both = outputs.iter().zip(offset);
    both.map(|(&output, offset)| f64::from(output) + offset)
        .collect()
}

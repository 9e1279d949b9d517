//! `ran bench`: how long a step takes.

use std::fs;
use std::io::{self, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use ran_bench::{Bench, Case, Curve, Measurement, Network, Peak};
use ran_experiment::{BackendKind, write_file};
use ran_reservoir::MemoryKind;
use ran_scan::Vectors;

/// Microseconds per step of a network of random weights: the median of several runs.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The working memory [default: both]; may be given again.
    #[arg(long, value_enum, value_name = "MEMORY")]
    memory: Vec<Memory>,
    /// units,dim,context,batch,steps [default: four usual cases and streaming]; may be given again.
    #[arg(long = "case", value_name = "CASE")]
    cases: Vec<Case>,
    /// The states alone, or a training step [default: both, with a batch of 1 forward alone].
    #[arg(long, value_enum, value_name = "PHASE")]
    phase: Vec<Phase>,
    /// Where to compute: ndarray or wgpu.
    #[arg(long, default_value_t = BackendKind::Ndarray)]
    backend: BackendKind,
    /// Measures a classical echo state network of units·dim tanh neurons, each of which reads a tenth of the others.
    #[arg(long)]
    echo_state: bool,
    /// Runs that the median is taken of.
    #[arg(long, default_value = "7", value_name = "RUNS")]
    repeats: NonZeroUsize,
    /// Measures how the time grows with each size instead, and writes a picture of each (SVG, PNG) into this folder.
    #[arg(long, value_name = "FOLDER")]
    scaling: Option<PathBuf>,
    /// The widest vectors that the scan may use: avx512, avx2 or plain [default: those of RAN_VECTORS, else all that the
    /// processor has]. The readout's products keep their own.
    #[arg(long, value_name = "VECTORS")]
    vectors: Option<Vectors>,
    /// Prints one line of JSON per measurement.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Memory {
    Sliding,
    Rewritten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Phase {
    /// The states of every step, from weights that are in order before, and the readout of the last.
    Forward,
    /// A training step: the readout of every step, the mean of its squares, and the gradients of all weights.
    Train,
}

impl From<Phase> for ran_bench::Phase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Forward => Self::Forward,
            Phase::Train => Self::Train,
        }
    }
}

impl From<Memory> for MemoryKind {
    fn from(memory: Memory) -> Self {
        match memory {
            Memory::Sliding => Self::Sliding,
            Memory::Rewritten => Self::Rewritten,
        }
    }
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(vectors) = arguments.vectors {
        vectors.limit();
    }
    if let Some(folder) = &arguments.scaling {
        return scaling(arguments, folder);
    }
    let cases = match arguments.cases.is_empty() {
        true => Case::USUAL.to_vec(),
        false => arguments.cases.clone(),
    };
    let memories = match arguments.memory.is_empty() {
        true => vec![Memory::Rewritten, Memory::Sliding],
        false => arguments.memory.clone(),
    };
    let network = match arguments.echo_state {
        true => Network::EchoState,
        false => Network::AttentionBlocks,
    };
    let mut shown = Shown::new(arguments.json);
    for case in cases {
        for &memory in &memories {
            for phase in [Phase::Forward, Phase::Train] {
                let asked = arguments.phase.contains(&phase);
                let usual =
                    arguments.phase.is_empty() && (phase == Phase::Forward || case.batch > 1);
                if !(asked || usual) {
                    continue;
                }
                let bench = Bench {
                    network,
                    case,
                    memory: memory.into(),
                    phase: phase.into(),
                    repeats: arguments.repeats.get(),
                };
                shown.show(&bench.measure(arguments.backend)?)?;
            }
        }
    }
    Ok(())
}

fn scaling(arguments: &Arguments, folder: &Path) -> anyhow::Result<()> {
    // Whether there can be a folder is known before minutes of measuring.
    let cannot = || format!("the folder {} cannot be made", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    let mut shown = Shown::new(arguments.json);
    for curve in Curve::ALL {
        let mut outcome = Ok(());
        let chart = curve.draw(arguments.backend, arguments.repeats.get(), |measured| {
            if outcome.is_ok() {
                outcome = shown.show(measured);
            }
        })?;
        outcome?;
        let picture = chart.draw()?;
        for (ending, bytes) in [
            ("svg", picture.svg().as_bytes().to_vec()),
            ("png", picture.png()?),
        ] {
            let path = folder.join(curve.name).with_extension(ending);
            write_file(&path, &bytes)?;
            crate::say::say(&format!("written: {}", path.display()));
        }
    }
    Ok(())
}

/// Prints measurements as they come, beside what the processor can do.
struct Shown {
    json: bool,
    begun: bool,
    peak: Peak,
}

impl Shown {
    fn new(json: bool) -> Self {
        Self {
            json,
            begun: false,
            peak: Peak::measure(),
        }
    }

    fn show(&mut self, measured: &Measurement) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        let measured = measured.clone().beside(&self.peak);
        if self.json {
            writeln!(out, "{}", serde_json::to_string(&measured)?)?;
            return Ok(out.flush()?);
        }
        if !self.begun {
            let (case, memory, phase) = ("case", "memory", "phase");
            for (name, gflops) in self.peak.each() {
                writeln!(out, "the processor's peak with {name}: {gflops:.1} GFLOP/s")?;
            }
            let (time, share) = ("us per step", "of the peak");
            writeln!(
                out,
                "{case:18}{memory:11}{phase:9}{time:>14}{:>10}{share:>13}",
                "GFLOP/s"
            )?;
            self.begun = true;
        }
        let name = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let share = match measured.share_of_peak {
            Some(share) => format!("{:.1} %", share * 100.0),
            None => "–".into(),
        };
        writeln!(
            out,
            "{:18}{:11}{:9}{:>14.2}{:>10.1}{share:>13}",
            measured.case,
            name(serde_json::to_value(measured.memory)?),
            name(serde_json::to_value(measured.phase)?),
            measured.us_per_step,
            measured.gflops
        )?;
        Ok(out.flush()?)
    }
}

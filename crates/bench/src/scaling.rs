//! How the time of a step grows with each size of a network, as pictures.

use ran_experiment::BackendKind;
use ran_picture::{Axis, Chart, Scale, Series, Stroke};
use ran_reservoir::MemoryKind;

use crate::bench::{Bench, BenchError, Measurement, Network, Phase};
use crate::case::Case;

/// One size of a network, with all others kept.
#[derive(Clone, Copy, Debug)]
pub struct Curve {
    /// The file's name, without its ending.
    pub name: &'static str,
    /// What the picture is called.
    pub title: &'static str,
    label: &'static str,
    values: &'static [usize],
    set: fn(Case, usize) -> Case,
}

/// The network that the curves pass through.
const MIDDLE: Case = Case {
    units: 20,
    d_unit: 16,
    context: 4,
    batch: 32,
    steps: 64,
};

impl Curve {
    /// The five curves.
    pub const ALL: [Self; 5] = [
        Self {
            name: "scaling-steps",
            title: "Time of a step, by the steps before it",
            label: "steps before",
            values: &[4, 16, 64, 256, 1024, 4096],
            set: |case, steps| Case { steps, ..case },
        },
        Self {
            name: "scaling-units",
            title: "Time of a step, by the number of units",
            label: "units",
            values: &[5, 10, 20, 40, 80, 160],
            set: |case, units| Case { units, ..case },
        },
        Self {
            name: "scaling-context",
            title: "Time of a step, by the rows of context",
            label: "rows of context",
            values: &[1, 2, 4, 8, 16, 32],
            set: |case, context| Case { context, ..case },
        },
        Self {
            name: "scaling-width",
            title: "Time of a step, by the width of a unit",
            label: "width of a unit",
            values: &[4, 8, 16, 32, 64],
            set: |case, d_unit| Case { d_unit, ..case },
        },
        Self {
            name: "scaling-batch",
            title: "Time of a step, by the number of sequences in a batch",
            label: "sequences in a batch",
            values: &[1, 2, 4, 8, 16, 32, 64, 128, 256],
            set: |case, batch| Case { batch, ..case },
        },
    ];

    /// Measures the curve, telling each measurement, and draws it.
    ///
    /// # Errors
    ///
    /// When the backend is not there.
    pub fn draw(
        &self,
        backend: BackendKind,
        repeats: usize,
        mut tell: impl FnMut(&Measurement),
    ) -> Result<Chart, BenchError> {
        let mut measure = |network, case, memory| -> Result<f64, BenchError> {
            let bench = Bench {
                network,
                case,
                memory,
                phase: Phase::Forward,
                repeats,
            };
            let measured = bench.measure(backend)?;
            tell(&measured);
            Ok(measured.us_per_step)
        };
        let mut series = Vec::new();
        for (name, memory) in [
            ("sliding", MemoryKind::Sliding),
            ("rewritten", MemoryKind::Rewritten),
        ] {
            let mut points = Vec::new();
            for &value in self.values {
                let time = measure(Network::AttentionBlocks, (self.set)(MIDDLE, value), memory)?;
                points.push([value as f64, time]);
            }
            let name = with_growth(&format!("RAN, {name} memory"), &points);
            series.push(Series::new(&name, points));
        }
        if self.name == "scaling-steps" {
            let mut points = Vec::new();
            for &value in self.values {
                // A Transformer's next step attends to every row before it. Those fill the window before the first
                // step, which is no part of a step's cost: it is in both of two runs, and in neither's difference.
                let mut total = |steps: usize| -> Result<f64, BenchError> {
                    let case = Case {
                        context: value,
                        steps,
                        ..MIDDLE
                    };
                    let time = measure(Network::Transformer, case, MemoryKind::Sliding)?;
                    Ok(time * steps as f64)
                };
                let (few, many) = (4, 20);
                let time = (total(many)? - total(few)?) / (many - few) as f64;
                points.push([value as f64, time]);
            }
            let name = with_growth("one causal Transformer block as wide as the state", &points);
            series.push(Series {
                stroke: Stroke::Dashed,
                ..Series::new(&name, points)
            });
        }
        let log = |label: &str| Axis {
            scale: Scale::Log,
            ..Axis::new(label)
        };
        Ok(Chart {
            title: self.title.into(),
            x: log(self.label),
            y: log("microseconds per step of the batch"),
            series,
            ..Chart::default()
        })
    }
}

/// A name with what was measured of its curve: how many times as long its last step takes as its first.
pub fn with_growth(name: &str, points: &[[f64; 2]]) -> String {
    match points {
        [[from, first], .., [to, last]] if *first > 0.0 && *last > 0.0 => {
            format!("{name}: × {:.2} from {from} to {to}", last / first)
        }
        _ => name.into(),
    }
}

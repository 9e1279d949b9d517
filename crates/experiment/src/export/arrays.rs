//! The arrays of a model: each is filled piece by piece on the disk.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use ndarray::s;
use ran_learning::{LearningBackend, Model, ModelNumbers, Piece, ScoredRows};
use ran_tasks::{NpzWriter, Sample, Split, Spool, TaskError, longest};

use super::{ExportError, check};

/// Writes what a model computes.
pub(super) struct Exporter<'a, B: LearningBackend> {
    pub(super) model: &'a Model<B>,
    pub(super) device: &'a B::Device,
    pub(super) writer: &'a mut NpzWriter,
    pub(super) stop: &'a AtomicBool,
}

/// Whether pieces were filled in, or why no more of them are.
struct Filling<'a> {
    stop: &'a AtomicBool,
    outcome: Result<(), ExportError>,
}

impl<'a> Filling<'a> {
    fn new(stop: &'a AtomicBool) -> Self {
        Self {
            stop,
            outcome: Ok(()),
        }
    }

    /// Goes on unless filling failed or the export was stopped.
    fn goes_on(&mut self, filled: Result<(), TaskError>) -> ControlFlow<()> {
        let filled = filled.map_err(ExportError::from);
        self.outcome = filled.and_then(|()| check(self.stop));
        match self.outcome {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl<B: LearningBackend> Exporter<'_, B> {
    /// `populations`, their names, and `link`, what makes predictions of the readout's outputs.
    pub(super) fn description(&mut self) -> Result<(), ExportError> {
        let parts = self.parts();
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        self.writer.text("populations", &[names.len()], &names)?;
        let link = serde_json::to_value(self.model.card.link()).unwrap_or_default();
        let link = link.as_str().unwrap_or_default();
        Ok(self.writer.text("link", &[], &[link])?)
    }

    /// `states_SPLIT_POPULATION`, `[sequences, steps, units, d_unit]`, zero after a sequence's end; of a network in the
    /// reservoir's place `states_SPLIT_network`, `[sequences, steps, width]`.
    pub(super) fn states(&mut self, split: Split, samples: &[Sample]) -> Result<(), ExportError> {
        let (count, longest) = (samples.len(), longest(samples));
        let all = self.parts();
        let spools = all
            .iter()
            .map(|(_, shape)| self.writer.spool(&[&[count, longest], &shape[..]].concat()));
        let mut spools: Vec<Spool> = spools.collect::<Result<_, _>>()?;
        let mut filling = Filling::new(self.stop);
        let mut visit = |piece: Piece<'_>| {
            let mut from = 0;
            let parts = spools.iter_mut().zip(&all);
            let filled = parts.map(|(spool, (_, shape))| {
                let until = from + shape.iter().product::<usize>();
                let rows = piece.rows.slice(s![.., from..until]);
                from = until;
                fill(spool, longest, &Piece { rows, ..piece })
            });
            let filled = filled.collect();
            filling.goes_on(filled)
        };
        self.model.each_state(samples, self.device, &mut visit);
        filling.outcome?;
        for ((name, _), spool) in all.iter().zip(spools) {
            let name = format!("states_{}_{name}", split.name());
            self.writer.spooled(&name, spool)?;
        }
        Ok(())
    }

    /// `attention_SPLIT_POPULATION`, `[sequences, steps, units, heads, context]` with sliding memory, and with rewritten
    /// memory `[sequences, steps, units, heads, context, context]`, the row that attends first.
    pub(super) fn attention(
        &mut self,
        split: Split,
        samples: &[Sample],
    ) -> Result<(), ExportError> {
        let (count, longest) = (samples.len(), longest(samples));
        for (place, (name, _)) in self.parts().iter().enumerate() {
            let [units, heads, queries, context] = self.model.attention_shape(place);
            if units == 0 {
                continue;
            }
            let shape = match queries {
                1 => vec![count, longest, units, heads, context],
                _ => vec![count, longest, units, heads, queries, context],
            };
            let mut spool = self.writer.spool(&shape)?;
            let mut filling = Filling::new(self.stop);
            let mut visit = |piece: Piece<'_>| filling.goes_on(fill(&mut spool, longest, &piece));
            let model = self.model;
            model.each_attention(place, samples, self.device, &mut visit);
            filling.outcome?;
            let name = format!("attention_{}_{name}", split.name());
            self.writer.spooled(&name, spool)?;
        }
        Ok(())
    }

    /// `features_SPLIT`, `[rows, d_features]`, with `features_at_SPLIT`, `[rows, 2]`: each row's sequence and step; and
    /// `predictions_SPLIT`, `[scored steps, d_output]`, with `scored_SPLIT`, `[scored steps, 2]`.
    pub(super) fn scored(
        &mut self,
        split: Split,
        samples: &[Sample],
        features: bool,
        predictions: bool,
    ) -> Result<(), ExportError> {
        let kind = self.model.card.config.features();
        let rows = samples.iter().map(|sample| kind.row_steps(&sample.scored));
        let feature_places = Places::of(rows);
        let scored = samples.iter().map(|sample| sample.scored.clone());
        let scored_places = Places::of(scored);
        let [d_features, d_output] = self.model.readout.weight.shape().dims();
        let mut on_features = features
            .then(|| self.writer.spool(&[feature_places.rows(), d_features]))
            .transpose()?;
        let mut on_predictions = predictions
            .then(|| self.writer.spool(&[scored_places.rows(), d_output]))
            .transpose()?;
        let mut filling = Filling::new(self.stop);
        let offset = self.model.card.target_offset.as_deref().unwrap_or(&[]);
        let mut visit = |found: ScoredRows<'_>| {
            let row = feature_places.starts[found.sequence] + found.first_row;
            let filled = match &mut on_features {
                Some(spool) => spool.fill(row * d_features, found.features.iter().copied()),
                None => Ok(()),
            };
            let row = scored_places.starts[found.sequence] + found.first_scored;
            let numbers = found.predictions.indexed_iter().map(|((_, output), &y)| {
                let offset = offset.get(output).unwrap_or(&0.0);
                (f64::from(y) + offset) as f32
            });
            let filled = filled.and_then(|()| match &mut on_predictions {
                Some(spool) => spool.fill(row * d_output, numbers),
                None => Ok(()),
            });
            filling.goes_on(filled)
        };
        self.model.each_prediction(samples, self.device, &mut visit);
        filling.outcome?;
        let split = split.name();
        if let Some(spool) = on_features {
            self.writer.spooled(&format!("features_{split}"), spool)?;
            self.places(&format!("features_at_{split}"), &feature_places)?;
        }
        if let Some(spool) = on_predictions {
            self.writer
                .spooled(&format!("predictions_{split}"), spool)?;
            self.places(&format!("scored_{split}"), &scored_places)?;
        }
        Ok(())
    }

    /// All tensors of the model's file, by their names there.
    pub(super) fn weights(&mut self) -> Result<(), ExportError> {
        let tensors = self.model.tensors();
        let tensors = tensors.map_err(|source| ExportError::Learning {
            origin: "the model".into(),
            source,
        })?;
        for tensor in tensors {
            let (name, shape) = (&tensor.name, &tensor.shape);
            match tensor.numbers {
                ModelNumbers::Floats(numbers) => self.writer.numbers(name, shape, numbers)?,
                ModelNumbers::Integers(numbers) => self.writer.numbers(name, shape, numbers)?,
            }
            check(self.stop)?;
        }
        Ok(())
    }

    fn places(&mut self, name: &str, places: &Places) -> Result<(), ExportError> {
        let sequences = places.steps.iter().enumerate();
        let pairs = sequences.flat_map(|(sequence, steps)| {
            let pairs = steps.iter();
            pairs.flat_map(move |&step| [sequence as i64, step as i64])
        });
        Ok(self.writer.numbers(name, &[places.rows(), 2], pairs)?)
    }

    /// What the state is made of, each part with its shape.
    fn parts(&self) -> Vec<(String, Vec<usize>)> {
        let config = &self.model.card.config;
        if let Some(network) = &config.network {
            return vec![("network".into(), vec![network.d_features()])];
        }
        let populations = config.reservoir.populations.iter().enumerate();
        let parts = populations.map(|(place, one)| (one.name(place), vec![one.units, one.d_unit]));
        parts.collect()
    }
}

/// Where rows of sequences stand when they are below one another.
struct Places {
    /// The steps of each sequence that have a row.
    steps: Vec<Vec<usize>>,
    /// The first row of each sequence, and the number of rows.
    starts: Vec<usize>,
}

impl Places {
    fn of(steps: impl Iterator<Item = Vec<usize>>) -> Self {
        let steps: Vec<Vec<usize>> = steps.collect();
        let mut starts = vec![0];
        let mut rows = 0;
        for steps in &steps {
            rows += steps.len();
            starts.push(rows);
        }
        Self { steps, starts }
    }

    fn rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

/// Fills the rows of a piece into an array of `longest` steps a sequence.
fn fill(spool: &mut Spool, longest: usize, piece: &Piece<'_>) -> Result<(), TaskError> {
    let width = piece.rows.ncols();
    let place = (piece.sequence * longest + piece.step) * width;
    spool.fill(place, piece.rows.iter().copied())
}

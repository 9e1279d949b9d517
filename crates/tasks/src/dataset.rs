//! What a task yields: sequences with targets at their scored steps, in three splits.

use crate::sample::{numbered, one_hot_rows};
use crate::{Category, Metric, Sample, ScoreTable, Standardiser, stack_rows};
use ndarray::Array2;
use std::borrow::Cow;

/// A task's data: what a model trains on, is selected on and is judged on.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The task's name.
    pub name: String,
    /// What the targets are.
    pub category: Category,
    /// The score that a model is chosen and judged by.
    pub metric: Metric,
    /// Width of the inputs, I.
    pub d_input: usize,
    /// Width of the targets, O.
    pub d_output: usize,
    /// One name per input (empty where inputs have none but their numbers).
    pub input_names: Vec<String>,
    /// One name per number that is predicted (empty where they have none, and for classes and labels).
    pub output_names: Vec<String>,
    /// One name per class or label (empty for regression).
    pub labels: Vec<String>,
    /// Whether inputs and targets are symbols: a step's input is then one number, the symbol's place among the labels, and so is a
    /// target, where a row would else have one for each class. Widths I and O are 1 and the number of labels.
    pub symbols: bool,
    /// Whether each training sequence goes on where the one before it ends.
    pub continues: bool,
    /// What the inputs were standardised with, fitted on the training split; none when they are raw.
    /// It has been applied to all three splits already; new inputs still need it.
    pub standardiser: Option<Standardiser>,
    /// What was taken from each target, so that 32 bits hold how they differ; none where nothing was. The numbers themselves are
    /// the sums, and so are a model's predictions.
    pub target_offset: Option<Vec<f64>>,
    /// What the user should know of the data, in sentences: what is missing in them.
    pub notes: Vec<String>,
    /// What a model trains on.
    pub train: Vec<Sample>,
    /// What hyper-parameters are chosen on; empty when the task has no such split.
    pub valid: Vec<Sample>,
    /// What a model is judged on.
    pub test: Vec<Sample>,
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Split {
    /// What a model trains on.
    Train,
    /// What hyper-parameters are chosen on.
    Valid,
    /// What a model is judged on.
    Test,
}

impl Split {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Train, Self::Valid, Self::Test];

    /// Its name: `train`, `valid` or `test`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

impl Dataset {
    /// A data set of inputs and targets of some widths, without sequences and names, judged by its category's metric.
    #[must_use]
    pub fn new(name: &str, category: Category, [d_input, d_output]: [usize; 2]) -> Self {
        Self {
            name: name.into(),
            category,
            metric: category.metric(),
            d_input,
            d_output,
            input_names: Vec::new(),
            output_names: Vec::new(),
            labels: Vec::new(),
            symbols: false,
            continues: false,
            standardiser: None,
            target_offset: None,
            notes: Vec::new(),
            train: Vec::new(),
            valid: Vec::new(),
            test: Vec::new(),
        }
    }

    /// The sequences of a split.
    #[must_use]
    pub fn samples(&self, split: Split) -> &[Sample] {
        match split {
            Split::Train => &self.train,
            Split::Valid => &self.valid,
            Split::Test => &self.test,
        }
    }

    /// The sequences of all splits.
    pub fn samples_mut(&mut self) -> impl Iterator<Item = &mut Sample> {
        let splits = [&mut self.train, &mut self.valid, &mut self.test];
        splits.into_iter().flatten()
    }

    /// The score of predictions by the data set's metric, and all scores that apply; `predictions` has one
    /// `[scored steps, d_output]` for each of the sequences.
    ///
    /// # Panics
    ///
    /// When the shapes differ, or there are no sequences.
    #[must_use]
    pub fn judge(&self, samples: &[Sample], predictions: &[Array2<f32>]) -> (f64, ScoreTable) {
        let (predictions, targets) = (stack_rows(predictions), self.stack_targets(samples));
        let (predictions, targets) = (predictions.view(), targets.view());
        let table = self.metric.table(self.category, predictions, targets);
        (self.metric.score(predictions, targets), table)
    }

    /// The targets of some of its sequences below one another, `[scored steps in all, d_output]`: one-hot rows where they are
    /// classes, also where these are kept as symbols.
    ///
    /// # Panics
    ///
    /// When there are no sequences.
    #[must_use]
    pub fn stack_targets(&self, samples: &[Sample]) -> Array2<f32> {
        self.one_hot(stack_rows(samples.iter().map(|sample| &sample.targets)))
    }

    /// Rows of targets with a number for each output: one-hot where they are symbols, else as they are.
    #[must_use]
    pub fn one_hot(&self, targets: Array2<f32>) -> Array2<f32> {
        match self.symbols {
            true => one_hot_rows(targets.view(), self.d_output),
            false => targets,
        }
    }

    /// The training sequences that a trained model is judged on: as many of the first as have together no more than 2²² predicted
    /// numbers, and at least one; all, but for a long text. Where `joined`, those that go on from one another are one.
    #[must_use]
    pub fn judged_train(&self, joined: bool) -> Cow<'_, [Sample]> {
        const NUMBERS: usize = 1 << 22;
        let mut left = NUMBERS;
        let fits = |sample: &&Sample| {
            let numbers = sample.scored.len().saturating_mul(self.d_output);
            let fits = numbers <= left;
            left = left.saturating_sub(numbers);
            fits
        };
        let count = self.train.iter().take_while(fits).count();
        let judged = &self.train[..count.max(1).min(self.train.len())];
        match joined && self.continues && judged.len() > 1 {
            true => vec![Sample::join(judged)].into(),
            false => judged.into(),
        }
    }

    /// The names of classes or labels, which are numbers counted from 0 where they have none. Symbols that cannot be seen have names.
    #[must_use]
    pub fn label_names(&self) -> Vec<String> {
        if self.symbols {
            let name = |label: &String| match label.as_str() {
                " " => "space".into(),
                "\"" | "'" | "\\" => label.clone(),
                other => other.escape_debug().to_string(),
            };
            return self.labels.iter().map(name).collect();
        }
        match self.labels.len() == self.d_output {
            true => self.labels.clone(),
            false => numbered(self.d_output),
        }
    }

    /// Targets or predictions `[rows, d_output]` with what was taken from the targets, as near as 32 bits come.
    #[must_use]
    pub fn with_offset(&self, rows: &Array2<f32>) -> Array2<f32> {
        let mut rows = rows.clone();
        let offsets = self.target_offset.iter().flatten();
        for (mut column, &offset) in rows.columns_mut().into_iter().zip(offsets) {
            column.mapv_inplace(|y| (f64::from(y) + offset) as f32);
        }
        rows
    }

    /// The data set with its offset added to the targets again, which 32 bits may blur. For pictures and
    /// files.
    #[must_use]
    pub fn with_raw_targets(&self) -> Cow<'_, Self> {
        if self.target_offset.is_none() {
            return Cow::Borrowed(self);
        }
        let mut raw = self.clone();
        for sample in raw.samples_mut() {
            sample.targets = self.with_offset(&sample.targets);
        }
        raw.target_offset = None;
        Cow::Owned(raw)
    }

    /// Fits a [`Standardiser`] on the training split, applies it to all splits and keeps it.
    pub(crate) fn standardise(&mut self) {
        self.standardise_by(Standardiser::fit(&self.train));
    }

    /// Standardises all splits and keeps what they are standardised by.
    pub(crate) fn standardise_by(&mut self, standardiser: Standardiser) {
        for sample in self.samples_mut() {
            standardiser.apply(&mut sample.inputs);
        }
        self.standardiser = Some(standardiser);
    }
}

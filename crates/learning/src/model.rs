//! A trained model: a reservoir and its readout.

use std::ops::{ControlFlow, Range};

use burn::tensor::backend::Backend;
use ndarray::{Array2, ArrayView2, s};
use ran_readout::{HostReadout, LinearReadout, Link, Running};
use ran_reservoir::{Inputs, Reservoir, ScanBackend};
use ran_tasks::{Category, Dataset, Sample, Standardiser, TaskConfig};
use serde::{Deserialize, Serialize};

use crate::backbone::Backbone;
use crate::inputs::ModelInputs;
use crate::loss::link;
use crate::network::Network;
use crate::states::{Pass, Rows};
use crate::view::View;
use crate::{LearningError, ModelConfig, ReadoutLoss, Regime};

/// What a model was made for and how: all that is needed to use it, beside its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The version of the project that wrote it.
    pub version: String,
    /// The task that it was trained on.
    pub task: String,
    /// The task's configuration, where it is known.
    pub task_config: Option<TaskConfig>,
    /// What it predicts.
    pub category: Category,
    /// Width of its inputs, I.
    pub d_input: usize,
    /// Width of its outputs, O.
    pub d_output: usize,
    /// The names of its inputs, one each; empty where they have none. Files of earlier versions keep none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_names: Vec<String>,
    /// The names of the numbers that it predicts, one each; empty where they have none, and for classes and labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_names: Vec<String>,
    /// The names of classes or labels.
    pub labels: Vec<String>,
    /// Whether its inputs are symbols: a step's input is then one number, the symbol's place among the labels.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub symbols: bool,
    /// What raw inputs are standardised with.
    pub standardiser: Option<Standardiser>,
    /// What was taken from each target before it was cut to 32 bits, and is to be added to each output; none where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_offset: Option<Vec<f64>>,
    /// Whether each sequence that it was trained on had one target: with the features `every-step` its outputs are then
    /// averaged over the steps so far.
    pub one_target: bool,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// Its configuration.
    pub config: ModelConfig,
}

impl ModelCard {
    pub(crate) fn new(
        config: &ModelConfig,
        task: Option<&TaskConfig>,
        dataset: &Dataset,
        seed: u64,
    ) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            task: dataset.name.clone(),
            task_config: task.cloned(),
            category: dataset.category,
            d_input: dataset.d_input,
            d_output: dataset.d_output,
            input_names: dataset.input_names.clone(),
            output_names: dataset.output_names.clone(),
            labels: dataset.labels.clone(),
            symbols: dataset.symbols,
            standardiser: dataset.standardiser.clone(),
            target_offset: dataset.target_offset.clone(),
            one_target: dataset.train.iter().all(|sample| sample.scored.len() == 1),
            seed,
            config: config.clone(),
        }
    }

    /// Its inputs: numbers by name, or symbols.
    pub fn inputs(&self) -> ModelInputs {
        match self.symbols {
            true => ModelInputs::Symbols(self.d_output),
            false => ModelInputs::Numbers(Inputs::named(self.d_input, &self.input_names)),
        }
    }

    /// What its reservoir reads, or the network in its place.
    pub fn reservoir_inputs(&self) -> Inputs {
        self.config.reservoir_inputs(&self.inputs())
    }

    /// What turns the readout's outputs into predictions: probabilities where the task is classification.
    pub fn link(&self) -> Link {
        let cross_entropy = self.config.readout.loss == ReadoutLoss::CrossEntropy;
        match (self.config.learning.regime, self.category) {
            (_, category) if cross_entropy => link(category),
            (Regime::Full | Regime::FixedQk, category) => link(category),
            (Regime::Reservoir | Regime::Hybrid, Category::Regression) => Link::Identity,
            (Regime::Reservoir | Regime::Hybrid, Category::Classification) => Link::Simplex,
            (Regime::Reservoir | Regime::Hybrid, Category::MultiLabel) => Link::Clip,
        }
    }

    /// What its readout sees of the states.
    ///
    /// # Panics
    ///
    /// If its configuration has not been checked.
    pub(crate) fn view(&self) -> View {
        self.config
            .view()
            .expect("a model's configuration has been checked")
    }

    /// Turns the regime `hybrid` into the one of its first half: what a model is before its readout is fitted again.
    pub(crate) fn forget_closed_form(&mut self) {
        let learning = &mut self.config.learning;
        if let Some(regime) = learning.gradient_regime() {
            learning.regime = regime;
            learning.fixed_qk = false;
            self.config.readout.loss = ReadoutLoss::default();
        }
    }
}

/// A reservoir with a trained readout.
#[derive(Clone, Debug)]
pub struct Model<B: Backend> {
    /// What it was made for and how.
    pub card: ModelCard,
    /// What turns inputs into states.
    pub(crate) backbone: Backbone<B>,
    /// Its readout.
    pub readout: LinearReadout<B>,
}

/// Sees a piece of rows of features, the predictions so far, and which scored steps of its sequence the piece has added.
pub(crate) type Visit<'a> = dyn FnMut(&Rows, &[Array2<f32>], Range<usize>) -> ControlFlow<()> + 'a;

impl<B: Backend> Model<B> {
    /// Its reservoir; none where another network stands in its place.
    pub fn reservoir(&self) -> Option<&Reservoir<B>> {
        self.backbone.reservoir()
    }

    /// Predicts at the scored steps of sequences whose inputs are standardised already, as a data set's are.
    ///
    /// Memory holds the predictions and a chunk of states, however long a sequence is.
    ///
    /// # Shapes
    ///
    /// - output: one `[scored steps, d_output]` per sequence: probabilities, or values for regression
    ///
    /// # Panics
    ///
    /// If the model's card was changed to a configuration that is wrong.
    pub fn predict(&self, samples: &[Sample], device: &B::Device) -> Vec<Array2<f32>>
    where
        B: ScanBackend,
    {
        let predictions = self.predict_while(samples, device, &mut |_| true);
        predictions.expect("nobody stops it")
    }

    /// Predicts as [`predict`](Self::predict) does; `go_on` is asked before each chunk of steps, with the multiply-adds that are
    /// left to do.
    ///
    /// # Errors
    ///
    /// If it answers false.
    pub(crate) fn predict_while(
        &self,
        samples: &[Sample],
        device: &B::Device,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Vec<Array2<f32>>, LearningError>
    where
        B: ScanBackend,
    {
        self.follow(samples, device, go_on, &mut |_, _, _| {
            ControlFlow::Continue(())
        })
    }

    /// Predicts as [`predict_while`](Self::predict_while) does; `visit` sees each piece, and can break off.
    ///
    /// # Errors
    ///
    /// If `go_on` or `visit` ends it.
    pub(crate) fn follow(
        &self,
        samples: &[Sample],
        device: &B::Device,
        go_on: &mut dyn FnMut(u64) -> bool,
        visit: &mut Visit<'_>,
    ) -> Result<Vec<Array2<f32>>, LearningError>
    where
        B: ScanBackend,
    {
        let view = self.card.view();
        let readout = Readout::of(&self.readout, self.card.link());
        let mut predictions = Predictions::new(&readout, &view, samples);
        let pass = Pass {
            backbone: &self.backbone,
            view: &view,
            samples,
            device,
        };
        let outcome = pass.each(go_on, &mut |piece: Rows| {
            let scored = predictions.add(piece.index, piece.rows.view());
            visit(&piece, &predictions.of, scored)
        });
        match outcome {
            ControlFlow::Continue(()) => Ok(predictions.of),
            ControlFlow::Break(()) => Err(LearningError::Stopped),
        }
    }
}

impl<B: Backend> Network<B> {
    pub(crate) fn into_model(self, card: ModelCard) -> Model<B> {
        Model {
            card,
            backbone: self.backbone,
            readout: self.readout,
        }
    }
}

/// A readout on the host, with what turns its outputs into predictions.
#[derive(Clone, Debug)]
pub(crate) struct Readout {
    link: Link,
    linear: HostReadout,
}

impl Readout {
    pub(crate) fn of<B: Backend>(readout: &LinearReadout<B>, link: Link) -> Self {
        Self {
            link,
            linear: HostReadout::of(readout),
        }
    }

    /// Width of a row of outputs.
    pub(crate) fn d_output(&self) -> usize {
        self.linear.d_output()
    }

    /// The linear outputs for rows of features.
    pub(crate) fn outputs(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        self.linear.outputs(rows)
    }
}

/// Predictions for the scored steps of sequences whose rows of features come piece by piece.
pub(crate) struct Predictions<'a> {
    /// One `[scored steps, d_output]` per sequence; zeros where no row has come.
    pub(crate) of: Vec<Array2<f32>>,
    collecting: Vec<Running>,
    readout: &'a Readout,
}

impl<'a> Predictions<'a> {
    pub(crate) fn new(readout: &'a Readout, view: &View, samples: &[Sample]) -> Self {
        let d_output = readout.d_output();
        let zeros = |sample: &Sample| Array2::zeros((sample.scored.len(), d_output));
        let collecting = |sample: &Sample| view.features.collecting(d_output, &sample.scored);
        Self {
            of: samples.iter().map(zeros).collect(),
            collecting: samples.iter().map(collecting).collect(),
            readout,
        }
    }

    /// Adds what follows from the next rows of a sequence's features; returns which of its scored steps these are.
    pub(crate) fn add(&mut self, index: usize, rows: ArrayView2<'_, f32>) -> Range<usize> {
        self.collect(index, self.readout.outputs(rows).view())
    }

    /// Adds what follows from the linear outputs for the next rows of a sequence's features; returns as [`add`](Self::add).
    pub(crate) fn collect(&mut self, index: usize, outputs: ArrayView2<'_, f32>) -> Range<usize> {
        let collecting = &mut self.collecting[index];
        let first = collecting.done();
        let mut outputs = collecting.push(outputs);
        self.readout.link.apply(&mut outputs);
        let own = first..collecting.done();
        self.of[index]
            .slice_mut(s![own.clone(), ..])
            .assign(&outputs);
        own
    }
}

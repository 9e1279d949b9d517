//! A trained model: a reservoir and its readout.

use std::ops::ControlFlow;

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView2};
use ran_readout::{Features, LinearReadout, Link};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::{Category, Dataset, Sample, Standardiser, TaskConfig};
use serde::{Deserialize, Serialize};

use crate::loss::link;
use crate::network::Network;
use crate::states::walk_features;
use crate::{ModelConfig, Regime};

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
    /// What raw inputs are standardised with.
    pub standardiser: Option<Standardiser>,
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
            standardiser: dataset.standardiser.clone(),
            one_target: dataset.train.iter().all(|sample| sample.scored.len() == 1),
            seed,
            config: config.clone(),
        }
    }

    /// What turns the readout's outputs into predictions: probabilities where the task is classification.
    pub fn link(&self) -> Link {
        match (self.config.learning.regime, self.category) {
            (Regime::Full | Regime::FixedQk, category) => link(category),
            (Regime::Reservoir | Regime::Hybrid, Category::Regression) => Link::Identity,
            (Regime::Reservoir | Regime::Hybrid, Category::Classification) => Link::Simplex,
            (Regime::Reservoir | Regime::Hybrid, Category::MultiLabel) => Link::Clip,
        }
    }

    /// Turns the regime `hybrid` into the one of its first half: what a model is before its readout is fitted again.
    pub(crate) fn forget_closed_form(&mut self) {
        let learning = &mut self.config.learning;
        if let Some(regime) = learning.gradient_regime() {
            learning.regime = regime;
            learning.fixed_qk = false;
        }
    }
}

/// A reservoir with a trained readout.
#[derive(Clone, Debug)]
pub struct Model<B: Backend> {
    /// What it was made for and how.
    pub card: ModelCard,
    /// Its reservoir.
    pub reservoir: Reservoir<B>,
    /// Its readout.
    pub readout: LinearReadout<B>,
}

impl<B: Backend> Model<B> {
    /// Predicts at the scored steps of sequences whose inputs are standardised already, as a data set's are.
    ///
    /// # Shapes
    ///
    /// - output: one `[scored steps, d_output]` per sequence: probabilities, or values for regression
    pub fn predict(&self, samples: &[Sample], device: &B::Device) -> Vec<Array2<f32>>
    where
        B: ScanBackend,
    {
        let features = self.card.config.features();
        let readout = Readout::of(&self.readout, features, self.card.link());
        let mut predictions = vec![Array2::zeros((0, 0)); samples.len()];
        walk_features(
            &self.reservoir,
            features,
            samples,
            device,
            &mut |index, rows| {
                predictions[index] = readout.predict(&samples[index], rows.view());
                ControlFlow::Continue(())
            },
        );
        predictions
    }
}

impl<B: Backend> Network<B> {
    pub(crate) fn into_model(self, card: ModelCard) -> Model<B> {
        Model {
            card,
            reservoir: self.reservoir,
            readout: self.readout,
        }
    }
}

/// A readout on the host.
#[derive(Clone, Debug)]
pub(crate) struct Readout {
    features: Features,
    link: Link,
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Readout {
    pub(crate) fn of<B: Backend>(
        readout: &LinearReadout<B>,
        features: Features,
        link: Link,
    ) -> Self {
        let numbers = |data: burn::tensor::TensorData| {
            let data = data.convert::<f32>();
            data.into_vec::<f32>()
                .expect("numbers were converted to f32")
        };
        let [width, d_output] = readout.weight.shape().dims();
        let weight = numbers(readout.weight.val().into_data());
        let bias = numbers(readout.bias.val().into_data());
        Self {
            features,
            link,
            weight: Array2::from_shape_vec((width, d_output), weight)
                .expect("the weights have their dims"),
            bias: Array1::from_vec(bias),
        }
    }

    /// The linear outputs for rows of features.
    pub(crate) fn outputs(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        rows.dot(&self.weight) + &self.bias
    }

    /// From the rows of a sequence's features to a prediction for each scored step.
    pub(crate) fn predict(&self, sample: &Sample, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        let outputs = self.outputs(rows);
        let steps = sample.inputs.nrows();
        let mut outputs = self.features.collect(steps, &sample.scored, outputs.view());
        self.link.apply(&mut outputs);
        outputs
    }
}

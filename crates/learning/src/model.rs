//! A trained model: a reservoir and its readout.

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView2};
use ran_readout::{Features, LinearReadout, Link};
use ran_reservoir::{Reservoir, ScanBackend};
use ran_tasks::{Category, Dataset, Sample, Standardiser};
use serde::{Deserialize, Serialize};

use crate::states::walk_features;
use crate::{ModelConfig, Regime};

/// What a model was made for and how: all that is needed to use it, beside its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The version of the project that wrote it.
    pub version: String,
    /// The task that it was trained on.
    pub task: String,
    /// What it predicts.
    pub category: Category,
    /// Width of its inputs, I.
    pub d_input: usize,
    /// Width of its outputs, O.
    pub d_output: usize,
    /// The names of classes or labels.
    pub labels: Vec<String>,
    /// What raw inputs are standardised with.
    pub standardiser: Option<Standardiser>,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// Its configuration.
    pub config: ModelConfig,
}

impl ModelCard {
    pub(crate) fn new(config: &ModelConfig, dataset: &Dataset, seed: u64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            task: dataset.name.clone(),
            category: dataset.category,
            d_input: dataset.d_input,
            d_output: dataset.d_output,
            labels: dataset.labels.clone(),
            standardiser: dataset.standardiser.clone(),
            seed,
            config: config.clone(),
        }
    }

    /// What turns the readout's outputs into predictions: probabilities where the task is classification.
    pub fn link(&self) -> Link {
        let closed_form = match self.config.learning.regime {
            Regime::Reservoir | Regime::Hybrid => true,
            Regime::Full | Regime::FixedQk => false,
        };
        match (self.category, closed_form) {
            (Category::Regression, _) => Link::Identity,
            (Category::Classification, true) => Link::Simplex,
            (Category::Classification, false) => Link::Softmax,
            (Category::MultiLabel, true) => Link::Clip,
            (Category::MultiLabel, false) => Link::Logistic,
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
        let readout = Readout::of(self);
        let features = self.card.config.features();
        let mut predictions = vec![Array2::zeros((0, 0)); samples.len()];
        walk_features(
            &self.reservoir,
            features,
            samples,
            device,
            &mut |index, rows| {
                predictions[index] = readout.predict(&samples[index], rows.view());
            },
        );
        predictions
    }
}

/// A readout on the host.
pub(crate) struct Readout {
    features: Features,
    link: Link,
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Readout {
    pub(crate) fn of<B: Backend>(model: &Model<B>) -> Self {
        let numbers = |data: burn::tensor::TensorData| {
            let data = data.convert::<f32>();
            data.into_vec::<f32>()
                .expect("numbers were converted to f32")
        };
        let [width, d_output] = model.readout.weight.shape().dims();
        let weight = numbers(model.readout.weight.val().into_data());
        let bias = numbers(model.readout.bias.val().into_data());
        Self {
            features: model.card.config.features(),
            link: model.card.link(),
            weight: Array2::from_shape_vec((width, d_output), weight)
                .expect("the weights have their dims"),
            bias: Array1::from_vec(bias),
        }
    }

    /// From the rows of a sequence's features to a prediction for each scored step.
    pub(crate) fn predict(&self, sample: &Sample, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        let outputs = rows.dot(&self.weight) + &self.bias;
        let steps = sample.inputs.nrows();
        let mut outputs = self.features.collect(steps, &sample.scored, outputs.view());
        self.link.apply(&mut outputs);
        outputs
    }
}

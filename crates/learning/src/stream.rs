//! A model that follows a live signal, one step after another.

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use ran_readout::{Features, LiveFeatures};
use ran_reservoir::ScanBackend;

use crate::model::Readout;
use crate::steps::Steps;
use crate::view::View;
use crate::{LearningError, Model};

/// A model and what it remembers of a signal.
///
/// [`state`](Self::state) puts it away, to be taken up again by [`Model::restore`]. Each step costs the same however long the signal is, but with the features `segments`, whose parts of the signal move
/// with each step: they need all its states. The prediction at a step is what [`Model::predict`] gives for a
/// sequence that is scored there.
#[derive(Clone, Debug)]
pub struct ModelStream<'a, B: Backend> {
    pub(crate) model: &'a Model<B>,
    device: B::Device,
    view: View,
    pub(crate) memory: Steps<B>,
    readout: Readout,
    /// The features of the states that the readout sees.
    pub(crate) features: LiveFeatures,
    /// The mean of the outputs, where it stands for each of them.
    pub(crate) outputs: Option<LiveFeatures>,
}

impl<B: Backend> Model<B> {
    /// Begins to follow a signal.
    pub fn stream(&self, device: &B::Device) -> ModelStream<'_, B> {
        let view = self.card.view();
        let averaged = view.features == Features::EveryStep && self.card.one_target;
        ModelStream {
            model: self,
            device: device.clone(),
            memory: Steps::start(&self.backbone, device),
            readout: Readout::of(&self.readout, self.card.link()),
            features: LiveFeatures::new(view.features, view.d_state()),
            outputs: averaged.then(|| LiveFeatures::new(Features::Mean, self.card.d_output)),
            view,
        }
    }
}

impl<B: ScanBackend> ModelStream<'_, B> {
    /// Takes the next step of the signal, raw, and predicts.
    ///
    /// # Shapes
    ///
    /// - inputs: `[d_input]`, of 32 or 64 bits
    /// - output: `[d_output]`: probabilities, or values for regression, to which [`ModelCard::target_offset`](crate::ModelCard::target_offset) is still to be
    ///   added where there is one
    ///
    /// # Errors
    ///
    /// If the number of inputs is not the one that the model was trained on, an input is not finite or no symbol; the signal can go on after it.
    pub fn step<T: Copy + Into<f64>>(
        &mut self,
        inputs: ArrayView1<'_, T>,
    ) -> Result<Array1<f32>, LearningError> {
        let card = &self.model.card;
        let (got, expected) = (inputs.len(), card.d_input);
        if got != expected {
            let sentence = format!("a step has {got} inputs, the model was trained on {expected}");
            return Err(LearningError::Inputs(sentence));
        }
        let inputs: Array1<f64> = inputs.iter().map(|&x| x.into()).collect();
        let finite = |x: f64| (x as f32).is_finite();
        if let Some((place, value)) = inputs.iter().enumerate().find(|(_, x)| !finite(**x)) {
            let sentence = format!(
                "input {place} of a step is {value:?}: every input must be finite, also in 32 bits"
            );
            return Err(LearningError::Inputs(sentence));
        }
        if card.symbols {
            let (place, symbols) = (inputs[0], card.d_output);
            if place.fract() != 0.0 || !(0.0..symbols as f64).contains(&place) {
                let sentence = format!(
                    "a step's symbol is {place}: it must be a place from 0 to {}",
                    symbols - 1
                );
                return Err(LearningError::Inputs(sentence));
            }
        }
        let inputs = match &card.standardiser {
            Some(standardiser) => standardiser.step(inputs.view()),
            None => inputs.mapv(|x| x as f32),
        };
        let state = self.memory.step(&self.model.backbone, inputs.view());
        let state = self.view.state(state.view());
        Ok(self.predict(&state))
    }

    /// Forgets the signal: the next step is the first of another one.
    pub fn reset(&mut self) {
        self.memory = Steps::start(&self.model.backbone, &self.device);
        self.features.reset();
        if let Some(mean) = &mut self.outputs {
            mean.reset();
        }
    }

    fn predict(&mut self, state: &Array1<f32>) -> Array1<f32> {
        self.features.push(state.view());
        let mut row = Array2::zeros((1, self.features.width()));
        self.features.write(state.view(), row.row_mut(0));
        let mut outputs = self.readout.outputs(row.view());
        if let Some(mean) = &mut self.outputs {
            mean.push(outputs.row(0));
            let last = outputs.row(0).to_owned();
            mean.write(last.view(), outputs.row_mut(0));
        }
        self.model.card.link().apply(&mut outputs);
        outputs.remove_axis(Axis(0))
    }
}

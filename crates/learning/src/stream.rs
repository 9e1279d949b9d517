//! A model that follows a live signal, one step after another.

use burn::tensor::backend::Backend;
use ndarray::{Array1, Array2, ArrayView1, Axis, concatenate};
use ran_readout::{Features, Pool};
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
    /// The sum of the states so far, or that of the outputs where these are averaged.
    pub(crate) sum: Array1<f64>,
    /// All states so far that the readout sees, `[steps, d_state]`, for the features that need them.
    pub(crate) states: Array2<f32>,
    /// What the states so far are pooled to, for pooled features.
    pub(crate) pool: Option<Pool>,
    pub(crate) steps: usize,
}

impl<B: Backend> Model<B> {
    /// Begins to follow a signal.
    pub fn stream(&self, device: &B::Device) -> ModelStream<'_, B> {
        let view = self.card.view();
        let averaged = match view.features {
            Features::EveryStep => self.card.d_output,
            _ => view.d_state(),
        };
        ModelStream {
            model: self,
            device: device.clone(),
            memory: Steps::start(&self.backbone, device),
            readout: Readout::of(&self.readout, self.card.link()),
            sum: Array1::zeros(averaged),
            states: Array2::zeros((0, view.d_state())),
            pool: (view.features == Features::Pooled).then(|| Pool::new(view.d_state())),
            steps: 0,
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
        self.steps += 1;
        Ok(self.predict(state))
    }

    /// Forgets the signal: the next step is the first of another one.
    pub fn reset(&mut self) {
        *self = self.model.stream(&self.device);
    }

    fn predict(&mut self, state: Array1<f32>) -> Array1<f32> {
        let card = &self.model.card;
        let row = |values: Array1<f32>| values.insert_axis(Axis(0));
        let mean =
            |sum: &Array1<f64>, steps: usize| row(sum.mapv(|total| (total / steps as f64) as f32));
        let features = self.view.features;
        if matches!(features, Features::Mean | Features::MeanAndLast) {
            self.sum += &state.mapv(f64::from);
        }
        let row_of = match features {
            Features::Last | Features::EveryStep => row(state),
            Features::Mean => mean(&self.sum, self.steps),
            Features::MeanAndLast => {
                let parts = [mean(&self.sum, self.steps), row(state)];
                concatenate![Axis(1), parts[0], parts[1]]
            }
            Features::Segments(_) => {
                let pushed = self.states.push_row(state.view());
                pushed.expect("every state has the reservoir's width");
                features.rows(self.states.view(), &[self.steps - 1])
            }
            Features::Pooled => {
                let pool = self.pool.as_mut().expect("the view pools");
                pool.push(state.iter().copied());
                row(Array1::from_vec(pool.row()))
            }
        };
        let mut outputs = self.readout.outputs(row_of.view());
        if features == Features::EveryStep && card.one_target {
            self.sum += &outputs.row(0).mapv(f64::from);
            outputs = mean(&self.sum, self.steps);
        }
        card.link().apply(&mut outputs);
        outputs.remove_axis(Axis(0))
    }
}

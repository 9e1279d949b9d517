//! A backbone that is run one step of one sequence after another.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use ndarray::{Array1, ArrayView1};
use ran_reservoir::{ScanBackend, Stream};

use crate::LearningError;
use crate::backbone::{Backbone, Encoder};
use crate::core::{Memory, MemoryNumbers};

/// What a backbone remembers of a sequence: on the host where it is a reservoir of which every kind of unit has a kernel, else on its
/// device.
#[derive(Clone, Debug)]
pub(crate) struct Steps<B: Backend> {
    host: Option<Stream>,
    encoder: Encoder,
    memory: Memory<B>,
    device: B::Device,
}

impl<B: Backend> Steps<B> {
    /// Begins a sequence.
    pub(crate) fn start(backbone: &Backbone<B>, device: &B::Device) -> Self {
        let stream = backbone.core.stream(None);
        Self {
            host: stream.expect("a memory of zeros fits every reservoir"),
            encoder: backbone.encoder(),
            memory: backbone.core.start(1, device),
            device: device.clone(),
        }
    }

    /// Goes on with a sequence from a memory that was saved.
    ///
    /// # Errors
    ///
    /// If it is another backbone's, or of several sequences.
    pub(crate) fn restore(
        backbone: &Backbone<B>,
        saved: &MemoryNumbers,
        device: &B::Device,
    ) -> Result<Self, LearningError> {
        Ok(Self {
            memory: backbone.core.restore(saved, device)?,
            host: backbone.core.stream(Some(saved))?,
            encoder: backbone.encoder(),
            device: device.clone(),
        })
    }

    /// What is remembered, as numbers to be saved.
    pub(crate) fn memory(&self) -> MemoryNumbers {
        match &self.host {
            Some(stream) => MemoryNumbers::Reservoir(stream.memory()),
            None => self.memory.to_data(),
        }
    }
}

impl<B: ScanBackend> Steps<B> {
    /// The state after one step more.
    ///
    /// # Shapes
    ///
    /// - inputs: `[d_input]`, standardised
    /// - output: `[d_state]`
    pub(crate) fn step(
        &mut self,
        backbone: &Backbone<B>,
        inputs: ArrayView1<'_, f32>,
    ) -> Array1<f32> {
        let inputs = self.encoder.encode(inputs);
        if let Some(stream) = &mut self.host {
            let mut state = vec![0.0; stream.d_state()];
            stream.step(&inputs, &mut state);
            return Array1::from_vec(state);
        }
        let shape = [1, inputs.len()];
        let inputs = Tensor::from_data(TensorData::new(inputs, shape), &self.device);
        let (states, memory) = backbone.core.step(inputs, self.memory.clone());
        self.memory = memory;
        let state = states.into_data().convert::<f32>();
        let state = state.into_vec().expect("states were converted to f32");
        Array1::from_vec(state)
    }
}

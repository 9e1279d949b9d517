//! A reservoir that is run one step of one sequence after another.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use ndarray::{Array1, ArrayView1};
use ran_reservoir::{Memory, MemoryData, ReservoirError, ScanBackend, Stream};

use crate::backbone::{Backbone, Encoder};

/// What a reservoir remembers of a sequence: on the host where every kind of unit has a kernel, else on its device.
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
        let reservoir = &backbone.reservoir;
        let stream = reservoir.stream(None);
        Self {
            host: stream.expect("a memory of zeros fits every reservoir"),
            encoder: backbone.encoder(),
            memory: reservoir.start(1, device),
            device: device.clone(),
        }
    }
}

impl<B: Backend> Steps<B> {
    /// Goes on with a sequence from a memory that was saved.
    ///
    /// # Errors
    ///
    /// If it is another reservoir's, or of several sequences.
    pub(crate) fn restore(
        backbone: &Backbone<B>,
        saved: &MemoryData,
        device: &B::Device,
    ) -> Result<Self, ReservoirError> {
        let reservoir = &backbone.reservoir;
        let memory = reservoir.restore(saved, device)?;
        let [batch, context, d_state] = memory.rows.dims();
        if batch != 1 {
            return Err(ReservoirError::Memory {
                part: "rows",
                expected: vec![1, context, d_state],
                got: vec![batch, context, d_state],
            });
        }
        Ok(Self {
            host: reservoir.stream(Some(saved))?,
            encoder: backbone.encoder(),
            memory,
            device: device.clone(),
        })
    }

    /// What is remembered, as numbers to be saved.
    pub(crate) fn memory(&self) -> MemoryData {
        match &self.host {
            Some(stream) => stream.memory(),
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
        let shape = [1, 1, inputs.len()];
        let inputs = Tensor::from_data(TensorData::new(inputs, shape), &self.device);
        let (states, memory) = backbone
            .reservoir
            .forward(inputs, self.memory.clone(), None);
        self.memory = memory;
        let state = states.into_data().convert::<f32>();
        let state = state.into_vec().expect("states were converted to f32");
        Array1::from_vec(state)
    }
}

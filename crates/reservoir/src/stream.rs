//! One sequence, step by step, on the host: for signals that come live.

use burn::tensor::{TensorData, backend::Backend};
use ran_scan::{Prepared, Stepper};
use ran_unit::Unit;

use crate::reservoir::{check_numbers, mismatch};
use crate::{MemoryData, Reservoir, ReservoirError};

/// A reservoir that is fed one sequence, a step or many at a time, in 32-bit floats on the host.
///
/// It holds a copy of the reservoir's weights and its working memory, allocates nothing in a step, and takes as long for
/// the millionth step as for the first. See [`Reservoir::stream`].
#[derive(Clone, Debug)]
pub struct Stream {
    stepper: Stepper,
    context: usize,
    d_input: usize,
    d_state: usize,
}

impl Stream {
    /// Feeds one input and writes the new state.
    ///
    /// # Shapes
    ///
    /// - input: `[d_input]`
    /// - state: `[d_state]`
    ///
    /// # Panics
    ///
    /// If the slices have other lengths.
    pub fn step(&mut self, input: &[f32], state: &mut [f32]) {
        self.stepper.step(input, state);
    }

    /// Width of the state, N.
    pub fn d_state(&self) -> usize {
        self.d_state
    }

    /// The working memory, of a batch of one, to be saved or restored on any backend.
    pub fn memory(&self) -> MemoryData {
        let rows = TensorData::new(self.stepper.rows(), [1, self.context, self.d_state]);
        let older = self.stepper.older_inputs();
        let shape = [1, self.context - 1, self.d_input];
        MemoryData {
            rows,
            inputs: (!older.is_empty()).then(|| TensorData::new(older.to_vec(), shape)),
        }
    }
}

impl<B: Backend, U: Unit<B>> Reservoir<B, U> {
    /// Begins to stream a single sequence on the host, from a working memory of a batch of one or from a memory of
    /// zeros. `None` where some population's kind has no kernel for it.
    ///
    /// # Errors
    ///
    /// If the memory's shapes are not this reservoir's, or its numbers are no floats.
    pub fn stream(&self, memory: Option<&MemoryData>) -> Result<Option<Stream>, ReservoirError> {
        let (context, d_input, d_state) = (self.context(), self.d_input(), self.d_state());
        let numbers = |part, shape: &[usize], data: Option<&TensorData>| {
            let Some(data) = data else {
                return Ok(vec![0.0; shape.iter().product()]);
            };
            if data.shape[..] != *shape {
                return Err(mismatch(part, shape.to_vec(), &data.shape));
            }
            check_numbers(part, data)?;
            let numbers = data.clone().convert::<f32>().into_vec();
            Ok(numbers.expect("numbers were converted to f32"))
        };
        let rows = numbers("rows", &[1, context, d_state], memory.map(|one| &one.rows))?;
        let older_inputs = match self.older_inputs_shape(1) {
            None => Vec::new(),
            Some(shape) => {
                let kept = memory.map(|one| one.inputs.as_ref().ok_or(shape));
                let kept = kept.transpose();
                let kept = kept.map_err(|shape| mismatch("inputs", shape.to_vec(), &[]))?;
                numbers("inputs", &shape, kept)?
            }
        };
        let Some((spec, weights)) = self.fused() else {
            return Ok(None);
        };
        let weights = weights.into_iter().map(|tensor| {
            let data = tensor.into_data().convert::<f32>();
            let numbers: Result<Vec<f32>, _> = data.into_vec();
            numbers.expect("numbers were converted to f32")
        });
        let weights: Vec<Vec<f32>> = weights.collect();
        let weights: Vec<&[f32]> = weights.iter().map(Vec::as_slice).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let prepared = Prepared::new(spec, &weights).expect("weights have the reservoir's shapes");
        let stepper = Stepper::new(&prepared, &rows, &older_inputs, threads);
        Ok(Some(Stream {
            stepper: stepper.expect("the memory has the reservoir's shapes"),
            context,
            d_input,
            d_state,
        }))
    }
}

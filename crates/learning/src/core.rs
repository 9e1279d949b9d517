//! What stands between inputs and features: a reservoir, or a network to compare one with.

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use ran_baselines::{Baseline, Network as _};
use ran_reservoir::{MemoryKind, PreparedReservoir, Reservoir, ScanBackend, Stream};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::inputs::ModelInputs;
use crate::{LearningError, ModelConfig};

/// A reservoir or another network.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a model has one")]
pub(crate) enum Core<B: Backend> {
    Reservoir(Reservoir<B>),
    Network(Baseline<B>),
}

/// What it remembers of a batch of sequences.
#[derive(Clone, Debug)]
pub(crate) enum Memory<B: Backend> {
    Reservoir(ran_reservoir::Memory<B>),
    Network(ran_baselines::Memory<B>),
}

/// A memory as plain numbers, to be saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "its memory is neither a reservoir's nor another network's"
)]
pub enum MemoryNumbers {
    /// A reservoir's.
    Reservoir(ran_reservoir::MemoryData),
    /// Another network's.
    Network(ran_baselines::MemoryData),
}

/// The position that a network's cost is taken at, where one number is to stand for all of a sequence's.
pub(crate) const TYPICAL: usize = 64;

impl<B: Backend> Core<B> {
    /// Draws it from a seed.
    pub(crate) fn init(
        config: &ModelConfig,
        inputs: &ModelInputs,
        seed: u64,
        device: &B::Device,
    ) -> Result<Self, LearningError> {
        let read = config.reservoir_inputs(inputs);
        Ok(match &config.network {
            Some(network) => Self::Network(network.init(read.width(), seed, device)?),
            None => {
                let initializer = config.learning.initializer();
                let reservoir =
                    Reservoir::init(&config.reservoir, read, initializer, seed, device)?;
                Self::Reservoir(reservoir)
            }
        })
    }

    /// Width of the states.
    pub(crate) fn d_state(&self) -> usize {
        match self {
            Self::Reservoir(reservoir) => reservoir.d_state(),
            Self::Network(network) => network.d_features(),
        }
    }

    /// Multiply-adds of one sequence's step; of a network whose steps differ, those of its 65th.
    pub(crate) fn multiply_adds(&self) -> usize {
        match self {
            Self::Reservoir(reservoir) => reservoir.multiply_adds(),
            Self::Network(network) => {
                usize::try_from(network.multiply_adds_at(TYPICAL)).unwrap_or(usize::MAX)
            }
        }
    }

    /// What the steps of a piece of a sequence should be a multiple of.
    ///
    /// The fused scan keeps a sliding window's rows in turns, and sums over them in that order: where a piece is a multiple of
    /// the window, the next one finds them in the places where the scan of the whole has them, and gives the same bits.
    pub(crate) fn multiple(&self) -> usize {
        match self {
            Self::Reservoir(reservoir) if reservoir.memory() == MemoryKind::Sliding => {
                reservoir.context()
            }
            _ => 1,
        }
    }

    /// What is remembered before the first step.
    pub(crate) fn start(&self, batch: usize, device: &B::Device) -> Memory<B> {
        match self {
            Self::Reservoir(reservoir) => Memory::Reservoir(reservoir.start(batch, device)),
            Self::Network(network) => Memory::Network(network.start(batch, device)),
        }
    }

    /// The states of every step, and what is remembered after the last. In training there is a generator, from which a network
    /// draws what it hides.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    /// - output: `[batch, steps, d_state]`
    ///
    /// # Panics
    ///
    /// If the memory is another one's.
    pub(crate) fn forward(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        truncate: Option<usize>,
        rng: Option<&mut ChaCha8Rng>,
    ) -> (Tensor<B, 3>, Memory<B>)
    where
        B: ScanBackend,
    {
        match (self, memory) {
            (Self::Reservoir(reservoir), Memory::Reservoir(memory)) => {
                let (states, memory) = reservoir.forward(inputs, memory, truncate);
                (states, Memory::Reservoir(memory))
            }
            (Self::Network(network), Memory::Network(memory)) => {
                let (states, memory) = match rng {
                    Some(rng) => network.forward_in_training(inputs, memory, rng),
                    None => network.forward(inputs, memory),
                };
                (states, Memory::Network(memory))
            }
            _ => unreachable!("a memory stays with what it is of"),
        }
    }

    /// The states of one step: of a network in its recurrent form.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, d_input]`
    /// - output: `[batch, d_state]`
    ///
    /// # Panics
    ///
    /// If the memory is another one's.
    pub(crate) fn step(&self, inputs: Tensor<B, 2>, memory: Memory<B>) -> (Tensor<B, 2>, Memory<B>)
    where
        B: ScanBackend,
    {
        match (self, memory) {
            (Self::Network(network), Memory::Network(memory)) => {
                let (states, memory) = network.step(inputs, memory);
                (states, Memory::Network(memory))
            }
            (_, memory) => {
                let (states, memory) = self.forward(inputs.unsqueeze_dim(1), memory, None, None);
                (states.squeeze_dim(1), memory)
            }
        }
    }

    /// What follows batches of sequences on the host, where there is such a thing.
    pub(crate) fn prepare(&self) -> Option<PreparedReservoir>
    where
        B: ScanBackend,
    {
        match self {
            Self::Reservoir(reservoir) => reservoir.prepare(),
            Self::Network(_) => None,
        }
    }

    /// What follows a single sequence on the host, where there is such a thing.
    ///
    /// # Errors
    ///
    /// If the memory that it is to go on from is another one's.
    pub(crate) fn stream(
        &self,
        saved: Option<&MemoryNumbers>,
    ) -> Result<Option<Stream>, LearningError> {
        match (self, saved) {
            (Self::Reservoir(reservoir), None) => Ok(reservoir.stream(None)?),
            (Self::Reservoir(reservoir), Some(MemoryNumbers::Reservoir(saved))) => {
                Ok(reservoir.stream(Some(saved))?)
            }
            (Self::Reservoir(_), Some(MemoryNumbers::Network(_))) => Err(other_memory()),
            (Self::Network(_), _) => Ok(None),
        }
    }

    /// Brings a saved memory back.
    ///
    /// # Errors
    ///
    /// If it is another one's, or damaged.
    pub(crate) fn restore(
        &self,
        saved: &MemoryNumbers,
        device: &B::Device,
    ) -> Result<Memory<B>, LearningError> {
        match (self, saved) {
            (Self::Reservoir(reservoir), MemoryNumbers::Reservoir(saved)) => {
                let memory = reservoir.restore(saved, device)?;
                let [batch, context, d_state] = memory.rows.dims();
                if batch != 1 {
                    return Err(ran_reservoir::ReservoirError::Memory {
                        part: "rows",
                        expected: vec![1, context, d_state],
                        got: vec![batch, context, d_state],
                    }
                    .into());
                }
                Ok(Memory::Reservoir(memory))
            }
            (Self::Network(network), MemoryNumbers::Network(saved)) => {
                let memory = network.restore(saved, device)?;
                let batch = memory.parts().next().map_or(1, |(_, part)| part.dims()[0]);
                match batch {
                    1 => Ok(Memory::Network(memory)),
                    _ => Err(LearningError::Stream(format!(
                        "is of {batch} sequences; a stream is of one"
                    ))),
                }
            }
            _ => Err(other_memory()),
        }
    }
}

fn other_memory() -> LearningError {
    LearningError::Stream("is that of another kind of network".into())
}

impl<B: Backend> Memory<B> {
    /// The same numbers, through which no gradient flows.
    pub(crate) fn detach(self) -> Self {
        match self {
            Self::Reservoir(memory) => Self::Reservoir(memory.detach()),
            Self::Network(memory) => Self::Network(memory.detach()),
        }
    }

    /// Copies the memory to the host.
    pub(crate) fn to_data(&self) -> MemoryNumbers {
        match self {
            Self::Reservoir(memory) => MemoryNumbers::Reservoir(memory.to_data()),
            Self::Network(memory) => MemoryNumbers::Network(memory.to_data()),
        }
    }
}

//! All that a network carries from one step to the next.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::BaselineError;

/// A part of a network's memory, for one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The part's name, as in `layers.0.hidden`.
    pub name: String,
    /// Its shape without the batch; what has fewer dimensions begins with ones.
    pub shape: [usize; 3],
}

impl Slot {
    /// A part of at most three dimensions beside the batch.
    ///
    /// # Panics
    ///
    /// If there are more.
    pub fn new(name: impl Into<String>, shape: &[usize]) -> Self {
        assert!(
            shape.len() <= 3,
            "a part has at most three dimensions beside the batch, got {shape:?}"
        );
        let mut padded = [1; 3];
        padded[3 - shape.len()..].copy_from_slice(shape);
        Self {
            name: name.into(),
            shape: padded,
        }
    }

    /// How many numbers it holds, for one sequence.
    pub fn floats(&self) -> u64 {
        self.shape.iter().map(|&length| length as u64).product()
    }

    fn of_batch(&self, batch: usize) -> [usize; 4] {
        let [a, b, c] = self.shape;
        [batch, a, b, c]
    }
}

/// What a network remembers of a batch of sequences: named tensors, and how many steps it has seen.
///
/// It belongs to the caller, who hands it in with the next inputs: that is what makes streaming equal batch. Save it with
/// [`to_data`](Memory::to_data), restore it with [`Network::restore`](crate::Network::restore).
#[derive(Clone, Debug)]
pub struct Memory<B: Backend> {
    network: &'static str,
    position: usize,
    parts: Vec<(String, Tensor<B, 4>)>,
}

/// A memory as plain numbers, to be saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryData {
    /// The name of the network that it is the memory of.
    pub network: String,
    /// How many steps the network has seen.
    pub position: usize,
    /// The parts, in the network's order.
    pub parts: Vec<PartData>,
}

/// A part of a memory as plain numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartData {
    /// See [`Slot::name`].
    pub name: String,
    /// Its numbers, with the batch first, in four dimensions.
    pub data: TensorData,
}

/// The most steps that a network counts: the angles of positions are exact up to there.
const MOST_POSITION: usize = 1 << 48;

impl<B: Backend> Memory<B> {
    /// The memory of a network after `position` steps, to which parts are added by [`with`](Memory::with).
    pub fn new(network: &'static str, position: usize) -> Self {
        Self {
            network,
            position,
            parts: Vec::new(),
        }
    }

    /// The memory of zeros with these parts.
    pub fn zeros(
        network: &'static str,
        position: usize,
        slots: &[Slot],
        batch: usize,
        device: &B::Device,
    ) -> Self {
        let parts = slots.iter();
        let parts = parts.map(|slot| {
            let zeros = Tensor::zeros(slot.of_batch(batch), device);
            (slot.name.clone(), zeros)
        });
        Self {
            network,
            position,
            parts: parts.collect(),
        }
    }

    /// Adds a part, whose first dimension is the batch. Parts are added in the order of
    /// [`Network::slots`](crate::Network::slots).
    #[must_use]
    pub fn with<const R: usize>(mut self, name: impl Into<String>, part: Tensor<B, R>) -> Self {
        let dims = part.dims();
        let slot = Slot::new(name, &dims[1..]);
        let part = part.reshape(slot.of_batch(dims[0]));
        self.parts.push((slot.name, part));
        self
    }

    /// How many steps the network has seen: the next step's position.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The network that it is the memory of.
    pub fn network(&self) -> &'static str {
        self.network
    }

    /// The parts by name, each with the batch first.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &Tensor<B, 4>)> {
        self.parts.iter().map(|(name, part)| (&name[..], part))
    }

    /// A part in `R` dimensions, the batch among them; none where the network remembers nothing there yet.
    ///
    /// # Panics
    ///
    /// If it has more dimensions than `R`.
    pub fn find<const R: usize>(&self, name: &str) -> Option<Tensor<B, R>> {
        let (_, part) = self.parts.iter().find(|(known, _)| known == name)?;
        let dims = part.dims();
        let mut shape = [dims[0]; R];
        shape[1..].copy_from_slice(&dims[5 - R..]);
        let beside: usize = dims[1..5 - R].iter().product();
        assert_eq!(beside, 1, "{name} has shape {dims:?}, not {R} dimensions");
        Some(part.clone().reshape(shape))
    }

    /// As [`find`](Memory::find), for a part that is always there.
    ///
    /// # Panics
    ///
    /// If there is no such part, or it has more dimensions than `R`.
    pub fn get<const R: usize>(&self, name: &str) -> Tensor<B, R> {
        match self.find(name) {
            Some(part) => part,
            None => panic!("the memory of {} has no part {name}", self.network),
        }
    }

    /// The same numbers, through which no gradient flows.
    #[must_use]
    pub fn detach(mut self) -> Self {
        let parts = self.parts.into_iter();
        self.parts = parts.map(|(name, part)| (name, part.detach())).collect();
        self
    }

    /// Copies the memory to the host.
    pub fn to_data(&self) -> MemoryData {
        let parts = self.parts.iter().map(|(name, part)| PartData {
            name: name.clone(),
            data: part.to_data(),
        });
        MemoryData {
            network: self.network.into(),
            position: self.position,
            parts: parts.collect(),
        }
    }

    /// Brings a saved memory back, whose parts must be those that `slots` names for a number of steps.
    pub(crate) fn from_data(
        network: &'static str,
        slots: impl Fn(usize) -> Vec<Slot>,
        saved: &MemoryData,
        device: &B::Device,
    ) -> Result<Self, BaselineError> {
        let &MemoryData { position, .. } = saved;
        if saved.network != network {
            return Err(BaselineError::OtherNetwork {
                expected: network.into(),
                got: saved.network.clone(),
            });
        }
        if position > MOST_POSITION {
            return Err(BaselineError::Position {
                most: MOST_POSITION,
                got: position,
            });
        }
        let slots = slots(position);
        let expected: Vec<String> = slots.iter().map(|slot| slot.name.clone()).collect();
        let got: Vec<String> = saved.parts.iter().map(|part| part.name.clone()).collect();
        if expected != got {
            return Err(BaselineError::Parts { expected, got });
        }
        let first = saved.parts.first();
        let batch = first.and_then(|part| part.data.shape.first().copied());
        let batch = batch.unwrap_or(1).max(1);
        for (slot, part) in slots.iter().zip(&saved.parts) {
            check_part(slot, batch, &part.data)?;
        }
        let parts = saved.parts.iter();
        let parts = parts.map(|part| {
            let tensor = Tensor::from_data(part.data.clone(), device);
            (part.name.clone(), tensor)
        });
        Ok(Self {
            network,
            position,
            parts: parts.collect(),
        })
    }

    /// # Panics
    ///
    /// If this is not the memory of that network for so large a batch.
    pub(crate) fn check(&self, network: &'static str, slots: &[Slot], batch: usize) {
        assert_eq!(
            self.network, network,
            "the memory must be this network's (left: got, right: expected)"
        );
        let got = self.parts.iter();
        let got: Vec<_> = got.map(|(name, part)| (&name[..], part.dims())).collect();
        let expected = slots.iter();
        let expected: Vec<_> = expected
            .map(|slot| (&slot.name[..], slot.of_batch(batch)))
            .collect();
        assert_eq!(
            got, expected,
            "the memory's parts must have the network's shapes and the inputs' batch (left: got, right: expected)"
        );
    }
}

/// Checks a saved part's shape, and that its numbers are floats that fill it: a backend would panic at others.
fn check_part(slot: &Slot, batch: usize, saved: &TensorData) -> Result<(), BaselineError> {
    let expected = slot.of_batch(batch);
    if saved.shape[..] != expected {
        return Err(BaselineError::Shape {
            part: slot.name.clone(),
            expected: expected.to_vec(),
            got: saved.shape.to_vec(),
        });
    }
    let count = expected.into_iter().fold(1, usize::saturating_mul);
    let bytes = count.saturating_mul(saved.dtype.size());
    if saved.dtype.is_float() && saved.bytes.len() == bytes {
        return Ok(());
    }
    Err(BaselineError::Numbers {
        part: slot.name.clone(),
        expected: count,
        got: format!("{} bytes of {:?}", saved.bytes.len(), saved.dtype),
    })
}

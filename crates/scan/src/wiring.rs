//! Which input or state dimension each slot of the units reads, in compressed rows.

use crate::error::KernelError;

/// A sparse wiring: slot j reads Σ w·source over the entries `offsets[j]..offsets[j + 1]`.
///
/// A source s < I is input s; any other is state dimension s − I.
#[derive(Debug, Clone, PartialEq)]
pub struct Wiring {
    offsets: Vec<usize>,
    sources: Vec<u32>,
    weights: Vec<f32>,
    shape: Fan,
}

/// What the loops over a wiring may assume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fan {
    /// Every slot copies exactly one source unchanged.
    Copies,
    /// Every slot reads exactly one source, some of them scaled.
    Scaled,
    /// Slots read any number of sources.
    Any,
}

impl Wiring {
    /// Takes the three arrays of a compressed sparse row matrix with one row per slot.
    ///
    /// # Errors
    ///
    /// The arrays disagree in length, or the offsets do not rise from 0 to the number of sources.
    pub fn new(
        offsets: Vec<usize>,
        sources: Vec<u32>,
        weights: Vec<f32>,
    ) -> Result<Self, KernelError> {
        if sources.len() != weights.len() {
            return Err(KernelError::Wiring(format!(
                "{} sources but {} weights, expected one weight per source",
                sources.len(),
                weights.len()
            )));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&sources.len()) {
            return Err(KernelError::Wiring(format!(
                "the offsets run from {:?} to {:?}, expected 0 to {}, the number of sources",
                offsets.first(),
                offsets.last(),
                sources.len()
            )));
        }
        if let Some(slot) = offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return Err(KernelError::Wiring(format!(
                "the offsets fall after slot {slot} (from {} to {}), expected that they never fall",
                offsets[slot],
                offsets[slot + 1]
            )));
        }
        let single = offsets.windows(2).all(|pair| pair[1] - pair[0] == 1);
        let shape = match single {
            true if weights.iter().all(|&weight| weight == 1.0) => Fan::Copies,
            true => Fan::Scaled,
            false => Fan::Any,
        };
        Ok(Self {
            offsets,
            sources,
            weights,
            shape,
        })
    }

    /// A wiring in which slot j is a copy of source `sources[j]`.
    pub fn copies(sources: Vec<u32>) -> Self {
        Self {
            offsets: (0..=sources.len()).collect(),
            weights: vec![1.0; sources.len()],
            sources,
            shape: Fan::Copies,
        }
    }

    /// The number of slots, N.
    pub fn slots(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The sources that a slot reads, and their weights.
    pub fn of(&self, slot: usize) -> (&[u32], &[f32]) {
        let entries = self.offsets[slot]..self.offsets[slot + 1];
        (&self.sources[entries.clone()], &self.weights[entries])
    }

    /// Every source, slot after slot.
    pub(crate) fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// Every weight, slot after slot.
    pub(crate) fn weights(&self) -> &[f32] {
        &self.weights
    }

    pub(crate) fn fan(&self) -> Fan {
        self.shape
    }

    pub(crate) fn check(&self, d_input: usize, d_state: usize) -> Result<(), KernelError> {
        if self.slots() != d_state {
            return Err(KernelError::Wiring(format!(
                "{} slots, expected {d_state}, the width of the state",
                self.slots()
            )));
        }
        let width = d_input + d_state;
        match self
            .sources
            .iter()
            .position(|&source| source as usize >= width)
        {
            Some(entry) => Err(KernelError::Wiring(format!(
                "entry {entry} reads source {}, expected less than {width} = {d_input} inputs + {d_state} state dimensions",
                self.sources[entry]
            ))),
            None => Ok(()),
        }
    }
}

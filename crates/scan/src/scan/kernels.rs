//! The kernels of a block of sequences, with what they remember of the window.

use crate::arch::Arch;
use crate::buffer::Buffer;
use crate::kernel::Block;
use crate::packed::Packed;
use crate::spec::{Place, Population, ScanSpec};

/// The kernels of all populations in a block.
pub(super) struct Kernels<'a> {
    spec: &'a ScanSpec,
    weights: &'a Packed,
    arch: Arch,
    windows: Vec<Buffer>,
    /// Scratch that suffices for every population.
    scratch: Buffer,
}

/// Room for what each kernel remembers of the window, or for its gradient, population after population.
pub(super) fn windows(spec: &ScanSpec, lanes: usize) -> Vec<Buffer> {
    let len = |(population, place): (&Population, Place)| {
        population.units * population.kernel.window_len(place.shape) * lanes
    };
    spec.places().map(len).map(Buffer::zeros).collect()
}

impl<'a> Kernels<'a> {
    pub(super) fn new(spec: &'a ScanSpec, weights: &'a Packed, arch: Arch) -> Self {
        let lanes = arch.lanes();
        let scratch = spec
            .places()
            .map(|(population, place)| population.kernel.scratch_len(place.shape, lanes) * lanes)
            .max();
        Self {
            spec,
            weights,
            arch,
            windows: windows(spec, lanes),
            scratch: Buffer::zeros(scratch.unwrap_or(0)),
        }
    }

    /// The indices of the populations.
    pub(super) fn indices(&self) -> std::ops::Range<usize> {
        0..self.windows.len()
    }

    /// A population, and what its kernel works on; `slot` is the place of the row at hand in the window.
    pub(super) fn block(
        &mut self,
        index: usize,
        slot: usize,
    ) -> (&'a Population, Place, Block<'_>) {
        let (population, place) = self.spec.place(index);
        let block = Block {
            arch: self.arch,
            shape: place.shape,
            weights: self.weights.population(index),
            transposed: place.unit_weights,
            window: self.windows[index].get_mut(),
            slot,
            scratch: self.scratch.get_mut(),
        };
        (population, place, block)
    }

    /// Lets every kernel remember the rows z of a step of the window.
    pub(super) fn remember(&mut self, slot: usize, row: &[f32]) {
        let lanes = self.arch.lanes();
        for index in self.indices() {
            let (population, place, block) = self.block(index, slot);
            let rows = place.shape.rows();
            let z = &row[place.state * rows * lanes..][..place.len() * lanes];
            population.kernel.remember(block, z);
        }
    }
}

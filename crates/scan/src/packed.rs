//! The weights of all populations in the order in which a step reads them.
//!
//! A step reads all weights once. Unit after unit, and within a unit panel after panel, they are one stream from front
//! to end, which the processor fetches ahead even when the weights do not fit its caches.

use rayon::prelude::*;

use crate::buffer::Buffer;
use crate::spec::{Place, Population, ScanSpec};
use crate::weights::pack_unit;

/// The packed weights of all populations.
#[derive(Debug)]
pub(crate) struct Packed(Vec<Buffer>);

impl Packed {
    /// Packs weights that have been checked; `back` asks for the transposed matrices too.
    pub(crate) fn new(spec: &ScanSpec, weights: &[&[f32]], back: bool) -> Self {
        let mut rest = weights;
        let pack = |(population, place): (&Population, Place)| {
            let tensors = population.kernel.tensors(population.d_unit);
            let (weights, others) = rest.split_at(tensors.len());
            rest = others;
            let unit_len = place.packed_len(back);
            let mut packed = Buffer::zeros(population.units * unit_len);
            if unit_len > 0 {
                let units = packed.get_mut().par_chunks_exact_mut(unit_len);
                units.enumerate().for_each(|(unit, packed)| {
                    pack_unit(&tensors, unit, weights, back, packed);
                });
            }
            packed
        };
        Self(spec.places().map(pack).collect())
    }

    /// One population's.
    pub(crate) fn population(&self, index: usize) -> &[f32] {
        self.0[index].get()
    }
}

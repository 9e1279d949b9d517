//! What every slot reads.

use std::ops::Range;

use crate::TopologyError;

/// What each of the N slots reads, as rows of a sparse matrix: z_j = Σ w·source.
///
/// A source below I is that input; I + k is dimension k of the state.
#[derive(Clone, Debug, PartialEq)]
pub struct Wiring {
    d_input: usize,
    offsets: Vec<usize>,
    sources: Vec<u32>,
    weights: Vec<f32>,
}

/// What one slot reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot<'a> {
    /// Inputs (below I) and state dimensions (I + k).
    pub sources: &'a [u32],
    /// One weight per source.
    pub weights: &'a [f32],
}

impl Wiring {
    /// Assembles a wiring from compressed rows: slot j reads `sources[offsets[j]..offsets[j + 1]]`.
    ///
    /// # Errors
    ///
    /// If the lists disagree in length, offsets decrease, a source does not exist or a weight is not finite.
    pub fn from_parts(
        d_input: usize,
        offsets: Vec<usize>,
        sources: Vec<u32>,
        weights: Vec<f32>,
    ) -> Result<Self, TopologyError> {
        let malformed = |why: String| Err(TopologyError::Malformed(why));
        if offsets.len() < 2 || offsets[0] != 0 || !offsets.is_sorted() {
            return malformed("its offsets do not start at 0 and ascend".into());
        }
        if offsets[offsets.len() - 1] != sources.len() || sources.len() != weights.len() {
            return malformed(format!(
                "its offsets end at {}, but it has {} sources and {} weights",
                offsets[offsets.len() - 1],
                sources.len(),
                weights.len()
            ));
        }
        let readable = d_input.saturating_add(offsets.len() - 1);
        if let Some(source) = sources.iter().find(|&&source| source as usize >= readable) {
            return malformed(format!("it reads source {source} of {readable}"));
        }
        if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return malformed(format!("it has the weight {weight}"));
        }
        Ok(Self {
            d_input,
            offsets,
            sources,
            weights,
        })
    }

    /// A wiring whose slots read these sources with these weights, any number each.
    ///
    /// # Errors
    ///
    /// If there is no slot, a source does not exist or a weight is not finite.
    pub fn of_slots(d_input: usize, slots: &[Vec<(u32, f32)>]) -> Result<Self, TopologyError> {
        let ends = slots.iter().scan(0, |end, slot| {
            *end += slot.len();
            Some(*end)
        });
        let offsets = [0].into_iter().chain(ends).collect();
        let (sources, weights) = slots.iter().flatten().copied().unzip();
        Self::from_parts(d_input, offsets, sources, weights)
    }

    /// A wiring of copies: slot j reads `sources[j]`, multiplied by `input_scale` where that is an input.
    pub(crate) fn copies(
        d_input: usize,
        sources: Vec<usize>,
        input_scale: f32,
    ) -> Result<Self, TopologyError> {
        let weight = |&source: &usize| if source < d_input { input_scale } else { 1.0 };
        let weights = sources.iter().map(weight).collect();
        let offsets = (0..=sources.len()).collect();
        let sources = sources.into_iter().map(|source| source as u32).collect();
        Self::from_parts(d_input, offsets, sources, weights)
    }

    /// Width of the inputs, I.
    pub fn d_input(&self) -> usize {
        self.d_input
    }

    /// Number of slots and width of the state, N.
    pub fn d_state(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where each slot's sources start, `[d_state + 1]`.
    pub fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// Every slot's sources, one slot after another.
    pub fn sources(&self) -> &[u32] {
        &self.sources
    }

    /// One weight per source.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The same wiring with the weights of each slot multiplied by its gain.
    ///
    /// # Errors
    ///
    /// If there is not one gain per slot, or a weight is then not finite.
    pub fn scaled(&self, gains: &[f32]) -> Result<Self, TopologyError> {
        let slots = self.slots().zip(gains);
        let weights =
            slots.flat_map(|(slot, &gain)| slot.weights.iter().map(move |one| gain * one));
        let (offsets, sources) = (self.offsets.clone(), self.sources.clone());
        match gains.len() == self.d_state() {
            true => Self::from_parts(self.d_input, offsets, sources, weights.collect()),
            false => Err(TopologyError::Malformed(format!(
                "it has {} slots and {} gains",
                self.d_state(),
                gains.len()
            ))),
        }
    }

    /// The slots in order.
    pub fn slots(&self) -> impl ExactSizeIterator<Item = Slot<'_>> {
        self.offsets.windows(2).map(|ends| Slot {
            sources: &self.sources[ends[0]..ends[1]],
            weights: &self.weights[ends[0]..ends[1]],
        })
    }

    /// Whether every slot reads exactly one source, as in the poster's identity wiring.
    pub fn is_copy(&self) -> bool {
        self.slots().all(|slot| slot.sources.len() == 1)
    }

    /// How many connections there are from a range of sources to a range of slots.
    pub fn reads(&self, slots: Range<usize>, sources: Range<usize>) -> usize {
        let slots = self.slots().skip(slots.start).take(slots.len());
        let read = slots.flat_map(|slot| slot.sources);
        read.filter(|&&source| sources.contains(&(source as usize)))
            .count()
    }

    /// The wiring as a dense matrix with one row per source, `[d_input + d_state, d_state]` row by row: z = [x; h]·W.
    pub fn dense(&self) -> Vec<f32> {
        let d_state = self.d_state();
        let mut matrix = vec![0.0; (self.d_input + d_state) * d_state];
        for (slot, read) in self.slots().enumerate() {
            for (&source, &weight) in read.sources.iter().zip(read.weights) {
                matrix[source as usize * d_state + slot] += weight;
            }
        }
        matrix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_multiplies_all_that_its_slot_reads_and_no_other() {
        let slots = [vec![(0, 2.0), (1, 3.0)], vec![(2, 5.0)]];
        let wiring = Wiring::of_slots(1, &slots).unwrap();
        let scaled = wiring.scaled(&[0.5, 10.0]).unwrap();
        assert_eq!(scaled.weights(), [1.0, 1.5, 50.0]);
        assert_eq!(scaled.sources(), wiring.sources());
        for gains in [&[1.0][..], &[1.0, 1.0, 1.0], &[1.0, f32::NAN]] {
            wiring.scaled(gains).unwrap_err();
        }
    }
}

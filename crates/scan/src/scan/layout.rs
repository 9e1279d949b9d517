//! Moving numbers: between sequences and lanes, along the wiring, and into the state with the leak, equation 9 of
//! docs/model.md#working-memory.

use crate::arch::{Lanes, WithLanes};
use crate::leaks::Leaks;
use crate::spec::Place;
use crate::wiring::{Fan, Wiring};

/// One row `[width]` of each sequence of one vector becomes `[width]` vectors.
///
/// Row b starts at `b * stride`; lanes without a sequence are set to zero.
pub(crate) struct Pack<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) sequences: usize,
    /// Add to what the vectors hold, in place of replacing it.
    pub(crate) add: bool,
    pub(crate) vectors: &'a mut [f32],
}

impl WithLanes for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let lanes = S::F32_LANES;
        let width = self.vectors.len() / lanes;
        let zero = simd.splat_f32s(0.0);
        let vectors = S::as_mut_simd_f32s(self.vectors).0;
        let mut tile = [zero; 16];
        for (piece, chunk) in vectors.chunks_mut(lanes).enumerate() {
            let from = piece * lanes;
            let len = chunk.len().min(width - from);
            for (b, vector) in tile[..lanes].iter_mut().enumerate() {
                *vector = match b < self.sequences {
                    true => {
                        let row = &self.rows[b * self.stride + from..][..len];
                        if len == lanes {
                            S::as_simd_f32s(row).0[0]
                        } else {
                            simd.partial_load_f32s(row)
                        }
                    }
                    false => zero,
                };
            }
            simd.transpose(&mut tile[..lanes]);
            for (vector, &value) in chunk.iter_mut().zip(&tile) {
                *vector = if self.add {
                    simd.add_f32s(*vector, value)
                } else {
                    value
                };
            }
        }
    }
}

/// `[width]` vectors become one row of each sequence: the inverse of [`Pack`].
pub(crate) struct Unpack<'a> {
    pub(crate) vectors: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) sequences: usize,
    pub(crate) rows: &'a mut [f32],
}

impl WithLanes for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let lanes = S::F32_LANES;
        let vectors = S::as_simd_f32s(self.vectors).0;
        let mut tile = [simd.splat_f32s(0.0); 16];
        for (piece, chunk) in vectors.chunks(lanes).enumerate() {
            let from = piece * lanes;
            tile[..chunk.len()].copy_from_slice(chunk);
            simd.transpose(&mut tile[..lanes]);
            for (b, &vector) in tile[..lanes].iter().enumerate().take(self.sequences) {
                let row = &mut self.rows[b * self.stride + from..][..chunk.len()];
                if chunk.len() == lanes {
                    S::as_mut_simd_f32s(row).0[0] = vector;
                } else {
                    simd.partial_store_f32s(row, vector);
                }
            }
        }
    }
}

/// Sources of one row of memory: inputs first, then the state.
pub(crate) struct Sources<'a> {
    pub(crate) wiring: &'a Wiring,
    pub(crate) d_input: usize,
    pub(crate) d_state: usize,
}

/// Reads the slots of a population along the wiring, z `[units, rows, d_unit]` vectors.
pub(crate) struct Gather<'a> {
    pub(crate) sources: &'a Sources<'a>,
    pub(crate) place: Place,
    /// `[rows, d_input]` vectors, rows `stride` apart.
    pub(crate) inputs: &'a [f32],
    pub(crate) stride: usize,
    /// `[rows, d_state]` vectors.
    pub(crate) state: &'a [f32],
    pub(crate) z: &'a mut [f32],
}

impl WithLanes for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Sources {
            wiring,
            d_input,
            d_state,
        } = *self.sources;
        let shape = self.place.shape;
        let inputs = S::as_simd_f32s(self.inputs).0;
        let state = S::as_simd_f32s(self.state).0;
        let z = S::as_mut_simd_f32s(self.z).0;
        let all = wiring.sources();
        for (index, z) in z.chunks_exact_mut(shape.d_unit).enumerate() {
            let (row, first) = self.place.slots(index);
            let inputs = &inputs[row * self.stride..][..d_input];
            let state = &state[row * d_state..][..d_state];
            let read = |source: u32| match source as usize {
                input if input < d_input => inputs[input],
                other => state[other - d_input],
            };
            match wiring.fan() {
                Fan::Copies => {
                    for (z, &source) in z.iter_mut().zip(&all[first..]) {
                        *z = read(source);
                    }
                }
                Fan::Scaled => {
                    let each = all[first..].iter().zip(&wiring.weights()[first..]);
                    for (z, (&source, &weight)) in z.iter_mut().zip(each) {
                        *z = simd.mul_f32s(simd.splat_f32s(weight), read(source));
                    }
                }
                Fan::Any => {
                    for (slot, z) in z.iter_mut().enumerate() {
                        let (sources, weights) = wiring.of(first + slot);
                        // Several sums, as each waits for its last addition.
                        let mut sums = [simd.splat_f32s(0.0); 4];
                        let mut sources = sources.chunks_exact(4);
                        let mut weights = weights.chunks_exact(4);
                        for (sources, weights) in (&mut sources).zip(&mut weights) {
                            for i in 0..4 {
                                let weight = simd.splat_f32s(weights[i]);
                                sums[i] = simd.mul_add_e_f32s(weight, read(sources[i]), sums[i]);
                            }
                        }
                        let rest = sources.remainder().iter().zip(weights.remainder());
                        for (&source, &weight) in rest {
                            let weight = simd.splat_f32s(weight);
                            sums[0] = simd.mul_add_e_f32s(weight, read(source), sums[0]);
                        }
                        let (a, b) = (
                            simd.add_f32s(sums[0], sums[1]),
                            simd.add_f32s(sums[2], sums[3]),
                        );
                        *z = simd.add_f32s(a, b);
                    }
                }
            }
        }
    }
}

/// Adds the gradient of the slots of a population to that of their sources.
pub(crate) struct Scatter<'a> {
    pub(crate) sources: &'a Sources<'a>,
    pub(crate) place: Place,
    /// `[units, rows, d_unit]` vectors.
    pub(crate) z: &'a [f32],
    /// `[rows, d_input]` vectors.
    pub(crate) inputs: &'a mut [f32],
    /// `[rows, d_state]` vectors.
    pub(crate) state: &'a mut [f32],
}

impl WithLanes for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Sources {
            wiring,
            d_input,
            d_state,
        } = *self.sources;
        let shape = self.place.shape;
        let inputs = S::as_mut_simd_f32s(self.inputs).0;
        let state = S::as_mut_simd_f32s(self.state).0;
        let z = S::as_simd_f32s(self.z).0;
        for (index, z) in z.chunks_exact(shape.d_unit).enumerate() {
            let (row, first) = self.place.slots(index);
            let inputs = &mut inputs[row * d_input..][..d_input];
            let state = &mut state[row * d_state..][..d_state];
            for (slot, &z) in z.iter().enumerate() {
                let (sources, weights) = wiring.of(first + slot);
                for (&source, &weight) in sources.iter().zip(weights) {
                    let sum = match source as usize {
                        input if input < d_input => &mut inputs[input],
                        other => &mut state[other - d_input],
                    };
                    *sum = simd.mul_add_e_f32s(simd.splat_f32s(weight), z, *sum);
                }
            }
        }
    }
}

/// h ← (1 − α)·h + α·out, from `[units, rows, d_unit]` to `[rows, d_state]` vectors.
pub(crate) struct Leak<'a> {
    pub(crate) leaks: &'a Leaks,
    pub(crate) place: Place,
    pub(crate) d_state: usize,
    pub(crate) out: &'a [f32],
    pub(crate) state: &'a mut [f32],
}

impl WithLanes for Leak<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let shape = self.place.shape;
        let state = S::as_mut_simd_f32s(self.state).0;
        let out = S::as_simd_f32s(self.out).0;
        for (index, out) in out.chunks_exact(shape.d_unit).enumerate() {
            let (row, first) = self.place.slots(index);
            let state = &mut state[row * self.d_state + first..][..shape.d_unit];
            let leak = self.leaks.of(self.place.unit(index));
            if leak == 1.0 {
                state.copy_from_slice(out);
                continue;
            }
            let (new, old) = (simd.splat_f32s(leak), simd.splat_f32s(1.0 - leak));
            for (h, &out) in state.iter_mut().zip(out) {
                *h = simd.mul_add_e_f32s(new, out, simd.mul_f32s(old, *h));
            }
        }
    }
}

/// The backward pass of [`Leak`]: sets the gradient of out and leaves that of the old h.
pub(crate) struct LeakBack<'a> {
    pub(crate) leaks: &'a Leaks,
    pub(crate) place: Place,
    pub(crate) d_state: usize,
    pub(crate) out: &'a mut [f32],
    pub(crate) state: &'a mut [f32],
}

impl WithLanes for LeakBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let shape = self.place.shape;
        let state = S::as_mut_simd_f32s(self.state).0;
        let out = S::as_mut_simd_f32s(self.out).0;
        for (index, out) in out.chunks_exact_mut(shape.d_unit).enumerate() {
            let (row, first) = self.place.slots(index);
            let state = &mut state[row * self.d_state + first..][..shape.d_unit];
            let leak = self.leaks.of(self.place.unit(index));
            let (new, old) = (simd.splat_f32s(leak), simd.splat_f32s(1.0 - leak));
            for (h, out) in state.iter_mut().zip(out) {
                *out = simd.mul_f32s(new, *h);
                *h = simd.mul_f32s(old, *h);
            }
        }
    }
}

//! Blocks of sequences: how a batch is cut into them, and how their rows come into lanes and back.

use std::ops::Range;

use super::layout::{Pack, Unpack};
use crate::arch::Arch;
use crate::buffer::Buffer;
use crate::spec::ScanSpec;

/// A block of sequences: one in each lane of each of the vectors abreast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SequenceBlock {
    pub(crate) arch: Arch,
    pub(crate) abreast: usize,
    /// Sequences, at most `abreast` times the lanes.
    pub(crate) sequences: usize,
}

impl SequenceBlock {
    /// The blocks of a batch, each with the number of its first sequence.
    pub(crate) fn of_batch(
        arch: Arch,
        abreast: usize,
        batch: usize,
    ) -> impl Iterator<Item = (usize, Self)> {
        let size = arch.lanes() * abreast;
        (0..batch).step_by(size).map(move |first| {
            let block = Self {
                arch,
                abreast,
                sequences: size.min(batch - first),
            };
            (first, block)
        })
    }

    /// One row `[width]` of each sequence, `stride` apart, becomes `[abreast, width]` vectors.
    pub(crate) fn pack(self, rows: &[f32], stride: usize, add: bool, vectors: &mut [f32]) {
        if vectors.is_empty() {
            return;
        }
        let strips = vectors.chunks_exact_mut(vectors.len() / self.abreast);
        for ((first, sequences), vectors) in self.strips().zip(strips) {
            self.arch.run(Pack {
                rows: &rows[(first * stride).min(rows.len())..],
                stride,
                sequences,
                add,
                vectors,
            });
        }
    }

    /// The inverse of [`pack`](Self::pack).
    pub(crate) fn unpack(self, vectors: &[f32], stride: usize, rows: &mut [f32]) {
        if vectors.is_empty() {
            return;
        }
        let strips = vectors.chunks_exact(vectors.len() / self.abreast);
        for ((first, sequences), vectors) in self.strips().zip(strips) {
            let start = (first * stride).min(rows.len());
            self.arch.run(Unpack {
                vectors,
                stride,
                sequences,
                rows: &mut rows[start..],
            });
        }
    }

    /// As [`pack`](Self::pack) of rows `[d_state]`, into the order of the units' rows: population after population,
    /// `[units, abreast, d_unit]` vectors.
    pub(crate) fn pack_units(
        self,
        spec: &ScanSpec,
        rows: &[f32],
        stride: usize,
        add: bool,
        vectors: &mut [f32],
    ) {
        if self.abreast == 1 {
            return self.pack(rows, stride, add, vectors);
        }
        let mut strips = Buffer::zeros(vectors.len());
        self.pack(rows, stride, false, strips.get_mut());
        self.each_row(spec, |of_unit, of_strip| {
            let from = &strips.get()[of_strip];
            for (to, from) in vectors[of_unit].iter_mut().zip(from) {
                *to = if add { *to + from } else { *from };
            }
        });
    }

    /// The inverse of [`pack_units`](Self::pack_units).
    pub(crate) fn unpack_units(
        self,
        spec: &ScanSpec,
        vectors: &[f32],
        stride: usize,
        rows: &mut [f32],
    ) {
        if self.abreast == 1 {
            return self.unpack(vectors, stride, rows);
        }
        let mut strips = Buffer::zeros(vectors.len());
        self.each_row(spec, |of_unit, of_strip| {
            strips.get_mut()[of_strip].copy_from_slice(&vectors[of_unit]);
        });
        self.unpack(strips.get(), stride, rows);
    }

    /// Vectors from one row of a step's inputs to the next. Rows are steps in rewritten memory, and sequences where vectors go
    /// abreast.
    pub(crate) fn input_stride(self, spec: &ScanSpec, steps: usize) -> usize {
        match self.abreast {
            1 => spec.d_input(),
            _ => steps * spec.d_input(),
        }
    }

    /// The first sequence of each vector abreast, and how many it has.
    fn strips(self) -> impl Iterator<Item = (usize, usize)> {
        let lanes = self.arch.lanes();
        (0..self.abreast).map(move |strip| {
            let first = strip * lanes;
            (first, self.sequences.saturating_sub(first).min(lanes))
        })
    }

    /// Where each unit's row of each vector abreast lies, in the order of the units' rows and in that of
    /// `[abreast, d_state]`.
    fn each_row(self, spec: &ScanSpec, mut row: impl FnMut(Range<usize>, Range<usize>)) {
        let lanes = self.arch.lanes();
        for (population, place) in spec.places() {
            let len = population.d_unit * lanes;
            for unit in 0..population.units {
                for strip in 0..self.abreast {
                    let first = place.state * lanes;
                    let of_unit = first * self.abreast + (unit * self.abreast + strip) * len;
                    let of_strip = strip * spec.d_state() * lanes + first + unit * len;
                    row(of_unit..of_unit + len, of_strip..of_strip + len);
                }
            }
        }
    }
}

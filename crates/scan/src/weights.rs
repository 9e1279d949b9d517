//! One unit's weights: which tensors there are, how they are packed, and how a kernel cuts them apart again.

/// Columns of a panel of weights, the numbers of a cache line; the last panel of a matrix has those that are left.
pub const PANEL: usize = 16;

/// The width of a last panel that kernels have code of its own for.
pub(crate) const HALF_PANEL: usize = PANEL / 2;

/// One tensor of a unit's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tensor {
    /// A matrix `[ins, outs]`. Packed, it lies in panels of [`PANEL`] columns, each `[ins, columns]`.
    Matrix {
        /// Rows.
        ins: usize,
        /// Columns.
        outs: usize,
    },
    /// A vector of this length. Packed, it is what it was.
    Vector(usize),
}

impl Tensor {
    /// Numbers in it.
    pub fn len(self) -> usize {
        match self {
            Self::Matrix { ins, outs } => ins * outs,
            Self::Vector(len) => len,
        }
    }

    /// Whether it has no numbers.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    fn matrix(self) -> Option<(usize, usize)> {
        match self {
            Self::Matrix { ins, outs } => Some((ins, outs)),
            Self::Vector(_) => None,
        }
    }
}

/// One unit's packed weights, cut off tensor by tensor.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnitWeights<'a> {
    /// Every tensor in order, matrices in panels.
    pub weights: &'a [f32],
    /// Every matrix's transposed in order, in panels; empty in the forward pass.
    pub transposed: &'a [f32],
}

impl<'a> UnitWeights<'a> {
    /// The next tensor, which has `len` numbers.
    #[inline(always)]
    pub fn next(&mut self, len: usize) -> &'a [f32] {
        let (tensor, rest) = self.weights.split_at(len);
        self.weights = rest;
        tensor
    }

    /// The next matrix `[ins, outs]` and, in the backward pass, its transposed `[outs, ins]`.
    #[inline(always)]
    pub fn next_matrix(&mut self, ins: usize, outs: usize) -> Matrix<'a> {
        let weights = self.next(ins * outs);
        let (transposed, rest) = match self.transposed.is_empty() {
            true => (self.transposed, self.transposed),
            false => self.transposed.split_at(ins * outs),
        };
        self.transposed = rest;
        Matrix {
            weights,
            transposed,
        }
    }
}

/// A packed matrix.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matrix<'a> {
    /// Its panels.
    pub weights: &'a [f32],
    /// The panels of its transposed; empty in the forward pass.
    pub transposed: &'a [f32],
}

/// The gradient of a population's weights, for one unit's part to be added to.
pub struct UnitGradient<'a> {
    /// All tensors of the population, one after another, each with the units first.
    pub gradient: &'a mut [f32],
    /// Units U.
    pub units: usize,
    /// Which unit.
    pub unit: usize,
}

impl<'a> UnitGradient<'a> {
    /// The unit's part of the next tensor, which has `len` numbers per unit.
    pub fn next(&mut self, len: usize) -> &'a mut [f32] {
        let (tensor, rest) = std::mem::take(&mut self.gradient).split_at_mut(self.units * len);
        self.gradient = rest;
        &mut tensor[self.unit * len..][..len]
    }
}

/// Packs one unit of a population's tensors.
pub(crate) fn pack_unit(
    tensors: &[Tensor],
    unit: usize,
    weights: &[&[f32]],
    back: bool,
    packed: &mut [f32],
) {
    let parts = || {
        tensors.iter().zip(weights).map(|(tensor, all)| {
            let part = &all[unit * tensor.len()..][..tensor.len()];
            (tensor, part)
        })
    };
    let mut rest = packed;
    let mut next = |len: usize| {
        let (front, back) = std::mem::take(&mut rest).split_at_mut(len);
        rest = back;
        front
    };
    for (tensor, part) in parts() {
        let to = next(tensor.len());
        match tensor.matrix() {
            Some((ins, outs)) => pack_matrix(ins, outs, part, to),
            None => to.copy_from_slice(part),
        }
    }
    if back {
        for (tensor, part) in parts() {
            if let Some((ins, outs)) = tensor.matrix() {
                pack_transposed(ins, outs, part, next(tensor.len()));
            }
        }
    }
}

/// `[ins, outs]` into panels of columns.
pub(crate) fn pack_matrix(ins: usize, outs: usize, matrix: &[f32], mut packed: &mut [f32]) {
    for first in (0..outs).step_by(PANEL) {
        let columns = PANEL.min(outs - first);
        let (panel, rest) = packed.split_at_mut(ins * columns);
        packed = rest;
        for (line, row) in panel
            .chunks_exact_mut(columns)
            .zip(matrix.chunks_exact(outs))
        {
            line.copy_from_slice(&row[first..first + columns]);
        }
    }
}

/// The transposed `[outs, ins]` of `[ins, outs]` into panels of columns.
fn pack_transposed(ins: usize, outs: usize, matrix: &[f32], mut packed: &mut [f32]) {
    for first in (0..ins).step_by(PANEL) {
        let columns = PANEL.min(ins - first);
        let (panel, rest) = packed.split_at_mut(outs * columns);
        packed = rest;
        for (column, row) in matrix
            .chunks_exact(outs)
            .skip(first)
            .take(columns)
            .enumerate()
        {
            for (line, &weight) in panel.chunks_exact_mut(columns).zip(row) {
                line[column] = weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_every_weight_once_and_the_transposed_is_packed_alike() {
        let (ins, outs) = (19, 37);
        let matrix: Vec<f32> = (0..ins * outs).map(|i| i as f32).collect();
        let mut flipped = vec![0.0; ins * outs];
        for i in 0..ins {
            for o in 0..outs {
                flipped[o * ins + i] = matrix[i * outs + o];
            }
        }
        let (mut one, mut other) = (vec![0.0; ins * outs], vec![0.0; ins * outs]);
        pack_matrix(ins, outs, &matrix, &mut one);
        assert_eq!(one[..PANEL], matrix[..PANEL]);
        assert_eq!(one[PANEL..2 * PANEL], matrix[outs..outs + PANEL]);
        assert_eq!(one[2 * PANEL * ins..][..5], matrix[32..37]);
        pack_transposed(outs, ins, &flipped, &mut other);
        assert_eq!(one, other);
    }
}

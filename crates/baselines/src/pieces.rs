//! Cuts a sequence into steps or blocks of steps.

use burn::tensor::{Tensor, backend::Backend};

/// Pieces that a sequence is cut into at once.
const PIECES: usize = 8;

/// The tensor in pieces of at most `length` along a dimension, in order.
///
/// It is cut into a few pieces, and these again: the backward pass of a cut fills as much as was cut, so that cutting out step
/// by step would cost the square of the number of steps.
pub(crate) fn pieces<B: Backend, const R: usize>(
    whole: Tensor<B, R>,
    dim: usize,
    length: usize,
) -> Vec<Tensor<B, R>> {
    let mut pieces = Vec::with_capacity(whole.dims()[dim].div_ceil(length));
    cut(whole, dim, length, &mut pieces);
    pieces
}

fn cut<B: Backend, const R: usize>(
    whole: Tensor<B, R>,
    dim: usize,
    length: usize,
    pieces: &mut Vec<Tensor<B, R>>,
) {
    let count = whole.dims()[dim];
    if count <= length {
        pieces.push(whole);
        return;
    }
    let piece = count.div_ceil(length).div_ceil(PIECES) * length;
    for start in (0..count).step_by(piece) {
        let piece = piece.min(count - start);
        cut(whole.clone().narrow(dim, start, piece), dim, length, pieces);
    }
}

/// The tensor's steps along a dimension, which is dropped: S is R less 1.
pub(crate) fn steps<B: Backend, const R: usize, const S: usize>(
    whole: Tensor<B, R>,
    dim: usize,
) -> Vec<Tensor<B, S>> {
    let steps = pieces(whole, dim, 1).into_iter();
    steps.map(|step| step.squeeze_dim(dim)).collect()
}

#[cfg(test)]
mod tests {
    use burn_ndarray::NdArray;

    use super::*;

    #[test]
    fn pieces_have_the_length_and_together_are_the_whole() {
        for count in 1..100 {
            for length in 1..7 {
                let numbers = 0..count as i64;
                let whole = Tensor::<NdArray, 1, _>::arange(numbers, &Default::default()).float();
                let whole: Tensor<NdArray, 2> = whole.unsqueeze_dim(0);
                let pieces = pieces(whole.clone(), 1, length);
                let lengths: Vec<usize> = pieces.iter().map(|piece| piece.dims()[1]).collect();
                let mut expected = vec![length; count / length];
                expected.extend((count % length > 0).then_some(count % length));
                assert_eq!(lengths, expected, "{count} in pieces of {length}");
                assert_eq!(Tensor::cat(pieces, 1).to_data(), whole.to_data());
            }
        }
    }
}

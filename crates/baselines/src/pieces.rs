//! Cuts a sequence into steps or blocks of steps.

use burn::tensor::{Tensor, backend::Backend};

/// The tensor in pieces of at most `length` along a dimension, in order.
///
/// The gradient of a slice is as large as what it was cut from: with n steps cut from one tensor, a backward pass writes n
/// times the whole. So halves are cut, and halves of halves, which writes the whole log₂(n) times.
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
        return pieces.push(whole);
    }
    let first = count.div_ceil(length).div_ceil(2) * length;
    cut(whole.clone().narrow(dim, 0, first), dim, length, pieces);
    cut(whole.narrow(dim, first, count - first), dim, length, pieces);
}

/// The tensor's steps along its first dimension, which is dropped.
pub(crate) fn steps<B: Backend, const R: usize, const S: usize>(
    whole: Tensor<B, R>,
) -> Vec<Tensor<B, S>> {
    let steps = pieces(whole, 0, 1).into_iter();
    steps.map(|step| step.squeeze_dim(0)).collect()
}

#[cfg(test)]
mod tests {
    use burn_ndarray::NdArray;

    use super::*;

    #[test]
    fn pieces_have_the_length_and_together_are_the_whole() {
        for count in 1..20 {
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

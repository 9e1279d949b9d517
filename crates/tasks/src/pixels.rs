//! In which order an image is read.

use ndarray::{Array2, ArrayView2};
use ran_seed::RngStream;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// How an image becomes a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PixelOrder {
    /// A step per row, from the top; a channel per column.
    #[default]
    Rows,
    /// A step per column, from the left; a channel per row.
    Columns,
    /// A step per pixel, row by row; one channel.
    Pixels,
    /// A step per pixel in a random order, the same for every image and every seed; one channel.
    Permuted,
}

impl PixelOrder {
    /// The sequence `[steps, d_input]` of an image `[height, width]`.
    pub(crate) fn read(self, image: ArrayView2<'_, f32>, permutation: &[usize]) -> Array2<f32> {
        let pixel = |place: usize| image[[place / image.ncols(), place % image.ncols()]];
        match self {
            Self::Rows => image.to_owned(),
            Self::Columns => image.t().as_standard_layout().into_owned(),
            Self::Pixels => Array2::from_shape_fn((image.len(), 1), |(step, _)| pixel(step)),
            Self::Permuted => {
                Array2::from_shape_fn((image.len(), 1), |(step, _)| pixel(permutation[step]))
            }
        }
    }

    /// The image `[height, width]` of a sequence: what [`read`](Self::read) read. None where the pixels do not fill it.
    pub(crate) fn draw(
        self,
        inputs: ArrayView2<'_, f32>,
        [height, width]: [usize; 2],
        permutation: &[usize],
    ) -> Option<Array2<f32>> {
        let image = match self {
            Self::Rows => inputs.to_owned(),
            Self::Columns => inputs.t().to_owned(),
            Self::Pixels | Self::Permuted if inputs.len() != height * width => return None,
            Self::Pixels => Array2::from_shape_fn((height, width), |(row, column)| {
                inputs[[row * width + column, 0]]
            }),
            Self::Permuted => {
                let mut image = Array2::zeros((height, width));
                for (&pixel, &value) in permutation.iter().zip(inputs) {
                    image[[pixel / width, pixel % width]] = value;
                }
                image
            }
        };
        (image.dim() == (height, width)).then_some(image)
    }
}

/// The random order in which `count` pixels are read.
pub(crate) fn permutation(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut RngStream::Permutation.rng(0));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn orders_read_the_same_image_differently() {
        let image = array![[1.0, 2.0], [3.0, 4.0]];
        let read = |order: PixelOrder| order.read(image.view(), &[2, 0, 3, 1]);
        assert_eq!(read(PixelOrder::Rows), array![[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(read(PixelOrder::Columns), array![[1.0, 3.0], [2.0, 4.0]]);
        assert_eq!(read(PixelOrder::Pixels), array![[1.0], [2.0], [3.0], [4.0]]);
        assert_eq!(
            read(PixelOrder::Permuted),
            array![[3.0], [1.0], [4.0], [2.0]]
        );
    }

    #[test]
    fn what_was_read_can_be_drawn_again() {
        let image = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let permutation = [2, 0, 3, 1, 5, 4];
        for order in [
            PixelOrder::Rows,
            PixelOrder::Columns,
            PixelOrder::Pixels,
            PixelOrder::Permuted,
        ] {
            let inputs = order.read(image.view(), &permutation);
            let drawn = order.draw(inputs.view(), [2, 3], &permutation);
            assert_eq!(drawn, Some(image.clone()), "{order:?}");
            assert_eq!(order.draw(inputs.view(), [3, 3], &permutation), None);
        }
    }

    #[test]
    fn the_permutation_is_fixed_and_moves_pixels() {
        let order = permutation(784);
        assert_eq!(order, permutation(784));
        assert!(
            order
                .iter()
                .enumerate()
                .filter(|&(step, &pixel)| step == pixel)
                .count()
                < 20
        );
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..784).collect::<Vec<_>>());
    }
}

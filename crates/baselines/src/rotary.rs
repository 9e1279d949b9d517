//! Rotary positions: pairs of numbers that turn with the position.

use burn::tensor::{DType, Tensor, TensorData, backend::Backend};

/// The cosines and sines of some positions' angles.
///
/// A head's numbers i and i + d_head/2 form the pair that turns by `position · angles[i]` (Su et al. 2021). The paper's pairs
/// are neighbours, which is the same with the columns of the weights in another order.
#[derive(Clone, Debug)]
pub(crate) struct Turns<B: Backend> {
    cos: Tensor<B, 4>, // [1, 1, steps, d_head/2]
    sin: Tensor<B, 4>,
}

impl<B: Backend> Turns<B> {
    /// The turns of `steps` positions from `position` on. Computed on the host in 64 bits, so that far positions turn as
    /// exactly as near ones; on the device and in the type of float given.
    pub(crate) fn new(
        angles: &[f64],
        position: usize,
        steps: usize,
        of: (&B::Device, DType),
    ) -> Self {
        let turned: Vec<f64> = (position..position + steps)
            .flat_map(|at| angles.iter().map(move |angle| at as f64 * angle))
            .collect();
        let tensor = |function: fn(f64) -> f64| {
            let numbers = turned
                .iter()
                .map(|&turned| function(turned))
                .collect::<Vec<_>>();
            Tensor::from_data(TensorData::new(numbers, [1, 1, steps, angles.len()]), of)
        };
        Self {
            cos: tensor(f64::cos),
            sin: tensor(f64::sin),
        }
    }

    /// Turns each pair by its position's angle.
    ///
    /// # Shapes
    ///
    /// - rows: `[batch, heads, steps, d_head]`
    /// - output: `[batch, heads, steps, d_head]`
    pub(crate) fn apply(&self, rows: Tensor<B, 4>) -> Tensor<B, 4> {
        let half = rows.dims()[3] / 2;
        let (first, second) = (rows.clone().narrow(3, 0, half), rows.narrow(3, half, half));
        let (cos, sin) = (self.cos.clone(), self.sin.clone());
        let turned = first.clone() * cos.clone() - second.clone() * sin.clone();
        Tensor::cat(vec![turned, first * sin + second * cos], 3)
    }
}

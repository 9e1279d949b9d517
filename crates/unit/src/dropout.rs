//! Dropout.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use rand::{Rng, RngExt};

/// Sets each number to 0 with a probability, and divides the others by 1 − probability (Srivastava et al. 2014). A probability
/// of 0 draws nothing.
///
/// Drawn on the host, so that a seed hides the same on every backend.
pub fn dropout<B: Backend, const R: usize>(
    rows: Tensor<B, R>,
    probability: f64,
    rng: &mut (impl Rng + ?Sized),
) -> Tensor<B, R> {
    if probability == 0.0 {
        return rows;
    }
    let kept = (1.0 / (1.0 - probability)) as f32;
    let (shape, of) = (rows.dims(), (&rows.device(), rows.dtype()));
    let mask = (0..shape.iter().product()).map(|_| {
        let hidden = rng.random::<f32>() < probability as f32;
        if hidden { 0.0 } else { kept }
    });
    let mask: Vec<f32> = mask.collect();
    let mask = Tensor::from_data(TensorData::new(mask, shape), of);
    rows * mask
}

//! The weighted sparse wiring of classical echo state networks.

use faer::Mat;
use rand::seq::index::sample;
use rand::{Rng, RngExt};

use crate::{TopologyError, Wiring};

/// The shape of a sparse wiring.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparse {
    /// Width of the inputs, I.
    pub d_input: usize,
    /// Number of slots and width of the state, N.
    pub d_state: usize,
    /// State dimensions that each slot reads.
    pub fan_in: usize,
    /// Largest modulus of the recurrent matrix's eigenvalues; `None` leaves the weights uniform in ±1.
    pub spectral_radius: Option<f64>,
    /// Input weights are uniform in ± this.
    pub input_scale: f64,
}

/// Draws a sparse wiring: every slot sums all inputs and `fan_in` distinct state dimensions, with random weights
/// (Jaeger 2001; Lukoševičius 2012).
///
/// The recurrent weights are uniform in ±1, then scaled to the spectral radius, which costs time N³.
///
/// # Errors
///
/// If a number is out of range.
pub fn sparse(shape: &Sparse, rng: &mut impl Rng) -> Result<Wiring, TopologyError> {
    let &Sparse {
        d_input,
        d_state,
        fan_in,
        spectral_radius,
        input_scale,
    } = shape;
    if d_input == 0 {
        return Err(TopologyError::out_of_range("d_input", "at least 1", 0));
    }
    if fan_in == 0 || fan_in > d_state {
        let allowed = format!("between 1 and the width of the state, {d_state}");
        return Err(TopologyError::out_of_range("fan_in", allowed, fan_in));
    }
    if !input_scale.is_finite() {
        let error = TopologyError::out_of_range("input_scale", "a finite number", input_scale);
        return Err(error);
    }
    if let Some(radius) = spectral_radius.filter(|radius| !radius.is_finite() || *radius < 0.0) {
        let error = TopologyError::out_of_range("spectral_radius", "at least 0", radius);
        return Err(error);
    }

    let per_slot = d_input + fan_in;
    let mut sources = Vec::with_capacity(d_state * per_slot);
    let mut weights = Vec::with_capacity(d_state * per_slot);
    let uniform = |bound: f64, rng: &mut _| {
        let unit: f64 = RngExt::random(rng);
        (2.0 * unit - 1.0) * bound
    };
    for _ in 0..d_state {
        for input in 0..d_input {
            sources.push(input as u32);
            weights.push(uniform(input_scale, rng));
        }
        let mut dims = sample(rng, d_state, fan_in).into_vec();
        dims.sort_unstable();
        for dim in dims {
            sources.push((d_input + dim) as u32);
            weights.push(uniform(1.0, rng));
        }
    }
    if let Some(wanted) = spectral_radius {
        let found = radius(d_input, d_state, &sources, &weights)
            .filter(|found| *found > 0.0)
            .ok_or(TopologyError::NoSpectralRadius)?;
        let scale = wanted / found;
        for (weight, &source) in weights.iter_mut().zip(&sources) {
            if source as usize >= d_input {
                *weight *= scale;
            }
        }
    }
    let offsets = (0..=d_state).map(|slot| slot * per_slot).collect();
    let weights = weights.into_iter().map(|weight| weight as f32).collect();
    Wiring::from_parts(d_input, offsets, sources, weights)
}

/// The largest modulus of the eigenvalues of the recurrent part; `None` where they cannot be found.
fn radius(d_input: usize, d_state: usize, sources: &[u32], weights: &[f64]) -> Option<f64> {
    let per_slot = sources.len() / d_state;
    let mut recurrent = Mat::<f64>::zeros(d_state, d_state);
    for (at, (&source, &weight)) in sources.iter().zip(weights).enumerate() {
        if let Some(dim) = (source as usize).checked_sub(d_input) {
            recurrent[(at / per_slot, dim)] = weight;
        }
    }
    let values = recurrent.eigenvalues().ok()?;
    Some(values.iter().map(|value| value.norm()).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn shape() -> Sparse {
        Sparse {
            d_input: 2,
            d_state: 50,
            fan_in: 5,
            spectral_radius: Some(0.9),
            input_scale: 0.3,
        }
    }

    fn draw(shape: &Sparse) -> Result<Wiring, TopologyError> {
        sparse(shape, &mut ChaCha8Rng::seed_from_u64(3))
    }

    #[test]
    fn every_slot_reads_all_inputs_and_fan_in_distinct_states() {
        let wiring = draw(&shape()).unwrap();
        for slot in wiring.slots() {
            assert_eq!(slot.sources[..2], [0, 1]);
            assert!(slot.weights[..2].iter().all(|weight| weight.abs() <= 0.3));
            assert_eq!(slot.sources.len(), 7);
            assert!(slot.sources.is_sorted_by(|a, b| a < b));
        }
    }

    #[test]
    fn the_largest_eigenvalue_is_the_spectral_radius() {
        // Growth of ‖Wᵏ·v‖, an estimate that shares nothing with the eigenvalue solver.
        let wiring = draw(&shape()).unwrap();
        let mut v = vec![1.0_f64; 50];
        let mut logs = 0.0;
        for step in 0..3000 {
            let next: Vec<f64> = wiring
                .slots()
                .map(|slot| {
                    slot.sources
                        .iter()
                        .zip(slot.weights)
                        .filter(|(source, _)| **source >= 2)
                        .map(|(&source, &weight)| f64::from(weight) * v[source as usize - 2])
                        .sum()
                })
                .collect();
            let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
            if step >= 1000 {
                logs += norm.ln();
            }
            v = next.into_iter().map(|x| x / norm).collect();
        }
        let growth = (logs / 2000.0).exp();
        assert!((growth - 0.9).abs() < 0.005, "{growth}");
    }

    #[test]
    fn a_fan_in_beyond_the_state_is_refused() {
        let error = draw(&Sparse {
            fan_in: 51,
            ..shape()
        });
        assert_eq!(
            error.unwrap_err().to_string(),
            "fan_in must be between 1 and the width of the state, 50, got 51"
        );
    }
}

//! The weighted sparse wiring of classical echo state networks.

use rand::seq::index::{sample, sample_weighted};
use rand::{Rng, RngExt};

use crate::{Projections, TopologyError, Wiring, spectral_radius};

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
    /// How strongly populations project to one another; `None` leaves it to chance.
    pub projections: Option<Projections>,
}

/// Draws a sparse wiring: every slot sums all inputs and `fan_in` distinct state dimensions, with random weights
/// (Jaeger 2001; Lukoševičius 2012).
///
/// The recurrent weights are uniform in ±1; where a spectral radius is given they are scaled to it, which takes time N³.
///
/// With projections, a dimension is drawn for a slot with a probability in proportion to its population's strength.
/// Every slot reads every input, so that there a strength multiplies the weights; one of 0 leaves the inputs out.
///
/// # Errors
///
/// If a number is out of range, or projections leave a slot fewer than `fan_in` dimensions to read.
pub fn sparse(shape: &Sparse, rng: &mut impl Rng) -> Result<Wiring, TopologyError> {
    let &Sparse {
        d_input,
        d_state,
        fan_in,
        spectral_radius,
        input_scale,
        ref projections,
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

    if let Some(projections) = projections {
        projections.check_width(d_state)?;
    }

    let uniform = |bound: f64, rng: &mut _| {
        let unit: f64 = RngExt::random(rng);
        (2.0 * unit - 1.0) * bound
    };
    let mut offsets = vec![0];
    let mut sources = Vec::with_capacity(d_state * (d_input + fan_in));
    let mut weights = Vec::with_capacity(d_state * (d_input + fan_in));
    for slot in 0..d_state {
        let target = projections.as_ref().map(|it| (it, it.population_of(slot)));
        let strength = target.map_or(1.0, |(projections, to)| projections.inputs_to(to));
        for input in 0..d_input {
            let weight = strength * uniform(input_scale, rng);
            if strength > 0.0 {
                sources.push(input as u32);
                weights.push(weight);
            }
        }
        let mut dims = match target {
            None => sample(rng, d_state, fan_in).into_vec(),
            Some((projections, to)) => drawn(projections, to, fan_in, rng)?,
        };
        dims.sort_unstable();
        for dim in dims {
            sources.push((d_input + dim) as u32);
            weights.push(uniform(1.0, rng));
        }
        offsets.push(sources.len());
    }
    if let Some(wanted) = spectral_radius {
        let found = radius(d_input, &offsets, &sources, &weights)
            .filter(|found| *found > 0.0)
            .ok_or(TopologyError::NoSpectralRadius)?;
        let scale = wanted / found;
        for (weight, &source) in weights.iter_mut().zip(&sources) {
            if source as usize >= d_input {
                *weight *= scale;
            }
        }
    }
    let weights = weights.into_iter().map(|weight| weight as f32).collect();
    Wiring::from_parts(d_input, offsets, sources, weights)
}

/// Distinct dimensions for a slot of a population, each as probable as its population's strength says.
fn drawn(
    projections: &Projections,
    to: usize,
    fan_in: usize,
    rng: &mut impl Rng,
) -> Result<Vec<usize>, TopologyError> {
    let strength = |dim| projections.state_to(dim, to);
    let dims = sample_weighted(rng, projections.d_state(), strength, fan_in);
    let dims = dims.map_or(Vec::new(), |dims| dims.into_vec());
    match dims.len() == fan_in {
        true => Ok(dims),
        false => Err(projections.nothing_to_read(to, fan_in)),
    }
}

/// The spectral radius of the recurrent part; `None` where it cannot be found.
fn radius(d_input: usize, offsets: &[usize], sources: &[u32], weights: &[f64]) -> Option<f64> {
    let slots = offsets.windows(2).enumerate();
    let entries = slots.flat_map(|(slot, ends)| {
        let of_state = move |at: usize| {
            let dim = (sources[at] as usize).checked_sub(d_input)?;
            Some(([slot, dim], weights[at]))
        };
        (ends[0]..ends[1]).filter_map(of_state)
    });
    spectral_radius(offsets.len() - 1, entries)
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
            projections: None,
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

    fn cortex_and_hippocampus() -> (Sparse, Projections) {
        let populations = [("cortex".into(), 300), ("hippocampus".into(), 100)];
        let shape = Sparse {
            d_state: 400,
            ..shape()
        };
        (shape, Projections::even(populations))
    }

    #[test]
    fn strengths_say_who_reads_whom() {
        let (mut shape, mut projections) = cortex_and_hippocampus();
        projections.set(Some(0), 0, 0.0).unwrap();
        projections.set(Some(1), 1, 3.0).unwrap();
        projections.set(None, 1, 0.0).unwrap();
        projections.set(None, 0, 2.0).unwrap();
        shape.projections = Some(projections);
        let wiring = draw(&shape).unwrap();
        // Sources: 2 inputs, 300 dimensions of the cortex, 100 of the hippocampus; fan-in 5.
        assert_eq!(wiring.reads(0..300, 2..302), 0);
        assert_eq!(wiring.reads(0..300, 302..402), 1500);
        let own = wiring.reads(300..400, 302..402) as f64 / 500.0;
        assert!(
            (own - 0.5).abs() < 0.08,
            "3 times 100 dimensions against 300: {own}"
        );
        assert_eq!(wiring.reads(300..400, 0..2), 0);
        let inputs = wiring.slots().take(300).flat_map(|slot| &slot.weights[..2]);
        let largest = inputs.fold(0.0_f32, |most, weight| most.max(weight.abs()));
        assert!((0.55..=0.6).contains(&largest), "twice 0.3: {largest}");
    }

    #[test]
    fn too_few_dimensions_for_the_fan_in_name_the_population() {
        let (mut shape, mut projections) = cortex_and_hippocampus();
        projections.set(Some(0), 1, 0.0).unwrap();
        shape.projections = Some(projections);
        shape.fan_in = 101;
        let error = draw(&shape).unwrap_err().to_string();
        assert!(error.contains("\"hippocampus\" reads 101"), "{error}");
        assert!(error.contains("has 100"), "{error}");
    }
}

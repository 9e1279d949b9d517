//! Gains and biases of neurons from the training set: equation 16 of docs/model.md#biases-from-the-training-set.

use burn::module::Param;
use burn::tensor::TensorData;
use ndarray::{Array2, ArrayView2, s};
use ran_reservoir::{Reservoir, StandardUnit};
use ran_tasks::{Dataset, Sample};
use ran_topology::Slot;
use ran_unit::RngStream;
use rand::RngExt;

use crate::backbone::Backbone;
use crate::driven::{fitted_reservoir, read, states};
use crate::session::Session;
use crate::{LearningBackend, LearningError, ModelCard};

/// Steps of training sequences that are looked at, at most.
const MOST_STEPS: usize = 4096;

/// Fits the neurons that read no state of their own, in one pass over the training set, or over sequences spread evenly over it.
pub(crate) fn fit_biases<B: LearningBackend>(
    backbone: &mut Backbone<B>,
    card: &ModelCard,
    dataset: &Dataset,
    device: &B::Device,
    session: &Session<'_>,
) -> Result<(), LearningError> {
    let reservoir = fitted_reservoir(backbone);
    let seen = seen(reservoir, &dataset.train, device, session)?;
    let mut rng = RngStream::Biases.rng(card.seed);
    let mut gains = vec![1.0; reservoir.d_state()];
    let mut fitted = Vec::new();
    let config = &card.config.reservoir;
    let populations = config.populations.iter().zip(config.ranges());
    for (at, ((config, own), unit)) in populations.zip(&reservoir.populations).enumerate() {
        let StandardUnit::TanhUnit(neurons) = unit else {
            continue;
        };
        if !config.is_fed_neurons(at) {
            continue;
        }
        let bias = neurons.bias.val().into_data().convert::<f32>().into_vec();
        let mut biases: Vec<f32> = bias.expect("numbers were converted to f32");
        let slots = reservoir.wiring().slots().skip(own.start);
        for ((slot, gain), bias) in slots.zip(&mut gains[own]).zip(&mut biases) {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            let share = rng.random();
            if let Some(spread) = Spread::of(&seen, slot, share) {
                *gain = 1.0 / spread.deviation;
                *bias = -spread.quantile / spread.deviation;
            }
        }
        fitted.push((at, biases));
    }
    reservoir.rescale(&gains, device)?;
    for (at, biases) in fitted {
        if let StandardUnit::TanhUnit(neurons) = &mut reservoir.populations[at] {
            let own = TensorData::new(biases, neurons.bias.shape());
            neurons.bias = Param::from_data(own, device);
        }
    }
    Ok(())
}

/// Inputs and states of sequences.
type Seen<'a> = Vec<(ArrayView2<'a, f32>, Array2<f32>)>;

/// As many sequences as have the most steps that are looked at, spread evenly; of a longer one its first steps.
fn seen<'a, B: LearningBackend>(
    reservoir: &Reservoir<B>,
    samples: &'a [Sample],
    device: &B::Device,
    session: &Session<'_>,
) -> Result<Seen<'a>, LearningError> {
    let steps: usize = samples.iter().map(|sample| sample.inputs.nrows()).sum();
    let stride = steps.div_ceil(MOST_STEPS).clamp(1, samples.len().max(1));
    let mut left = MOST_STEPS;
    let mut seen = Vec::new();
    for sample in samples.iter().step_by(stride) {
        if session.stopped() {
            return Err(LearningError::Stopped);
        }
        let own = sample.inputs.nrows().min(left);
        left -= own;
        if own > 0 {
            let inputs = sample.inputs.slice(s![..own, ..]);
            seen.push((inputs, states(reservoir, inputs, device)));
        }
    }
    Ok(seen)
}

/// How what a slot reads is spread.
struct Spread {
    deviation: f32,
    quantile: f32,
}

impl Spread {
    /// None of what is the same at all steps.
    fn of(seen: &Seen<'_>, slot: Slot<'_>, share: f64) -> Option<Self> {
        let mut values = Vec::new();
        for (inputs, states) in seen {
            values.extend((0..inputs.nrows()).map(|step| read(slot, *inputs, states.view(), step)));
        }
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let squares = values
            .iter()
            .map(|&value| (f64::from(value) - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count).sqrt();
        // As wide as rounding makes a constant.
        if deviation.is_nan() || deviation <= 1e-6 * (1.0 + mean.abs()) {
            return None;
        }
        let place = ((values.len() - 1) as f64 * share).round() as usize;
        let (_, &mut quantile, _) = values.select_nth_unstable_by(place, f32::total_cmp);
        Some(Self {
            deviation: deviation as f32,
            quantile,
        })
    }
}

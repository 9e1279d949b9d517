//! Queries and keys in closed form: equation 14 of docs/model.md#queries-and-keys-in-closed-form.

use ndarray::{Array2, ArrayView2, s};
use ran_readout::{InMemory, Ridge, fit_ridge};
use ran_reservoir::{Reservoir, Roles, StandardUnit};
use ran_tasks::{Category, Dataset, Sample};
use ran_topology::Slot;

use crate::backbone::Backbone;
use crate::driven::{fitted_reservoir, read, states};
use crate::session::Session;
use crate::{LearningBackend, LearningError, ModelCard};

/// Fits the queries of every population whose roles have queries and keys, in one pass over the training set each.
pub(crate) fn fit_qk<B: LearningBackend>(
    backbone: &mut Backbone<B>,
    card: &ModelCard,
    dataset: &Dataset,
    device: &B::Device,
    session: &Session<'_>,
) -> Result<(), LearningError> {
    let reservoir = fitted_reservoir(backbone);
    for Asked {
        index,
        first,
        roles,
    } in asked(card, dataset)?
    {
        let population = &card.config.reservoir.populations[index];
        let pairs = Pairs {
            reservoir: &*reservoir,
            roles: &roles,
            // All units read alike.
            slots: reservoir
                .wiring()
                .slots()
                .skip(first)
                .take(population.d_unit)
                .collect(),
            context: card.config.reservoir.context,
            device,
        };
        let map = pairs.map(&dataset.train, session)?;
        let gain = population.qk_gain.unwrap_or(1.0) as f32;
        match &mut reservoir.populations[index] {
            StandardUnit::AttentionBlock(block) => block.qkv.ask(&roles, &map, gain),
            StandardUnit::QkvUnit(unit) => unit.ask(&roles, &map, gain),
            StandardUnit::MemoryUnit(_) | StandardUnit::TanhUnit(_) | StandardUnit::Own(_) => {}
        }
    }
    Ok(())
}

/// A population whose queries are fitted.
pub(crate) struct Asked {
    index: usize,
    /// The first of its slots.
    first: usize,
    roles: Roles,
}

/// The populations whose roles have queries and keys.
///
/// # Errors
///
/// If there is none, or the task's target is not one of the values that one of them reads.
pub(crate) fn asked(card: &ModelCard, dataset: &Dataset) -> Result<Vec<Asked>, LearningError> {
    let config = &card.config.reservoir;
    let roles = config.roles(&card.reservoir_inputs())?;
    let mut found = Vec::new();
    let populations = config.populations.iter().zip(config.ranges());
    for (index, ((population, range), roles)) in populations.zip(roles).enumerate() {
        let reads = |roles: &Roles| !roles.query.is_empty() && !roles.key.is_empty();
        let Some(roles) = roles.filter(reads) else {
            continue;
        };
        let values = roles.value.len();
        if dataset.category != Category::Classification || values != dataset.d_output {
            return Err(refused(format!(
                "is for tasks whose target names a value: classes, of which the population {:?} reads one value each; it reads \
                 {values} values, and the task {:?} has {} outputs",
                population.name(index),
                dataset.name,
                dataset.d_output
            )));
        }
        found.push(Asked {
            index,
            first: range.start,
            roles,
        });
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(refused(
            "needs a population whose reads name queries and keys".into(),
        )),
    }
}

fn refused(problem: String) -> LearningError {
    LearningError::config("learning.qk", problem)
}

/// What queries read, and the keys that they should find.
struct Pairs<'a, B: LearningBackend> {
    reservoir: &'a Reservoir<B>,
    roles: &'a Roles,
    /// What the slots of a unit read.
    slots: Vec<Slot<'a>>,
    context: usize,
    device: &'a B::Device,
}

impl<B: LearningBackend> Pairs<'_, B> {
    /// The ridge regression from queries to keys, `[queries, keys]`, its largest entry 1.
    fn map(&self, samples: &[Sample], session: &Session<'_>) -> Result<Vec<f32>, LearningError> {
        let (mut queries, mut keys) = (Vec::new(), Vec::new());
        for sample in samples {
            if session.stopped() {
                return Err(LearningError::Stopped);
            }
            self.add(sample, &mut queries, &mut keys);
        }
        let rows = |numbers: Vec<f32>, width: usize| {
            let shape = (numbers.len() / width, width);
            Array2::from_shape_vec(shape, numbers).expect("whole rows")
        };
        let queries = rows(queries, self.roles.query.len());
        if queries.is_empty() {
            let problem = "finds the right value in no window: values must be read as they are, and the context reach them";
            return Err(refused(problem.into()));
        }
        let keys = rows(keys, self.roles.key.len());
        let fit = fit_ridge(&InMemory::new(queries, keys)?, Ridge::Auto)?;
        let largest = fit
            .weights
            .iter()
            .fold(0.0_f64, |most, x| most.max(x.abs()));
        if largest == 0.0 {
            let problem =
                "finds nothing in what queries read that tells which row holds the right value";
            return Err(refused(problem.into()));
        }
        Ok(fit.weights.iter().map(|x| (x / largest) as f32).collect())
    }

    /// Adds a row for each scored step of a sequence whose window holds the right value.
    fn add(&self, sample: &Sample, queries: &mut Vec<f32>, keys: &mut Vec<f32>) {
        let inputs = sample.inputs.view();
        let states = states(self.reservoir, inputs, self.device);
        let [asks, opens, holds] = [&self.roles.query, &self.roles.key, &self.roles.value]
            .map(|slots| self.signals(inputs, states.view(), slots));
        for (&step, target) in sample.scored.iter().zip(sample.targets.rows()) {
            let first = (step + 1).saturating_sub(self.context);
            let right = holds.slice(s![first..=step, ..]).dot(&target);
            let right = right.mapv(|share: f32| share.max(0.0));
            let total = right.sum();
            if total > 0.0 {
                let window = opens.slice(s![first..=step, ..]);
                let share = right / total - 1.0 / window.nrows() as f32;
                queries.extend(asks.row(step));
                keys.extend(share.dot(&window));
            }
        }
    }

    /// What slots of a unit read at each step, `[steps, slots]`.
    fn signals(
        &self,
        inputs: ArrayView2<'_, f32>,
        states: ArrayView2<'_, f32>,
        slots: &[usize],
    ) -> Array2<f32> {
        Array2::from_shape_fn((inputs.nrows(), slots.len()), |(step, at)| {
            read(self.slots[slots[at]], inputs, states, step)
        })
    }
}

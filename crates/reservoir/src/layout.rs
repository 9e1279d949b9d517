//! Which sources the slots of populations with `reads` have, and which slots are whose role.

use ran_qkv_unit::Roles;
use ran_topology::Wiring;
use rand::seq::index::sample;
use rand::{Rng, RngExt};

use crate::reads::{Reads, Recurrence, RoleReads, Signal};
use crate::sources::{Field, Sources, Sum};
use crate::{Inputs, PopulationConfig, ReservoirConfig, ReservoirError};

/// The slots of a population.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    slots: Slots,
    /// Which slots of each unit are read by queries, keys and values.
    pub(crate) roles: Option<Roles>,
}

/// What the slots of a population read, unit after unit.
#[derive(Clone, Debug, PartialEq)]
enum Slots {
    /// This.
    Known(Vec<Sum>),
    /// `count` sums, each of `fan_in` places of some signals.
    Drawn {
        count: usize,
        fan_in: usize,
        signals: Vec<Sum>,
    },
}

impl Slots {
    fn draw(self, rng: &mut impl Rng) -> Vec<Sum> {
        match self {
            Self::Known(slots) => slots,
            Self::Drawn {
                count,
                fan_in,
                signals,
            } => (0..count)
                .map(|_| random_sum(&signals, fan_in, rng))
                .collect(),
        }
    }
}

/// A sum of `fan_in` different places of some signals, of the first w of them, w being log-uniform from `fan_in` to all: of a delay
/// line, which holds the newest steps first, windows of every length. Weights are uniform with variance 1/fan_in, less their mean:
/// what counts is how the places differ.
fn random_sum(signals: &[Sum], fan_in: usize, rng: &mut impl Rng) -> Sum {
    let widest = (signals.len() as f64 / fan_in as f64).ln();
    let window = fan_in as f64 * (rng.random::<f64>() * widest).exp();
    let window = (window as usize).clamp(fan_in, signals.len());
    let places = sample(rng, window, fan_in);
    let bound = (3.0 / fan_in as f64).sqrt();
    let weights: Vec<f64> = (0..fan_in)
        .map(|_| rng.random_range(-bound..bound))
        .collect();
    let mean = weights.iter().sum::<f64>() / fan_in as f64;
    let terms = places.into_iter().zip(weights).flat_map(|(place, weight)| {
        let weight = (weight - mean) as f32;
        let terms = signals[place].iter();
        terms.map(move |&(source, scale)| (source, weight * scale))
    });
    terms.collect()
}

impl ReservoirConfig {
    /// Whether some population says what it reads.
    pub fn has_reads(&self) -> bool {
        self.populations.iter().any(|one| one.reads.is_some())
    }

    /// Which slots of their units queries, keys and values read, of each population that says so.
    ///
    /// # Errors
    ///
    /// If a name is unknown, a delay is held by no line, or signals do not fit the units.
    pub fn roles(&self, inputs: &Inputs) -> Result<Vec<Option<Roles>>, ReservoirError> {
        let layouts = self.layouts(inputs)?.into_iter();
        Ok(layouts.map(|layout| layout?.roles).collect())
    }

    /// The layout of each population that says what it reads.
    ///
    /// # Errors
    ///
    /// If a name is unknown, a delay is held by no line, or signals do not fit the units.
    pub(crate) fn layouts(&self, inputs: &Inputs) -> Result<Vec<Option<Layout>>, ReservoirError> {
        let sources = Sources::new(self, inputs);
        let populations = self.populations.iter().enumerate();
        let layouts = populations.map(|(index, population)| {
            let reads = population.reads.as_ref();
            reads
                .map(|reads| sources.layout(index, population, reads))
                .transpose()
        });
        layouts.collect()
    }

    /// The wiring of which some populations say what they read: `draw` makes that of all others among themselves, with
    /// the inputs.
    pub(crate) fn joined<R: Rng>(
        &self,
        inputs: &Inputs,
        rng: &mut R,
        draw: impl Fn(&Self, &mut R) -> Result<Wiring, ReservoirError>,
    ) -> Result<Wiring, ReservoirError> {
        let layouts = self.layouts(inputs)?;
        let d_input = inputs.width();
        let (others, places) = self.without_reads();
        let drawn = match others.populations.is_empty() {
            true => None,
            false => Some(draw(&others, rng)?),
        };
        let mut drawn = drawn.iter().flat_map(|wiring| wiring.slots());
        let mut slots = Vec::with_capacity(self.d_state());
        for (layout, population) in layouts.into_iter().zip(&self.populations) {
            match layout {
                Some(layout) => slots.extend(layout.slots.draw(rng)),
                None => {
                    let moved = drawn.by_ref().take(population.d_state()).map(|slot| {
                        let sources = slot.sources.iter().map(|&source| {
                            let state = (source as usize).checked_sub(d_input);
                            state.map_or(source, |dim| (d_input + places[dim]) as u32)
                        });
                        sources.zip(slot.weights.iter().copied()).collect()
                    });
                    slots.extend(moved);
                }
            }
        }
        Ok(Wiring::of_slots(d_input, &slots)?)
    }

    /// The reservoir of the populations that leave their reading to the wiring, by their names, and the place in the whole
    /// state of each of its dimensions.
    pub(crate) fn without_reads(&self) -> (Self, Vec<usize>) {
        let mut others = Self {
            populations: Vec::new(),
            ..self.clone()
        };
        let mut places = Vec::new();
        for (index, (population, range)) in self.populations.iter().zip(self.ranges()).enumerate() {
            if population.reads.is_none() {
                places.extend(range);
                others.populations.push(PopulationConfig {
                    name: Some(population.name(index)),
                    ..population.clone()
                });
            }
        }
        (others, places)
    }
}

impl Sources<'_> {
    fn layout(
        &self,
        index: usize,
        population: &PopulationConfig,
        reads: &Reads,
    ) -> Result<Layout, ReservoirError> {
        let field = format!("reservoir.population[{index}]");
        match reads {
            Reads::Slots(signals) => Ok(Layout {
                slots: self.in_turn(index, population, signals, &field)?,
                roles: None,
            }),
            Reads::Roles(roles) => self.by_role(population, roles, &field),
        }
    }

    /// Slots that read signals in turn, and what the recurrence has them read.
    fn in_turn(
        &self,
        index: usize,
        population: &PopulationConfig,
        signals: &[Signal],
        field: Field<'_>,
    ) -> Result<Slots, ReservoirError> {
        let reads = format!("{field}.reads");
        let signals = self.signals(signals, 0, &reads)?;
        let states = self.states[index].clone();
        let (count, width) = (signals.len(), states.len());
        if let Some(fan_in) = population.fan_in {
            if fan_in > count {
                let problem =
                    format!("must be at most {count}, the places of its signals, got {fan_in}");
                return Err(ReservoirError::config(format!("{field}.fan_in"), problem));
            }
            return Ok(Slots::Drawn {
                count: width,
                fan_in,
                signals,
            });
        }
        if count == 0 || count > width {
            let problem = format!(
                "must be from 1 to {width} signals, as many as there are slots (units × d_unit), got {count}"
            );
            return Err(ReservoirError::config(reads, problem));
        }
        let own = |slot: usize| ((self.inputs.width() + states.start + slot) as u32, 1.0);
        let recurrence = population.recurrence.unwrap_or_default();
        if recurrence == Recurrence::DelayLine && !width.is_multiple_of(count) {
            let problem = format!(
                "must offer a multiple of {count} slots (units × d_unit), the signals of the delay line, got {width}"
            );
            return Err(ReservoirError::config(format!("{field}.units"), problem));
        }
        let slot = |at: usize| {
            let signal = || signals[at % count].clone();
            match recurrence {
                Recurrence::None => signal(),
                Recurrence::Accumulate => [signal(), vec![own(at)]].concat(),
                Recurrence::DelayLine => match at.checked_sub(count) {
                    Some(before) => vec![own(before)],
                    None => signal(),
                },
            }
        };
        Ok(Slots::Known((0..width).map(slot).collect()))
    }

    /// Slots of the signals that a role reads, each signal once; slots that are left read nothing.
    fn by_role(
        &self,
        population: &PopulationConfig,
        reads: &RoleReads,
        field: Field<'_>,
    ) -> Result<Layout, ReservoirError> {
        let mut unit: Vec<Sum> = Vec::new();
        let mut places = |signals: &[Signal], role: &str| {
            let signals = self.signals(signals, reads.delay, &format!("{field}.reads.{role}"))?;
            let places = signals.into_iter().map(|signal| {
                let known = unit.iter().position(|one| *one == signal);
                known.unwrap_or_else(|| {
                    unit.push(signal);
                    unit.len() - 1
                })
            });
            Ok::<_, ReservoirError>(places.collect::<Vec<_>>())
        };
        let query = places(&reads.query, "query")?;
        let key = places(&reads.key, "key")?;
        let value = places(&reads.value, "value")?;
        let gate = reads.gate.as_ref().map(|gate| {
            let slots = places(std::slice::from_ref(gate), "gate")?;
            match slots[..] {
                [slot] => Ok(slot),
                _ => {
                    let problem = format!("must be a single signal, got {}", slots.len());
                    let gate = format!("{field}.reads.gate");
                    Err(ReservoirError::config(gate, problem))
                }
            }
        });
        let gate = gate.transpose()?;
        let roles = Roles {
            query,
            key,
            value,
            gate,
        };
        let d_unit = population.d_unit;
        if unit.len() > d_unit {
            let problem = format!(
                "must be at least {}, the signals that queries, keys, values and gate read, got {d_unit}",
                unit.len()
            );
            return Err(ReservoirError::config(format!("{field}.d_unit"), problem));
        }
        population.check_roles(&roles, field)?;
        unit.resize(d_unit, Sum::new());
        let slots = (0..population.units).flat_map(|_| unit.iter().cloned());
        Ok(Layout {
            slots: Slots::Known(slots.collect()),
            roles: Some(roles),
        })
    }
}

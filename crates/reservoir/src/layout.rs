//! Which sources the slots of populations with `reads` have, and which slots are whose role.

use std::ops::Range;

use ran_qkv_unit::Roles;
use ran_topology::Wiring;
use rand::Rng;

use crate::reads::{Reads, Recurrence, RoleReads, Signal, Term};
use crate::{Inputs, PopulationConfig, ReservoirConfig, ReservoirError};

/// What one slot reads: sources as in [`Wiring`], with their weights.
type Sum = Vec<(u32, f32)>;

/// The slots of a population.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    /// What each reads, unit after unit.
    slots: Vec<Sum>,
    /// Which slots of each unit are read by queries, keys and values.
    pub(crate) roles: Option<Roles>,
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
                Some(layout) => slots.extend(layout.slots),
                None => {
                    let width = population.units * population.d_unit;
                    let moved = drawn.by_ref().take(width).map(|slot| {
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
        let (mut places, mut start) = (Vec::new(), 0);
        for (index, population) in self.populations.iter().enumerate() {
            let end = start + population.units * population.d_unit;
            if population.reads.is_none() {
                places.extend(start..end);
                others.populations.push(PopulationConfig {
                    name: Some(population.name(index)),
                    ..population.clone()
                });
            }
            start = end;
        }
        (others, places)
    }
}

/// What can be read.
struct Sources<'a> {
    config: &'a ReservoirConfig,
    inputs: &'a Inputs,
    /// The names of populations.
    names: Vec<String>,
    /// Their dimensions of the state.
    states: Vec<Range<usize>>,
}

/// Where something is written, for messages.
type Field<'a> = &'a str;

impl<'a> Sources<'a> {
    fn new(config: &'a ReservoirConfig, inputs: &'a Inputs) -> Self {
        let populations = config.populations.iter();
        let states = populations.clone().scan(0, |end, one| {
            let start = *end;
            *end += one.units * one.d_unit;
            Some(start..*end)
        });
        Self {
            config,
            inputs,
            names: populations
                .enumerate()
                .map(|(at, one)| one.name(at))
                .collect(),
            states: states.collect(),
        }
    }

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
    ) -> Result<Vec<Sum>, ReservoirError> {
        let reads = format!("{field}.reads");
        let signals = self.signals(signals, &reads)?;
        let states = self.states[index].clone();
        let (count, width) = (signals.len(), states.len());
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
        Ok((0..width).map(slot).collect())
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
            let signals = self.signals(signals, &format!("{field}.reads.{role}"))?;
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
            slots: slots.collect(),
            roles: Some(roles),
        })
    }

    /// The sources of signals, one after another.
    fn signals(&self, signals: &[Signal], field: Field<'_>) -> Result<Vec<Sum>, ReservoirError> {
        let mut all = Vec::new();
        for signal in signals {
            let mut sums: Option<Vec<Sum>> = None;
            for term in signal.terms() {
                let term = self.term(term, field)?;
                match &mut sums {
                    None => sums = Some(term),
                    Some(sums) if sums.len() == term.len() => {
                        let pairs = sums.iter_mut().zip(term);
                        pairs.for_each(|(sum, term)| sum.extend(term));
                    }
                    Some(sums) => {
                        let problem = format!(
                            "sums signals of {} and of {} places; they must be as wide as each other",
                            sums.len(),
                            term.len()
                        );
                        return Err(ReservoirError::config(field, problem));
                    }
                }
            }
            all.extend(sums.unwrap_or_default());
        }
        Ok(all)
    }

    /// The sources of a term.
    fn term(&self, term: &Term, field: Field<'_>) -> Result<Vec<Sum>, ReservoirError> {
        let (name, delay, scale) = term.parts();
        let refuse = |problem| Err(ReservoirError::config(field, problem));
        if !(scale as f32).is_finite() {
            return refuse(format!(
                "has the scale {scale} for {name:?}; it must be finite"
            ));
        }
        let group = self.inputs.find(name);
        let population = self.names.iter().position(|one| one == name);
        let sums = match (group, population) {
            (Some(_), Some(_)) => {
                return refuse(format!(
                    "names {name:?}, which is a population and a group of inputs too; give the population another name"
                ));
            }
            (None, None) => {
                return refuse(format!(
                    "names {name:?}, which is neither a group of inputs nor a population; groups are {}; populations are {}",
                    self.groups(),
                    self.names.join(", ")
                ));
            }
            (Some(group), None) if delay == 0 => group
                .into_iter()
                .map(|input| vec![(input as u32, 1.0)])
                .collect(),
            (Some(group), None) => self.delayed(name, &group, delay, field)?,
            (None, Some(at)) => self.states_of(at, delay, field)?,
        };
        let scaled = |sum: Sum| {
            let terms = sum.into_iter();
            terms
                .map(|(source, weight)| (source, scale as f32 * weight))
                .collect()
        };
        Ok(sums.into_iter().map(scaled).collect())
    }

    /// The groups of inputs, in words.
    fn groups(&self) -> String {
        let groups = self.inputs.groups();
        let mut names: Vec<_> = groups.into_iter().map(|(name, _)| name).collect();
        if !names.contains(&Inputs::ALL) {
            names.insert(0, Inputs::ALL);
        }
        names.join(", ")
    }

    /// State dimensions as signals.
    fn dims(&self, dims: Range<usize>) -> Vec<Sum> {
        let first = self.inputs.width();
        dims.map(|dim| vec![((first + dim) as u32, 1.0)]).collect()
    }

    /// The signals that a delay line reads; none of a population that is none, or that reads states.
    fn line(&self, at: usize) -> Option<Vec<Sum>> {
        let population = &self.config.populations[at];
        let (Some(Recurrence::DelayLine), Some(Reads::Slots(signals))) =
            (population.recurrence, &population.reads)
        else {
            return None;
        };
        let mut sums = Vec::new();
        for signal in signals {
            let [term] = signal.terms() else { return None };
            let (name, delay, scale) = term.parts();
            let group = self.inputs.find(name).filter(|_| delay == 0)?;
            sums.extend(
                group
                    .into_iter()
                    .map(|input| vec![(input as u32, scale as f32)]),
            );
        }
        (!sums.is_empty()).then_some(sums)
    }

    /// A group of inputs of some steps ago, where a delay line holds it.
    fn delayed(
        &self,
        name: &str,
        group: &[usize],
        delay: usize,
        field: Field<'_>,
    ) -> Result<Vec<Sum>, ReservoirError> {
        let mut longest = 0;
        for at in 0..self.names.len() {
            let Some(signals) = self.line(at) else {
                continue;
            };
            let place = |&input: &usize| {
                let wanted = vec![(input as u32, 1.0)];
                signals.iter().position(|signal| *signal == wanted)
            };
            let Some(places) = group.iter().map(place).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let states = &self.states[at];
            let held = states.len() / signals.len();
            longest = longest.max(held);
            if delay <= held {
                let first = states.start + (delay - 1) * signals.len();
                let dims = places.into_iter().map(|place| first + place);
                return Ok(dims.flat_map(|dim| self.dims(dim..dim + 1)).collect());
            }
        }
        let held = match longest {
            0 => "no population holds it".to_string(),
            held => format!("the longest delay line of it holds {held} steps"),
        };
        let problem = format!(
            "reads {name:?} {delay} steps ago, and {held}: a tanh-unit with reads = [\"{name}\"], linear = true and recurrence = \
             \"delay-line\" holds as many steps as it has slots for each signal"
        );
        Err(ReservoirError::config(field, problem))
    }

    /// How many places a signal has; none where it reads a population with a delay, or what is unknown.
    fn width(&self, signal: &Signal) -> Option<usize> {
        let (name, delay, _) = signal.terms().first()?.parts();
        let group = self.inputs.find(name).map(|group| group.len());
        let population = || self.names.iter().position(|one| one == name);
        let states = || population().map(|at| self.states[at].len());
        group.or_else(|| states().filter(|_| delay == 0))
    }

    /// A population's last state, or what a delay line holds of some steps ago.
    fn states_of(
        &self,
        at: usize,
        delay: usize,
        field: Field<'_>,
    ) -> Result<Vec<Sum>, ReservoirError> {
        let states = self.states[at].clone();
        if delay == 0 {
            return Ok(self.dims(states));
        }
        let name = &self.names[at];
        let population = &self.config.populations[at];
        let line = population.recurrence == Some(Recurrence::DelayLine);
        let signals = match &population.reads {
            Some(Reads::Slots(signals)) if line => {
                let widths = signals.iter().map(|signal| self.width(signal));
                widths.sum::<Option<usize>>().ok_or_else(|| {
                    let problem = format!(
                        "reads {name:?} {delay} steps ago, which itself reads a population with a delay, or what is unknown; \
                         delays of delays cannot be read"
                    );
                    ReservoirError::config(field, problem)
                })?
            }
            _ => states.len(),
        };
        let held = states.len() / signals.max(1);
        if delay > held {
            let problem = format!(
                "reads {name:?} {delay} steps ago, and it holds {held}{}",
                if line { "" } else { "; it is no delay line" }
            );
            return Err(ReservoirError::config(field, problem));
        }
        let first = states.start + (delay - 1) * signals;
        Ok(self.dims(first..first + signals))
    }
}

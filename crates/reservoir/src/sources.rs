//! The sources that names of groups and populations stand for, with their delays.

use std::ops::Range;

use crate::reads::{Reads, Recurrence, Signal, Term};
use crate::{Inputs, ReservoirConfig, ReservoirError};

/// What one slot reads: sources as in [`Wiring`](ran_topology::Wiring), with their weights.
pub(crate) type Sum = Vec<(u32, f32)>;

/// What can be read.
pub(crate) struct Sources<'a> {
    config: &'a ReservoirConfig,
    pub(crate) inputs: &'a Inputs,
    /// The names of populations.
    names: Vec<String>,
    /// Their dimensions of the state.
    pub(crate) states: Vec<Range<usize>>,
}

/// Where something is written, for messages.
pub(crate) type Field<'a> = &'a str;

impl<'a> Sources<'a> {
    pub(crate) fn new(config: &'a ReservoirConfig, inputs: &'a Inputs) -> Self {
        let populations = config.populations.iter().enumerate();
        Self {
            config,
            inputs,
            names: populations.map(|(at, one)| one.name(at)).collect(),
            states: config.ranges().collect(),
        }
    }

    /// The sources of signals, one after another; those of inputs lie `late` steps further back.
    pub(crate) fn signals(
        &self,
        signals: &[Signal],
        late: usize,
        field: Field<'_>,
    ) -> Result<Vec<Sum>, ReservoirError> {
        let mut all = Vec::new();
        for signal in signals {
            let mut sums: Option<Vec<Sum>> = None;
            for term in signal.terms() {
                let term = self.term(term, late, field)?;
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
    fn term(&self, term: &Term, late: usize, field: Field<'_>) -> Result<Vec<Sum>, ReservoirError> {
        let (name, delay, scale) = term.parts();
        let refuse = |problem| Err(ReservoirError::config(field, problem));
        if !(scale as f32).is_finite() {
            return refuse(format!(
                "has the scale {scale} for {name:?}; it must be finite"
            ));
        }
        let group = self.inputs.find(name);
        let population = self.names.iter().position(|one| one == name);
        let back = delay.saturating_add(late);
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
            (Some(group), None) if back == 0 => group
                .into_iter()
                .map(|input| vec![(input as u32, 1.0)])
                .collect(),
            (Some(group), None) => self.delayed(name, &group, back, field)?,
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

    /// The signals that a linear delay line reads; none of a population that is none, or that reads states.
    fn line(&self, at: usize) -> Option<Vec<Sum>> {
        let population = &self.config.populations[at];
        let (Some(true), Some(Recurrence::DelayLine), Some(Reads::Slots(signals))) =
            (population.linear, population.recurrence, &population.reads)
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

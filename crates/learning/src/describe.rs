//! What a model is made of: shapes, parameters, cost.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::backend::Backend;
use ran_baselines::{Baseline, Network as _};
use ran_readout::Features;
use ran_reservoir::{Inputs, MemoryKind, Reads, Reservoir, WiringKind};
use ran_unit::Unit;
use serde::Serialize;

use crate::backbone::Backbone;
use crate::core::{Core, TYPICAL};
use crate::inputs::ModelInputs;
use crate::parameters::each;
use crate::{LearningConfig, LearningError, ModelConfig, Regime};

/// A model's shapes, parameters and cost per step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// What is trained, and how.
    pub regime: Regime,
    /// Width of what the reservoir reads, I: the inputs, or what the input map makes of them.
    pub d_input: usize,
    /// Whether a step's input is a symbol.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub symbols: bool,
    /// The map in front of the units, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_map: Option<InputMapDescription>,
    /// Width of the state, N, or of another network's features.
    pub d_state: usize,
    /// Width of the outputs, O.
    pub d_output: usize,
    /// Multiply-adds of one sequence's step in the reservoir, or in another network at its 65th.
    pub multiply_adds_per_step: usize,
    /// Parameters that the regime trains, the readout's among them.
    pub trained_parameters: usize,
    /// Parameters that stay as they were drawn.
    pub fixed_parameters: usize,
    /// The reservoir; none where another network stands in its place.
    #[serde(flatten)]
    pub reservoir: Option<ReservoirDescription>,
    /// The network in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkDescription>,
    /// The readout.
    pub readout: ReadoutDescription,
}

/// What a reservoir is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReservoirDescription {
    /// Rows of context, C.
    pub context: usize,
    /// What the working memory holds.
    pub memory: MemoryKind,
    /// Numbers that it remembers of a sequence, whatever the step.
    pub remembered: usize,
    /// Whether every population has a kernel, so that backends with a fused scan run it.
    pub fused: bool,
    /// The groups of inputs that a population can read by name, each with its inputs.
    pub groups: Vec<GroupDescription>,
    /// The wiring.
    pub wiring: WiringDescription,
    /// Each population.
    pub populations: Vec<PopulationDescription>,
}

/// A network in a reservoir's place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetworkDescription {
    /// Its kind, as in a configuration.
    pub kind: &'static str,
    /// Parameters that the regime trains.
    pub trained_parameters: usize,
    /// Parameters that stay as they were drawn.
    pub fixed_parameters: usize,
    /// What steps cost.
    pub at: Vec<CostDescription>,
}

/// What a step costs, given how many steps came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CostDescription {
    /// How many.
    pub position: usize,
    /// Multiply-adds of one sequence.
    pub multiply_adds: u64,
    /// Numbers that are remembered of one sequence after it.
    pub memory: u64,
}

/// The map in front of the units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputMapDescription {
    /// How many inputs it reads, or symbols.
    pub inputs: usize,
    /// How many numbers it makes of them.
    pub width: usize,
    /// Parameters that the regime trains.
    pub trained_parameters: usize,
    /// Parameters that stay as they were drawn.
    pub fixed_parameters: usize,
}

/// A group of inputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupDescription {
    /// Its name.
    pub name: String,
    /// The inputs, counted from 0.
    pub inputs: Vec<usize>,
}

/// How slots are connected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WiringDescription {
    /// The kind of wiring.
    pub kind: WiringKind,
    /// Number of slots, N.
    pub slots: usize,
    /// Slots that read at least one input.
    pub slots_reading_inputs: usize,
    /// Slots that read at least one state dimension.
    pub slots_reading_states: usize,
    /// State dimensions that no slot reads.
    pub unread_states: usize,
}

/// One population.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PopulationDescription {
    /// Its name.
    pub name: String,
    /// Its kind of unit.
    pub kind: &'static str,
    /// Number of units, U.
    pub units: usize,
    /// Width of one unit, D.
    pub d_unit: usize,
    /// Its part of the state, U·D.
    pub d_state: usize,
    /// The signals that it reads by name, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Reads>,
    /// Connections that its slots have from inputs.
    pub reads_inputs: usize,
    /// Connections that its slots have from each population, in the populations' order.
    pub reads_populations: Vec<usize>,
    /// Parameters that the regime trains.
    pub trained_parameters: usize,
    /// Parameters that stay as they were drawn.
    pub fixed_parameters: usize,
    /// Multiply-adds of one sequence's step.
    pub multiply_adds_per_step: usize,
}

/// The readout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadoutDescription {
    /// What it sees of the states.
    pub features: Features,
    /// The populations whose states it sees; none where it sees all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub populations: Option<Vec<String>>,
    /// Width of what it sees.
    pub width: usize,
    /// Its weights and biases.
    pub trained_parameters: usize,
}

/// Describes the model of a configuration for inputs and outputs of a width; where populations read inputs by name, the inputs
/// have some.
///
/// # Errors
///
/// If the configuration is wrong or does not fit the inputs.
pub fn describe<B: Backend>(
    config: &ModelConfig,
    inputs: impl Into<ModelInputs>,
    d_output: usize,
    seed: u64,
    device: &B::Device,
) -> Result<Description, LearningError> {
    config.validate()?;
    let given = inputs.into();
    let backbone = Backbone::<B>::init(config, &given, seed, device)?;
    let inputs = config.reservoir_inputs(&given);
    let width = config.view()?.width();
    let readout = ReadoutDescription {
        features: config.features(),
        populations: config.readout.populations.clone(),
        width,
        trained_parameters: width * d_output + d_output,
    };
    let counts = ParameterCounts::of(&backbone, &config.learning);
    let (reservoir, network) = match &backbone.core {
        Core::Reservoir(one) => (Some(describe_reservoir(config, &inputs, one)), None),
        Core::Network(one) => (None, Some(describe_network(one, &config.learning))),
    };
    Ok(Description {
        regime: config.learning.regime,
        d_input: inputs.width(),
        symbols: matches!(given, ModelInputs::Symbols(_)),
        input_map: config.input_map.as_ref().map(|map| {
            let counts = map_counts(config, &given);
            InputMapDescription {
                inputs: given.encoded(),
                width: map.width,
                trained_parameters: counts.trained,
                fixed_parameters: counts.fixed,
            }
        }),
        network,
        d_state: backbone.core.d_state(),
        d_output,
        reservoir,
        multiply_adds_per_step: backbone.core.multiply_adds(),
        trained_parameters: counts.trained + readout.trained_parameters,
        fixed_parameters: counts.fixed,
        readout,
    })
}

/// Positions that a network's cost and memory are told at.
const POSITIONS: [usize; 3] = [0, TYPICAL, 10_000];

fn describe_network<B: Backend>(
    network: &Baseline<B>,
    learning: &LearningConfig,
) -> NetworkDescription {
    let counts = ParameterCounts::of(network, learning);
    NetworkDescription {
        kind: network.name(),
        trained_parameters: counts.trained,
        fixed_parameters: counts.fixed,
        at: POSITIONS
            .into_iter()
            .map(|position| CostDescription {
                position,
                multiply_adds: network.multiply_adds_at(position),
                memory: network.memory_floats_at(position),
            })
            .collect(),
    }
}

fn describe_reservoir<B: Backend>(
    config: &ModelConfig,
    inputs: &Inputs,
    reservoir: &Reservoir<B>,
) -> ReservoirDescription {
    let d_input = inputs.width();
    let rows = reservoir.queries();
    let slots: Vec<Range<usize>> = config.reservoir.ranges().collect();
    let populations = config
        .reservoir
        .populations
        .iter()
        .zip(&reservoir.populations);
    let populations: Vec<_> = populations
        .enumerate()
        .map(|(index, (population, unit))| {
            let shape = unit.shape();
            let counts = ParameterCounts::of(unit, &config.learning);
            let reads = |sources| reservoir.wiring().reads(slots[index].clone(), sources);
            let of_state = |range: &Range<usize>| d_input + range.start..d_input + range.end;
            PopulationDescription {
                name: population.name(index),
                kind: population.kind.name(),
                units: shape.units,
                d_unit: shape.d_unit,
                d_state: shape.d_state(),
                reads: population.reads.clone(),
                reads_inputs: reads(0..d_input),
                reads_populations: slots.iter().map(|range| reads(of_state(range))).collect(),
                trained_parameters: counts.trained,
                fixed_parameters: counts.fixed,
                multiply_adds_per_step: shape.units * unit.multiply_adds(reservoir.context(), rows),
            }
        })
        .collect();
    ReservoirDescription {
        context: reservoir.context(),
        memory: reservoir.memory(),
        remembered: reservoir.memory_len(),
        fused: reservoir.fused().is_some(),
        groups: inputs
            .groups()
            .into_iter()
            .map(|(name, inputs)| GroupDescription {
                name: name.into(),
                inputs,
            })
            .collect(),
        wiring: describe_wiring(config.reservoir.wiring, reservoir),
        populations,
    }
}

fn describe_wiring<B: Backend>(kind: WiringKind, reservoir: &Reservoir<B>) -> WiringDescription {
    let wiring = reservoir.wiring();
    let d_input = wiring.d_input();
    let mut read = vec![false; wiring.d_state()];
    for &source in wiring.sources() {
        if let Some(state) = (source as usize).checked_sub(d_input) {
            read[state] = true;
        }
    }
    let reading = |inputs: bool| {
        let slots = wiring.slots().filter(|slot| {
            let mut sources = slot.sources.iter();
            sources.any(|&source| ((source as usize) < d_input) == inputs)
        });
        slots.count()
    };
    WiringDescription {
        kind,
        slots: wiring.d_state(),
        slots_reading_inputs: reading(true),
        slots_reading_states: reading(false),
        unread_states: read.iter().filter(|read| !**read).count(),
    }
}

/// How many numbers are trained and how many stay as they were drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParameterCounts {
    /// Those that are trained.
    pub trained: usize,
    /// Those that stay.
    pub fixed: usize,
}

/// Counts the parameters of a configuration's model without drawing it: of each population one unit is drawn, which has as many
/// as any other.
///
/// # Errors
///
/// If the configuration is wrong, or what populations read does not fit the inputs. Whether the inputs fit the wiring is
/// not looked at.
pub fn count_parameters<B: Backend>(
    config: &ModelConfig,
    inputs: impl Into<ModelInputs>,
    d_output: usize,
    device: &B::Device,
) -> Result<ParameterCounts, LearningError> {
    config.validate()?;
    let initializer = config.learning.initializer();
    let given = inputs.into();
    let read = config.reservoir_inputs(&given);
    let readout = config.view()?.width() * d_output + d_output;
    let mut first = map_counts(config, &given);
    first.add(readout, true);
    if let Some(network) = &config.network {
        let trained = config.learning.trains(&["network"]);
        first.add(network.parameters(read.width()), trained);
        first.add(network.fixed(), false);
        return Ok(first);
    }
    let units = config
        .reservoir
        .draw_one_of_each::<B>(&read, initializer, device)?;
    for (unit, population) in units.iter().zip(&config.reservoir.populations) {
        let one = ParameterCounts::of(unit, &config.learning);
        first.add(population.units * one.trained, true);
        first.add(population.units * one.fixed, false);
    }
    Ok(first)
}

/// The parameters of a configuration's input map; none where it has none.
fn map_counts(config: &ModelConfig, inputs: &ModelInputs) -> ParameterCounts {
    let map = config.input_map.as_ref();
    let all = map.map_or(0, |map| map.width * inputs.encoded());
    let mut counts = ParameterCounts::default();
    counts.add(all, config.learning.trains(&["input_map"]));
    counts
}

impl ParameterCounts {
    pub(crate) fn of<B: Backend>(module: &impl Module<B>, learning: &LearningConfig) -> Self {
        let mut counts = Self::default();
        each(module, &mut |one| {
            counts.add(one.shape.num_elements(), learning.trains(one.path));
        });
        counts
    }

    /// Counts some more, which are trained or not.
    fn add(&mut self, count: usize, trained: bool) {
        match trained {
            true => self.trained += count,
            false => self.fixed += count,
        }
    }
}

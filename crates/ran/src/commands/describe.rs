//! `ran describe`: what a network is made of.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use ran_experiment::{Experiment, Setting, describe_experiment};
use ran_learning::{Description, NetworkDescription, ReservoirDescription};
use serde::Serialize;

use crate::table::{Side, aligned, grouped};

/// Head of the table of projections: its rows read, its columns are read.
const READERS: &str = "connections from";

/// Shapes, wiring, trained and fixed parameters, and cost per step of a network.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// An experiment that comes with the program, or a FILE.toml [default: japanese-vowels].
    #[arg(value_name = "NAME | FILE.toml")]
    which: Option<String>,
    /// Changes a key of the configuration, as in reservoir.leak=0.5.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<Setting>,
    /// Prints one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn execute(arguments: &Arguments) -> anyhow::Result<()> {
    let experiment = Experiment::open(arguments.which.as_deref(), &arguments.settings)?;
    let description = describe_experiment(&experiment, 0)?;
    let mut out = io::stdout().lock();
    if arguments.json {
        let mut entry = serde_json::json!({
            "experiment": experiment.name,
            "task": experiment.config.task.name(),
        });
        let description = serde_json::to_value(&description)?;
        if let (Some(entry), serde_json::Value::Object(fields)) =
            (entry.as_object_mut(), description)
        {
            entry.extend(fields);
        }
        writeln!(out, "{entry}")?;
    } else {
        write!(out, "{}", text(&experiment, &description))?;
    }
    Ok(out.flush()?)
}

fn text(experiment: &Experiment, description: &Description) -> String {
    let Description {
        d_input,
        d_output,
        readout,
        ..
    } = description;
    let mut text = String::new();
    let mut line = |name: &str, what: String| {
        writeln!(text, "{name:<11}{what}").expect("writing into a string cannot fail");
    };
    line("experiment", experiment.name.clone());
    let task = experiment.config.task.name();
    let map = description.input_map.as_ref();
    let read = map.map_or(*d_input, |map| map.inputs);
    let what = if description.symbols {
        "symbols"
    } else {
        "inputs"
    };
    line("task", format!("{task}: {read} {what}, {d_output} outputs"));
    if let Some(map) = map {
        line("input map", format!("linear, to {} numbers", map.width));
    }
    if let Some(reservoir) = &description.reservoir {
        about_reservoir(experiment, description, reservoir, &mut line);
    }
    if let Some(network) = &description.network {
        about_network(description, network, &mut line);
    }
    let features = name(&readout.features);
    let states = match &readout.populations {
        None => "the states".to_owned(),
        Some(populations) => format!("the states of {}", populations.join(", ")),
    };
    line(
        "readout",
        format!(
            "linear, on {features} of {states}: {} features",
            readout.width
        ),
    );
    if let Some(reservoir) = &description.reservoir {
        let scan = match reservoir.fused {
            true => "one fused operation on ndarray, step by step on wgpu",
            false => "step by step: a population's kind has no kernel",
        };
        line("scan", scan.into());
    }
    line("regime", name(&description.regime));
    text.push('\n');
    text.push_str(&parts(description));
    if let Some(reservoir) = &description.reservoir
        && reservoir.populations.len() > 1
    {
        text.push('\n');
        text.push_str(&projections(reservoir));
    }
    text
}

/// The lines about a reservoir.
fn about_reservoir(
    experiment: &Experiment,
    description: &Description,
    reservoir: &ReservoirDescription,
    line: &mut dyn FnMut(&str, String),
) {
    let (d_input, d_state) = (&description.d_input, description.d_state);
    let (context, wiring) = (reservoir.context, &reservoir.wiring);
    if reservoir.groups.iter().any(|group| group.name != "inputs") {
        line("groups", groups(reservoir));
    }
    let memory = name(&reservoir.memory);
    line(
        "reservoir",
        format!("state of width {d_state}, {context} rows of context, {memory} memory"),
    );
    let adds = grouped(description.multiply_adds_per_step);
    let remembered = remembered(reservoir.remembered as u64);
    line("a step", format!("{adds} multiply-adds, {remembered}"));
    // A share is whole copies of every input, and at least one, so that it may come to more slots than it says.
    let config = &experiment.config.reservoir;
    let share = config.input_share.filter(|_| config.input_copies.is_none());
    let fed = share.map_or(String::new(), |share| {
        let each = wiring.slots_reading_inputs / (*d_input).max(1);
        format!("; input_share {share} is {each} of each input")
    });
    line(
        "wiring",
        format!(
            "{}: of {} slots {} read inputs and {} read states; {} of {d_state} state dimensions stay unread{fed}",
            name(&wiring.kind),
            wiring.slots,
            wiring.slots_reading_inputs,
            wiring.slots_reading_states,
            wiring.unread_states
        ),
    );
}

/// The lines about a network in its place.
fn about_network(
    description: &Description,
    network: &NetworkDescription,
    line: &mut dyn FnMut(&str, String),
) {
    let (kind, width) = (network.kind, description.d_state);
    line("network", format!("{kind}: {width} features"));
    let costs = &network.at[..];
    let constant = costs
        .windows(2)
        .all(|two| (two[0].multiply_adds, two[0].memory) == (two[1].multiply_adds, two[1].memory));
    let shown = if constant { &costs[..1] } else { costs };
    for cost in shown {
        let adds = grouped(cost.multiply_adds as usize);
        let remembered = remembered(cost.memory);
        let what = match constant {
            true => format!("{adds} multiply-adds, {remembered}"),
            false => format!(
                "after {} others: {adds} multiply-adds, {remembered}",
                grouped(cost.position)
            ),
        };
        line("a step", what);
    }
}

/// How much is remembered after a step.
fn remembered(numbers: u64) -> String {
    let bytes = grouped(4 * numbers as usize);
    let numbers = grouped(numbers as usize);
    format!("{numbers} numbers remembered after it ({bytes} bytes)")
}

/// Groups of inputs that are shown by name; a table of many columns has a group for each.
const GROUPS: usize = 12;

/// The groups of inputs that populations can read by name, with their widths.
fn groups(description: &ReservoirDescription) -> String {
    let all = &description.groups;
    let shown = all.iter().take(GROUPS);
    let shown = shown.map(|group| format!("{} ({})", group.name, group.inputs.len()));
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if all.len() > GROUPS {
        write!(shown, " and {} more", all.len() - GROUPS)
            .expect("writing into a string cannot fail");
    }
    shown
}

/// A row per population: how many connections its slots have from inputs and from each population.
fn projections(description: &ReservoirDescription) -> String {
    let populations = &description.populations;
    let names = populations.iter().map(|one| one.name.clone());
    let heads = [READERS, "inputs"].map(String::from).into_iter();
    let mut rows = vec![heads.chain(names).collect::<Vec<_>>()];
    for one in populations {
        let reads = [one.reads_inputs].into_iter();
        let reads = reads.chain(one.reads_populations.iter().copied());
        let name = [one.name.clone()].into_iter();
        rows.push(name.chain(reads.map(grouped)).collect());
    }
    aligned(&rows, |column| match column {
        0 => Side::Left,
        _ => Side::Right,
    })
}

/// A row per population, the readout and the sum.
fn parts(description: &Description) -> String {
    let reservoir = description.reservoir.as_ref();
    let populations = reservoir.map_or(&[][..], |reservoir| &reservoir.populations);
    let widest = populations.iter().map(|one| one.name.len()).max();
    let width = widest.unwrap_or(0).max("population".len());
    let mut text = format!(
        "{:width$}  {:15}{:>7}{:>7}{:>12}{:>12}{:>24}\n",
        "population", "kind", "units", "width", "trained", "fixed", "multiply-adds per step"
    );
    let mut row = |name: &str, kind: &str, shape: [String; 2], counts: [usize; 3]| {
        let [units, d_unit] = shape;
        let [trained, fixed, cost] = counts.map(grouped);
        writeln!(
            text,
            "{name:width$}  {kind:15}{units:>7}{d_unit:>7}{trained:>12}{fixed:>12}{cost:>24}"
        )
        .expect("writing into a string cannot fail");
    };
    if let Some(map) = &description.input_map {
        let shape = [String::new(), map.width.to_string()];
        let cost = match description.symbols {
            // A row is looked up.
            true => 0,
            false => map.inputs * map.width,
        };
        let counts = [map.trained_parameters, map.fixed_parameters, cost];
        row("input map", "linear", shape, counts);
    }
    for one in populations {
        let shape = [one.units.to_string(), one.d_unit.to_string()];
        let counts = [
            one.trained_parameters,
            one.fixed_parameters,
            one.multiply_adds_per_step,
        ];
        row(&one.name, one.kind, shape, counts);
    }
    if let Some(network) = &description.network {
        let shape = [String::new(), description.d_state.to_string()];
        let counts = [
            network.trained_parameters,
            network.fixed_parameters,
            description.multiply_adds_per_step,
        ];
        row("network", network.kind, shape, counts);
    }
    let readout = &description.readout;
    let blank = || [String::new(), String::new()];
    // The readout is asked at scored steps only, so it is no part of the cost per step.
    row(
        "readout",
        "linear",
        blank(),
        [readout.trained_parameters, 0, 0],
    );
    let counts = [
        description.trained_parameters,
        description.fixed_parameters,
        description.multiply_adds_per_step,
    ];
    row("sum", "", blank(), counts);
    text
}

/// A closed choice by its name in a configuration, with its number where it has one, as in `segments 7`.
fn name(choice: &impl Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(pairs)) => {
            let pairs = pairs.iter().map(|(name, value)| format!("{name} {value}"));
            pairs.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

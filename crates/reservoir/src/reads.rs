//! What a population reads, as it stands in a file: docs/model.md#roles.

use serde::{Deserialize, Serialize};

/// The signals that the slots of a population read.
///
/// ```toml
/// reads = ["symbol", "marker"]                                      # every slot, in turn
/// reads = { query = ["symbol"], key = [{ from = "symbol", delay = 1 }], value = ["symbol"] }
/// reads = { key = ["codes"], value = ["symbol"], gate = "marker", delay = 1 }    # symbols and markers of a step ago
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a list of signals, or a table of such lists under `query`, `key` and `value`, with one signal under \
                 `gate` and a number of steps under `delay` if any; a signal is the name of a group of inputs or of a population, \
                 a table with `from`, `delay` and `scale`, or a list of signals that are summed"
)]
pub enum Reads {
    /// Signals that slots read in turn.
    Slots(Vec<Signal>),
    /// What queries, keys and values read, in each unit alike.
    Roles(RoleReads),
}

/// What queries, keys and values of a unit read; a role that is left out reads nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleReads {
    /// Signals of queries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<Signal>,
    /// Signals of keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<Signal>,
    /// Signals of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<Signal>,
    /// A single signal that is added to the score of a row, `gate_gain` times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Signal>,
    /// By how many steps more the inputs that these roles read lie back, since what other populations make of inputs comes late, too.
    /// States are read as they are. Default 0.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay: usize,
}

/// Whether a delay is none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(delay: &usize) -> bool {
    *delay == 0
}

/// A signal: of some group or population, or the sum of several of the same width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Signal {
    /// One.
    One(Term),
    /// Several, summed place by place.
    Sum(Vec<Term>),
}

/// A group of inputs or a population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Term {
    /// By its name alone: inputs as they are now, a population's state as the step before left it.
    Name(String),
    /// With a delay or a scale.
    Table(Source),
}

/// A group of inputs or a population, with a delay or a scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The name.
    pub from: String,
    /// Steps ago. 0, the default, is now for inputs, and all of a population's last state. Longer ago is what a population with
    /// `recurrence = "delay-line"` holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<usize>,
    /// What it is multiplied by. Default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

impl Term {
    /// The name, delay and scale.
    pub(crate) fn parts(&self) -> (&str, usize, f64) {
        match self {
            Self::Name(name) => (name, 0, 1.0),
            Self::Table(source) => {
                let delay = source.delay.unwrap_or(0);
                (&source.from, delay, source.scale.unwrap_or(1.0))
            }
        }
    }
}

impl Signal {
    /// The terms that it sums.
    pub(crate) fn terms(&self) -> &[Term] {
        match self {
            Self::One(term) => std::slice::from_ref(term),
            Self::Sum(terms) => terms,
        }
    }
}

/// What the slots of a population read of its own state, beside the signals of `reads`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recurrence {
    /// Nothing: slots read the signals in turn.
    #[default]
    None,
    /// The first slots read the signals, every other one the state of the slot that stands as many places before it as there
    /// are signals. A linear line holds the signals of 1 to L steps ago.
    DelayLine,
    /// Slots read the signals in turn, and their own state: linear ones add up.
    Accumulate,
}

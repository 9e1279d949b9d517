//! The kinds of unit by name: the project's own and those that were registered.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use ran_memory_unit::EXPANSION;

use crate::OwnKind;

/// A kind of unit: one of the project's, or one that the program [registered](crate::register).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnitKind {
    /// Attention, then feed-forward: the poster's unit.
    #[default]
    AttentionBlock,
    /// Attention only.
    QkvUnit,
    /// Feed-forward only.
    MemoryUnit,
    /// The classical neuron.
    TanhUnit,
    /// A kind that the program registered.
    Own(OwnKind),
}

impl UnitKind {
    /// The kind's name in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::AttentionBlock => "attention-block",
            Self::QkvUnit => "qkv-unit",
            Self::MemoryUnit => "memory-unit",
            Self::TanhUnit => "tanh-unit",
            Self::Own(kind) => kind.name(),
        }
    }

    /// The project's kind of a name.
    pub(crate) fn of_the_project(name: &str) -> Option<Self> {
        PROJECT.into_iter().find(|kind| kind.name() == name)
    }

    /// Matrices of D×D numbers that the weights of a unit fill.
    pub(crate) fn matrices(self) -> usize {
        match self {
            Self::AttentionBlock => Self::QkvUnit.matrices() + Self::MemoryUnit.matrices(),
            // W_q, W_k and W_v.
            Self::QkvUnit => 3,
            // Up and down.
            Self::MemoryUnit => 2 * EXPANSION,
            Self::TanhUnit | Self::Own(_) => 0,
        }
    }

    /// Whether its units attend over their windows.
    pub fn attends(self) -> bool {
        match self {
            Self::AttentionBlock | Self::QkvUnit => true,
            Self::MemoryUnit | Self::TanhUnit => false,
            Self::Own(kind) => kind.attends(),
        }
    }

    /// Whether its queries, keys and values can read signals of their own.
    pub(crate) fn has_roles(self) -> bool {
        matches!(self, Self::AttentionBlock | Self::QkvUnit)
    }

    pub(crate) fn feeds_forward(self) -> bool {
        matches!(self, Self::AttentionBlock | Self::MemoryUnit)
    }
}

/// The kinds that come with the project.
const PROJECT: [UnitKind; 4] = [
    UnitKind::AttentionBlock,
    UnitKind::QkvUnit,
    UnitKind::MemoryUnit,
    UnitKind::TanhUnit,
];

impl Serialize for UnitKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for UnitKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let kind = Self::of_the_project(&name);
        let kind = kind.or_else(|| OwnKind::named(&name).map(Self::Own));
        kind.ok_or_else(|| {
            let project = PROJECT.iter().map(|kind| kind.name());
            let names = project.chain(OwnKind::names());
            let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
            let names = names.join(", ");
            D::Error::custom(format_args!(
                "unknown variant `{name}`, expected one of {names}"
            ))
        })
    }
}

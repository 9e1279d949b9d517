//! Kinds of unit that a program brings along, beside those of the project.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use burn::tensor::{Device, backend::Backend};
use ran_unit::{Initializer, Unit, UnitShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ReservoirError;
use crate::erased::{Erased, ErasedUnit};

/// The table `options` of a population of a kind of one's own.
pub type KindOptions = serde_json::Map<String, Value>;

/// A kind of unit that a program brings along.
///
/// Once it is [registered](crate::register), its name stands in configurations beside `attention-block` and the others, alone or mixed
/// with them in one reservoir: in training, in model files, in experiments.
///
/// Its units may hold parameters (`Param`) of floats or whole numbers, of at most six dimensions; they are trained and
/// kept in model files. Whatever else a unit holds must follow from the arguments of [`init`](Kind::init).
pub trait Kind: 'static {
    /// The kind's name in a configuration.
    const NAME: &'static str;
    /// Whether its units attend over their windows ([`Unit::attention`]).
    const ATTENDS: bool = false;
    /// The options of a population, its table `options`.
    type Options: DeserializeOwned;
    /// A population.
    type Unit<B: Backend>: Unit<B> + Sync + 'static;

    /// Checks what the type of the options leaves open.
    ///
    /// # Errors
    ///
    /// A sentence without a subject, such as "must be at least 1, got 0".
    fn check(_options: &Self::Options, _shape: UnitShape) -> Result<(), String> {
        Ok(())
    }

    /// Draws a population's weights. `initializer` is the law that the configuration or the regime asks for.
    fn init<B: Backend>(
        options: &Self::Options,
        shape: UnitShape,
        initializer: Initializer,
        rng: &mut impl Rng,
        device: &B::Device,
    ) -> Self::Unit<B>;
}

/// All kinds that are registered, in the order in which they were.
static KINDS: RwLock<Vec<OwnKind>> = RwLock::new(Vec::new());

/// A registered kind.
#[derive(Clone, Copy)]
pub struct OwnKind(&'static Registered);

struct Registered {
    name: &'static str,
    attends: bool,
    kind: TypeId,
    check: fn(&KindOptions, UnitShape) -> Result<(), String>,
    /// A [`Draw<B>`] by the type of B.
    draws: RwLock<BTreeMap<TypeId, Box<dyn Any + Send + Sync>>>,
}

/// How a kind draws a population on a backend.
pub(crate) type Draw<B> = fn(&Recipe, &Device<B>) -> Box<dyn ErasedUnit<B>>;

/// All that a population's first weights follow from.
pub(crate) struct Recipe {
    pub(crate) kind: OwnKind,
    pub(crate) options: KindOptions,
    pub(crate) shape: UnitShape,
    pub(crate) initializer: Initializer,
    pub(crate) rng: ChaCha8Rng,
}

/// The error of a name that another kind has.
pub(crate) fn taken(name: &str) -> ReservoirError {
    let problem = format!("{name:?} is the name of another kind already");
    ReservoirError::config("the kind of unit", problem)
}

fn draw<K: Kind, B: Backend>(recipe: &Recipe, device: &Device<B>) -> Box<dyn ErasedUnit<B>> {
    let options = read::<K>(&recipe.options).expect("the configuration has been checked");
    let mut rng = recipe.rng.clone();
    let &Recipe {
        shape, initializer, ..
    } = recipe;
    Box::new(Erased(K::init::<B>(
        &options,
        shape,
        initializer,
        &mut rng,
        device,
    )))
}

fn read<K: Kind>(options: &KindOptions) -> Result<K::Options, String> {
    serde_json::from_value(Value::Object(options.clone()))
        .map_err(|error| format!("of kind {:?}: {error}", K::NAME))
}

impl OwnKind {
    /// The registered kind of a name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let kinds = KINDS.read().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().copied().find(|kind| kind.name() == name)
    }

    /// The names of all registered kinds.
    pub(crate) fn names() -> Vec<&'static str> {
        let kinds = KINDS.read().unwrap_or_else(PoisonError::into_inner);
        kinds.iter().map(|kind| kind.name()).collect()
    }

    /// Enters a kind among those that are registered; one that is there already is the same.
    ///
    /// # Errors
    ///
    /// If another one has its name.
    pub(crate) fn enter<K: Kind>() -> Result<Self, ReservoirError> {
        let mut kinds = KINDS.write().unwrap_or_else(PoisonError::into_inner);
        match kinds.iter().find(|kind| kind.name() == K::NAME) {
            Some(kind) if kind.0.kind == TypeId::of::<K>() => Ok(*kind),
            Some(_) => Err(taken(K::NAME)),
            None => {
                // A kind stays known for as long as the program runs.
                let kind = Self(Box::leak(Box::new(Registered {
                    name: K::NAME,
                    attends: K::ATTENDS,
                    kind: TypeId::of::<K>(),
                    check: |options, shape| K::check(&read::<K>(options)?, shape),
                    draws: RwLock::default(),
                })));
                kinds.push(kind);
                Ok(kind)
            }
        }
    }

    /// Has it draw populations on a backend.
    pub(crate) fn draw_with<K: Kind, B: Backend>(self) {
        let draw: Draw<B> = draw::<K, B>;
        let mut draws = self.0.draws.write().unwrap_or_else(PoisonError::into_inner);
        draws.insert(TypeId::of::<B>(), Box::new(draw));
    }

    /// How it draws a population on a backend; none where it is not registered there.
    pub(crate) fn drawing<B: Backend>(self) -> Option<Draw<B>> {
        let draws = self.0.draws.read().unwrap_or_else(PoisonError::into_inner);
        let draw = draws.get(&TypeId::of::<B>())?;
        draw.downcast_ref::<Draw<B>>().copied()
    }

    /// The kind's name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// Whether its units attend over their windows.
    pub(crate) fn attends(self) -> bool {
        self.0.attends
    }

    /// Checks a population's options.
    pub(crate) fn check(self, options: &KindOptions, shape: UnitShape) -> Result<(), String> {
        (self.0.check)(options, shape)
    }
}

impl fmt::Debug for OwnKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OwnKind({:?})", self.name())
    }
}

impl PartialEq for OwnKind {
    fn eq(&self, other: &Self) -> bool {
        self.0.kind == other.0.kind
    }
}

impl Eq for OwnKind {}

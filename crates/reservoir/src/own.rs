//! Kinds of unit that a program brings along, beside those of the project.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use burn::tensor::{
    Device,
    backend::{AutodiffBackend, Backend},
};
use ran_unit::{Initializer, Unit, UnitShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::erased::{Erased, ErasedUnit};
use crate::{OwnUnit, ReservoirError};

/// The table `options` of a population of a kind of one's own.
pub type KindOptions = serde_json::Map<String, Value>;

/// A kind of unit that a program brings along.
///
/// Once it is [registered](register), its name stands in configurations beside `attention-block` and the others, alone or mixed
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

/// Makes a kind known to configurations, on the backends that this crate was built with, in 32-bit floats.
///
/// # Errors
///
/// If another kind has its name.
pub fn register<K: Kind>() -> Result<(), ReservoirError> {
    OwnKind::enter::<K>()?;
    #[cfg(feature = "ndarray")]
    register_on::<K, burn::backend::Autodiff<burn_ndarray::NdArray>>()?;
    #[cfg(feature = "wgpu")]
    register_on::<K, burn::backend::Autodiff<burn_wgpu::Wgpu>>()?;
    Ok(())
}

/// Makes a kind known to configurations on one more backend, with automatic differentiation and without.
///
/// # Errors
///
/// If another kind has its name.
pub fn register_on<K: Kind, B: AutodiffBackend>() -> Result<(), ReservoirError> {
    let kind = OwnKind::enter::<K>()?;
    kind.draw_with::<B>(draw::<K, B>);
    kind.draw_with::<B::InnerBackend>(draw::<K, B::InnerBackend>);
    Ok(())
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
    options: KindOptions,
    shape: UnitShape,
    initializer: Initializer,
    rng: ChaCha8Rng,
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

    fn enter<K: Kind>() -> Result<Self, ReservoirError> {
        let taken = || {
            let problem = format!("{:?} is the name of another kind already", K::NAME);
            ReservoirError::config("the kind of unit", problem)
        };
        if crate::UnitKind::of_the_project(K::NAME).is_some() {
            return Err(taken());
        }
        let mut kinds = KINDS.write().unwrap_or_else(PoisonError::into_inner);
        match kinds.iter().find(|kind| kind.name() == K::NAME) {
            Some(kind) if kind.0.kind == TypeId::of::<K>() => Ok(*kind),
            Some(_) => Err(taken()),
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

    fn draw_with<B: Backend>(self, draw: Draw<B>) {
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

    /// Draws a population; its options have been checked.
    ///
    /// # Errors
    ///
    /// If the kind is not registered on this backend.
    pub(crate) fn init<B: Backend>(
        self,
        options: &KindOptions,
        shape: UnitShape,
        initializer: Initializer,
        rng: ChaCha8Rng,
        device: &Device<B>,
    ) -> Result<OwnUnit<B>, ReservoirError> {
        OwnUnit::draw(
            Arc::new(Recipe {
                kind: self,
                options: options.clone(),
                shape,
                initializer,
                rng,
            }),
            device,
        )
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

//! Kinds of unit that a program brings along, beside those of the project.

use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use burn::module::{
    AutodiffModule, Content, Devices, EmptyRecord, HasAutodiffModule, Module, ModuleDisplay,
    ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{
    Device, Int, Tensor,
    backend::{AutodiffBackend, Backend},
};
use ran_unit::{Fused, Initializer, Unit, UnitShape};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ReservoirError;
use crate::erased::{Erased, ErasedUnit, Inwards};

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
type Draw<B> = fn(&Recipe, &Device<B>) -> Box<dyn ErasedUnit<B>>;

/// All that a population's first weights follow from.
struct Recipe {
    kind: OwnKind,
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

/// A population of a registered kind.
pub struct OwnUnit<B: Backend> {
    recipe: Arc<Recipe>,
    unit: Box<dyn ErasedUnit<B>>,
}

impl<B: Backend> OwnUnit<B> {
    fn draw(recipe: Arc<Recipe>, device: &Device<B>) -> Result<Self, ReservoirError> {
        let draws = &recipe.kind.0.draws;
        let draws = draws.read().unwrap_or_else(PoisonError::into_inner);
        let draw = draws.get(&TypeId::of::<B>());
        let Some(draw) = draw.and_then(|draw| draw.downcast_ref::<Draw<B>>()) else {
            let (name, backend) = (recipe.kind.name(), type_name::<B>());
            return Err(ReservoirError::config(
                "reservoir.population.kind",
                format!("{name:?} is not registered on {backend}; register_on does it"),
            ));
        };
        let unit = draw(&recipe, device);
        drop(draws);
        Ok(Self { recipe, unit })
    }

    fn with(&self, unit: Box<dyn ErasedUnit<B>>) -> Self {
        let recipe = Arc::clone(&self.recipe);
        Self { recipe, unit }
    }

    /// The same population on another backend: drawn again, then given this one's parameters.
    fn across<A: Backend>(&self, taken: Vec<Box<dyn Any>>, device: &Device<A>) -> OwnUnit<A> {
        let other = OwnUnit::draw(Arc::clone(&self.recipe), device);
        let other = other.expect("a kind is registered with automatic differentiation and without");
        other.map(&mut Put(taken.into_iter()))
    }
}

impl<B: Backend> Unit<B> for OwnUnit<B> {
    fn shape(&self) -> UnitShape {
        self.unit.shape()
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        self.unit.forward(window)
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        self.unit.newest(window)
    }

    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>> {
        self.unit.attention(window, queries)
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        self.unit.multiply_adds(context, rows)
    }

    fn fused(&self) -> Option<Fused<B>> {
        self.unit.fused()
    }
}

impl<B: Backend> Clone for OwnUnit<B> {
    fn clone(&self) -> Self {
        self.with(self.unit.copy())
    }
}

impl<B: Backend> fmt::Debug for OwnUnit<B> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unit.fmt(out)
    }
}

impl<B: Backend> Module<B> for OwnUnit<B> {
    // Models are kept by their parameters, which visitors and mappers reach.
    type Record = EmptyRecord;

    fn collect_devices(&self, devices: Devices<B>) -> Devices<B> {
        self.unit.devices(devices)
    }

    fn fork(self, device: &Device<B>) -> Self {
        let recipe = self.recipe;
        let unit = self.unit.fork(device);
        Self { recipe, unit }
    }

    fn to_device(self, device: &Device<B>) -> Self {
        let recipe = self.recipe;
        let unit = self.unit.on_device(device);
        Self { recipe, unit }
    }

    fn visit<V: ModuleVisitor<B>>(&self, visitor: &mut V) {
        self.unit.visit(&mut Inwards(visitor));
    }

    fn map<M: ModuleMapper<B>>(self, mapper: &mut M) -> Self {
        let recipe = self.recipe;
        let unit = self.unit.map(&mut Inwards(mapper));
        Self { recipe, unit }
    }

    fn load_record(self, _record: EmptyRecord) -> Self {
        self
    }

    fn into_record(self) -> EmptyRecord {
        EmptyRecord::new()
    }
}

impl<B: Backend> ModuleDisplayDefault for OwnUnit<B> {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_formatted(&format!("{self:?}")).optional()
    }
}

impl<B: Backend> ModuleDisplay for OwnUnit<B> {}

impl<B: AutodiffBackend> AutodiffModule<B> for OwnUnit<B> {
    type InnerModule = OwnUnit<B::InnerBackend>;

    fn valid(&self) -> Self::InnerModule {
        let mut valid = Valid(Vec::new());
        self.visit(&mut valid);
        let device = self.devices().into_iter().next().unwrap_or_default();
        self.across(valid.0, &device)
    }

    fn from_inner(module: Self::InnerModule) -> Self {
        let mut trained = FromInner::<B>(Vec::new(), std::marker::PhantomData);
        module.visit(&mut trained);
        let device = module.devices().into_iter().next().unwrap_or_default();
        module.across(trained.0, &device)
    }
}

impl<B: AutodiffBackend> HasAutodiffModule<B> for OwnUnit<B::InnerBackend> {
    type TrainModule = OwnUnit<B>;
}

/// Parameters without automatic differentiation.
struct Valid(Vec<Box<dyn Any>>);

impl<B: AutodiffBackend> ModuleVisitor<B> for Valid {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        self.0.push(Box::new(param.valid()));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<B, D, Int>>) {
        self.0.push(Box::new(param.valid()));
    }
}

/// Parameters with automatic differentiation on `B`.
struct FromInner<B>(Vec<Box<dyn Any>>, std::marker::PhantomData<B>);

impl<B: AutodiffBackend> ModuleVisitor<B::InnerBackend> for FromInner<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B::InnerBackend, D>>) {
        let param: Param<Tensor<B, D>> = AutodiffModule::<B>::from_inner(param.clone());
        self.0.push(Box::new(param));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<B::InnerBackend, D, Int>>) {
        let param: Param<Tensor<B, D, Int>> = AutodiffModule::<B>::from_inner(param.clone());
        self.0.push(Box::new(param));
    }
}

/// Puts parameters in the places of those that are there, in order.
struct Put(std::vec::IntoIter<Box<dyn Any>>);

impl Put {
    fn next<P: 'static>(&mut self) -> P {
        let next = self.0.next().and_then(|next| next.downcast().ok());
        *next.expect("a population drawn again has the same parameters")
    }
}

impl<B: Backend> ModuleMapper<B> for Put {
    fn map_float<const D: usize>(&mut self, _: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        self.next()
    }

    fn map_int<const D: usize>(&mut self, _: Param<Tensor<B, D, Int>>) -> Param<Tensor<B, D, Int>> {
        self.next()
    }
}

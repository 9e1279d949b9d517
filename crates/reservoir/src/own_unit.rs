//! A population of a kind that a program brought along, as one of burn's modules.

use std::any::{Any, type_name};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::module::{
    AutodiffModule, Content, Devices, EmptyRecord, HasAutodiffModule, Module, ModuleDisplay,
    ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{
    Device, Int, Tensor,
    backend::{AutodiffBackend, Backend},
};
use ran_unit::{Fused, Unit, UnitShape};

use crate::ReservoirError;
use crate::erased::{ErasedUnit, Inwards};
use crate::own::Recipe;

/// A population of a registered kind.
pub struct OwnUnit<B: Backend> {
    recipe: Arc<Recipe>,
    unit: Box<dyn ErasedUnit<B>>,
}

impl<B: Backend> OwnUnit<B> {
    /// Draws a population; its options have been checked.
    ///
    /// # Errors
    ///
    /// If the kind is not registered on this backend.
    pub(crate) fn init(recipe: Recipe, device: &Device<B>) -> Result<Self, ReservoirError> {
        Self::draw(Arc::new(recipe), device)
    }

    fn draw(recipe: Arc<Recipe>, device: &Device<B>) -> Result<Self, ReservoirError> {
        let Some(draw) = recipe.kind.drawing::<B>() else {
            let (name, backend) = (recipe.kind.name(), type_name::<B>());
            return Err(ReservoirError::config(
                "reservoir.population.kind",
                format!("{name:?} is not registered on {backend}; register_on does it"),
            ));
        };
        let unit = draw(&recipe, device);
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
        let mut trained = FromInner::<B>(Vec::new(), PhantomData);
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
struct FromInner<B>(Vec<Box<dyn Any>>, PhantomData<B>);

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

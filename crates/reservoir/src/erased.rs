//! A unit of any type behind one object: burn's visitors and mappers are generic, so parameters pass as [`Any`].

use std::any::Any;
use std::fmt::Debug;

use burn::module::{Devices, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Int, Tensor, backend::Backend};
use ran_unit::{Fused, Unit, UnitShape};

/// [`Unit`] without generic methods.
pub(crate) trait ErasedUnit<B: Backend>: Debug + Send + Sync {
    fn copy(&self) -> Box<dyn ErasedUnit<B>>;
    fn shape(&self) -> UnitShape;
    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4>;
    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3>;
    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>>;
    fn multiply_adds(&self, context: usize, rows: usize) -> usize;
    fn fused(&self) -> Option<Fused<B>>;
    fn devices(&self, devices: Devices<B>) -> Devices<B>;
    fn on_device(self: Box<Self>, device: &Device<B>) -> Box<dyn ErasedUnit<B>>;
    fn fork(self: Box<Self>, device: &Device<B>) -> Box<dyn ErasedUnit<B>>;
    fn visit(&self, visitor: &mut dyn ErasedVisitor<B>);
    fn map(self: Box<Self>, mapper: &mut dyn ErasedMapper<B>) -> Box<dyn ErasedUnit<B>>;
}

/// The unit inside.
#[derive(Debug)]
pub(crate) struct Erased<U>(pub(crate) U);

impl<B: Backend, U: Unit<B> + Sync + 'static> ErasedUnit<B> for Erased<U> {
    fn copy(&self) -> Box<dyn ErasedUnit<B>> {
        Box::new(Self(self.0.clone()))
    }

    fn shape(&self) -> UnitShape {
        self.0.shape()
    }

    fn forward(&self, window: Tensor<B, 4>) -> Tensor<B, 4> {
        self.0.forward(window)
    }

    fn newest(&self, window: Tensor<B, 4>) -> Tensor<B, 3> {
        self.0.newest(window)
    }

    fn attention(&self, window: Tensor<B, 4>, queries: usize) -> Option<Tensor<B, 5>> {
        self.0.attention(window, queries)
    }

    fn multiply_adds(&self, context: usize, rows: usize) -> usize {
        self.0.multiply_adds(context, rows)
    }

    fn fused(&self) -> Option<Fused<B>> {
        self.0.fused()
    }

    fn devices(&self, devices: Devices<B>) -> Devices<B> {
        self.0.collect_devices(devices)
    }

    fn on_device(self: Box<Self>, device: &Device<B>) -> Box<dyn ErasedUnit<B>> {
        Box::new(Self(self.0.to_device(device)))
    }

    fn fork(self: Box<Self>, device: &Device<B>) -> Box<dyn ErasedUnit<B>> {
        Box::new(Self(self.0.fork(device)))
    }

    fn visit(&self, visitor: &mut dyn ErasedVisitor<B>) {
        self.0.visit(&mut Outwards(visitor));
    }

    fn map(self: Box<Self>, mapper: &mut dyn ErasedMapper<B>) -> Box<dyn ErasedUnit<B>> {
        Box::new(Self(self.0.map(&mut Outwards(mapper))))
    }
}

/// [`ModuleVisitor`] without generic methods; a parameter is a `Param<Tensor<B, D>>` or a `Param<Tensor<B, D, Int>>`.
pub(crate) trait ErasedVisitor<B: Backend> {
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
    fn parameter(&mut self, parameter: &dyn Any);
}

/// [`ModuleMapper`] without generic methods; a parameter comes back with the type that it had.
pub(crate) trait ErasedMapper<B: Backend> {
    fn enter(&mut self, name: &str, container: &str);
    fn exit(&mut self, name: &str, container: &str);
    fn parameter(&mut self, parameter: Box<dyn Any>) -> Box<dyn Any>;
}

/// Runs `$float` or `$int` with `$of` as the parameter of the type that it has.
macro_rules! with_its_type {
    ($parameter:expr, $downcast:ident, $of:ident => $float:expr, $int:expr) => {
        with_its_type!(@ $parameter, $downcast, $of => $float, $int, 1 2 3 4 5 6)
    };
    (@ $parameter:expr, $downcast:ident, $of:ident => $float:expr, $int:expr, $($rank:literal)*) => {{
        let parameter = $parameter;
        $(
            if parameter.is::<Param<Tensor<B, $rank>>>() {
                let $of = parameter.$downcast::<Param<Tensor<B, $rank>>>().expect("it is of this type");
                return $float;
            }
            if parameter.is::<Param<Tensor<B, $rank, Int>>>() {
                let $of = parameter.$downcast::<Param<Tensor<B, $rank, Int>>>().expect("it is of this type");
                return $int;
            }
        )*
        panic!("parameters of a unit have at most six dimensions")
    }};
}

/// A generic visitor or mapper as an object, for the unit inside.
pub(crate) struct Inwards<'a, V>(pub(crate) &'a mut V);

impl<B: Backend, V: ModuleVisitor<B>> ErasedVisitor<B> for Inwards<'_, V> {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }

    fn parameter(&mut self, parameter: &dyn Any) {
        with_its_type!(parameter, downcast_ref, of => self.0.visit_float(of), self.0.visit_int(of))
    }
}

impl<B: Backend, M: ModuleMapper<B>> ErasedMapper<B> for Inwards<'_, M> {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.0.exit_module(name, container);
    }

    fn parameter(&mut self, parameter: Box<dyn Any>) -> Box<dyn Any> {
        with_its_type!(
            parameter, downcast, of => Box::new(self.0.map_float(*of)), Box::new(self.0.map_int(*of))
        )
    }
}

/// The object as a generic visitor or mapper again, which the unit's own type asks for.
struct Outwards<'a, T: ?Sized>(&'a mut T);

impl<B: Backend> ModuleVisitor<B> for Outwards<'_, dyn ErasedVisitor<B> + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        self.0.parameter(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<B, D, Int>>) {
        self.0.parameter(param);
    }
}

impl<B: Backend> ModuleMapper<B> for Outwards<'_, dyn ErasedMapper<B> + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let mapped = self.0.parameter(Box::new(param)).downcast();
        *mapped.expect("a mapper keeps a parameter's type")
    }

    fn map_int<const D: usize>(
        &mut self,
        param: Param<Tensor<B, D, Int>>,
    ) -> Param<Tensor<B, D, Int>> {
        let mapped = self.0.parameter(Box::new(param)).downcast();
        *mapped.expect("a mapper keeps a parameter's type")
    }
}

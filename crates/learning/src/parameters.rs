//! The parameters of a module, by path.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Shape, Tensor, TensorData, backend::Backend};

/// A parameter of a module.
pub(crate) struct Parameter<'a> {
    /// The names that lead to it.
    pub(crate) path: &'a [String],
    /// Its identity in this process.
    pub(crate) id: ParamId,
    /// Its shape.
    pub(crate) shape: Shape,
    /// Reads its numbers, in 32 bits.
    pub(crate) read: &'a dyn Fn() -> TensorData,
}

/// Visits the parameters of a module, in its order.
pub(crate) fn each<B: Backend>(module: &impl Module<B>, visit: &mut dyn FnMut(Parameter<'_>)) {
    let path = Vec::new();
    module.visit(&mut Visitor { path, visit });
}

/// A parameter's path as it stands in files: what stands in front of the readout has no name of its own there.
pub(crate) fn join(path: &[String]) -> String {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (first, own) = match parts[..] {
        ["backbone", "core", "Reservoir", ..] => (Some("reservoir"), &parts[3..]),
        ["backbone", "core", "Network", ..] => (Some("network"), &parts[3..]),
        ["backbone", ..] => (None, &parts[1..]),
        _ => (None, &parts[..]),
    };
    let all: Vec<&str> = first.into_iter().chain(own.iter().copied()).collect();
    all.join(".")
}

struct Visitor<'a> {
    path: Vec<String>,
    visit: &'a mut dyn FnMut(Parameter<'_>),
}

impl<B: Backend> ModuleVisitor<B> for Visitor<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        (self.visit)(Parameter {
            path: &self.path,
            id: param.id,
            shape: param.shape(),
            read: &|| param.val().into_data().convert::<f32>(),
        });
    }
}

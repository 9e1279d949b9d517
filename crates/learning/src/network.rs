//! What is trained by gradient: a backbone and a readout as one module, parts of which may be frozen.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_readout::{LinearReadout, LinearReadoutConfig};
use ran_unit::RngStream;
use rand::Rng;

use crate::backbone::Backbone;
use crate::inputs::ModelInputs;
use crate::parameters::{each, join};
use crate::{LearningConfig, LearningError, ModelConfig};

/// A backbone and its readout.
#[derive(Module, Debug)]
pub(crate) struct Network<B: Backend> {
    pub(crate) backbone: Backbone<B>,
    pub(crate) readout: LinearReadout<B>,
}

/// A parameter's path, as in `reservoir.populations.0.AttentionBlock.qkv.query.weight`.
pub(crate) type Path = String;

impl<B: Backend> Network<B> {
    /// Draws a network from a seed, and freezes what its configuration does not train.
    pub(crate) fn init(
        config: &ModelConfig,
        inputs: &ModelInputs,
        d_output: usize,
        seed: u64,
        device: &B::Device,
    ) -> Result<Self, LearningError> {
        let backbone = Backbone::init(config, inputs, seed, device)?;
        let d_features = config.view()?.width();
        let seed = RngStream::Readout.rng(seed).next_u64();
        let readout = LinearReadoutConfig::new(d_features, d_output).init(seed, device);
        let mut freezer = Freezer {
            learning: &config.learning,
            path: Vec::new(),
        };
        let network = Self { backbone, readout };
        Ok(network.map(&mut freezer))
    }

    /// All parameters by path, with their identities in this process.
    pub(crate) fn ids(&self) -> Vec<(Path, ParamId)> {
        let mut ids = Vec::new();
        each(self, &mut |one| ids.push((join(one.path), one.id)));
        ids
    }

    /// All parameters by path, as numbers.
    pub(crate) fn numbers(&self) -> BTreeMap<Path, TensorData> {
        let mut numbers = BTreeMap::new();
        each(self, &mut |one| {
            numbers.insert(join(one.path), (one.read)());
        });
        numbers
    }

    /// Puts numbers in the places of those that are there; identities stay, and so does what is frozen.
    ///
    /// # Errors
    ///
    /// Names the first parameter that is missing or of another shape.
    pub(crate) fn with_numbers(self, numbers: &BTreeMap<Path, TensorData>) -> Result<Self, String> {
        let mut writer = Writer {
            numbers,
            path: Vec::new(),
            problem: None,
        };
        let network = self.map(&mut writer);
        match writer.problem {
            None => Ok(network),
            Some(problem) => Err(problem),
        }
    }
}

/// Cuts parameters that are not trained off from gradients.
struct Freezer<'a> {
    learning: &'a LearningConfig,
    path: Vec<String>,
}

impl<B: Backend> ModuleMapper<B> for Freezer<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let trained = self.learning.trains(&self.path);
        param.set_require_grad(trained)
    }
}

struct Writer<'a> {
    numbers: &'a BTreeMap<Path, TensorData>,
    path: Vec<String>,
    problem: Option<String>,
}

impl<B: Backend> ModuleMapper<B> for Writer<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let path = join(&self.path);
        let expected = param.shape().to_vec();
        match self.numbers.get(&path) {
            Some(data) if data.shape.to_vec() == expected => {
                let data = data.clone();
                param.map(|tensor| {
                    let trained = tensor.is_require_grad();
                    let device = tensor.device();
                    let options = (&device, tensor.dtype());
                    Tensor::from_data(data, options).set_require_grad(trained)
                })
            }
            found => {
                let got = found.map(|data| data.shape.to_vec());
                self.problem.get_or_insert(match got {
                    Some(got) => format!(
                        "holds {path} with shape {got:?}, its configuration asks for {expected:?}"
                    ),
                    None => format!("lacks {path}, which its configuration asks for"),
                });
                param
            }
        }
    }
}

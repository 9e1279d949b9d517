//! Adam with a bound on the whole gradient's norm, and its state as plain numbers.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::record::AdaptorRecord;
use burn::optim::{
    AdamW, AdamWConfig, AdamWState, AdaptiveMomentumState, GradientsParams, Optimizer,
};
use burn::tensor::{ElementConversion, Tensor, TensorData, backend::Backend};

use crate::LearningConfig;
use crate::network::{Network, Path};

type Adam<B> = OptimizerAdaptor<AdamW, Network<Autodiff<B>>, Autodiff<B>>;

/// A record per parameter.
type Records<B> = <Adam<B> as Optimizer<Network<Autodiff<B>>, Autodiff<B>>>::Record;

/// Adam (Kingma & Ba 2015) with decoupled weight decay (Loshchilov & Hutter 2019). It clips the gradient's norm, over all
/// parameters together, to `clip`; burn's own clipping is per parameter.
pub(crate) struct Optimiser<B: Backend> {
    adam: Adam<B>,
    /// 0 for none.
    clip: f64,
}

/// What Adam remembers of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moments {
    /// Steps made so far.
    pub(crate) time: usize,
    /// The running mean of gradients.
    pub(crate) first: TensorData,
    /// The running mean of squared gradients.
    pub(crate) second: TensorData,
}

impl<B: Backend> Optimiser<B> {
    pub(crate) fn new(config: &LearningConfig) -> Self {
        let adam = AdamWConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(config.weight_decay as f32);
        Self {
            adam: adam.init(),
            clip: config.clip,
        }
    }

    /// Makes a step down the gradients; none if their norm is not a number, and then nothing has changed.
    pub(crate) fn step(
        &mut self,
        learning_rate: f64,
        network: Network<Autodiff<B>>,
        gradients: <Autodiff<B> as burn::tensor::backend::AutodiffBackend>::Gradients,
    ) -> Option<Network<Autodiff<B>>> {
        let mut gradients = GradientsParams::from_grads(gradients, &network);
        let mut squares = Squares::<B> {
            gradients: &gradients,
            sum: 0.0,
            backend: PhantomData,
        };
        network.visit(&mut squares);
        let norm = squares.sum.sqrt();
        if !norm.is_finite() {
            return None;
        }
        if self.clip > 0.0 && norm > self.clip {
            network.visit(&mut Scale::<B> {
                gradients: &mut gradients,
                factor: self.clip / norm,
                backend: PhantomData,
            });
        }
        Some(self.adam.step(learning_rate, network, gradients))
    }

    /// What is remembered of each parameter that was trained.
    pub(crate) fn moments(&self, network: &Network<Autodiff<B>>) -> BTreeMap<Path, Moments> {
        let records = self.adam.to_record();
        let mut export = Export::<B> {
            records: &records,
            found: Vec::new(),
        };
        network.visit(&mut export);
        let found: BTreeMap<ParamId, Moments> = export.found.into_iter().collect();
        let ids = network.ids().into_iter();
        ids.filter_map(|(path, id)| Some((path, found.get(&id)?.clone())))
            .collect()
    }

    /// An optimiser that remembers what another one did.
    pub(crate) fn with_moments(
        self,
        network: &Network<Autodiff<B>>,
        moments: &BTreeMap<Path, Moments>,
        device: &B::Device,
    ) -> Self {
        let ids = network.ids().into_iter();
        let known = ids.filter_map(|(path, id)| Some((id, moments.get(&path)?)));
        let mut import = Import::<B> {
            moments: known.collect(),
            records: Records::<B>::default(),
            device,
        };
        network.visit(&mut import);
        Self {
            adam: self.adam.load_record(import.records),
            ..self
        }
    }
}

struct Squares<'a, B> {
    gradients: &'a GradientsParams,
    sum: f64,
    backend: PhantomData<B>,
}

impl<B: Backend> ModuleVisitor<Autodiff<B>> for Squares<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Autodiff<B>, D>>) {
        if let Some(gradient) = self.gradients.get::<B, D>(param.id) {
            let square = gradient.powi_scalar(2).sum().into_scalar();
            self.sum += square.elem::<f64>();
        }
    }
}

struct Scale<'a, B> {
    gradients: &'a mut GradientsParams,
    factor: f64,
    backend: PhantomData<B>,
}

impl<B: Backend> ModuleVisitor<Autodiff<B>> for Scale<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Autodiff<B>, D>>) {
        if let Some(gradient) = self.gradients.remove::<B, D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}

struct Export<'a, B: Backend> {
    records: &'a Records<B>,
    found: Vec<(ParamId, Moments)>,
}

impl<B: Backend> ModuleVisitor<Autodiff<B>> for Export<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Autodiff<B>, D>>) {
        if let Some(record) = self.records.get(&param.id) {
            let state: AdamWState<B, D> = record.clone().into_state();
            let numbers = |tensor: Tensor<B, D>| tensor.into_data().convert::<f32>();
            let moments = Moments {
                time: state.momentum.time,
                first: numbers(state.momentum.moment_1),
                second: numbers(state.momentum.moment_2),
            };
            self.found.push((param.id, moments));
        }
    }
}

struct Import<'a, B: Backend> {
    moments: BTreeMap<ParamId, &'a Moments>,
    records: Records<B>,
    device: &'a B::Device,
}

impl<B: Backend> ModuleVisitor<Autodiff<B>> for Import<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Autodiff<B>, D>>) {
        if let Some(moments) = self.moments.get(&param.id) {
            let tensor = |data: &TensorData| Tensor::<B, D>::from_data(data.clone(), self.device);
            let momentum = AdaptiveMomentumState::new(
                moments.time,
                tensor(&moments.first),
                tensor(&moments.second),
            );
            let record = AdaptorRecord::from_state::<D>(AdamWState::new(momentum));
            self.records.insert(param.id, record);
        }
    }
}

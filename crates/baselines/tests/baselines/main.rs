//! One program for all tests of the networks, since burn's generic code is compiled anew for each.

#![allow(missing_docs, reason = "a test crate")]

mod configs;
mod costs;
mod forms;
mod golden;
mod gradients;
mod memories;

use ran_compiled as _;

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_ndarray::{NdArray, NdArrayDevice};
use ran_baselines::{
    Baseline, BaselineConfig, EchoStateTransformerConfig, GatedConfig, MambaConfig, NormPlace,
    Positions, RetNetConfig, RwkvConfig, TransformerActivation, TransformerConfig,
};

/// The only backend of this program: burn 0.21 has one type of float for a kind of device, whichever asks first.
type B = NdArray<f64>;

const DEVICE: NdArrayDevice = NdArrayDevice::Cpu;
const D_INPUT: usize = 3;

/// Small networks of all kinds, with two layers; each test goes through all of them.
fn every_config() -> Vec<BaselineConfig> {
    let (width, layers) = (8, 2);
    let transformer = TransformerConfig {
        width,
        layers,
        heads: 2,
        feed_forward: Some(12),
        ..TransformerConfig::default()
    };
    let of_context = |context| {
        let context = Some(context);
        BaselineConfig::Transformer(TransformerConfig {
            context,
            ..transformer.clone()
        })
    };
    // The Transformer and the Mamba that CogScale's figures are of.
    let of_cogscale = TransformerConfig {
        norm: NormPlace::Post,
        positions: Positions::Sinusoidal,
        activation: TransformerActivation::Relu,
        dropout: 0.1,
        ..transformer.clone()
    };
    let of_window = |d_conv, residual| {
        BaselineConfig::Mamba(MambaConfig {
            width,
            layers,
            expand: 2,
            d_state: 3,
            d_conv,
            dt_rank: None,
            residual,
        })
    };
    vec![
        BaselineConfig::Gru(GatedConfig { width, layers }),
        BaselineConfig::Lstm(GatedConfig { width, layers }),
        of_context(1),
        of_context(3),
        BaselineConfig::Transformer(transformer),
        BaselineConfig::Transformer(of_cogscale),
        BaselineConfig::RetNet(RetNetConfig {
            width,
            layers,
            heads: 2,
            value_factor: 2,
            feed_forward: Some(12),
        }),
        BaselineConfig::Rwkv(RwkvConfig {
            width,
            layers,
            heads: 2,
            rank: Some(3),
        }),
        of_window(3, true),
        of_window(1, true),
        of_window(3, false),
        BaselineConfig::EchoStateTransformer(EchoStateTransformerConfig {
            width,
            layers,
            units: 3,
            neurons: 5,
            connectivity: 0.4,
        }),
    ]
}

/// The network that a configuration draws from a seed.
fn drawn(config: &BaselineConfig, seed: u64) -> Baseline<B> {
    config
        .init(D_INPUT, seed, &DEVICE)
        .expect("a right configuration")
}

/// The same network with each parameter moved a little, so that none is at a point that is special, such as a map of
/// zeros.
fn shaken<N: Backend<Device = NdArrayDevice>>(network: Baseline<N>) -> Baseline<N> {
    changed(network, |path, data| {
        let shape = data.shape.clone();
        let by = noise([shape.num_elements()], path.len() as u64).to_data();
        let numbers = data.iter::<f64>().zip(by.iter::<f64>());
        let numbers = numbers.map(|(number, by)| number + 0.2 * by);
        TensorData::new(numbers.collect::<Vec<_>>(), shape)
    })
}

/// Numbers in ±1 that look random and repeat.
fn noise<const R: usize>(shape: [usize; R], seed: u64) -> Tensor<B, R> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed << 17 | 1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    let numbers: Vec<f64> = (0..shape.iter().product()).map(|_| next()).collect();
    Tensor::from_data(TensorData::new(numbers, shape), &DEVICE)
}

/// A tensor's numbers.
fn numbers<const R: usize>(tensor: &Tensor<B, R>) -> Vec<f64> {
    tensor.to_data().to_vec().expect("64-bit floats")
}

/// The largest difference between two tensors' numbers.
fn difference<const R: usize>(a: &Tensor<B, R>, b: &Tensor<B, R>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (numbers(a), numbers(b));
    let differences = a.iter().zip(&b).map(|(a, b)| (a - b).abs());
    // Not `max`, which would pass over what is not a number.
    differences.fold(
        0.0,
        |largest, one| if one <= largest { largest } else { one },
    )
}

/// A module's parameters by path, without the name of the variant of [`Baseline`].
fn parameters<N: Backend>(network: &Baseline<N>) -> BTreeMap<String, TensorData> {
    struct Reader(Path, BTreeMap<String, TensorData>);
    impl<N: Backend> ModuleVisitor<N> for Reader {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.0.0.push(name.into());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.0.0.pop();
        }
        fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<N, R>>) {
            self.1.insert(self.0.text(), param.val().to_data());
        }
    }
    let mut reader = Reader(Path::default(), BTreeMap::new());
    network.visit(&mut reader);
    reader.1
}

/// The network with each parameter as `change` has it, which gets its path and its numbers.
fn changed<N: Backend<Device = NdArrayDevice>>(
    network: Baseline<N>,
    change: impl FnMut(&str, TensorData) -> TensorData,
) -> Baseline<N> {
    struct Writer<F>(Path, F);
    impl<N: Backend<Device = NdArrayDevice>, F: FnMut(&str, TensorData) -> TensorData>
        ModuleMapper<N> for Writer<F>
    {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.0.0.push(name.into());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.0.0.pop();
        }
        fn map_float<const R: usize>(&mut self, param: Param<Tensor<N, R>>) -> Param<Tensor<N, R>> {
            let (path, change) = (self.0.text(), &mut self.1);
            param.map(|tensor| {
                let data = change(&path, tensor.to_data());
                assert_eq!(data.shape, tensor.shape(), "{path}");
                Tensor::from_data(data, &DEVICE).require_grad()
            })
        }
    }
    network.map(&mut Writer(Path::default(), change))
}

/// Where in a module a parameter is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn text(&self) -> String {
        self.0[1..].join(".")
    }
}

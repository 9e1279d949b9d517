//! Gradients of every parameter, of the inputs and of the memory against finite differences.

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData, backend::AutodiffBackend};
use ran_baselines::{Baseline, Memory, MemoryData, Network, is_fixed};

use crate::{B, D_INPUT, DEVICE, changed, every_config, noise, parameters, shaken};

type A = Autodiff<B>;

const BATCH: usize = 2;
const STEPS: usize = 5;
const STEP: f64 = 1e-5;

/// All that a loss depends on.
#[derive(Clone)]
struct Given {
    network: Baseline<A>,
    inputs: TensorData,
    memory: MemoryData,
}

impl Given {
    /// Weighted sums of the features and of the memory after the sequence.
    fn loss(&self, inputs: Tensor<A, 3>, memory: Memory<A>) -> Tensor<A, 1> {
        let (features, after) = self.network.forward(inputs, memory);
        let weights =
            |shape, seed| Tensor::<A, 4>::from_data(noise(shape, seed).to_data(), &DEVICE);
        let [batch, steps, width] = features.dims();
        let shape = [1, batch, steps, width];
        let mut sum = (features.reshape(shape) * weights(shape, 20)).sum();
        for (seed, (_, part)) in after.parts().enumerate() {
            sum = sum + (part.clone() * weights(part.dims(), 21 + seed as u64)).sum();
        }
        sum
    }

    fn value(&self) -> f64 {
        let memory = self.network.restore(&self.memory, &DEVICE).unwrap();
        let loss = self.loss(Tensor::from_data(self.inputs.clone(), &DEVICE), memory);
        loss.into_data().to_vec::<f64>().unwrap()[0]
    }
}

/// The number at a place moved by an amount.
fn moved(data: &TensorData, at: usize, by: f64) -> TensorData {
    let mut numbers = data.to_vec::<f64>().unwrap();
    numbers[at] += by;
    TensorData::new(numbers, data.shape.clone())
}

/// Compares some entries of a gradient with the slopes that `value` has.
fn compare(name: &str, gradient: &TensorData, value: impl Fn(usize, f64) -> f64) {
    let gradient = gradient.to_vec::<f64>().unwrap();
    let apart = (gradient.len() / 7).max(1);
    for at in (0..gradient.len()).step_by(apart) {
        let slope = (value(at, STEP) - value(at, -STEP)) / (2.0 * STEP);
        let (got, scale) = (gradient[at], 1.0 + slope.abs());
        assert!(
            (got - slope).abs() < 1e-7 * scale,
            "{name} at {at}: {got}, the slope is {slope}"
        );
    }
}

/// The identities of parameters, in the order of [`parameters`].
fn ids(network: &Baseline<A>) -> Vec<ParamId> {
    struct Ids(Vec<(String, ParamId)>, Vec<String>);
    impl ModuleVisitor<A> for Ids {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.1.push(name.into());
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.1.pop();
        }
        fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<A, R>>) {
            self.0.push((self.1[1..].join("."), param.id));
        }
    }
    let mut ids = Ids(Vec::new(), Vec::new());
    network.visit(&mut ids);
    ids.0.sort();
    ids.0.into_iter().map(|(_, id)| id).collect()
}

/// The gradient of the parameter with an identity.
fn of_parameter(
    network: &Baseline<A>,
    grads: &<A as AutodiffBackend>::Gradients,
    id: ParamId,
) -> Option<TensorData> {
    struct Finder<'a>(
        &'a <A as AutodiffBackend>::Gradients,
        ParamId,
        Option<TensorData>,
    );
    impl ModuleVisitor<A> for Finder<'_> {
        fn visit_float<const R: usize>(&mut self, param: &Param<Tensor<A, R>>) {
            if param.id == self.1 {
                self.2 = param.val().grad(self.0).map(Tensor::into_data);
            }
        }
    }
    let mut finder = Finder(grads, id, None);
    network.visit(&mut finder);
    finder.2
}

// One test, since burn 0.21 loses gradients when several threads run the backward passes of graphs of their own at once.
#[test]
fn gradients_are_those_of_finite_differences() {
    for config in every_config() {
        let network: Baseline<A> = config.init(D_INPUT, 11, &DEVICE).unwrap();
        let network = shaken(network);
        let inputs = noise([BATCH, STEPS, D_INPUT], 12).to_data();
        let earlier = Tensor::from_data(noise([BATCH, STEPS, D_INPUT], 13).to_data(), &DEVICE);
        let (_, memory) = network.forward(earlier, network.start(BATCH, &DEVICE));
        let memory = memory.to_data();
        let given = Given {
            network,
            inputs,
            memory,
        };

        let inputs = Tensor::<A, 3>::from_data(given.inputs.clone(), &DEVICE).require_grad();
        let restored = given.network.restore(&given.memory, &DEVICE).unwrap();
        let leaves: Vec<_> = restored
            .parts()
            .map(|(name, part)| (name.to_owned(), part.clone().require_grad()))
            .collect();
        let mut memory = Memory::new(restored.network(), restored.position());
        for (name, part) in &leaves {
            memory = memory.with(name.clone(), part.clone());
        }
        let grads = given.loss(inputs.clone(), memory).backward();

        let kind = given.network.name();
        let gradient = inputs.grad(&grads).expect("inputs have a gradient");
        compare(
            &format!("{kind}: inputs"),
            &gradient.into_data(),
            |at, by| {
                let inputs = moved(&given.inputs, at, by);
                Given {
                    inputs,
                    ..given.clone()
                }
                .value()
            },
        );
        for (index, (name, part)) in leaves.iter().enumerate() {
            let gradient = part.grad(&grads).expect("the memory has a gradient");
            compare(
                &format!("{kind}: {name}"),
                &gradient.into_data(),
                |at, by| {
                    let mut memory = given.memory.clone();
                    memory.parts[index].data = moved(&memory.parts[index].data, at, by);
                    Given {
                        memory,
                        ..given.clone()
                    }
                    .value()
                },
            );
        }
        let paths = parameters(&given.network).into_keys();
        for (path, id) in paths.zip(ids(&given.network)) {
            let gradient = of_parameter(&given.network, &grads, id);
            if is_fixed(&path.split('.').collect::<Vec<_>>()) {
                assert!(gradient.is_none(), "{kind}: {path} is not trained");
                continue;
            }
            let gradient = gradient.unwrap_or_else(|| panic!("{kind}: {path} has no gradient"));
            compare(&format!("{kind}: {path}"), &gradient, |at, by| {
                let network = changed(given.network.clone(), |other, data| match other == path {
                    true => moved(&data, at, by),
                    false => data,
                });
                Given {
                    network,
                    ..given.clone()
                }
                .value()
            });
        }
    }
}

//! A wiring on a device.

use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData, backend::Backend};
use ran_topology::Wiring;

/// A wiring as tensors: what slots read, from inputs and states. Fixed: it holds no parameter.
#[derive(Module, Debug)]
pub(crate) struct Wire<B: Backend> {
    /// For a wiring of copies, each slot's source, `[d_state]`.
    sources: Option<Tensor<B, 1, Int>>,
    /// For a wiring of copies that are not all taken as they are, each slot's weight, `[1, 1, d_state]`.
    scales: Option<Tensor<B, 3>>,
    /// For any other wiring, the whole matrix, `[d_input + d_state, d_state]`.
    matrix: Option<Tensor<B, 2>>,
    #[module(skip)]
    wiring: Wiring,
}

impl<B: Backend> Wire<B> {
    pub(crate) fn new(wiring: Wiring, device: &B::Device) -> Self {
        let d_state = wiring.d_state();
        let tensor = |numbers: Vec<f32>, shape| TensorData::new(numbers, shape);
        if wiring.is_copy() {
            let sources: Vec<i32> = wiring.sources().iter().map(|&s| s as i32).collect();
            let plain = wiring.weights().iter().all(|&weight| weight == 1.0);
            let scales = || tensor(wiring.weights().to_vec(), vec![1, 1, d_state]);
            Self {
                sources: Some(Tensor::from_data(
                    TensorData::new(sources, [d_state]),
                    device,
                )),
                scales: (!plain).then(|| Tensor::from_data(scales(), device)),
                matrix: None,
                wiring,
            }
        } else {
            let shape = vec![wiring.d_input() + d_state, d_state];
            Self {
                sources: None,
                scales: None,
                matrix: Some(Tensor::from_data(tensor(wiring.dense(), shape), device)),
                wiring,
            }
        }
    }

    /// The wiring as plain numbers.
    pub(crate) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// Fills the slots of each row: z = wire(x, h).
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, rows, d_input]`
    /// - states: `[batch, rows, d_state]`
    /// - output: `[batch, rows, d_state]`
    pub(crate) fn read(&self, inputs: Tensor<B, 3>, states: Tensor<B, 3>) -> Tensor<B, 3> {
        let all = Tensor::cat(vec![inputs, states], 2);
        if let Some(sources) = &self.sources {
            let read = all.select(2, sources.clone());
            match &self.scales {
                Some(scales) => read * scales.clone(),
                None => read,
            }
        } else {
            let matrix = self.matrix.clone().expect("a wiring is copies or a matrix");
            all.matmul(matrix.unsqueeze())
        }
    }
}

//! A wiring on a device.

use std::sync::Arc;

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
    #[module(skip)]
    kernel: Arc<ran_kernel::Wiring>,
}

impl<B: Backend> Wire<B> {
    pub(crate) fn new(wiring: Wiring, device: &B::Device) -> Self {
        let d_state = wiring.d_state();
        let kernel = Arc::new(kernel_wiring(&wiring));
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
                kernel,
            }
        } else {
            let shape = vec![wiring.d_input() + d_state, d_state];
            Self {
                sources: None,
                scales: None,
                matrix: Some(Tensor::from_data(tensor(wiring.dense(), shape), device)),
                wiring,
                kernel,
            }
        }
    }

    /// The wiring as plain numbers.
    pub(crate) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The wiring as the fused scan reads it.
    pub(crate) fn kernel(&self) -> Arc<ran_kernel::Wiring> {
        self.kernel.clone()
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
                Some(scales) => {
                    let scales = typed(scales, &read);
                    read * scales
                }
                None => read,
            }
        } else {
            let matrix = self.matrix.clone().expect("a wiring is copies or a matrix");
            let matrix = typed(&matrix.unsqueeze::<3>(), &all);
            all.matmul(matrix)
        }
    }
}

/// The same numbers in the float type of others: weights that were cast meet a wiring that was not.
fn typed<B: Backend>(numbers: &Tensor<B, 3>, like: &Tensor<B, 3>) -> Tensor<B, 3> {
    match numbers.dtype() == like.dtype() {
        true => numbers.clone(),
        false => numbers.clone().cast(like.dtype()),
    }
}

fn kernel_wiring(wiring: &Wiring) -> ran_kernel::Wiring {
    let lens = wiring.slots().map(|slot| slot.sources.len());
    let mut offsets = vec![0];
    offsets.extend(lens.scan(0, |end, len| {
        *end += len;
        Some(*end)
    }));
    let (sources, weights) = (wiring.sources().to_vec(), wiring.weights().to_vec());
    ran_kernel::Wiring::new(offsets, sources, weights)
        .expect("compressed rows of a wiring that was checked")
}

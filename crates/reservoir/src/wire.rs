//! A wiring on a device.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Bool, Int, Tensor, TensorData, backend::Backend};
use ran_topology::Wiring;

/// A wiring as tensors: what slots read, from inputs and states. Fixed: it holds no parameter.
///
/// A row of slots is wire(x, h) = from the inputs + from the states. The first part is computed for all steps at once
/// ([`feed`](Self::feed)), so that a step costs as few calls of the device as can be ([`read`](Self::read)).
#[derive(Module, Debug)]
pub(crate) struct Wire<B: Backend> {
    /// For a wiring of copies.
    copies: Option<Copies<B>>,
    /// For any other wiring, its matrix in two parts, `[d_input, d_state]` and `[d_state, d_state]`.
    sums: Option<[Tensor<B, 2>; 2]>,
    #[module(skip)]
    wiring: Wiring,
    #[module(skip)]
    kernel: Arc<ran_scan::Wiring>,
}

/// Which entry each slot copies.
#[derive(Module, Debug)]
struct Copies<B: Backend> {
    /// The input of a slot that reads one, else any, `[d_state]`.
    inputs: Tensor<B, 1, Int>,
    /// The state dimension of a slot that reads one, else any, `[d_state]`.
    states: Tensor<B, 1, Int>,
    /// Whether a slot reads an input, `[1, 1, d_state]`.
    reads_input: Tensor<B, 3, Bool>,
    /// Each slot's weight, `[1, 1, d_state]`, where they are not all one.
    scales: Option<Tensor<B, 3>>,
}

impl<B: Backend> Wire<B> {
    pub(crate) fn new(wiring: Wiring, device: &B::Device) -> Self {
        let kernel = Arc::new(kernel_wiring(&wiring));
        let (copies, sums) = match wiring.is_copy() {
            true => (Some(Copies::new(&wiring, device)), None),
            false => {
                let (d_input, d_state) = (wiring.d_input(), wiring.d_state());
                let (of_inputs, of_states) = {
                    let mut of_inputs = wiring.dense();
                    let of_states = of_inputs.split_off(d_input * d_state);
                    (of_inputs, of_states)
                };
                let matrix = |numbers, rows| {
                    Tensor::from_data(TensorData::new(numbers, [rows, d_state]), device)
                };
                let sums = [matrix(of_inputs, d_input), matrix(of_states, d_state)];
                (None, Some(sums))
            }
        };
        Self {
            copies,
            sums,
            wiring,
            kernel,
        }
    }

    /// The wiring as plain numbers.
    pub(crate) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The wiring as the fused scan reads it.
    pub(crate) fn kernel(&self) -> Arc<ran_scan::Wiring> {
        self.kernel.clone()
    }

    /// What slots read of the inputs.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, rows, d_input]`
    /// - output: `[batch, rows, d_state]`; for a wiring of copies, numbers without meaning where a slot reads a state
    pub(crate) fn feed(&self, inputs: Tensor<B, 3>) -> Tensor<B, 3> {
        match (&self.copies, &self.sums) {
            (Some(copies), _) => copies.scaled(inputs.select(2, copies.inputs.clone())),
            (None, Some([of_inputs, _])) => weighted(inputs, of_inputs),
            (None, None) => unreachable!("a wiring is copies or sums"),
        }
    }

    /// Fills the slots of each row: z = wire(x, h), given what [`feed`](Self::feed) made of x.
    ///
    /// # Shapes
    ///
    /// - fed: `[batch, rows, d_state]`
    /// - states: `[batch, rows, d_state]`
    /// - output: `[batch, rows, d_state]`
    pub(crate) fn read(&self, fed: Tensor<B, 3>, states: Tensor<B, 3>) -> Tensor<B, 3> {
        match (&self.copies, &self.sums) {
            (Some(copies), _) => {
                let reads_input = copies.reads_input.clone().expand(fed.dims());
                let states = copies.scaled(states.select(2, copies.states.clone()));
                states.mask_where(reads_input, fed)
            }
            (None, Some([_, of_states])) => fed + weighted(states, of_states),
            (None, None) => unreachable!("a wiring is copies or sums"),
        }
    }
}

impl<B: Backend> Copies<B> {
    fn new(wiring: &Wiring, device: &B::Device) -> Self {
        let (d_input, d_state) = (wiring.d_input(), wiring.d_state());
        let sources = || wiring.sources().iter().map(|&source| source as usize);
        let indices = |of: &dyn Fn(usize) -> usize| {
            let indices: Vec<i32> = sources().map(|source| of(source) as i32).collect();
            Tensor::from_data(TensorData::new(indices, [d_state]), device)
        };
        let reads_input: Vec<bool> = sources().map(|source| source < d_input).collect();
        let plain = wiring.weights().iter().all(|&weight| weight == 1.0);
        let scales = || TensorData::new(wiring.weights().to_vec(), [1, 1, d_state]);
        Self {
            inputs: indices(&|source| if source < d_input { source } else { 0 }),
            states: indices(&|source| source.saturating_sub(d_input)),
            reads_input: Tensor::from_data(TensorData::new(reads_input, [1, 1, d_state]), device),
            scales: (!plain).then(|| Tensor::from_data(scales(), device)),
        }
    }

    fn scaled(&self, rows: Tensor<B, 3>) -> Tensor<B, 3> {
        match &self.scales {
            Some(scales) => {
                let scales = typed(scales, &rows);
                rows * scales
            }
            None => rows,
        }
    }
}

fn weighted<B: Backend>(rows: Tensor<B, 3>, matrix: &Tensor<B, 2>) -> Tensor<B, 3> {
    let matrix = typed(&matrix.clone().unsqueeze::<3>(), &rows);
    rows.matmul(matrix)
}

/// The same numbers in the float type of others: weights that were cast meet a wiring that was not.
fn typed<B: Backend>(numbers: &Tensor<B, 3>, like: &Tensor<B, 3>) -> Tensor<B, 3> {
    match numbers.dtype() == like.dtype() {
        true => numbers.clone(),
        false => numbers.clone().cast(like.dtype()),
    }
}

fn kernel_wiring(wiring: &Wiring) -> ran_scan::Wiring {
    let offsets = wiring.offsets().to_vec();
    let (sources, weights) = (wiring.sources().to_vec(), wiring.weights().to_vec());
    ran_scan::Wiring::new(offsets, sources, weights)
        .expect("compressed rows of a wiring that was checked")
}

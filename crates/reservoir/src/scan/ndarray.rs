//! The fused scan on ndarray, for 32-bit floats.

use std::sync::Arc;

use burn::tensor::backend::Backend;
use burn_ndarray::{
    FloatNdArrayElement, IntNdArrayElement, NdArray, NdArrayTensor, QuantElement, SharedArray,
};
use ndarray::{ArcArray, IxDyn};
use ran_scan::{
    KernelError, Needs, Prepared, ScanSpec, ScannedGradients, Sequences, Tape, scan_backward,
    scan_forward_taped,
};

use super::{BackwardPass, Scan, ScanBackend, ScanGradients, Scanned};

impl<E: FloatNdArrayElement, I: IntNdArrayElement, Q: QuantElement> ScanBackend for NdArray<E, I, Q>
where
    NdArrayTensor: From<SharedArray<E>>,
    NdArrayTensor: From<SharedArray<I>>,
{
    fn scan(scan: &Scan<Self>) -> Option<Scanned<Self>> {
        let plain = Plain::of(scan)?;
        let weights = plain.weights(&scan.spec);
        let prepared = expect(Prepared::new(scan.spec.clone(), &weights));
        let scanned = prepared.forward(plain.sequences());
        Some(plain.scanned(&scan.spec, expect(scanned)))
    }

    fn prepare(spec: Arc<ScanSpec>, weights: &[NdArrayTensor]) -> Option<Prepared> {
        let weights = weights.iter().map(numbers).collect::<Option<Vec<_>>>()?;
        let weights: Vec<&[f32]> = weights.iter().map(slice).collect();
        Some(expect(Prepared::new(spec, &weights)))
    }

    fn scan_taped(scan: &Scan<Self>) -> Option<(Scanned<Self>, Arc<dyn BackwardPass<Self>>)> {
        let plain = Plain::of(scan)?;
        let weights = plain.weights(&scan.spec);
        let scanned = scan_forward_taped(&scan.spec, &weights, plain.sequences());
        let (scanned, tape) = expect(scanned);
        let scanned = plain.scanned(&scan.spec, scanned);
        let back = Back {
            spec: scan.spec.clone(),
            truncate: scan.truncate,
            plain,
            tape,
        };
        Some((scanned, Arc::new(back)))
    }
}

/// Unwraps what the kernel returns: [`Reservoir`](crate::Reservoir) has refused all that the kernel refuses, with messages of
/// its own.
fn expect<T>(result: Result<T, KernelError>) -> T {
    result.unwrap_or_else(|error| panic!("the fused scan was given wrong shapes: {error}"))
}

/// Numbers in the order of their shape.
type Numbers = ArcArray<f32, IxDyn>;

/// The tensors of a scan as numbers in memory.
#[derive(Debug)]
struct Plain {
    weights: Vec<Numbers>,
    inputs: Numbers,
    rows: Numbers,
    older_inputs: Option<Numbers>,
}

impl Plain {
    /// `None` where some tensor is not of 32-bit floats.
    fn of<B: Backend<FloatTensorPrimitive = NdArrayTensor>>(scan: &Scan<B>) -> Option<Self> {
        let older_inputs = match &scan.older_inputs {
            Some(tensor) => Some(numbers(tensor)?),
            None => None,
        };
        Some(Self {
            weights: scan.weights.iter().map(numbers).collect::<Option<_>>()?,
            inputs: numbers(&scan.inputs)?,
            rows: numbers(&scan.rows)?,
            older_inputs,
        })
    }

    fn weights(&self, spec: &ScanSpec) -> Vec<&[f32]> {
        match &self.weights[..] {
            [all] => expect(spec.split(slice(all))),
            tensors => tensors.iter().map(slice).collect(),
        }
    }

    /// The gradients of the weights, apart or joined as the weights were given.
    fn gradients(&self, tensors: Vec<Vec<f32>>) -> Vec<NdArrayTensor> {
        let tensors = match self.weights.len() {
            1 if tensors.len() > 1 => vec![tensors.concat()],
            _ => tensors,
        };
        let flat = |numbers: Vec<f32>| {
            let len = numbers.len();
            tensor(numbers, &[len])
        };
        tensors.into_iter().map(flat).collect()
    }

    fn sequences(&self) -> Sequences<'_> {
        Sequences {
            batch: self.inputs.shape()[0],
            steps: self.inputs.shape()[1],
            inputs: slice(&self.inputs),
            rows: slice(&self.rows),
            older_inputs: self.older_inputs.as_ref().map_or(&[], slice),
        }
    }

    fn scanned<B: Backend<FloatTensorPrimitive = NdArrayTensor>>(
        &self,
        spec: &ScanSpec,
        scanned: ran_scan::Scanned,
    ) -> Scanned<B> {
        let [batch, steps] = [self.inputs.shape()[0], self.inputs.shape()[1]];
        let (context, d_state) = (spec.context(), spec.d_state());
        Scanned {
            states: tensor(scanned.states, &[batch, steps, d_state]),
            rows: tensor(scanned.rows, &[batch, context, d_state]),
        }
    }
}

fn numbers(tensor: &NdArrayTensor) -> Option<Numbers> {
    let NdArrayTensor::F32(storage) = tensor else {
        return None;
    };
    let array = storage.clone().into_shared();
    match array.is_standard_layout() {
        true => Some(array),
        false => Some(array.as_standard_layout().into_owned().into_shared()),
    }
}

fn slice(numbers: &Numbers) -> &[f32] {
    let slice = numbers.as_slice();
    slice.expect("the numbers were put in the order of their shape")
}

fn tensor(numbers: Vec<f32>, shape: &[usize]) -> NdArrayTensor {
    let array = Numbers::from_shape_vec(IxDyn(shape), numbers);
    array
        .expect("the kernel returns as many numbers as the shape has")
        .into()
}

/// The backward pass, with all that it needs of the forward pass.
#[derive(Debug)]
struct Back {
    spec: Arc<ScanSpec>,
    truncate: Option<usize>,
    plain: Plain,
    tape: Tape,
}

impl<B: Backend<FloatTensorPrimitive = NdArrayTensor>> BackwardPass<B> for Back {
    fn back(
        &self,
        states: Option<NdArrayTensor>,
        rows: Option<NdArrayTensor>,
        needs: Needs,
    ) -> ScanGradients<B> {
        let given = |gradient: Option<NdArrayTensor>| {
            gradient.map(|one| numbers(&one).expect("gradients are of their tensors' type"))
        };
        let (states, rows) = (given(states), given(rows));
        let given = ScannedGradients {
            states: states.as_ref().map(slice),
            rows: rows.as_ref().map(slice),
        };
        let weights = self.plain.weights(&self.spec);
        let gradients = expect(scan_backward(
            &self.spec,
            &weights,
            &self.tape,
            given,
            self.truncate,
            needs,
        ));
        let like = |wanted: bool, numbers: Vec<f32>, of: &Numbers| {
            wanted.then(|| tensor(numbers, of.shape()))
        };
        let older = self.plain.older_inputs.as_ref();
        ScanGradients {
            weights: self.plain.gradients(gradients.weights),
            inputs: like(needs.inputs, gradients.inputs, &self.plain.inputs),
            rows: like(needs.rows, gradients.rows, &self.plain.rows),
            older_inputs: older.and_then(|of| like(needs.inputs, gradients.older_inputs, of)),
        }
    }
}

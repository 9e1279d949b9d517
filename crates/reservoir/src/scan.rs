//! The whole scan over time as one operation, where the backend has it.

mod autodiff;
#[cfg(feature = "ndarray")]
mod ndarray;

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorPrimitive, backend::Backend, ops::FloatTensor};
use ran_scan::{Leaks, Needs, Population, Prepared, ScanSpec};
use ran_unit::Unit;

use crate::{Memory, Reservoir};

/// A backend that may compute a reservoir's whole scan over time as one operation.
///
/// Every method may answer `None`, which is what they do unless a backend says otherwise: the reservoir then runs step
/// by step in burn operations ([`Reservoir::forward_reference`]). ndarray has a fused scan for 32-bit floats; wgpu has
/// none; `Autodiff<B>` has one where `B` has.
pub trait ScanBackend: Backend {
    /// Runs the scan.
    fn scan(_scan: &Scan<Self>) -> Option<Scanned<Self>> {
        None
    }

    /// Runs the scan and keeps what its backward pass needs.
    fn scan_taped(_scan: &Scan<Self>) -> Option<(Scanned<Self>, Arc<dyn BackwardPass<Self>>)> {
        None
    }

    /// Puts weights, tensor by tensor and each flat, in the order of a scan on the host that no gradient flows through.
    fn prepare(_spec: Arc<ScanSpec>, _weights: &[FloatTensor<Self>]) -> Option<Prepared> {
        None
    }
}

/// What a scan is given.
#[derive(Clone, Debug)]
pub struct Scan<B: Backend> {
    /// The reservoir, checked.
    pub spec: Arc<ScanSpec>,
    /// The tensors of the weights in the order of the specification, each flat; or all of them in one.
    pub weights: Vec<FloatTensor<B>>,
    /// `[batch, steps, d_input]`.
    pub inputs: FloatTensor<B>,
    /// [`Memory::rows`], `[batch, context, d_state]`.
    pub rows: FloatTensor<B>,
    /// [`Memory::inputs`], `[batch, context − 1, d_input]`.
    pub older_inputs: Option<FloatTensor<B>>,
    /// The number of steps after which the backward pass is cut.
    pub truncate: Option<usize>,
}

/// What a scan returns, or the gradients of that.
#[derive(Clone, Debug)]
pub struct Scanned<B: Backend> {
    /// The states, `[batch, steps, d_state]`.
    pub states: FloatTensor<B>,
    /// The rows of the memory after the last step, [`Memory::rows`], `[batch, context, d_state]`.
    pub rows: FloatTensor<B>,
}

/// Gradients of a loss with respect to what a scan was given; `None` where they were not wanted.
#[derive(Clone, Debug)]
pub struct ScanGradients<B: Backend> {
    /// Those of the weights, tensor by tensor as they were given; empty where they were not wanted.
    pub weights: Vec<FloatTensor<B>>,
    /// `[batch, steps, d_input]`.
    pub inputs: Option<FloatTensor<B>>,
    /// `[batch, context, d_state]`.
    pub rows: Option<FloatTensor<B>>,
    /// `[batch, context − 1, d_input]`.
    pub older_inputs: Option<FloatTensor<B>>,
}

/// The backward pass of a scan.
pub trait BackwardPass<B: Backend>: Debug + Send + Sync {
    /// Computes gradients from those of the states or of the rows; `None` is zero.
    fn back(
        &self,
        states: Option<FloatTensor<B>>,
        rows: Option<FloatTensor<B>>,
        needs: Needs,
    ) -> ScanGradients<B>;
}

#[cfg(feature = "wgpu")]
impl<F, I, T> ScanBackend for burn_wgpu::Wgpu<F, I, T>
where
    F: burn_wgpu::FloatElement,
    I: burn_wgpu::IntElement,
    T: burn_wgpu::BoolElement,
{
}

impl<B: ScanBackend, U: Unit<B>> Reservoir<B, U> {
    /// Runs a batch of sequences: as one fused operation where the backend and every kind of unit have one, else step
    /// by step in burn operations, as [`forward_reference`](Self::forward_reference) always does.
    ///
    /// Sequences of different lengths are padded at their ends: what happens in the padding changes nothing before
    /// it. With `truncate`, no gradient flows through the memory from one segment of `truncate` steps to the one before.
    ///
    /// # Shapes
    ///
    /// - inputs: `[batch, steps, d_input]`
    /// - states: `[batch, steps, d_state]`
    ///
    /// # Panics
    ///
    /// If the shapes are not this reservoir's, there is no step, or `truncate` is zero.
    pub fn forward(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        truncate: Option<usize>,
    ) -> (Tensor<B, 3>, Memory<B>) {
        self.check(&inputs, &memory);
        assert_ne!(truncate, Some(0), "truncate must be at least 1 step, got 0");
        let scanned = self
            .scan(&inputs, &memory, truncate)
            .and_then(|scan| B::scan(&scan));
        match scanned {
            Some(scanned) => self.joined(inputs, memory, scanned),
            None => self.forward_reference(inputs, memory, truncate),
        }
    }

    /// The scan as its backend sees it, where every population has a kernel.
    fn scan(
        &self,
        inputs: &Tensor<B, 3>,
        memory: &Memory<B>,
        truncate: Option<usize>,
    ) -> Option<Scan<B>> {
        let primitive = |tensor: &Tensor<B, 3>| tensor.clone().into_primitive().tensor();
        let (spec, weights) = self.fused()?;
        let weights = weights.into_iter();
        Some(Scan {
            spec: Arc::new(spec),
            weights: weights.map(|one| one.into_primitive().tensor()).collect(),
            inputs: primitive(inputs),
            rows: primitive(&memory.rows),
            older_inputs: memory.inputs.as_ref().map(primitive),
            truncate,
        })
    }

    /// The states and the memory after the last step.
    fn joined(
        &self,
        inputs: Tensor<B, 3>,
        memory: Memory<B>,
        scanned: Scanned<B>,
    ) -> (Tensor<B, 3>, Memory<B>) {
        let tensor = |primitive| Tensor::<B, 3>::from_primitive(TensorPrimitive::Float(primitive));
        let steps = inputs.dims()[1];
        let (states, rows) = (tensor(scanned.states), tensor(scanned.rows));
        let kept = self.context() - 1;
        let inputs = memory.inputs.map(|older| match steps.checked_sub(kept) {
            Some(first) => inputs.narrow(1, first, kept),
            None => Tensor::cat(vec![older.narrow(1, steps, kept - steps), inputs], 1),
        });
        (states, Memory { rows, inputs })
    }
}

impl<B: Backend, U: Unit<B>> Reservoir<B, U> {
    /// The reservoir as the fused scan sees it, and its weights tensor by tensor; `None` where some population's kind
    /// has no kernel.
    pub fn fused(&self) -> Option<(ScanSpec, Vec<Tensor<B, 1>>)> {
        let mut weights = Vec::new();
        let mut populations = Vec::with_capacity(self.populations.len());
        for unit in &self.populations {
            let fused = unit.fused()?;
            weights.extend(fused.weights);
            populations.push(Population {
                kernel: fused.kernel,
                units: unit.shape().units,
                d_unit: unit.shape().d_unit,
                output: fused.output,
            });
        }
        let leaks = match self.same_leak() {
            Some(leak) => Leaks::from(leak as f32),
            None => Leaks::from(
                self.leaks()
                    .iter()
                    .map(|&leak| leak as f32)
                    .collect::<Vec<_>>(),
            ),
        };
        let spec = ScanSpec::new(
            self.memory(),
            self.context(),
            self.d_input(),
            leaks,
            self.wire.kernel(),
            populations,
        );
        Some((spec.ok()?, weights))
    }
}

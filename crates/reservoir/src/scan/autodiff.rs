//! The fused scan under automatic differentiation: one node of the graph with a backward pass written by hand.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::ops::{FloatTensor, FloatTensorOps};
use ran_scan::{Needs, Prepared, ScanSpec};

use super::{BackwardPass, Scan, ScanBackend, Scanned};

/// Second derivatives take the reference path, as `scan_taped` is not overridden.
impl<B: ScanBackend, C: CheckpointStrategy> ScanBackend for Autodiff<B, C> {
    fn prepare(spec: Arc<ScanSpec>, weights: &[FloatTensor<Self>]) -> Option<Prepared> {
        let weights: Vec<_> = weights.iter().map(|one| one.primitive.clone()).collect();
        B::prepare(spec, &weights)
    }

    fn scan(scan: &Scan<Self>) -> Option<Scanned<Self>> {
        let weights_tracked = scan.weights.iter().any(|tensor| tensor.is_tracked());
        let older = scan.older_inputs.as_ref();
        let needs = Needs {
            weights: weights_tracked,
            inputs: scan.inputs.is_tracked() || older.is_some_and(|tensor| tensor.is_tracked()),
            rows: scan.rows.is_tracked(),
        };
        if !(needs.weights || needs.inputs || needs.rows) {
            let weights = scan.weights.iter().map(|one| one.primitive.clone());
            let scanned = B::scan(&inner(scan, weights.collect()))?;
            return Some(Scanned {
                states: Self::from_inner(scanned.states),
                rows: Self::from_inner(scanned.rows),
            });
        }
        let mut scan = scan.clone();
        if scan.weights.len() > WEIGHTS {
            scan.weights = vec![Self::float_cat(scan.weights, 0)];
        }
        let weights = scan.weights.iter().map(|one| one.primitive.clone());
        let (scanned, back) = B::scan_taped(&inner(&scan, weights.collect()))?;
        let older = scan.older_inputs.as_ref();
        let others = [&scan.inputs, &scan.rows, older.unwrap_or(&scan.inputs)];
        // A node has a fixed number of parents; those that are left over are given no gradient.
        let mut nodes = others.into_iter().chain(&scan.weights);
        let parents = std::array::from_fn::<_, PARENTS, _>(|_| {
            nodes.next().unwrap_or(&scan.inputs).node.clone()
        });
        let node = |output: FloatTensor<B>, of_states: bool| {
            let state = State {
                back: back.clone(),
                needs,
                of_states,
            };
            let prepared = ScanNode.prepare::<C>(parents.clone()).compute_bound();
            match prepared.stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, output),
                OpsKind::UnTracked(prepared) => prepared.finish(output),
            }
        };
        Some(Scanned {
            states: node(scanned.states, true),
            rows: node(scanned.rows, false),
        })
    }
}

/// The same scan without the graph.
fn inner<B: ScanBackend, C: CheckpointStrategy>(
    scan: &Scan<Autodiff<B, C>>,
    weights: Vec<FloatTensor<B>>,
) -> Scan<B> {
    let older = scan.older_inputs.as_ref();
    Scan {
        spec: scan.spec.clone(),
        weights,
        inputs: scan.inputs.primitive.clone(),
        rows: scan.rows.primitive.clone(),
        older_inputs: older.map(|tensor| tensor.primitive.clone()),
        truncate: scan.truncate,
    }
}

/// How many parents a scan has in the graph: the inputs, the rows, the older inputs, and the weights.
const PARENTS: usize = 32;

/// How many tensors of weights may be parents of their own. A network of more populations than that has its weights
/// joined into one tensor first.
const WEIGHTS: usize = PARENTS - 3;

/// A scan in the graph.
///
/// What a scan returns lies in two nodes, the states and the rows: gradients are linear in both, so each node
/// goes back with its own, and the usual loss, which reads the states alone, goes back once.
#[derive(Debug)]
struct ScanNode;

#[derive(Debug)]
struct State<B: Backend> {
    back: Arc<dyn BackwardPass<B>>,
    needs: Needs,
    of_states: bool,
}

impl<B: Backend> Clone for State<B> {
    fn clone(&self) -> Self {
        Self {
            back: self.back.clone(),
            ..*self
        }
    }
}

impl<B: Backend> Backward<B, PARENTS> for ScanNode {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<Self::State, PARENTS>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let State {
            back,
            needs,
            of_states,
        } = ops.state;
        let (states, rows) = match of_states {
            true => (Some(gradient), None),
            false => (None, Some(gradient)),
        };
        let found = back.back(states, rows, needs);
        let others = [found.inputs, found.rows, found.older_inputs];
        let found = others
            .into_iter()
            .chain(found.weights.into_iter().map(Some));
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

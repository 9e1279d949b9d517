//! The product under automatic differentiation: a node whose backward pass is two products of the backend below.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;

use super::ProductBackend;

impl<B: ProductBackend, C: CheckpointStrategy> ProductBackend for Autodiff<B, C> {
    fn product(lhs: FloatTensor<Self>, rhs: FloatTensor<Self>) -> FloatTensor<Self> {
        let output = B::product(lhs.primitive.clone(), rhs.primitive.clone());
        // Each side's gradient is made of the other side.
        let (needs_lhs, needs_rhs) = (rhs.is_tracked(), lhs.is_tracked());
        let state = State::<B> {
            lhs: needs_lhs.then_some(lhs.primitive),
            rhs: needs_rhs.then_some(rhs.primitive),
        };
        let node = Product.prepare::<C>([lhs.node, rhs.node]);
        match node.compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(state, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}

#[derive(Debug)]
struct Product;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    lhs: Option<FloatTensor<B>>,
    rhs: Option<FloatTensor<B>>,
}

impl<B: ProductBackend> Backward<B, 2> for Product {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = grads.consume::<B>(&ops.node);
        let [lhs, rhs] = ops.parents;
        if let (Some(node), Some(rhs)) = (lhs, ops.state.rhs) {
            let of_lhs = B::product(gradient.clone(), B::float_transpose(rhs));
            grads.register::<B>(node.id, of_lhs);
        }
        if let (Some(node), Some(lhs)) = (rhs, ops.state.lhs) {
            let of_rhs = B::product(B::float_transpose(lhs), gradient);
            grads.register::<B>(node.id, of_rhs);
        }
    }
}

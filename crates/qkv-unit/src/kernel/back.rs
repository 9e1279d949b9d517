//! The fused QKV unit, backward: equations 1 and 2 of docs/model.md#units.

use ran_scan::add_norm::Affine;
use ran_scan::arch::Lanes;
use ran_scan::attention::Back;
use ran_scan::linear::{Linear, LinearSums};
use ran_scan::outer::collect_rows;
use ran_scan::parts::{LaneSums, Parts};
use ran_scan::unit::{Lane, LaneBack, Memory, Shape};
use ran_scan::weights::UnitGradient;

use super::{QkvKernel, QkvTrace, Weights, layer};

/// Scratch of the backward pass.
#[derive(Debug)]
pub struct QkvRoom<P> {
    query_gradient: P,
    /// Gradients of the keys then of the values of the whole window, in rewritten memory.
    row_gradients: P,
    rows: RowsRoom<P>,
}

/// Scratch of the backward pass from queries, keys and values on.
#[derive(Debug)]
struct RowsRoom<P> {
    /// The gradients of queries, keys and values side by side.
    joint: P,
    /// What the sum of products needs for itself.
    sum: P,
}

/// The sums of weight gradients.
pub(super) struct Sums<P> {
    /// Those of the three layers side by side, as of one layer three times as wide.
    joint: LinearSums<P>,
    /// Those of the biases of lags.
    lag_bias: P,
    end: Affine<P>,
}

/// The layers to queries, keys and values as one.
#[inline(always)]
fn joint(d: usize) -> Linear {
    Linear {
        ins: d,
        outs: 3 * d,
    }
}

impl QkvKernel {
    /// Cuts what [`attend_back`](Self::attend_back) needs for itself off the scratch.
    #[inline(always)]
    pub fn back_room<P: Parts>(
        &self,
        shape: Shape,
        lanes: usize,
        scratch: &mut P,
    ) -> QkvRoom<P::Part> {
        let rows = shape.rows();
        QkvRoom {
            query_gradient: scratch.part(rows * shape.d_unit),
            row_gradients: scratch.part(Self::new_rows_len(shape)),
            rows: rows_room(shape, rows, lanes, scratch),
        }
    }

    /// Cuts the sums of weight gradients.
    #[inline(always)]
    pub(super) fn sums<P: Parts>(&self, shape: Shape, lanes: usize, sums: &mut P) -> Sums<P::Part> {
        let d = shape.d_unit;
        Sums {
            joint: joint(d).sums(lanes, sums),
            lag_bias: sums.part(self.lag_biases()),
            end: self.end.sums(d, sums),
        }
    }

    /// The sums, where they are wanted.
    #[inline(always)]
    fn wanted<'a, T>(
        &self,
        shape: Shape,
        lanes: usize,
        mut sums: &'a mut [T],
    ) -> Option<Sums<&'a mut [T]>> {
        (!sums.is_empty()).then(|| self.sums(shape, lanes, &mut sums))
    }

    /// The backward pass of [`attend`](Self::attend), from the gradient of A to that of z.
    #[inline(always)]
    pub fn attend_back<S: Lanes>(
        &self,
        simd: S,
        lane: &mut Lane<'_, S>,
        trace: &mut QkvTrace<&mut [S::f32s]>,
        back: LaneBack<'_, S>,
    ) {
        let (shape, d) = (lane.shape, lane.shape.d_unit);
        let weights = self.weights(d, &mut { lane.weights });
        let room = self.back_room(shape, S::F32_LANES, &mut &mut *lane.scratch);
        let LaneBack {
            z,
            out,
            z_gradient,
            window,
            sums,
        } = back;
        let (joint_sums, lag_gradient, end_sums) = match self.wanted(shape, S::F32_LANES, sums) {
            Some(sums) => (Some(sums.joint), sums.lag_bias, Some(sums.end)),
            None => (None, &mut [][..], None),
        };
        self.end
            .backward(simd, weights.end, &trace.end, out, end_sums);
        let (keys, values, key_gradient, value_gradient) = match shape.memory {
            Memory::Sliding => {
                let (keys, values) = lane.window.split_at(lane.window.len() / 2);
                let (key_gradient, value_gradient) = window.split_at_mut(window.len() / 2);
                (keys, values, key_gradient, value_gradient)
            }
            Memory::Rewritten => {
                room.row_gradients.fill(simd.splat_f32s(0.0));
                let (keys, values) = trace.rows.split_at(shape.context * d);
                let gradients = room.row_gradients.split_at_mut(shape.context * d);
                (keys, values, gradients.0, gradients.1)
            }
        };
        let window = self.window(shape, lane.slot);
        let (queries, weights_len) = (window.queries * d, window.weights_len());
        for strip in 0..shape.abreast {
            let rows = strip * queries..(strip + 1) * queries;
            let pass = Back {
                queries: &trace.query[rows.clone()],
                keys: &keys[strip * d..],
                values: &values[strip * d..],
                weights: &mut trace.attention[strip * weights_len..][..weights_len],
                attended: &out[rows.clone()],
                query_gradient: &mut room.query_gradient[rows],
                key_gradient: &mut key_gradient[strip * d..],
                value_gradient: &mut value_gradient[strip * d..],
                lag_gradient: &mut *lag_gradient,
            };
            simd.attend_back(window, pass);
        }
        let newest = match shape.memory {
            Memory::Sliding => Self::row(shape, lane.slot),
            Memory::Rewritten => 0..shape.context * d,
        };
        let key_gradient = &mut key_gradient[newest.clone()];
        let value_gradient = &mut value_gradient[newest];
        match self.end.residual {
            true => z_gradient.copy_from_slice(out),
            false => z_gradient.fill(simd.splat_f32s(0.0)),
        }
        let gradients = [&*room.query_gradient, &*key_gradient, &*value_gradient];
        rows_back(simd, &weights, gradients, z_gradient);
        if let Some(sums) = joint_sums {
            add_rows(simd, gradients, z, room.rows, sums);
        }
        if shape.memory == Memory::Sliding {
            key_gradient.fill(simd.splat_f32s(0.0));
            value_gradient.fill(simd.splat_f32s(0.0));
        }
    }

    /// The backward pass through the keys and values of a row that was remembered without an output.
    #[inline(always)]
    pub(super) fn settle_row<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>) {
        let shape = lane.shape;
        let weights = self.weights(shape.d_unit, &mut { lane.weights });
        let room = rows_room(shape, shape.rows(), S::F32_LANES, &mut &mut *lane.scratch);
        let (keys, values) = back.window.split_at_mut(back.window.len() / 2);
        let row = Self::row(shape, lane.slot);
        let (key, value) = (&mut keys[row.clone()], &mut values[row]);
        back.z_gradient.fill(simd.splat_f32s(0.0));
        let gradients = [&[][..], &*key, &*value];
        rows_back(simd, &weights, gradients, back.z_gradient);
        if let Some(Sums { joint: sums, .. }) = self.wanted(shape, S::F32_LANES, back.sums) {
            add_rows(simd, gradients, back.z, room, sums);
        }
        key.fill(simd.splat_f32s(0.0));
        value.fill(simd.splat_f32s(0.0));
    }

    /// Adds the sums of weight gradients, which lie side by side for queries, keys and values, to the gradient.
    pub fn collect_sums(
        &self,
        shape: Shape,
        sums: &mut LaneSums<'_>,
        gradient: &mut UnitGradient<'_>,
    ) {
        let (d, lanes) = (shape.d_unit, sums.lanes);
        let LinearSums { products, bias } = joint(d).sums(lanes, sums);
        let mut weights = vec![0.0; 3 * d * d];
        joint(d).outer(lanes).collect(products, &mut weights);
        for part in 0..3 {
            let weight = gradient.next(d * d);
            for (weight, joint) in weight.chunks_exact_mut(d).zip(weights.chunks_exact(3 * d)) {
                for (weight, joint) in weight.iter_mut().zip(&joint[part * d..]) {
                    *weight += joint;
                }
            }
            collect_rows(lanes, &bias[part * d * lanes..], gradient.next(d));
        }
        let lag_bias = sums.part(self.lag_biases());
        if !lag_bias.is_empty() {
            collect_rows(lanes, lag_bias, gradient.next(self.lag_biases()));
        }
        self.end.collect(d, sums, gradient);
    }
}

/// Cuts what [`add_rows`] needs for itself off the scratch.
#[inline(always)]
fn rows_room<P: Parts>(
    shape: Shape,
    rows: usize,
    lanes: usize,
    scratch: &mut P,
) -> RowsRoom<P::Part> {
    RowsRoom {
        joint: scratch.part(3 * rows * shape.d_unit),
        sum: scratch.part(joint(shape.d_unit).room_len(rows, lanes)),
    }
}

/// Adds to the gradient of z what comes through queries, keys and values, each unless it is empty.
#[inline(always)]
fn rows_back<S: Lanes>(
    simd: S,
    weights: &Weights<'_>,
    gradients: [&[S::f32s]; 3],
    z_gradient: &mut [S::f32s],
) {
    let layers = [weights.query, weights.key, weights.value];
    let d = weights.query.bias.len();
    for (gradient, weights) in gradients.into_iter().zip(layers) {
        if !gradient.is_empty() {
            layer(d).backward(simd, weights, gradient, true, z_gradient);
        }
    }
}

/// Adds the gradients of the weights to their sums; an empty gradient is zero.
#[inline(always)]
fn add_rows<S: Lanes>(
    simd: S,
    gradients: [&[S::f32s]; 3],
    z: &[S::f32s],
    room: RowsRoom<&mut [S::f32s]>,
    sums: LinearSums<&mut [S::f32s]>,
) {
    let d = sums.bias.len() / 3;
    for (row, to) in room.joint.chunks_exact_mut(3 * d).enumerate() {
        for (gradient, to) in gradients.iter().zip(to.chunks_exact_mut(d)) {
            match gradient.is_empty() {
                true => to.fill(simd.splat_f32s(0.0)),
                false => to.copy_from_slice(&gradient[row * d..][..d]),
            }
        }
    }
    joint(d).add(simd, z, room.joint, room.sum, sums);
}

//! What a kind of unit brings to the scan: its step, forward and backward, for any vector width.

use std::fmt::Debug;

use pulp::Scalar;
use serde::{Deserialize, Serialize};

use crate::arch::Lanes;
use crate::weights::{Tensor, UnitGradient, UnitWeights};

/// What the working memory holds: equations 7 and 8 of docs/model.md#working-memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// The last C rows of unit inputs, z_t = wire(x_t, h_{t−1}). Rows never change once computed; only the newest row
    /// of the units' output is kept, as h_t.
    #[default]
    Sliding,
    /// A whole C×N matrix M. Row i of the unit input is wire(x_{t−C+1+i}, M_{t−1}\[i\]); all rows of the units' output
    /// become M_t, and h_t is the newest.
    Rewritten,
}

impl Memory {
    /// Rows that are computed in one step with C rows of context: 1 in sliding memory, C in rewritten memory.
    #[inline]
    pub fn rows(self, context: usize) -> usize {
        match self {
            Self::Sliding => 1,
            Self::Rewritten => context,
        }
    }
}

/// The sizes of a population, as its kernel sees them.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The working memory.
    pub memory: Memory,
    /// Units U.
    pub units: usize,
    /// Width D of a unit.
    pub d_unit: usize,
    /// Rows of context C.
    pub context: usize,
    /// Vectors of sequences that go through a step side by side, each in a row of its own, so that a weight that was loaded
    /// serves more than one: 1 or 2 in sliding memory, 1 in rewritten memory, where a step has C rows already.
    pub abreast: usize,
}

impl Shape {
    /// Rows that a unit computes in one step: one for each of the vectors [`abreast`](Self::abreast) in sliding memory, C in
    /// rewritten memory.
    #[inline]
    pub fn rows(self) -> usize {
        self.memory.rows(self.context) * self.abreast
    }
}

/// One unit at one step, with one sequence per lane of each of the vectors abreast.
pub struct Lane<'a, S: Lanes> {
    /// The sizes.
    pub shape: Shape,
    /// The unit's weights.
    pub weights: UnitWeights<'a>,
    /// What the kernel remembers of the rows in the window.
    pub window: &'a mut [S::f32s],
    /// Which row of the window the newest row has; 0 in rewritten memory.
    pub slot: usize,
    /// Room for what is needed within the step.
    pub scratch: &'a mut [S::f32s],
}

/// One unit at one step of a single sequence, whose width lies in the lanes.
pub struct Single<'a> {
    /// The sizes.
    pub shape: Shape,
    /// The unit's weights.
    pub weights: UnitWeights<'a>,
    /// What the kernel remembers of the rows in the window.
    pub window: &'a mut [f32],
    /// Which row of the window the newest row has; 0 in rewritten memory.
    pub slot: usize,
    /// Room for what is needed within the step, as much as on vectors of one number.
    pub scratch: &'a mut [f32],
}

impl<'a> Single<'a> {
    /// The same as one lane of vectors of one number.
    #[inline(always)]
    fn lane(self) -> Lane<'a, Scalar> {
        Lane {
            shape: self.shape,
            weights: self.weights,
            window: self.window,
            slot: self.slot,
            scratch: self.scratch,
        }
    }
}

/// What a unit's backward pass reads and writes beside what the forward pass does.
pub struct LaneBack<'a, S: Lanes> {
    /// The unit's input rows, `[rows, d_unit]`.
    pub z: &'a [S::f32s],
    /// The gradient of its output rows, `[rows, d_unit]`; may be overwritten.
    pub out: &'a mut [S::f32s],
    /// To be set to the gradient of z, `[rows, d_unit]`.
    pub z_gradient: &'a mut [S::f32s],
    /// The gradient of the window, to be added to; the newest row's part is complete, and is to be
    /// left at zero.
    pub window: &'a mut [S::f32s],
    /// Sums of weight gradients, to be added to; empty when they are not wanted.
    pub sums: &'a mut [S::f32s],
}

/// A kind of unit, written once for every vector width.
///
/// Every length is in numbers per lane and per unit, so that a vector counts as one. In sliding
/// memory a kernel may remember something of each of the C rows that the window has; in rewritten
/// memory it is given all C rows at each step and remembers nothing. All generic functions must be
/// `#[inline(always)]`, see [`WithLanes`](crate::WithLanes).
///
/// A kind that sees one row at a time implements [`name`](Self::name), [`tensors`](Self::tensors),
/// [`sums_len`](Self::sums_len), [`forward`](Self::forward), [`backward`](Self::backward) and
/// [`collect`](Self::collect). One that remembers its window also implements [`window_len`](Self::window_len),
/// [`remember`](Self::remember) and [`settle`](Self::settle), and [`takes_abreast`](Self::takes_abreast) where its window and
/// all these can have a row for each of several vectors of sequences.
///
/// The scan calls it as an [`Arc<dyn Kernel>`](crate::Kernel). Code of a generic kernel is compiled in the crate that
/// makes it one, with that crate's profile: the kind's own crate should do so, in a function that is not inlined.
///
/// ```
/// use std::sync::Arc;
/// use ran_scan::UnitKernel;
/// # use ran_scan::arch::Lanes;
/// # use ran_scan::unit::{Lane, LaneBack, Shape};
/// # use ran_scan::weights::{Tensor, UnitGradient};
/// # #[derive(Debug)]
/// # struct Same;
/// # impl UnitKernel for Same {
/// #     fn name(&self) -> &'static str { "same" }
/// #     fn tensors(&self, _: usize) -> Vec<Tensor> { Vec::new() }
/// #     fn sums_len(&self, _: Shape, _: usize) -> usize { 0 }
/// #     fn forward<S: Lanes>(&self, _: S, _: Lane<'_, S>, z: &[S::f32s], out: &mut [S::f32s]) {
/// #         out.copy_from_slice(z);
/// #     }
/// #     fn backward<S: Lanes>(&self, _: S, _: Lane<'_, S>, back: LaneBack<'_, S>) {
/// #         back.z_gradient.copy_from_slice(back.out);
/// #     }
/// #     fn collect(&self, _: Shape, _: usize, _: &[f32], _: UnitGradient<'_>) {}
/// # }
///
/// impl From<Same> for Arc<dyn ran_scan::Kernel> {
///     #[inline(never)]
///     fn from(kind: Same) -> Self {
///         Arc::new(kind)
///     }
/// }
/// # let kernel: Arc<dyn ran_scan::Kernel> = Same.into();
/// # assert_eq!(kernel.name(), "same");
/// ```
pub trait UnitKernel: Debug + Send + Sync + 'static {
    /// What the kind is called.
    fn name(&self) -> &'static str;

    /// Says why a width is not possible for it, if so; any is unless it says so.
    ///
    /// # Errors
    ///
    /// The sentence.
    fn check(&self, _d_unit: usize) -> Result<(), String> {
        Ok(())
    }

    /// The tensors of one unit's weights, in order.
    fn tensors(&self, d_unit: usize) -> Vec<Tensor>;

    /// What one unit remembers of its window: nothing unless it says so.
    fn window_len(&self, _shape: Shape) -> usize {
        0
    }

    /// Whether a step can go through several vectors of sequences [`abreast`](Shape::abreast) in sliding memory: where the
    /// kind remembers nothing, unless it says otherwise.
    fn takes_abreast(&self, shape: Shape) -> bool {
        self.window_len(shape) == 0
    }

    /// Scratch that any of its steps needs, on vectors of `lanes` numbers: none unless it says so. The scratch is left as
    /// the last step left it.
    fn scratch_len(&self, _shape: Shape, _lanes: usize) -> usize {
        0
    }

    /// Sums of weight gradients, on vectors of `lanes` numbers.
    fn sums_len(&self, shape: Shape, lanes: usize) -> usize;

    /// Remembers rows z `[rows, d_unit]`, one for each vector abreast, in the window without computing an output (sliding memory).
    ///
    /// # Panics
    ///
    /// Unless it is implemented; it is not called where [`window_len`](Self::window_len) is 0.
    #[inline(always)]
    fn remember<S: Lanes>(&self, _simd: S, _lane: Lane<'_, S>, _z: &[S::f32s]) {
        lacks(self.name(), "remember")
    }

    /// Computes the output rows of the input rows z, both `[rows, d_unit]`.
    fn forward<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s], out: &mut [S::f32s]);

    /// As [`remember`](Self::remember), for a single sequence: on vectors of one number unless it is implemented.
    #[inline(always)]
    fn remember_single<S: Lanes>(&self, _simd: S, single: Single<'_>, z: &[f32]) {
        self.remember(Scalar::new(), single.lane(), z);
    }

    /// As [`forward`](Self::forward), for a single sequence: on vectors of one number unless it is implemented.
    #[inline(always)]
    fn forward_single<S: Lanes>(&self, _simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]) {
        self.forward(Scalar::new(), single.lane(), z, out);
    }

    /// The backward pass of [`forward`](Self::forward). The window is as it was just after it.
    fn backward<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>);

    /// The backward pass of [`remember`](Self::remember): as `backward`, without an output.
    ///
    /// # Panics
    ///
    /// Unless it is implemented; it is not called where [`window_len`](Self::window_len) is 0.
    #[inline(always)]
    fn settle<S: Lanes>(&self, _simd: S, _lane: Lane<'_, S>, _back: LaneBack<'_, S>) {
        lacks(self.name(), "settle")
    }

    /// Adds the sums of weight gradients to the gradient.
    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: UnitGradient<'_>);
}

/// A kind remembers its window, but not how.
#[cold]
#[inline(never)]
fn lacks(kind: &str, method: &str) -> ! {
    panic!("{kind}: a kernel whose window_len is not 0 must implement UnitKernel::{method}")
}

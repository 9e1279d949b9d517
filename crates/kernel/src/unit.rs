//! What a kind of unit brings to the scan: its steps forward and back, for any vector width.

use std::fmt::Debug;

use crate::arch::Lanes;
use crate::packed::{Tensor, UnitWeights};

/// Which of the two working memories the units see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The last C rows; each step computes one.
    Sliding,
    /// C rows that every step computes anew.
    Rewritten,
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
}

impl Shape {
    /// Rows that a unit computes in one step: 1 in sliding memory, C in rewritten memory.
    pub fn rows(self) -> usize {
        match self.memory {
            Memory::Sliding => 1,
            Memory::Rewritten => self.context,
        }
    }
}

/// The gradient of a population's weights, of which one unit's part is added to.
pub struct UnitGradient<'a> {
    /// All tensors of the population, one after another, each with the units first.
    pub gradient: &'a mut [f32],
    /// Units U.
    pub units: usize,
    /// Which unit.
    pub unit: usize,
}

impl<'a> UnitGradient<'a> {
    /// The unit's part of the next tensor, which has `len` numbers per unit.
    pub fn next(&mut self, len: usize) -> &'a mut [f32] {
        let (tensor, rest) = std::mem::take(&mut self.gradient).split_at_mut(self.units * len);
        self.gradient = rest;
        &mut tensor[self.unit * len..][..len]
    }
}

/// One unit at one step, with one sequence per lane.
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

/// What a unit's way back reads and writes beside what the way forward does.
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
    /// Sums of weight gradients, to be added to; empty when nobody wants them.
    pub sums: &'a mut [S::f32s],
}

/// A kind of unit, written once for every vector width.
///
/// Every length is in numbers per lane and per unit, so that a vector counts as one. In sliding
/// memory a kernel may remember something of each of the C rows that the window has; in rewritten
/// memory it is given all C rows at each step and remembers nothing. All generic functions must be
/// `#[inline(always)]`, see [`WithLanes`](crate::WithLanes).
pub trait UnitKernel: Debug + Send + Sync + 'static {
    /// What the kind is called.
    fn name(&self) -> &'static str;

    /// Says why a width is not possible for it, if so.
    ///
    /// # Errors
    ///
    /// The sentence.
    fn check(&self, d_unit: usize) -> Result<(), String>;

    /// The tensors of one unit's weights, in order.
    fn tensors(&self, d_unit: usize) -> Vec<Tensor>;

    /// What one unit remembers of its window.
    fn window_len(&self, shape: Shape) -> usize;

    /// Scratch that a step forward or back needs, on vectors of `lanes` numbers.
    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize;

    /// Sums of weight gradients, on vectors of `lanes` numbers.
    fn sums_len(&self, shape: Shape, lanes: usize) -> usize;

    /// Remembers a row z `[d_unit]` in the window without computing an output (sliding memory).
    fn remember<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s]);

    /// Computes the output rows of the input rows z, both `[rows, d_unit]`.
    fn forward<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, z: &[S::f32s], out: &mut [S::f32s]);

    /// As [`remember`](Self::remember), for a single sequence.
    fn remember_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32]);

    /// As [`forward`](Self::forward), for a single sequence.
    fn forward_single<S: Lanes>(&self, simd: S, single: Single<'_>, z: &[f32], out: &mut [f32]);

    /// Goes back through [`forward`](Self::forward). The window is as it was just after it.
    fn backward<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>);

    /// Goes back through [`remember`](Self::remember): as `backward`, without an output.
    fn settle<S: Lanes>(&self, simd: S, lane: Lane<'_, S>, back: LaneBack<'_, S>);

    /// Adds the sums of weight gradients to the gradient.
    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: UnitGradient<'_>);
}

//! A kind of unit as the scan calls it: a whole population at a time, on the vectors that the processor has.

use std::fmt::Debug;

use crate::arch::{Arch, Lanes, WithLanes};
use crate::unit::{Lane, LaneBack, Shape, Single, UnitKernel};
use crate::weights::{Tensor, UnitGradient, UnitWeights};

/// A population at one step, in the lanes of a block of sequences.
pub struct Block<'a> {
    /// The vectors.
    pub arch: Arch,
    /// The sizes.
    pub shape: Shape,
    /// The packed weights, unit after unit.
    pub weights: &'a [f32],
    /// Where a unit's transposed matrices begin; its whole length in the forward pass.
    pub transposed: usize,
    /// What the kernel remembers, unit after unit.
    pub window: &'a mut [f32],
    /// Which row of the window the newest row has.
    pub slot: usize,
    /// Scratch of one unit.
    pub scratch: &'a mut [f32],
}

/// What a population's backward pass reads and writes; unit after unit, as in [`LaneBack`].
pub struct BlockBack<'a> {
    /// Input rows.
    pub z: &'a [f32],
    /// Gradient of the output rows.
    pub out: &'a mut [f32],
    /// Gradient of the input rows.
    pub z_gradient: &'a mut [f32],
    /// Gradient of the window.
    pub window: &'a mut [f32],
    /// Sums of weight gradients, or empty.
    pub sums: &'a mut [f32],
}

/// A kind of unit as the scan calls it. Implement [`UnitKernel`] to have it.
pub trait Kernel: Debug + Send + Sync {
    /// See [`UnitKernel::name`].
    fn name(&self) -> &'static str;
    /// See [`UnitKernel::check`].
    ///
    /// # Errors
    ///
    /// The sentence.
    fn check(&self, d_unit: usize) -> Result<(), String>;
    /// See [`UnitKernel::tensors`].
    fn tensors(&self, d_unit: usize) -> Vec<Tensor>;
    /// Weights of one unit.
    fn weights_len(&self, d_unit: usize) -> usize {
        self.tensors(d_unit).into_iter().map(Tensor::len).sum()
    }
    /// See [`UnitKernel::window_len`].
    fn window_len(&self, shape: Shape) -> usize;
    /// See [`UnitKernel::takes_abreast`].
    fn takes_abreast(&self, shape: Shape) -> bool;
    /// See [`UnitKernel::scratch_len`].
    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize;
    /// See [`UnitKernel::sums_len`].
    fn sums_len(&self, shape: Shape, lanes: usize) -> usize;
    /// See [`UnitKernel::remember`]; z is `[units, rows, d_unit]` vectors.
    fn remember(&self, block: Block<'_>, z: &[f32]);
    /// See [`UnitKernel::forward`]; z and out are `[units, rows, d_unit]` vectors.
    fn forward(&self, block: Block<'_>, z: &[f32], out: &mut [f32]);
    /// See [`UnitKernel::remember_single`]; the block's window and z are those of some units alone, and `first` is
    /// the first, while its weights are those of all units.
    fn remember_single(&self, block: Block<'_>, first: usize, z: &[f32]);
    /// See [`UnitKernel::forward_single`]; as [`remember_single`](Self::remember_single).
    fn forward_single(&self, block: Block<'_>, first: usize, z: &[f32], out: &mut [f32]);
    /// See [`UnitKernel::backward`].
    fn backward(&self, block: Block<'_>, back: BlockBack<'_>);
    /// See [`UnitKernel::settle`].
    fn settle(&self, block: Block<'_>, back: BlockBack<'_>);
    /// Adds the sums of all units to the population's gradient.
    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: &mut [f32]);
}

impl<K: UnitKernel> Kernel for K {
    fn name(&self) -> &'static str {
        UnitKernel::name(self)
    }

    fn check(&self, d_unit: usize) -> Result<(), String> {
        UnitKernel::check(self, d_unit)
    }

    fn tensors(&self, d_unit: usize) -> Vec<Tensor> {
        UnitKernel::tensors(self, d_unit)
    }

    fn window_len(&self, shape: Shape) -> usize {
        UnitKernel::window_len(self, shape)
    }

    fn takes_abreast(&self, shape: Shape) -> bool {
        UnitKernel::takes_abreast(self, shape)
    }

    fn scratch_len(&self, shape: Shape, lanes: usize) -> usize {
        UnitKernel::scratch_len(self, shape, lanes)
    }

    fn sums_len(&self, shape: Shape, lanes: usize) -> usize {
        UnitKernel::sums_len(self, shape, lanes)
    }

    fn remember(&self, block: Block<'_>, z: &[f32]) {
        if UnitKernel::window_len(self, block.shape) > 0 {
            let arch = block.arch;
            arch.run(Remember {
                kernel: self,
                block,
                z,
            });
        }
    }

    fn forward(&self, block: Block<'_>, z: &[f32], out: &mut [f32]) {
        let arch = block.arch;
        arch.run(Forward {
            kernel: self,
            block,
            z,
            out,
        });
    }

    fn remember_single(&self, block: Block<'_>, first: usize, z: &[f32]) {
        if UnitKernel::window_len(self, block.shape) > 0 {
            let arch = block.arch;
            arch.run(SingleStep {
                kernel: self,
                block,
                first,
                z,
                out: None,
            });
        }
    }

    fn forward_single(&self, block: Block<'_>, first: usize, z: &[f32], out: &mut [f32]) {
        let arch = block.arch;
        arch.run(SingleStep {
            kernel: self,
            block,
            first,
            z,
            out: Some(out),
        });
    }

    fn backward(&self, block: Block<'_>, back: BlockBack<'_>) {
        let arch = block.arch;
        arch.run(Backward {
            kernel: self,
            block,
            back,
            settle: false,
        });
    }

    fn settle(&self, block: Block<'_>, back: BlockBack<'_>) {
        if UnitKernel::window_len(self, block.shape) == 0 {
            back.z_gradient.fill(0.0);
            return;
        }
        let arch = block.arch;
        arch.run(Backward {
            kernel: self,
            block,
            back,
            settle: true,
        });
    }

    fn collect(&self, shape: Shape, lanes: usize, sums: &[f32], gradient: &mut [f32]) {
        let len = UnitKernel::sums_len(self, shape, lanes) * lanes;
        for unit in 0..shape.units {
            let gradient = UnitGradient {
                gradient: &mut *gradient,
                units: shape.units,
                unit,
            };
            UnitKernel::collect(self, shape, lanes, &sums[unit * len..][..len], gradient);
        }
    }
}

/// Cuts the block into its units.
macro_rules! lane {
    ($self:ident, $block:ident, $window_len:ident, $unit:ident) => {{
        let window = &mut S::as_mut_simd_f32s($block.window).0[$unit * $window_len..];
        let len = $block.weights.len() / $block.shape.units;
        let (weights, transposed) =
            $block.weights[$unit * len..][..len].split_at($block.transposed);
        Lane {
            shape: $block.shape,
            weights: UnitWeights {
                weights,
                transposed,
            },
            window: &mut window[..$window_len],
            slot: $block.slot,
            scratch: S::as_mut_simd_f32s($block.scratch).0,
        }
    }};
}

struct Remember<'a, K> {
    kernel: &'a K,
    block: Block<'a>,
    z: &'a [f32],
}

impl<K: UnitKernel> WithLanes for Remember<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let block = self.block;
        let window_len = UnitKernel::window_len(self.kernel, block.shape);
        let size = block.shape.rows() * block.shape.d_unit;
        let rows = S::as_simd_f32s(self.z).0.chunks_exact(size);
        for (unit, z) in rows.enumerate() {
            let lane = lane!(self, block, window_len, unit);
            self.kernel.remember(simd, lane, z);
        }
    }
}

struct Forward<'a, K> {
    kernel: &'a K,
    block: Block<'a>,
    z: &'a [f32],
    out: &'a mut [f32],
}

impl<K: UnitKernel> WithLanes for Forward<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let block = self.block;
        let window_len = UnitKernel::window_len(self.kernel, block.shape);
        let size = block.shape.rows() * block.shape.d_unit;
        let z = S::as_simd_f32s(self.z).0.chunks_exact(size);
        let out = S::as_mut_simd_f32s(self.out).0.chunks_exact_mut(size);
        for (unit, (z, out)) in z.zip(out).enumerate() {
            let lane = lane!(self, block, window_len, unit);
            self.kernel.forward(simd, lane, z, out);
        }
    }
}

struct SingleStep<'a, K> {
    kernel: &'a K,
    block: Block<'a>,
    first: usize,
    z: &'a [f32],
    /// `None` only remembers.
    out: Option<&'a mut [f32]>,
}

impl<K: UnitKernel> WithLanes for SingleStep<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let Block {
            shape,
            weights,
            transposed,
            window,
            slot,
            scratch,
            ..
        } = self.block;
        let window_len = UnitKernel::window_len(self.kernel, shape);
        let len = weights.len() / shape.units;
        let width = shape.d_unit;
        let mut windows = window;
        let mut next_window = || {
            let (front, rest) = std::mem::take(&mut windows).split_at_mut(window_len);
            windows = rest;
            front
        };
        macro_rules! single {
            ($unit:expr) => {
                Single {
                    shape,
                    weights: UnitWeights {
                        weights: &weights[(self.first + $unit) * len..][..transposed],
                        transposed: &[],
                    },
                    window: next_window(),
                    slot,
                    scratch: &mut *scratch,
                }
            };
        }
        match self.out {
            None => {
                for (unit, z) in self.z.chunks_exact(width).enumerate() {
                    let single = single!(unit);
                    self.kernel.remember_single(simd, single, z);
                }
            }
            Some(out) => {
                let size = shape.rows() * width;
                let rows = self.z.chunks_exact(size).zip(out.chunks_exact_mut(size));
                for (unit, (z, out)) in rows.enumerate() {
                    let single = single!(unit);
                    self.kernel.forward_single(simd, single, z, out);
                }
            }
        }
    }
}

struct Backward<'a, K> {
    kernel: &'a K,
    block: Block<'a>,
    back: BlockBack<'a>,
    settle: bool,
}

impl<K: UnitKernel> WithLanes for Backward<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, simd: S) {
        let (block, back) = (self.block, self.back);
        let window_len = UnitKernel::window_len(self.kernel, block.shape);
        let sums_len = match back.sums.is_empty() {
            true => 0,
            false => UnitKernel::sums_len(self.kernel, block.shape, S::F32_LANES),
        };
        let size = block.shape.rows() * block.shape.d_unit;
        for unit in 0..block.shape.units {
            let lane = lane!(self, block, window_len, unit);
            let part = unit * size..(unit + 1) * size;
            let window = unit * window_len..(unit + 1) * window_len;
            let sums = unit * sums_len..(unit + 1) * sums_len;
            let out = S::as_mut_simd_f32s(back.out).0;
            let back = LaneBack {
                z: &S::as_simd_f32s(back.z).0[part.clone()],
                out: if self.settle {
                    &mut []
                } else {
                    &mut out[part.clone()]
                },
                z_gradient: &mut S::as_mut_simd_f32s(back.z_gradient).0[part],
                window: &mut S::as_mut_simd_f32s(back.window).0[window],
                sums: &mut S::as_mut_simd_f32s(back.sums).0[sums],
            };
            match self.settle {
                true => self.kernel.settle(simd, lane, back),
                false => self.kernel.backward(simd, lane, back),
            }
        }
    }
}

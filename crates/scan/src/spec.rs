//! A reservoir as the scan sees it: populations, wiring, working memory, leak.

use std::ops::Range;
use std::sync::Arc;

use crate::arch::Arch;
use crate::error::KernelError;
use crate::kernel::Kernel;
use crate::leaks::Leaks;
use crate::output::Output;
use crate::unit::{Memory, Shape};
use crate::weights::Tensor;
use crate::wiring::Wiring;

/// Units of one kind and width.
#[derive(Debug, Clone)]
pub struct Population {
    /// The kind.
    pub kernel: Arc<dyn Kernel>,
    /// Units U.
    pub units: usize,
    /// Width D of a unit.
    pub d_unit: usize,
    /// The function that bounds its rows.
    pub output: Output,
}

/// A checked description of a reservoir.
#[derive(Debug, Clone)]
pub struct ScanSpec {
    memory: Memory,
    context: usize,
    d_input: usize,
    leaks: Leaks,
    wiring: Arc<Wiring>,
    populations: Vec<Population>,
    places: Vec<Place>,
    arch: Option<Arch>,
}

/// Where a population lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) shape: Shape,
    /// Its first unit.
    pub(crate) unit: usize,
    /// Its first state dimension.
    pub(crate) state: usize,
    /// Its first weight.
    pub(crate) weights: usize,
    /// Weights of one unit.
    pub(crate) unit_weights: usize,
    /// Of these, the entries of matrices.
    pub(crate) unit_matrices: usize,
}

impl Place {
    /// Of the slots of `[units, rows, d_unit]`, the row and the first slot of the state of the d_unit slots at an index.
    #[inline(always)]
    pub(crate) fn slots(&self, index: usize) -> (usize, usize) {
        let (unit, row) = (index / self.shape.rows(), index % self.shape.rows());
        (row, self.state + unit * self.shape.d_unit)
    }

    /// The unit whose slots are those at an index of `[units, rows, d_unit]`, counted over all populations.
    #[inline(always)]
    pub(crate) fn unit(&self, index: usize) -> usize {
        self.unit + index / self.shape.rows()
    }

    /// Numbers of all its rows in one step.
    pub(crate) fn len(&self) -> usize {
        self.shape.units * self.shape.rows() * self.shape.d_unit
    }

    /// Numbers of one unit's packed weights.
    pub(crate) fn packed_len(&self, back: bool) -> usize {
        self.unit_weights + if back { self.unit_matrices } else { 0 }
    }
}

impl ScanSpec {
    /// Checks that the parts belong together.
    ///
    /// # Errors
    ///
    /// No rows of context, a leak outside (0, 1], another number of leaks than of units, a population without units or of an impossible
    /// width, or a wiring with another number of slots than the state has dimensions.
    pub fn new(
        memory: Memory,
        context: usize,
        d_input: usize,
        leaks: impl Into<Leaks>,
        wiring: impl Into<Arc<Wiring>>,
        populations: Vec<Population>,
    ) -> Result<Self, KernelError> {
        if context == 0 {
            return Err(KernelError::Range {
                name: "context",
                got: "0".into(),
                allowed: "at least 1 row",
            });
        }
        let leaks = leaks.into();
        leaks.check(populations.iter().map(|population| population.units).sum())?;
        if populations.is_empty() {
            return Err(KernelError::Range {
                name: "the number of populations",
                got: "0".into(),
                allowed: "at least 1",
            });
        }
        for (index, population) in populations.iter().enumerate() {
            let fail = |what| Err(KernelError::Population { index, what });
            if population.units == 0 || population.d_unit == 0 {
                return fail(format!(
                    "{} units of width {}, expected at least 1 of width 1",
                    population.units, population.d_unit
                ));
            }
            if let Err(what) = population.kernel.check(population.d_unit) {
                return fail(what);
            }
        }
        let spec = Self {
            memory,
            context,
            d_input,
            leaks,
            wiring: wiring.into(),
            places: places(memory, context, &populations),
            populations,
            arch: None,
        };
        spec.wiring.check(d_input, spec.d_state())?;
        Ok(spec)
    }

    /// The same on a given instruction set, in place of the one that suits the batch.
    pub fn on(self, arch: Arch) -> Self {
        Self {
            arch: Some(arch),
            ..self
        }
    }

    /// The working memory.
    pub fn memory(&self) -> Memory {
        self.memory
    }

    /// Rows of context C.
    pub fn context(&self) -> usize {
        self.context
    }

    /// Width of the input I.
    pub fn d_input(&self) -> usize {
        self.d_input
    }

    /// Width of the state N.
    pub fn d_state(&self) -> usize {
        self.populations
            .iter()
            .map(|population| population.units * population.d_unit)
            .sum()
    }

    /// The leaks α.
    pub fn leaks(&self) -> &Leaks {
        &self.leaks
    }

    /// The wiring.
    pub fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    /// The populations, in the order of their state dimensions.
    pub fn populations(&self) -> &[Population] {
        &self.populations
    }

    /// Numbers in the weights of all populations.
    pub fn weights_len(&self) -> usize {
        let of = |place: &Place| place.shape.units * place.unit_weights;
        self.places.iter().map(of).sum()
    }

    /// Numbers in the rows of memory for a batch, `[batch, context, d_state]`.
    pub fn rows_len(&self, batch: usize) -> usize {
        batch * self.context * self.d_state()
    }

    /// Numbers in the older inputs for a batch, `[batch, context − 1, d_input]`; none in sliding memory.
    pub fn older_inputs_len(&self, batch: usize) -> usize {
        match self.memory {
            Memory::Sliding => 0,
            Memory::Rewritten => batch * (self.context - 1) * self.d_input,
        }
    }

    /// Numbers in the states for a batch, `[batch, steps, d_state]`.
    pub fn states_len(&self, batch: usize, steps: usize) -> usize {
        batch * steps * self.d_state()
    }

    /// Cuts weights that lie one tensor after another, population after population, into tensors.
    ///
    /// # Errors
    ///
    /// Another number of weights than [`weights_len`](Self::weights_len).
    pub fn split<'a>(&self, weights: &'a [f32]) -> Result<Vec<&'a [f32]>, KernelError> {
        if weights.len() != self.weights_len() {
            return Err(KernelError::Length {
                name: "weights",
                got: weights.len(),
                expected: self.weights_len(),
                shape: "the weights of all populations".into(),
            });
        }
        let mut rest = weights;
        let mut next = |len| {
            let (tensor, others) = rest.split_at(len);
            rest = others;
            tensor
        };
        Ok(self.tensor_lens().map(&mut next).collect())
    }

    /// Numbers in each tensor of the weights, all units together, population after population.
    pub(crate) fn tensor_lens(&self) -> impl Iterator<Item = usize> {
        self.populations.iter().flat_map(|population| {
            let tensors = population.kernel.tensors(population.d_unit);
            let units = population.units;
            tensors.into_iter().map(move |tensor| units * tensor.len())
        })
    }

    /// Where each tensor lies when all follow one another.
    pub(crate) fn tensor_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.tensor_lens().scan(0, |end, len| {
            let start = *end;
            *end += len;
            Some(start..*end)
        })
    }

    /// The instruction set for a batch.
    pub(crate) fn arch_for(&self, batch: usize) -> Arch {
        self.arch.unwrap_or_else(|| Arch::for_batch(batch))
    }

    /// The same with another number of vectors of sequences abreast.
    pub(crate) fn with_abreast(&self, abreast: usize) -> Self {
        let mut spec = self.clone();
        for place in &mut spec.places {
            place.shape.abreast = abreast;
        }
        spec
    }

    /// How many vectors of sequences a batch goes through a step abreast.
    pub(crate) fn abreast_for(&self, arch: Arch, batch: usize, threads: usize) -> usize {
        let mut places = self.places();
        let taken = places.all(|(population, place)| population.kernel.takes_abreast(place.shape));
        match self.memory {
            Memory::Sliding if taken => arch.abreast(batch, threads),
            _ => 1,
        }
    }

    /// The instruction set for a single sequence: the widest that the units' widths fill, else the widest.
    pub(crate) fn single_arch(&self) -> Arch {
        let fills = |arch: &Arch| {
            let mut widths = self.populations.iter().map(|population| population.d_unit);
            arch.lanes() > 1 && widths.all(|width| width.is_multiple_of(arch.lanes()))
        };
        let fitting = || Arch::available().into_iter().find(fills);
        let arch = self.arch.or_else(fitting);
        arch.unwrap_or_else(Arch::widest)
    }

    /// Rows that are computed in one step.
    pub(crate) fn step_rows(&self) -> usize {
        self.places[0].shape.rows()
    }

    /// A population and where it lies.
    pub(crate) fn place(&self, index: usize) -> (&Population, Place) {
        (&self.populations[index], self.places[index])
    }

    /// Each population with its place.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&Population, Place)> {
        self.populations.iter().zip(self.places.iter().copied())
    }
}

/// Where each population lies.
fn places(memory: Memory, context: usize, populations: &[Population]) -> Vec<Place> {
    let (mut unit, mut state, mut weights) = (0, 0, 0);
    let place = |population: &Population| {
        let (units, d_unit) = (population.units, population.d_unit);
        let tensors = population.kernel.tensors(d_unit);
        let len = |&tensor: &Tensor| tensor.len();
        let is_matrix = |tensor: &&Tensor| matches!(tensor, Tensor::Matrix { .. });
        let place = Place {
            shape: Shape {
                memory,
                units,
                d_unit,
                context,
                abreast: 1,
            },
            unit,
            state,
            weights,
            unit_weights: tensors.iter().map(len).sum(),
            unit_matrices: tensors.iter().filter(is_matrix).map(len).sum(),
        };
        unit += units;
        state += units * d_unit;
        weights += units * place.unit_weights;
        place
    };
    populations.iter().map(place).collect()
}

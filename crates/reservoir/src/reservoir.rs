//! Populations, their wiring and their working memory.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData, backend::Backend};
use ran_topology::Wiring;
use ran_unit::{Initializer, RngStream, Unit};

use crate::wire::Wire;
use crate::{
    Inputs, Memory, MemoryData, MemoryKind, PopulationConfig, ReservoirConfig, ReservoirError,
    StandardUnit,
};

/// Entries of the dense matrix of a wiring of weighted sums: 4 GiB.
const MOST_DENSE: usize = 1 << 30;

/// A recurrent network whose neurons are units: U·D-wide populations, a fixed wiring, and a short working memory.
///
/// At each step the slots are filled from the new input and the last state, z_t = wire(x_t, h_{t−1}), the units see
/// the window of the last C rows, and h_t = (1−α)·h_{t−1} + α·output_t. A step costs the same however long the
/// sequence is.
///
/// `U` is the kind of unit: [`StandardUnit`] mixes those that come with the project.
#[derive(Module, Debug)]
pub struct Reservoir<B: Backend, U = StandardUnit<B>> {
    /// The populations, in the order of their places in the state.
    pub populations: Vec<U>,
    pub(crate) wire: Wire<B>,
    context: usize,
    #[module(skip)]
    memory: MemoryKind,
    /// The leak of each unit, population after population.
    #[module(skip)]
    leaks: Vec<f64>,
}

impl<B: Backend> Reservoir<B> {
    /// Draws a reservoir from a configuration and a seed: the wiring, then each population's weights, each from a
    /// stream of its own. `inputs` may be their number alone where no population reads them by name. `initializer` is the law for
    /// populations that name none.
    ///
    /// # Errors
    ///
    /// If the configuration is wrong or does not fit the inputs, or these leave no slot for recurrence.
    pub fn init(
        config: &ReservoirConfig,
        inputs: impl Into<Inputs>,
        initializer: Initializer,
        seed: u64,
        device: &B::Device,
    ) -> Result<Self, ReservoirError> {
        let inputs = inputs.into();
        let wiring = config.wire(inputs.clone(), &mut RngStream::Wiring.rng(seed))?;
        let populations = config.draw(&inputs, initializer, seed, device)?;
        Self::assemble(config, wiring, populations, device)
    }
}

impl ReservoirConfig {
    /// Draws the weights of the populations from a seed, each population's from a stream of its own; the configuration must
    /// have been checked.
    ///
    /// # Errors
    ///
    /// If a population's kind is not registered on this backend ([`register_on`](crate::register_on)), or populations read
    /// inputs that there are not, or more than they have slots for.
    pub fn draw<B: Backend>(
        &self,
        inputs: &Inputs,
        initializer: Initializer,
        seed: u64,
        device: &B::Device,
    ) -> Result<Vec<StandardUnit<B>>, ReservoirError> {
        self.drawn(inputs, PopulationConfig::clone, initializer, seed, device)
    }

    /// Draws one unit of each population, to see what it is made of.
    ///
    /// # Errors
    ///
    /// As [`draw`](Self::draw).
    pub fn draw_one_of_each<B: Backend>(
        &self,
        inputs: &Inputs,
        initializer: Initializer,
        device: &B::Device,
    ) -> Result<Vec<StandardUnit<B>>, ReservoirError> {
        let one = |population: &PopulationConfig| PopulationConfig {
            units: 1,
            ..population.clone()
        };
        self.drawn(inputs, one, initializer, 0, device)
    }

    fn drawn<B: Backend>(
        &self,
        inputs: &Inputs,
        what: impl Fn(&PopulationConfig) -> PopulationConfig,
        initializer: Initializer,
        seed: u64,
        device: &B::Device,
    ) -> Result<Vec<StandardUnit<B>>, ReservoirError> {
        let layouts = self.layouts(inputs)?;
        let populations = self.populations.iter().zip(layouts).enumerate();
        let populations = populations.map(|(index, (population, layout))| {
            let roles = layout.and_then(|layout| layout.roles);
            let rng = RngStream::Weights(index).rng(seed);
            what(population).init(roles, self.context, initializer, rng, device)
        });
        populations.collect()
    }
}

impl<B: Backend, U: Unit<B>> Reservoir<B, U> {
    /// Puts populations of any kind and a wiring together. Of `config` only the context, the memory and the leaks
    /// count: a population's own where `config` lists one at its place that has it.
    ///
    /// # Errors
    ///
    /// If the populations' widths do not sum up to the wiring's, or a number is out of range.
    pub fn assemble(
        config: &ReservoirConfig,
        wiring: Wiring,
        populations: Vec<U>,
        device: &B::Device,
    ) -> Result<Self, ReservoirError> {
        let widths = populations.iter().map(|unit| unit.shape().d_state());
        let (got, expected) = (widths.sum::<usize>(), wiring.d_state());
        if got != expected {
            let problem = format!(
                "must have as many slots as the wiring, {expected}, got units × d_unit = {got}"
            );
            return Err(ReservoirError::config("reservoir.population", problem));
        }
        let dense = wiring
            .d_input()
            .saturating_add(expected)
            .saturating_mul(expected);
        if !wiring.is_copy() && dense > MOST_DENSE {
            let problem = format!(
                "must be one of at most {MOST_DENSE} pairs of a source and a slot, got {dense}"
            );
            return Err(ReservoirError::config("reservoir.wiring", problem));
        }
        if config.context == 0 {
            let problem = "must be at least 1, got 0";
            return Err(ReservoirError::config("reservoir.context", problem));
        }
        config.leak.validate("reservoir.leak")?;
        let leaks = populations.iter().enumerate();
        let leaks = leaks.flat_map(|(index, unit)| {
            let units = unit.shape().units;
            config.leak_of(index).of_units(units)
        });
        let leaks: Vec<f64> = leaks.collect();
        Ok(Self {
            populations,
            wire: Wire::new(wiring, device),
            context: config.context,
            memory: config.memory,
            leaks,
        })
    }

    /// Multiply-adds per step of one sequence, in the units and in the wiring's weighted sums.
    pub fn multiply_adds(&self) -> usize {
        let rows = self.queries();
        let units = self.populations.iter().map(|population| {
            population.shape().units * population.multiply_adds(self.context, rows)
        });
        let wiring = self.wiring();
        let sums = if wiring.is_copy() {
            0
        } else {
            rows * wiring.sources().len()
        };
        units.sum::<usize>() + sums
    }
}

impl<B: Backend, U> Reservoir<B, U> {
    /// Width of the inputs, I.
    pub fn d_input(&self) -> usize {
        self.wiring().d_input()
    }

    /// Width of the state, N.
    pub fn d_state(&self) -> usize {
        self.wiring().d_state()
    }

    /// Rows of context, C.
    pub fn context(&self) -> usize {
        self.context
    }

    /// What the working memory holds.
    pub fn memory(&self) -> MemoryKind {
        self.memory
    }

    /// The leak α of each unit, population after population.
    pub fn leaks(&self) -> &[f64] {
        &self.leaks
    }

    /// The leak of all units, where they have the same.
    pub(crate) fn same_leak(&self) -> Option<f64> {
        let first = *self.leaks.first()?;
        self.leaks
            .iter()
            .all(|&leak| leak == first)
            .then_some(first)
    }

    /// What every slot reads.
    pub fn wiring(&self) -> &Wiring {
        self.wire.wiring()
    }

    /// Multiplies what each slot reads by its gain; one gain per slot, in the order of the state.
    ///
    /// # Errors
    ///
    /// If there is not one gain per slot, or a weight is then not finite.
    pub fn rescale(&mut self, gains: &[f32], device: &B::Device) -> Result<(), ReservoirError> {
        self.wire = Wire::new(self.wiring().scaled(gains)?, device);
        Ok(())
    }

    /// Numbers that the memory of one sequence has: C rows of the width of the state, and in `rewritten` memory the inputs of the C − 1
    /// steps before.
    pub fn memory_len(&self) -> usize {
        let older: usize = self
            .older_inputs_shape(1)
            .map_or(0, |shape| shape.iter().product());
        self.context * self.d_state() + older
    }

    /// The memory before the first step: every row is zero.
    pub fn start(&self, batch: usize, device: &B::Device) -> Memory<B> {
        let inputs = self.older_inputs_shape(batch);
        Memory {
            rows: Tensor::zeros([batch, self.context, self.d_state()], device),
            inputs: inputs.map(|shape| Tensor::zeros(shape, device)),
        }
    }

    /// Brings a saved memory back.
    ///
    /// # Errors
    ///
    /// If its shapes are not this reservoir's, or its numbers are no floats or do not fill their shapes.
    pub fn restore(
        &self,
        saved: &MemoryData,
        device: &B::Device,
    ) -> Result<Memory<B>, ReservoirError> {
        let batch = saved.rows.shape.first().copied().unwrap_or(0);
        let rows = vec![batch, self.context, self.d_state()];
        if saved.rows.shape[..] != rows[..] {
            return Err(mismatch("rows", rows, &saved.rows.shape));
        }
        check_numbers("rows", &saved.rows)?;
        let expected = self.older_inputs_shape(batch).map(Vec::from);
        let got = saved.inputs.as_ref().map(|data| data.shape.to_vec());
        if got != expected {
            let got = got.unwrap_or_default();
            return Err(mismatch("inputs", expected.unwrap_or_default(), &got));
        }
        if let Some(inputs) = &saved.inputs {
            check_numbers("inputs", inputs)?;
        }
        Ok(Memory {
            rows: Tensor::from_data(saved.rows.clone(), device),
            inputs: saved
                .inputs
                .clone()
                .map(|data| Tensor::from_data(data, device)),
        })
    }

    /// The shape of the inputs that the memory keeps, where it keeps any.
    pub(crate) fn older_inputs_shape(&self, batch: usize) -> Option<[usize; 3]> {
        let keeps = self.memory == MemoryKind::Rewritten && self.context > 1;
        keeps.then(|| [batch, self.context - 1, self.d_input()])
    }

    /// # Panics
    ///
    /// If the inputs and the memory are not of this reservoir's shapes, naming expected and got.
    pub(crate) fn check(&self, inputs: &Tensor<B, 3>, memory: &Memory<B>) {
        let [batch, steps, d_input] = inputs.dims();
        assert!(steps > 0, "inputs must have at least one step, got none");
        assert_eq!(
            d_input,
            self.d_input(),
            "inputs must be [batch, steps, d_input] with d_input = {}, got {:?}",
            self.d_input(),
            inputs.dims()
        );
        assert_eq!(
            memory.rows.dims(),
            [batch, self.context, self.d_state()],
            "the memory's rows must be [batch, context, d_state] (left: got, right: expected)"
        );
        assert_eq!(
            memory.inputs.as_ref().map(Tensor::dims),
            self.older_inputs_shape(batch),
            "the memory's inputs must be [batch, context - 1, d_input] (left: got, right: expected)"
        );
    }
}

/// A saved memory whose shapes are another reservoir's.
pub(crate) fn mismatch(part: &'static str, expected: Vec<usize>, got: &[usize]) -> ReservoirError {
    ReservoirError::Memory {
        part,
        expected,
        got: got.to_vec(),
    }
}

/// Checks that saved numbers are floats that fill their shape: a backend would panic at others.
pub(crate) fn check_numbers(part: &'static str, saved: &TensorData) -> Result<(), ReservoirError> {
    let count = saved.shape.iter().copied().fold(1, usize::saturating_mul);
    let bytes = count.saturating_mul(saved.dtype.size());
    if saved.dtype.is_float() && saved.bytes.len() == bytes {
        return Ok(());
    }
    Err(ReservoirError::MemoryNumbers {
        part,
        expected: count,
        got: format!("{} bytes of {:?}", saved.bytes.len(), saved.dtype),
    })
}
